"""A result's file name and order, and what its records refuse."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from spurbench.errors import UserError
from spurbench.results import (
    DataRecord,
    HeadScore,
    Interval,
    Result,
    Selection,
    SplitScore,
    ValidationRecord,
    Wrong,
    file_slug,
    read_result,
    read_results,
    result_path,
    write_result,
)
from tests.core.test_results import made_result


def with_data(result: Result, **changes: Any) -> Result:
    return result.model_copy(update={"data": result.data.model_copy(update=changes)})


def test_the_name_by_hand() -> None:
    """The spec, eight digits of the weights, the framing, and a hash of what else decides."""
    result = made_result("timm/ViT-b.x")
    decides = {
        "dtype": "float32",
        "framing": None,
        "label_space": ["micro", None, None],
        "selection": None,
        "transform": {"framing": "crop", "size": 64},
        "val_transform": None,
        "validation": None,
    }
    text = json.dumps(decides, separators=(",", ":"))
    variant = hashlib.sha256(text.encode()).hexdigest()[:8]
    name = f"timm_vit_b_x-abababab-crop64-{variant}"
    assert file_slug(result.model, result.data, result.environment) == name == result.slug
    path = Path("r") / "micro" / "c123" / f"{name}.json"
    assert result_path(Path("r"), result.model, result.data, result.environment) == path
    assert result.path_under(Path("r")) == path


def test_the_part_the_validation_pictures_and_the_precision_decide_the_name() -> None:
    own = made_result()
    names = [own.slug]
    for selection in (Selection(limit=3), Selection(limit=4), Selection(classes=["koala"])):
        names.append(with_data(own, selection=selection).slug)
    for digit in "ab":
        record = ValidationRecord(name="v", layout="x", fingerprint=digit * 64)
        names.append(with_data(own, validation=record).slug)
    half = own.model_copy(update={"environment": {"dtype": "bfloat16"}})
    assert len({*names, half.slug}) == 7
    plain = own.model_copy(update={"environment": {"dtype": "float32", "torch": "3"}})
    assert plain.slug == own.slug, "float32 unless said; versions of packages decide no name"


def test_scores_are_written_by_class_and_split(tmp_path: Path) -> None:
    (one,) = made_result().scores
    order = [("b", "si"), ("a", "val"), ("b", "generated"), ("a", "si")]
    scores = [one.model_copy(update={"slug": slug, "split": split}) for slug, split in order]
    write_result(made_result().model_copy(update={"scores": scores}), tmp_path / "x" / "r.json")
    text = (tmp_path / "x" / "r.json").read_text(encoding="utf-8")
    written = [(s["slug"], s["split"]) for s in json.loads(text)["scores"]]
    assert written == sorted(order)
    assert text.startswith('{\n "schema_version": 3,\n "model": {\n  "spec"') and text.endswith(
        "}\n"
    )
    assert not text.endswith("\n\n")


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    result = made_result("hf/Käfer")
    write_result(result, tmp_path / "r.json")
    assert "hf/Käfer" in (tmp_path / "r.json").read_text(encoding="utf-8")
    assert read_result(tmp_path / "r.json") == result


def test_results_are_read_by_path_at_any_depth(tmp_path: Path) -> None:
    """Written in an order that is neither theirs nor its reverse, as a disk may give them back."""
    places = ["b.json", "a/z.json", "a/c/d.json", *(f"c/{i * 7 % 11}.json" for i in range(1, 11))]
    for place in places:
        write_result(made_result(f"micro/{place}"), tmp_path / place)
    (tmp_path / "note.txt").touch()
    expected = ["a/c/d.json", "a/z.json", "b.json"]
    expected += [f"c/{name}.json" for name in ("1", "10", *"23456789")]
    assert [r.model.spec for r in read_results(tmp_path)] == [f"micro/{p}" for p in expected]
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(UserError, match=r"c\.json: not a result file .Expecting property name"):
        read_results(tmp_path)


def test_no_results_and_files_that_are_none(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError) as error:
            read_results(folder)
        assert str(error.value) == (
            f"{folder}: no result files (*.json); make one with `spurbench eval`"
        )
    with pytest.raises(UserError, match=r"gone\.json: cannot be read .no such file"):
        read_result(tmp_path / "gone.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(UserError, match=r"list\.json: not a result file .top level: Input should"):
        read_result(tmp_path / "list.json")


@pytest.mark.parametrize("value", [1.0000001, -1.0000001, float("nan"), float("inf")])
def test_a_share_is_no_percentage(value: float) -> None:
    with pytest.raises(ValidationError):
        Interval(value=value, low=None, high=None)
    assert Interval(value=1.0, low=-1.0, high=None).value == 1.0
    assert Interval(value=-1.0, low=None, high=0.5).value == -1.0


def score(**changes: Any) -> SplitScore:
    (own,) = made_result().scores
    return SplitScore.model_validate(own.model_dump() | changes)


def test_more_hits_than_pictures_are_refused_on_either_head() -> None:
    head = HeadScore(hits=9, top1=Interval(value=1.0, low=None, high=None), mean_probability=1.0)
    assert score(n=9, hits=9, restricted=head.model_dump()).n == 9
    for changes in ({"n": 9, "hits": 10}, {"n": 8, "hits": 3, "restricted": head.model_dump()}):
        with pytest.raises(ValidationError, match="more hits than pictures"):
            score(**changes)
    for changes in ({"n": 0, "hits": 0}, {"hits": -1}):
        with pytest.raises(ValidationError, match="greater than"):
            score(**changes)


def test_counts_are_counts() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        Wrong(name="x", label=-1, pictures=0)
    with pytest.raises(ValidationError, match="greater than 0"):
        Selection(limit=0)


@pytest.mark.parametrize("text", ["0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n"])
def test_a_hash_is_a_hash(text: str) -> None:
    with pytest.raises(ValidationError, match="fingerprint"):
        DataRecord(name="x", domain="micro", version="c1", fingerprint=text)


def test_records_are_strict_and_stay() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Selection.model_validate({"limits": 3})
    with pytest.raises(ValidationError, match="frozen"):
        Selection().limit = 3
    with pytest.raises(ValidationError, match="finite"):
        score(mean_probability=float("nan"))


def test_only_version_1_is_migrated() -> None:
    data = made_result().model_dump()
    share = {"value": 0.25, "low": 0.2, "high": 0.3}
    old = {k: v for k, v in data.items() if k != "means"} | {"schema_version": 1}
    read = Result.model_validate(old | {"macro": {"si": share, "val": share | {"value": 0.28}}})
    assert {split: m.top1.value for split, m in read.means.items()} == {"si": 0.25, "val": 0.28}
    assert read.schema_version == 3
    for broken in (data | {"macro": {}}, old | {"macro": 3}, old):
        with pytest.raises(ValidationError):
            Result.model_validate(broken)
