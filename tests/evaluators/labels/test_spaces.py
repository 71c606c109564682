"""Label spaces: timm's synset lists against ImageNet-1k, heads that do not say, users' files."""

from __future__ import annotations

from pathlib import Path

import pytest
from timm.data import ImageNetInfo

from spurbench.errors import UserError
from spurbench_evaluators.labels.spaces import for_head, from_file, named, names

# Outputs, and how many of them are one of ImageNet-1k's classes.
SIZES = {
    "imagenet-1k": (1000, 1000),
    "imagenet-1k-background": (1001, 1000),
    "imagenet-12k": (11821, 993),
    "imagenet-21k-goog": (21843, 999),
    "imagenet-21k-miil": (11221, 991),
    "imagenet-21k-miil-w21": (10450, 991),
    "imagenet-22k": (21841, 999),
    "imagenet-22k-ms": (21842, 1000),
}
TEDDY, KOALA = 850, 105


def test_the_known_label_spaces_and_their_sizes() -> None:
    sizes = {n: (len(named(n).names), len(named(n).domain_columns())) for n in names()}
    assert sizes == SIZES


@pytest.mark.parametrize("name", ["imagenet-12k", "imagenet-21k-goog", "imagenet-22k-ms"])
def test_outputs_mean_the_label_of_the_same_synset(name: str) -> None:
    one, wide = ImageNetInfo("imagenet-1k").label_names(), ImageNetInfo(name).label_names()
    space = named(name)
    for output in space.domain_columns():
        assert one[space.domain_label(output)] == wide[output]
    assert space.names[space.column(KOALA) or 0] == "koala"
    assert {one[i] for i in range(1000) if space.column(i) is None} == set(one) - set(wide)


def test_only_the_teddy_lacks_in_22k() -> None:
    for name in ("imagenet-22k", "imagenet-21k-goog"):
        assert [i for i in range(1000) if named(name).column(i) is None] == [TEDDY]


def test_a_head_chooses_by_its_size_or_says_what_can_be_done() -> None:
    for name, (outputs, _) in SIZES.items():
        assert for_head("timm/x", outputs).name == name
    with pytest.raises(
        UserError, match=r"timm/x: its head of 512 .*--label-space.*imagenet-22k 21841"
    ):
        for_head("timm/x", 512)
    with pytest.raises(UserError, match="timm/x: has no classifier head"):
        for_head("timm/x", 0)
    with pytest.raises(UserError, match="imagenet-12k has 11821 outputs, but timm/x has 1000"):
        for_head("timm/x", 1000, "imagenet-12k")
    with pytest.raises(UserError, match="unknown label space 'imagnet-1k'; did you mean"):
        for_head("timm/x", 1000, "imagnet-1k")


def test_a_head_of_two_known_sizes_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    from spurbench_evaluators.labels import spaces as label_spaces

    monkeypatch.setattr(label_spaces, "names", lambda: ["imagenet-22k", "imagenet-22k"])
    with pytest.raises(UserError, match="could be imagenet-22k or imagenet-22k; name one with"):
        for_head("timm/x", 21841)


def test_a_file_says_an_output_a_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("n01882714\nHummingbird\n-\n0\nn00004475\n", encoding="utf-8")
    space = for_head("timm/x", 5, path)
    assert [space.domain_label(i) for i in range(5)] == [KOALA, 94, -1, 0, -1]
    assert space.names == ("koala", "hummingbird", "-", "tench", "organism")
    assert space.domain == "imagenet" and space.name.startswith("labels.txt:")
    with pytest.raises(UserError, match=r"labels\.txt has 5 outputs, but timm/x has 4"):
        for_head("timm/x", 4, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("koala\nkoalla", r"unknown ImageNet-1k class 'koalla'; did you mean 'koala'.*line 2"),
        ("105\nkoala", "line 2: says ImageNet-1k label 105 again, after line 1"),
        ("1000", "line 1: 1000 is no ImageNet-1k index"),
        ("crane", r"line 1: 'crane' names the labels \[134, 517\]; say which"),
        ("koala\n\n0", "line 2"),
        ("", "is empty"),
        ("\x80", "cannot be read as a label map"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=said) as error:
        from_file(path)
    assert "\n" not in str(error.value)


def test_a_synset_that_nobody_knows_keeps_its_id(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("n99999999\nn00004475\n", encoding="utf-8")
    space = from_file(path)
    assert space.names == ("n99999999", "organism") and space.labels == (-1, -1)
