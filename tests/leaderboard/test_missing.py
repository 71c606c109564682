"""Which listed models have no result yet, and which version of a data set is the newest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.results import Result, write_result
from spurbench_evaluators.run.model_list import read_model_list
from spurbench_leaderboard.known import KnownDataSet, Register, read_known, write_known
from spurbench_leaderboard.missing import as_list, chosen, read_models
from tests.conftest import ROOT, make_class
from tests.evaluators.test_cli import call
from tests.leaderboard.own import panel_results

OWN = ROOT / "leaderboard"


def data_set(root: Path, seed: int) -> Path:
    folder = root / f"data{seed}"
    make_class(folder, root / f"aside{seed}", "koala", 5, count=1, seed=seed)
    return folder


def test_the_board_knows_all_of_its_listed_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --results, --data and --models it looks at the checkout that it is in."""
    monkeypatch.chdir(ROOT)
    specs = read_models(OWN / "models.txt")
    assert [model.spec for model in read_model_list(OWN / "models.txt")] == specs
    assert call(monkeypatch, "leaderboard", "missing") == 0
    assert capsys.readouterr().out == ""


def test_what_is_missing_is_a_list_for_eval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result of a part, in another framing or of other pictures is none; a name not in full is one."""
    known = chosen(Register(OWN / "data"), None, None)
    one = panel_results()[0]
    for spec, model, data in (
        ("micro/vit", {}, {}),
        ("micro/robust", {"framing": "squash"}, {}),
        ("micro/resnet_v1", {}, {"selection": {"limit": 2}}),
        ("micro/resnet_v2", {}, {"fingerprint": "0" * 64}),
        ("timm/resnet18.a1_in1k", {}, {}),
    ):
        raw = one.model_dump()
        raw["model"] |= {"spec": spec, **model}
        raw["data"] |= data
        made = Result.model_validate(raw)
        write_result(made, made.path_under(tmp_path / "results"))
    models = tmp_path / "models.txt"
    models.write_text(
        "# the first\nmicro/vit # it has one\n\nmicro/robust\nmicro/resnet_v1\nmicro/resnet_v2\n"
        "timm/resnet18\n'timm/a b'\n"
    )
    places = ("--results", tmp_path / "results", "--data", OWN / "data")
    words = ("leaderboard", "missing", "--models", models, *places)
    assert call(monkeypatch, *words) == 0
    said = capsys.readouterr().out
    expected = ["micro/robust", "micro/resnet_v1", "micro/resnet_v2", "timm/a b"]
    assert said.splitlines() == [*expected[:3], "'timm/a b'"] == as_list(expected)
    models.write_text(said)
    assert [each.spec for each in read_model_list(models)] == read_models(models) == expected
    assert call(monkeypatch, *words, "--json", "--domain", "micro") == 0
    assert json.loads(capsys.readouterr().out) == {
        "domain": "micro", "version": known.version, "missing": expected,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("micro/vit\n$(touch x)\n", "line 2: '$(touch x)' is more than a spec"),
        ("micro/vit --weights w.pt", "line 1: 'micro/vit --weights w.pt' is more than a spec"),
        ("'--weights/x'", "line 1: '--weights/x' is no plain spec"),
        ("'micro/$(touch x)'", "is no plain spec; write LOADER/NAME"),
        ("'micro/a\nb'", "line 1: No closing quotation; mend the quotes"),
        ("micro/v\u0456t", "is no plain spec"),  # a Cyrillic letter
        ("micrp/vit", "unknown loader 'micrp'; did you mean 'micro'?"),
        ("vit", "is not LOADER/NAME"),
        ("micro/vit\nmicro/vit", "line 2: micro/vit is listed above already"),
        ("# none\n", "names no models; write one a line"),
    ],
)
def test_a_list_is_plain_specs(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "models.txt"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_models(path)
    assert said in str(error.value) and str(path) in str(error.value)


def test_the_newest_version_is_the_one_that_none_supersedes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """register says what a data set comes after, once; two that were added side by side are told apart by
    --version, until the next one comes after both. --pictures has to be of it."""
    folders = [data_set(tmp_path, seed) for seed in (1, 2, 3, 4)]
    first, second, third, fourth = (open_data_set(folder).manifest.version for folder in folders)
    known = tmp_path / "known"
    for folder in (folders[0], folders[1], folders[0]):  # the last time nothing changes
        assert call(monkeypatch, "leaderboard", "register", folder, "--data", known) == 0
    assert read_known(known / "micro" / f"{second}.json").supersedes == [first]
    assert read_known(known / "micro" / f"{first}.json").supersedes == []
    assert chosen(Register(known), None, None).version == second
    assert chosen(Register(known), "micro", first).version == first

    beside = KnownDataSet.of(open_data_set(folders[2])).model_copy(update={"supersedes": [first]})
    write_known(beside, beside.path_under(known))
    names = ", ".join(sorted([second, third]))
    with pytest.raises(UserError, match=rf"not one version is the newest \({names}\); choose"):
        chosen(Register(known), None, None)
    models = tmp_path / "models.txt"
    models.write_text("micro/vit\n")
    words = ("leaderboard", "missing", "--models", models, "--data", known, "--version", third)
    capsys.readouterr()
    assert call(monkeypatch, *words, "--pictures", folders[2]) == 0
    assert capsys.readouterr().out == "micro/vit\n"
    assert call(monkeypatch, *words, "--pictures", folders[1]) == 2
    assert f"is micro/{second} and not micro/{third}" in capsys.readouterr().err
    assert call(monkeypatch, "leaderboard", "register", folders[3], "--data", known) == 0
    assert read_known(known / "micro" / f"{fourth}.json").supersedes == sorted([second, third])
    assert chosen(Register(known), None, None).version == fourth


def test_a_file_that_cannot_be_read_is_registered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, known = data_set(tmp_path, 1), tmp_path / "known"
    assert call(monkeypatch, "leaderboard", "register", folder, "--data", known) == 0
    (path,) = known.rglob("*.json")
    good = path.read_text()
    path.write_text("{")
    assert call(monkeypatch, "leaderboard", "register", folder, "--data", known) == 0
    assert path.read_text() == good


def test_which_data_set_is_asked_for_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no known data sets; add one with"):
        chosen(Register(tmp_path / "none"), None, None)
    with pytest.raises(UserError, match="unknown domain 'macro'; did you mean 'micro'"):
        chosen(Register(OWN / "data"), "macro", None)
    with pytest.raises(UserError, match="unknown data set version 'c1'; known: c4029edc3613a"):
        chosen(Register(OWN / "data"), None, "c1")
    known = KnownDataSet.of(open_data_set(data_set(tmp_path, 1)))
    other = known.model_copy(update={"domain": "other"})
    for each in (known, other):
        write_known(each, each.path_under(tmp_path / "known"))
    with pytest.raises(UserError, match=r"several domains \(micro, other\); choose one with"):
        chosen(Register(tmp_path / "known"), None, None)
