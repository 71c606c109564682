"""Manifests of older versions, brought to the present one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spurbench.errors import UserError
from spurbench.reading import is_file

from .content import content_of, read_rows
from .schema import KINDS


def from_version_1(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A manifest of version 1 as version 2 has it.

    Version 1 knew one file a split, whose name was its kind, and no content: that is computed from
    the files. They stay as they are; columns that came later are empty in them. Raises KeyError,
    TypeError or AttributeError where the manifest is not one, UserError where a file is unreadable.
    """
    classes = {
        slug: entry
        | {
            "splits": {
                split: _split(old, folder, slug, split, entry["label"])
                for split, old in entry["splits"].items()
            }
        }
        for slug, entry in data["classes"].items()
    }
    return data | {"schema_version": 2, "classes": classes}


def _split(old: dict[str, Any], folder: Path, slug: str, split: str, label: int) -> dict[str, Any]:
    if split not in KINDS:
        raise UserError(f"{folder}: version 1 of the data set knows no split {split!r}; rebuild it")
    file = folder / old["path"]
    if not is_file(file):
        raise UserError(f"{file}: missing; run the build again, or remove the data set")
    pictures = read_rows([file]).pictures
    content = content_of(label, slug, split, split, pictures)
    return {"kind": split, "files": [old], "content": content}
