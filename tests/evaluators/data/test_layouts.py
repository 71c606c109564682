"""Where in their layouts validation pictures lie, in which order, and what is said of what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench_evaluators.data.validation import Validation, find_validation
from spurbench_evaluators.data.wnids import wnids
from tests.evaluators.data.layouts import HUMMINGBIRD, KOALA, TENCH, png, write

WNIDS = wnids()


def shown(found: Validation) -> list[tuple[int, int, str, bytes]]:
    return [(p.label, p.index, p.origin, p.data) for p in found.pictures()]


@pytest.mark.parametrize("below", ["", "val", "validation"])
def test_folders_by_wnid_lie_here_or_one_below(tmp_path: Path, below: str) -> None:
    root = tmp_path / "imagenet"
    for label, count in [(KOALA, 3), (HUMMINGBIRD, 2)]:
        for i in reversed(range(count)):
            write(root / below / WNIDS[label] / f"{i}.JPEG", 10 * label + i)
    (root / "other").mkdir()
    found = find_validation(root, {KOALA, HUMMINGBIRD})
    lead = f"{below}/" if below else ""
    assert shown(found) == [
        (label, i, f"{lead}{WNIDS[label]}/{i}.JPEG", png(10 * label + i))
        for label, count in [(HUMMINGBIRD, 2), (KOALA, 3)]
        for i in range(count)
    ]
    assert found.count == 5 and found.record.name == "imagenet-val"
    few = find_validation(str(root), {KOALA, HUMMINGBIRD}, 2)
    assert [p[:2] for p in shown(few)] == [
        (HUMMINGBIRD, 0),
        (HUMMINGBIRD, 1),
        (KOALA, 0),
        (KOALA, 1),
    ]
    assert few.count == 4 and few.record.fingerprint != found.record.fingerprint


SOLUTION = [  # the picture's name, and the labels of all its boxes
    ("d", f"{WNIDS[KOALA]} 1 2 3 4 {WNIDS[TENCH]} 5 6 7 8 "),
    ("b", f"{WNIDS[TENCH]} 1 2 3 4 "),
    ("a", f"{WNIDS[KOALA]} 1 2 3 4 "),
    ("c", f"{WNIDS[KOALA]} 1 2 3 4 "),
    ("e", f"{WNIDS[HUMMINGBIRD]} 1 2 3 4 "),
]


@pytest.mark.parametrize("levels", range(6))
def test_kaggles_solution_lies_beside_its_pictures_or_up_to_four_folders_above(
    tmp_path: Path, levels: int
) -> None:
    top = tmp_path / "kaggle"
    where = top.joinpath(*"ILSV"[:levels], *["deep"] * (levels - 4))
    for at, (name, _) in enumerate([*SOLUTION, ("unlisted", "")]):
        write(where / f"{name}.JPEG", at)
    lines = ["ImageId,PredictionString", *(f"{name},{boxes}" for name, boxes in SOLUTION)]
    (top / "LOC_val_solution.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    if levels > 4:
        with pytest.raises(UserError) as said:
            find_validation(where, {KOALA})
        assert str(said.value) == (
            f"{where}: not ImageNet's validation pictures: no folders named by wnid (n01440764), no "
            "LOC_val_solution.csv in it or above it, no parquet files"
        )
        return
    found = find_validation(where, {KOALA, TENCH})
    assert shown(found) == [
        (TENCH, 0, "b.JPEG", png(1)),
        (KOALA, 0, "a.JPEG", png(2)),
        (KOALA, 1, "c.JPEG", png(3)),
        (KOALA, 2, "d.JPEG", png(0)),
    ]
    assert (found.count, found.record.layout, found.record.name) == (4, "kaggle", "imagenet-val")
    pictures = [(0, 1), (KOALA, 2), (KOALA, 3), (KOALA, 0)]
    known = sorted([label, sha256_bytes(png(at))] for label, at in pictures)
    assert found.record.fingerprint == sha256_json(known)


def test_pictures_at_the_top_come_with_those_below(tmp_path: Path) -> None:
    lines = ["ImageId,PredictionString", *(f"{name},{boxes}" for name, boxes in SOLUTION)]
    (tmp_path / "LOC_val_solution.csv").write_text("\n".join(lines), encoding="utf-8")
    write(tmp_path / "c.JPEG", 0)
    write(tmp_path / "below" / "a.JPEG", 1)
    write(tmp_path / "below" / "b.JPEG", 2)
    found = find_validation(tmp_path, {KOALA})
    assert [p[2] for p in shown(found)] == ["below/a.JPEG", "c.JPEG"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", ": lacks the columns ImageId, PredictionString"),
        ("ImageId,PredictionString\na,\n", ", line 2: '' is no class of ImageNet"),
        (
            "ImageId,PredictionString\na,n99999999 1 2 3 4\n",
            ", line 2: 'n99999999' is no class of ImageNet",
        ),
        ("ImageId,PredictionString\na\n", ", line 2: '' is no class of ImageNet"),
        (
            "ImageId,PredictionString\na,n01443537 1\na,n01443537 1\n",
            ", line 3: says 'a' again",
        ),
    ],
)
def test_another_solution_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "LOC_val_solution.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        find_validation(tmp_path, {KOALA})
    assert str(error.value) == f"{file}{said}"


@pytest.mark.parametrize(
    ("labels", "lacking"),
    [
        ({KOALA, 3}, "n01491361 (label 3)"),
        ({5, KOALA, 4, 3}, "n01491361 (label 3), n01494475 (label 4), n01496331 (label 5)"),
        (
            {6, 5, 8, KOALA, 4, 3},
            "n01491361 (label 3), n01494475 (label 4), n01496331 (label 5) and 2 more",
        ),
    ],
)
def test_classes_without_pictures_are_named_up_to_three(
    tmp_path: Path, labels: set[int], lacking: str
) -> None:
    write(tmp_path / WNIDS[KOALA] / "0.JPEG", 0)
    (tmp_path / WNIDS[3]).mkdir()
    with pytest.raises(UserError) as said:
        find_validation(tmp_path, labels)
    assert str(said.value) == f"{tmp_path}: has no validation pictures for {lacking}"


@pytest.mark.parametrize("name", ["none", "none:val", "a/b/c"])
def test_a_folder_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as said:
        find_validation(name, {KOALA})
    assert str(said.value) == f"{name}: no such folder of validation pictures"
