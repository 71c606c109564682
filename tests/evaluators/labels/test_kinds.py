"""What lies below ImageNet-1k's classes in WordNet, for heads that have more outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from timm.data import ImageNetInfo

from scripts.hyponyms import nearest, pointers
from spurbench_evaluators.labels import spaces

INFO = ImageNetInfo("imagenet-1k")
LION, HUMMINGBIRD, PASSENGER_CAR = 291, 94, 705


def kinds_of(space: str, label: int) -> set[str]:
    """The first words of a label's kinds."""
    found = spaces.named(space)
    assert found.kinds is not None
    return {n for n, kind in zip(found.names, found.kinds, strict=True) if kind == label}


@pytest.mark.parametrize("space", ["imagenet-21k-goog", "imagenet-22k", "imagenet-22k-ms"])
def test_kinds_by_name(space: str) -> None:
    assert kinds_of(space, LION) == {"lion cub", "lioness", "lionet"}
    assert "thornbill" in kinds_of(space, HUMMINGBIRD)
    assert {"dining car", "sleeping car"} <= kinds_of(space, PASSENGER_CAR)


def test_a_label_of_the_thousand_is_no_kind_and_a_head_of_a_thousand_has_none() -> None:
    for name in spaces.names():
        space = spaces.named(name)
        if name == "imagenet-1k":
            assert space.kinds is None and space.merged_labels() is None
        else:
            assert space.labels is not None and space.kinds is not None
            both = [(a, b) for a, b in zip(space.labels, space.kinds, strict=True) if a != -1]
            assert both and all(kind == -1 for _, kind in both)
    assert spaces.named("imagenet-1k-background").merged_labels() is None


def test_a_label_file_of_synsets_has_kinds(tmp_path: Path) -> None:
    below = json.loads((Path(spaces.__file__).parent / "hyponyms.json").read_text())
    file = tmp_path / "map.txt"
    lines = [INFO.label_names()[LION], below[str(LION)][0], "-", INFO.label_names()[HUMMINGBIRD]]
    file.write_text("\n".join(lines))
    space = spaces.from_file(file)
    assert space.labels == (LION, -1, -1, HUMMINGBIRD)
    assert space.kinds == (-1, LION, -1, -1)
    file.write_text(f"{LION}\n{HUMMINGBIRD}")
    assert spaces.from_file(file).kinds is None


DATA = """  1 a licence
00000001 03 n 01 animal 0 002 ~ 00000002 n 0000 ~ 00000003 n 0000 | it lives
00000002 03 n 02 cat 0 kitty 1 002 @ 00000001 n 0000 ~ 00000004 n 0000 | it purrs
00000003 03 n 01 pet 0 001 ~ 00000004 n 0000 | it is kept
00000004 03 n 01 siamese 0 003 @ 00000002 n 0000 ~i 00000005 n 0000 + 00000009 v 0101 | of Siam
00000005 03 n 01 Tom 0 000 | one of them
"""


def test_wordnets_file_is_read_and_the_nearest_class_owns(tmp_path: Path) -> None:
    file = tmp_path / "data.noun"
    file.write_text(DATA, encoding="latin-1")
    below = pointers(file)
    assert below["n00000004"] == ["n00000005"] and below["n00000002"] == ["n00000004"]
    assert nearest(["n00000001", "n00000002"], below) == {
        "n00000003": 0,
        "n00000004": 1,
        "n00000005": 1,
    }, "the siamese is a cat, for the cat is nearer than the animal"
