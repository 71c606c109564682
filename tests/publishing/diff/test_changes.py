"""What changed between two versions: pictures, fields, classes, scores."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurbench.dataset.manifest import read_manifest
from spurbench.errors import UserError
from spurbench.results import write_result
from spurbench_publishing.diff.fields import ABSENT, Change, changes
from spurbench_publishing.diff.pictures import PictureChanges, picture_changes
from spurbench_publishing.diff.scores import ScoreChange, score_changes
from spurbench_publishing.diff.show import lines, ranges, score_lines
from spurbench_publishing.diff.versions import Difference, difference, opened
from tests.core.dataset.made import edited
from tests.core.test_results import made_result
from tests.publishing.made import RECIPE, file_of, mended, put, rewritten, sound


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    before = sound(tmp_path / "before")
    shutil.copytree(before, tmp_path / "after")
    return before, tmp_path / "after"


def found(before: Path, after: Path) -> Difference:
    return difference(opened("A", before), opened("B", after))


def test_pictures_are_followed_by_hash_and_index() -> None:
    before = [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e")]
    after = [(0, "a"), (1, "x"), (2, "d"), (5, "y"), (6, "e")]
    assert picture_changes(before, after) == PictureChanges(
        added=((5, "y"),),
        gone=((2, "c"),),
        changed=((1, "b", "x"),),
        moved=((3, 2, "d"), (4, 6, "e")),
    )


@given(
    st.dictionaries(st.integers(0, 8), st.sampled_from("abcdef"), max_size=8),
    st.dictionaries(st.integers(0, 8), st.sampled_from("abcdef"), max_size=8),
)
def test_the_changes_lead_from_one_to_the_other(old: dict[int, str], new: dict[int, str]) -> None:
    told = picture_changes([*old.items()], [*new.items()])
    made = dict(old)
    for start, _, sha256 in told.moved:
        assert made.pop(start) == sha256
    for index, sha256 in told.gone:
        assert made.pop(index) == sha256
    for index, was, becomes in told.changed:
        assert made[index] == was
        made[index] = becomes
    for _, end, sha256 in told.moved:
        assert end not in made or made[end] == sha256
        made[end] = sha256
    for index, sha256 in told.added:
        assert index not in made
        made[index] = sha256
    assert made == new
    assert (told == PictureChanges((), (), (), ())) == (old == new)


def test_nested_fields_are_told_by_path() -> None:
    before = {"a": {"b": [1, {"c": 2}], "d": 1}, "e": True, "f": None}
    after = {"a": {"b": [1, {"c": 3}, 4], "d": 1.0}, "e": 1, "g": {"h": 1}}
    assert list(changes(before, after)) == [
        Change("a.b[1].c", 2, 3),
        Change("a.b[2]", ABSENT, 4),
        Change("a.d", 1, 1.0),
        Change("e", True, 1),
        Change("f", None, ABSENT),
        Change("g", ABSENT, {"h": 1}),
    ]
    assert Change("f", None, ABSENT).as_data() == {"path": "f", "before": None}


def test_the_same_differ_in_nothing(two: tuple[Path, Path]) -> None:
    same = found(*two)
    assert not same.differs and same.same == 2 and same.as_data()["differs"] is False
    version = read_manifest(two[0]).version
    told = "nothing differs in 2 classes"
    assert list(lines(same)) == [f"A (version {version}) -> B (version {version})", told]


def test_a_changed_version_is_told_class_by_class(two: tuple[Path, Path]) -> None:
    before, after = two
    put(after, "gondola", 3, 300)
    put(after, "koala", 5, 100, seeds=(3, 5), recipe=RECIPE | {"base": "else"}, feature="<b>|")
    rewritten(file_of(after), lambda rows: rows.pop(1))
    mended(after)
    edited(after, lambda data: data["classes"]["koala"]["splits"].pop("val"))
    edited(after, lambda data: data["classes"]["koala"]["splits"]["generated"].update(seed=8))
    shutil.rmtree(after / "data" / "hummingbird")
    edited(after, lambda data: data["classes"].pop("hummingbird"))
    one, two_ = (read_manifest(folder).version for folder in two)
    assert list(lines(found(before, after))) == [
        f"A (version {one}) -> B (version {two_})",
        "class added: gondola, 9 pictures",
        "class gone: hummingbird, 12 pictures",
        "koala",
        '  feature: "leaves" -> "<b>|"',
        "  split added: generated_seed5, 3 pictures",
        "  split gone: val, 2 pictures",
        "  generated: 3 -> 2 pictures",
        "    seed: 3 -> 8",
        "    1 gone: 1",
        "how the pictures were made",
        '  recipe.base: "made-base" -> "else" (koala)',
    ]


def test_ranges() -> None:
    assert ranges([]) == "" and ranges([4]) == "4"
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"


def test_files_of_what_is_the_same_are_not_read(two: tuple[Path, Path]) -> None:
    before, after = two
    for folder in two:
        file_of(folder).unlink()
    assert not found(before, after).differs
    edited(
        after, lambda data: data["classes"]["koala"]["splits"]["generated"].update(content="0" * 64)
    )
    with pytest.raises(UserError, match="generated-00000-of-00001.parquet: missing"):
        found(before, after)


def scored(folder: Path, path: Path, **changes: Any) -> Path:
    result = made_result()
    manifest = read_manifest(folder)
    data = result.data.model_copy(update={"fingerprint": manifest.fingerprint()})
    scores = [
        score.model_copy(update={"top1": score.top1.model_copy(update={"value": value})})
        for score, value in zip(result.scores, changes.pop("values", []), strict=False)
    ] or result.scores
    model = result.model.model_copy(update=changes)
    write_result(result.model_copy(update={"data": data, "scores": scores, "model": model}), path)
    return path


def test_scores_before_and_after(two: tuple[Path, Path], tmp_path: Path) -> None:
    versions = opened("A", two[0]), opened("B", two[1])
    one = scored(two[0], tmp_path / "1.json")
    other = scored(two[1], tmp_path / "2.json")
    spec, told = score_changes((one, other), *versions)
    made = made_result()
    assert spec == made.model.spec
    assert {(t.slug, t.split): (t.before, t.after) for t in told} == {
        (s.slug, s.split): ((s.restricted or s).top1.value,) * 2 for s in made.scores
    }
    edited(two[1], lambda data: data["classes"].pop("hummingbird"))
    with pytest.raises(UserError, match="is a result on version"):
        score_changes((one, other), versions[0], opened("B", two[1]))
    renamed = scored(two[0], tmp_path / "3.json", spec="micro/other")
    with pytest.raises(UserError, match="is of another model"):
        score_changes((one, renamed), versions[0], versions[0])


def test_scores_are_shown_in_percent() -> None:
    told = [ScoreChange("koala", "si", 0.5, 0.625), ScoreChange("bee", "generated", None, 1.0)]
    assert list(score_lines("micro/vit", told)) == [
        "",
        "spurious accuracy of micro/vit in % (of `val` the accuracy)",
        "  koala/si       50.0 ->  62.5   +12.5",
        "  bee/generated  none -> 100.0 ",
    ]
