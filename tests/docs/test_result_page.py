"""docs/result.md and docs/result.schema.json say what the records of a result are, all of them."""

from __future__ import annotations

import inspect
import json
import runpy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from spurbench import results
from spurbench.results import read_result
from tests.conftest import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "result_page.py"))
DOCS = ROOT / "docs"
RESULTS = sorted((ROOT / "leaderboard" / "results").rglob("*.json"))


def test_page_and_schema_are_as_the_script_writes_them() -> None:
    said = "out of date: run python scripts/result_page.py"
    assert SCRIPT["page"]() == (DOCS / "result.md").read_text(encoding="utf-8"), said
    assert SCRIPT["schema"]() == (DOCS / "result.schema.json").read_text(encoding="utf-8"), said


def test_every_record_is_on_the_page() -> None:
    records = {
        record
        for _, record in inspect.getmembers(results, inspect.isclass)
        if issubclass(record, BaseModel)
        and record.__module__ == results.__name__
        and not record.__name__.startswith("_")
    }
    assert set(SCRIPT["RECORDS"]) == records


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads((DOCS / "result.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_boards_results_fulfil_the_schema(validator: Any) -> None:
    for path in RESULTS:
        assert read_result(path) and list(validator.iter_errors(json.loads(path.read_text()))) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("more",), 1),
        (("model", "weights_sha256"), "x"),
        (("data", "domain"), "../x"),
        (("scores", 0, "n"), 0),
        (("scores", 0, "hits"), -1),
        (("prevalence",), 1),
        (("schema_version",), 4),
        (("hosted",), {"repo_id": "a/b", "revision": "main", "path": "x.parquet"}),
    ],
)
def test_what_records_refuse_the_schema_refuses(
    validator: Any, place: tuple[str | int, ...], value: object
) -> None:
    data = inner = json.loads(RESULTS[0].read_text())
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert list(validator.iter_errors(data))
    with pytest.raises(ValueError):
        results.Result.model_validate(data)
