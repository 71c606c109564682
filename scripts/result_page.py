"""Writes docs/result.schema.json and docs/result.md from the records of a result file.

python scripts/result_page.py
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spurbench import results
from spurbench.files import write_text

DOCS = Path(__file__).parents[1] / "docs"
PAGE, SCHEMA = DOCS / "result.md", DOCS / "result.schema.json"
RECORDS: tuple[type[BaseModel], ...] = (
    results.Result,
    results.ModelRecord,
    results.DataRecord,
    results.Selection,
    results.ValidationRecord,
    results.Unreadable,
    results.SplitScore,
    results.HeadScore,
    results.Wrong,
    results.Means,
    results.Interval,
    results.Hosted,
)
HEAD = """# The result file

Written by `scripts/result_page.py` from `spurbench/results.py`; the same as JSON Schema (draft 2020-12):
[result.schema.json](result.schema.json). `spurbench eval` writes a result, `spurbench score` computes it again from
its predictions, and [the leaderboard](submitting.md) takes it in.

It lies at `DOMAIN/VERSION/MODEL.json`: the data set's domain and version, and a name made of the spec, the first 8
digits of the weights' hash, the framing, and a hash of what else decides. Beside it lies `MODEL.HASH.parquet`, the
predictions, with the first 8 digits of their SHA-256. Fields that are not listed are refused, and so are NaN and
infinity.

This is version {version}. A later one is refused; versions 1 and 2 are read, with what they have.
"""


def schema() -> str:
    """The JSON Schema's text."""
    found = results.Result.model_json_schema()
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD.format(version=results.SCHEMA_VERSION), *_records()])


def _records() -> Iterator[str]:
    for record in RECORDS:
        found = record.model_json_schema()
        own = found["$defs"][record.__name__] if "$ref" in found else found
        yield f"## {record.__name__}\n\n{_markdown(inspect.cleandoc(record.__doc__ or ''))}\n"
        yield "| field | holds | must be there |\n|---|---|---|"
        required = own.get("required", [])
        for name, field in own["properties"].items():
            yield f"| `{name}` | {_shown(field)} | {'yes' if name in required else ''} |"
        yield ""


def _markdown(docstring: str) -> str:
    """A docstring in the page's words: one kind of code marks."""
    return docstring.replace("``", "`")


def _shown(field: dict[str, Any]) -> str:
    """What a field holds, from its schema."""
    if "$ref" in field:
        return f"[{(name := field['$ref'].rsplit('/', 1)[1])}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(_shown(part) for part in field["anyOf"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    kind = field.get("type", "anything")
    if kind == "array":
        return f"list of {_shown(field['items'])}"
    if kind == "object":
        inner = field.get("additionalProperties", True)
        return f"{_shown(inner)} by name" if isinstance(inner, dict) and inner else "object"
    words = {"string": "text", "integer": "whole number", "number": "number", "null": "null"}
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    bounds |= {"exclusiveMaximum": "below", "pattern": "as", "maxLength": "of at most"}
    said = [f"{word} `{field[key]}`" for key, word in bounds.items() if key in field]
    return " ".join([words.get(kind, kind), *said]).replace("|", "¦")


if __name__ == "__main__":
    write_text(SCHEMA, schema())
    write_text(PAGE, page())
