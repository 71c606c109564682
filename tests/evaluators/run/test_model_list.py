"""Lists of models: what a line says, and what is wrong with it before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_evaluators.run.model_list import read_model_list


def written(folder: Path, text: str) -> Path:
    path = folder / "models.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_says_a_model_and_its_options(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("koala\n", encoding="utf-8")
    path = written(
        tmp_path,
        """# two models
micro/vit

  timm/resnet50.a1_in1k --weights 'my weights.pt' --framing si   # "mine", isn't it
timm/resnet18 --label-space labels.txt --dtype float64 --batch-size 7
hf/a/b --label-space=imagenet-12k --weights /there/w.safetensors
""",
    )
    plain, weighted, labelled, named = read_model_list(path)
    assert (plain.spec, plain.line, plain.text) == ("micro/vit", 2, "micro/vit")
    said = (plain.weights, plain.label_space, plain.framing, plain.dtype, plain.batch_size)
    assert said == (None,) * 5
    assert (weighted.spec, weighted.line) == ("timm/resnet50.a1_in1k", 4)
    assert (weighted.weights, weighted.framing) == (tmp_path / "my weights.pt", "si")
    assert weighted.text == "timm/resnet50.a1_in1k --weights 'my weights.pt' --framing si"
    assert labelled.label_space == str(tmp_path / "labels.txt")
    assert (labelled.dtype, labelled.batch_size) == ("float64", 7)
    assert (named.spec, named.label_space) == ("hf/a/b", "imagenet-12k")
    assert named.weights == Path("/there/w.safetensors")


def test_paths_are_those_of_the_lists_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "labels.txt").write_text("koala\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "below", "micro/vit --weights w.pt\n")
    assert read_model_list(path)[0].weights == tmp_path / "below" / "w.pt"
    path.write_text("timm/resnet18 --label-space labels.txt\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 1: unknown label space 'labels\.txt'"):
        read_model_list(path)
    path.write_text("timm/resnet18 --label-space ../labels.txt\n", encoding="utf-8")
    assert read_model_list(path)[0].label_space == str(tmp_path / "below" / "../labels.txt")


WRONG = {
    "no spec": ("micro/vit\nvit", "line 2: model spec 'vit' is not LOADER/NAME"),
    "no such loader": ("tim/resnet50", "line 1: unknown loader 'tim'; did you mean 'timm'"),
    "an unknown option": ("micro/vit --val x", "line 1: unrecognized arguments: --val x"),
    "half an option": ("micro/vit --batch 3", "line 1: unrecognized arguments: --batch 3"),
    "an option without its value": ("micro/vit --weights", "line 1: argument --weights: expected"),
    "an option alone": ("\n--weights x", "line 2: the following arguments are required: SPEC"),
    "two specs": ("micro/vit micro/robust", "line 1: unrecognized arguments: micro/robust"),
    "no framing": ("micro/vit --framing sii", "line 1: unknown framing 'sii'; did you mean 'si'"),
    "no dtype": ("micro/vit --dtype float", "line 1: unknown dtype 'float'; did you mean"),
    "no label space": (
        "timm/resnet18 --label-space imagnet-1k",
        "line 1: unknown label space 'imagnet-1k'; did you mean 'imagenet-1k'",
    ),
    "no number": ("micro/vit --batch-size x", "line 1: --batch-size 'x': give a whole number"),
    "no batch": ("micro/vit --batch-size 0", "line 1: --batch-size '0': give a whole number"),
    "an open quote": ("micro/vit --weights 'x", "line 1: No closing quotation; mend the quotes"),
    "twice": (
        "micro/vit --framing si\nmicro/robust\nmicro/vit  --framing=si # again",
        "line 3: says the same as line 1; remove one of them",
    ),
    "nothing": ("# none\n\n", "names no models; write one a line, as LOADER/NAME"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path: Path, what: str) -> None:
    text, said = WRONG[what]
    with pytest.raises(UserError) as error:
        read_model_list(written(tmp_path, text))
    assert str(error.value).startswith(f"{tmp_path / 'models.txt'}") and said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "is a folder"), (tmp_path / "none.txt", "no such file")):
        with pytest.raises(UserError, match=said):
            read_model_list(path)
    (tmp_path / "latin").write_bytes(b"micro/\xe9\n")
    with pytest.raises(UserError, match="latin: not text in UTF-8"):
        read_model_list(tmp_path / "latin")
