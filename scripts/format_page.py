"""Writes docs/format.md from the data set's records and columns.

python scripts/format_page.py
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from spurbench.dataset import manifest, schema
from spurbench.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "format.md"
HEAD = """# The data set folder

Written by `scripts/format_page.py` from `spurbench/dataset/manifest.py` and `schema.py`. `spurbench build`,
`import-si` and `merge` write such a folder; `spurbench eval`, `spurbench.open_data_set` and `datasets.load_dataset`
read it.

```text
spurbench/
  README.md            the card: a config a class, and `default` with all of them
  manifest.json        what the folder holds and how it was made
  data/SLUG/SPLIT-00000-of-00001.parquet   the pictures; a split may have several files
  contact/SLUG.png     of a build: all its pictures on a sheet
  croissant.json       the same described for Croissant's readers, with responsible-AI fields
```

A class has splits of a kind: `si` (references, as Spurious ImageNet has them), `generated` (made from some of
them) and `val` (validation pictures: the class itself). The split of a kind usually has its name; several of one
kind lie side by side under names of their own, such as `generated_seed1`. Several features of a class are several
slugs with one label.

Opening a folder compares every file with its `sha256`, and the labels, names, kinds, indices and hashes of the rows
with the manifest; a picture's bytes are compared with their hash when they are read.

## Fingerprint and version

The fingerprint is the SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of the splits' `content`, by slug
and split name. It does not depend on parquet files: the same pictures, filed in the same way, have one fingerprint
whatever wrote them, and so have a folder or zip of Spurious ImageNet and the set that `import-si` makes of it. The
version is `c` and the fingerprint's first 12 digits. ImageNet's validation pictures (`--val`) go by the canonical JSON
of the sorted list of `[label, sha256]` of the pictures that are read, whatever their layout.

## Versions of the format

This is version {version}. A later one is refused: `made by a newer spurbench (data set version 3; this one reads up to
{version}); upgrade`. Fields that are not known are kept when a class is added. Version 1 (one file a split, no
`content`, no licence columns) is read: the content is computed from its files, which stay as they are.
"""
PICTURES = """## Columns of a split

Pictures keep the bytes that they were made or handed in with: a JPEG stays a JPEG. Columns are empty where their value
is not known or does not apply.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [HEAD.format(version=manifest.VERSION), "## manifest.json\n", *_records(), *_columns()]
    )


def _records() -> Iterator[str]:
    records: list[type[BaseModel]] = [
        manifest.Manifest,
        manifest.ClassEntry,
        manifest.SplitEntry,
        manifest.SplitSummary,
        manifest.FileEntry,
    ]
    for record in records:
        yield f"### {record.__name__}\n\n{inspect.cleandoc(record.__doc__ or '')}\n"
        rows = [
            (name, _type(field), field.description or "")
            for name, field in record.model_fields.items()
        ]
        yield from _table(("field", "type", "meaning"), rows)


def _type(field: FieldInfo) -> str:
    """The annotation as JSON has it."""
    return _shown(field.annotation)


def _shown(kind: Any) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _shown(inside[0])
    if origin is list:
        return f"list of {_shown(inside[0])}"
    if origin is dict:
        return "object" if inside[1] is Any else f"{_shown(inside[1])} by name"
    if origin is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in inside)
    if inside:  # of a union
        return " or ".join("null" if k is type(None) else _shown(k) for k in inside)
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return kind.__name__
    return {str: "text", int: "whole number"}[kind]


def _columns() -> Iterator[str]:
    yield PICTURES
    types = {name: _column(kind) for name, kind in schema.features().items()}
    rows = [(name, types[name], meaning) for name, meaning in schema.MEANINGS.items()]
    yield from _table(("column", "type", "meaning"), rows)


def _column(kind: Any) -> str:
    from datasets import Image, List

    if isinstance(kind, List):
        inner = ", ".join(f"{name}: {_column(value)}" for name, value in kind.feature.items())
        return f"list of ({inner})"
    return "Image" if isinstance(kind, Image) else str(kind.dtype)


def _table(heads: tuple[str, ...], rows: list[tuple[str, str, str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    for name, kind, meaning in rows:
        yield f"| `{name}` | {kind} | {meaning} |"
    yield ""


if __name__ == "__main__":
    write_text(PAGE, page())
