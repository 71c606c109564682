"""manifest.json: what a data set folder holds and how it was made."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from spurbench.errors import UserError
from spurbench.files import sha256_json, write_text

NAME = "manifest.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitEntry(_Strict):
    """A split's file, relative to the data set folder, its hash and its number of pictures."""

    path: str
    sha256: str
    pictures: int


Name = Annotated[str, StringConstraints(pattern="^[a-z0-9_]+$")]
"""A slug or a split's name: it becomes part of a path."""
DomainName = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]+$")]
"""A domain's name: results lie in a folder of that name."""


class ClassEntry(_Strict):
    """A class: its label, its splits by name, and the provenance its maker recorded."""

    name: str
    label: int
    feature: str
    splits: dict[Name, SplitEntry]
    provenance: dict[str, Any]


class Manifest(_Strict):
    """The whole data set; ``classes`` by slug."""

    schema_version: int = 1
    name: str
    domain: DomainName
    classes: dict[Name, ClassEntry]

    def fingerprint(self) -> str:
        """SHA-256 over every split's hash: changes if and only if some split's bytes do."""
        return sha256_json(
            {
                slug: {name: split.sha256 for name, split in entry.splits.items()}
                for slug, entry in self.classes.items()
            }
        )

    @property
    def version(self) -> str:
        """A short content version, such as ``c1a2b3c4d5e6``."""
        return "c" + self.fingerprint()[:12]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a data set folder; UserError where there is none or it is not ours."""
    path = folder / NAME
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such data set folder; make one with `spurbench build` or "
            "`spurbench import-si`"
        )
    if not path.is_file():
        raise UserError(
            f"{folder}: not a spurbench data set (no {NAME}); make one with `spurbench build` "
            "or `spurbench import-si`"
        )
    try:
        manifest = Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError) as error:
        first = str(error).split("\n")[0]
        raise UserError(
            f"{path}: not a spurbench manifest ({first}); rebuild the data set"
        ) from error
    for entry in manifest.classes.values():
        for split in entry.splits.values():
            _check_inside(folder, split.path)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json, whole or not at all."""
    text = json.dumps(manifest.model_dump(), indent=1, ensure_ascii=False, sort_keys=True)
    write_text(folder / NAME, text + "\n")


def _check_inside(folder: Path, relative: str) -> None:
    # By name alone: in the hub's cache a data set's files are links to blobs that lie elsewhere.
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\\" in relative:
        raise UserError(f"{folder / NAME}: names a file outside the data set: {relative!r}")
