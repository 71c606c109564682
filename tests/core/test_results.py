"""Result files: what is written is read, and what is not a result is named."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from spurbench.errors import UserError
from spurbench.results import (
    DataRecord,
    Interval,
    Means,
    ModelRecord,
    Result,
    SplitScore,
    read_result,
    read_results,
    write_result,
)


def made_result(spec: str = "micro/vit", generated: float = 0.9, version: str = "c123") -> Result:
    share = Interval(value=generated, low=generated - 0.05, high=min(1.0, generated + 0.05))
    score = SplitScore(
        class_name="koala",
        slug="koala",
        label=5,
        split="generated",
        n=75,
        hits=round(75 * generated),
        top1=share,
        mean_probability=generated,
    )
    return Result(
        model=ModelRecord(
            spec=spec,
            architecture="vit",
            parameters=10,
            weights_sha256="ab" * 32,
            weights_source="shipped",
            options={},
            label_space="micro",
            transform={"framing": "crop", "size": 64},
        ),
        data=DataRecord(name="spurbench", domain="micro", version=version, fingerprint="f" * 64),
        scores=[score],
        means={"generated": Means(top1=share)},
        generated_minus_si=None,
        environment={"python": "3.11"},
        predictions_sha256="0" * 64,
    )


def test_round_trip(tmp_path: Path) -> None:
    result = made_result()
    path = result.path_under(tmp_path)
    write_result(result, path)
    assert path.parent == tmp_path / "micro" / "c123"
    assert re.fullmatch(r"micro_vit-abababab-crop64-[0-9a-f]{8}\.json", path.name)
    assert read_result(path) == result
    assert read_results(tmp_path) == [result]


def test_an_interval_is_made_of_any_estimate() -> None:
    known = Interval.of(SimpleNamespace(value=0.5, low=0.4, high=0.6))
    assert known == Interval(value=0.5, low=0.4, high=0.6)
    unknown = Interval.of(SimpleNamespace(value=-0.5, low=math.nan, high=math.nan))
    assert unknown == Interval(value=-0.5, low=None, high=None)


def test_reading_results_needs_nothing_that_scores() -> None:
    code = """
import sys
import spurbench.results
scoring = {"spurbench.scores", "numpy", "scipy", "torch"} & set(sys.modules)
assert not scoring, scoring
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"surprise": 1}, "surprise"),
        (
            {"means": {"si": {"top1": {"value": 1.7, "low": None, "high": None}}}},
            "means.si.top1: not a share",
        ),
        ({"scores": [{}]}, "scores.0"),
        (
            {"means": {"si": {"top1": {"value": 0.5, "low": 0.6, "high": 0.7}}}},
            "means.si.top1: the bounds do not hold the value",
        ),
        (
            {"means": {"si": {"top1": {"value": 0.5, "low": 0.4, "high": 1e308}}}},
            "means.si.top1: not a share",
        ),
        (
            {"schema_version": 4},
            "top level: made by a newer spurbench: results of version 4, this one reads up to 3; upgrade",
        ),
        ({"schema_version": 0}, "schema_version"),
        ({"predictions_sha256": "|<b>"}, "predictions_sha256"),
    ],
)
def test_what_is_not_a_result_is_named(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(made_result().model_dump() | change))
    with pytest.raises(UserError, match=f"r.json: not a result file .{said}"):
        read_result(path)


def test_no_results_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no result files"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"transform": {"framing": "squash", "size": 64}},
        {"transform": {"framing": "crop", "size": 64, "resize": 72}},
        {"transform": {"framing": "crop", "size": 64, "interpolation": "bilinear"}},
        {"val_transform": {"framing": "crop", "size": 64, "resize": 72}},
        {"label_space": "mine.txt:01234567"},
        {"labels_sha256": "a" * 64},
        {"outputs": 1000},
        {"spec": "micro/vi"},
        {"weights_sha256": "cd" + "ab" * 31},
    ],
)
def test_what_decides_a_score_decides_its_files_name(
    tmp_path: Path, change: dict[str, object]
) -> None:
    first = made_result()
    other = first.model_copy(update={"model": first.model.model_copy(update=change)})
    assert first.path_under(tmp_path) != other.path_under(tmp_path)


@pytest.mark.parametrize("name", ["../../escaped", "/etc", "a/b", "..", "", "a\n"])
@pytest.mark.parametrize("field", ["domain", "version"])
def test_a_result_names_no_folder_elsewhere(tmp_path: Path, field: str, name: str) -> None:
    data = made_result().model_dump()
    data["data"][field] = name
    (tmp_path / "r.json").write_text(json.dumps(data))
    with pytest.raises(UserError, match=f"not a result file .data.{field}"):
        read_result(tmp_path / "r.json")


def test_a_file_of_version_1_is_read_as_version_3() -> None:
    path = Path(__file__).parent / "fixtures" / "result_v1.json"
    old = json.loads(path.read_text(encoding="utf-8"))
    result = read_result(path)
    assert (old["schema_version"], result.schema_version) == (1, 3)
    assert {split: i.model_dump() for split, i in result.macro.items()} == old["macro"]
    assert [(s.slug, s.split, s.hits) for s in result.scores] == [
        (s["slug"], s["split"], s["hits"]) for s in old["scores"]
    ]
    assert all(s.restricted is None and s.top5 is None for s in result.scores)
    assert read_result(path) == Result.model_validate(result.model_dump())


def test_a_file_of_version_2_is_read_as_version_3() -> None:
    """It did not say which framing was asked for, nor at which prevalence it told precision."""
    new = made_result().model_dump()
    old = json.loads(json.dumps(new | {"schema_version": 2}))
    for later in ("prevalence",):
        del old[later]
    for later in ("framing",):
        del old["model"][later]
    result = Result.model_validate(old)
    assert result.schema_version == 3
    assert result.prevalence is None and result.model.framing is None
    assert result.model_dump() == new | {"prevalence": None} | {
        "model": new["model"] | {"framing": None}
    }
