"""manifest.json: what a data set folder holds and how it was made."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
)

from spurbench.errors import UserError, validation_reason
from spurbench.files import write_text
from spurbench.reading import is_file, is_folder, read_json

from .content import fingerprint_of, version_of
from .migrate import from_version_1

NAME = "manifest.json"
VERSION: Final = 2


class _Record(BaseModel):
    # Fields that a newer spurbench of the same version added are kept, so that they are written back.
    model_config = ConfigDict(extra="allow", frozen=True)


Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Kind = Literal["si", "generated", "val"]


def _not_taken(name: str) -> str:
    if name in {"all", "default"}:
        raise ValueError(f"{name!r} means something else to `datasets`")
    return name


Name = Annotated[str, StringConstraints(pattern="^[a-z0-9_]+$"), AfterValidator(_not_taken)]
"""A slug or a split's name: it becomes part of a path, and a name in `datasets`."""
DomainName = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]+$")]
"""A domain's name: results lie in a folder of that name."""


class NewerError(UserError):
    """The data set is of a later version than this spurbench reads."""


class FileEntry(_Record):
    """A parquet file of a split."""

    path: str = Field(description="the file, relative to the data set folder")
    sha256: Sha256 = Field(description="SHA-256 of the file's bytes")
    pictures: int = Field(ge=0, description="how many pictures it holds")


class SplitSummary(_Record):
    """What a split's rows say in sum; manifests of older builds have none."""

    panel: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default={},
        description="of each member of the panel: how many pictures it takes for the class",
    )
    consistently_spurious: int | None = Field(
        default=None, ge=0, description="how many pictures the whole panel takes for the class"
    )
    safety_flagged: int | None = Field(
        default=None,
        ge=0,
        description="how many the base model's safety checker would have blanked",
    )
    licences: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default={}, description="how many pictures have each licence"
    )
    unlicensed: int = Field(
        default=0, ge=0, description="how many were taken from elsewhere, and no licence is stated"
    )


class SplitEntry(_Record):
    """Pictures of one class and kind, in one file or several that follow one another. A class may
    have several splits of a kind side by side, such as one a seed."""

    kind: Kind = Field(
        description="`si` (references), `generated` (made from them) or `val` (the class itself); "
        "readers go by it and not by the split's name"
    )
    files: list[FileEntry] = Field(min_length=1, description="its files in order")
    content: Sha256 = Field(
        description="SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of `kind`, `label`, "
        "`slug`, `split` and `pictures`, the list of `[index, sha256]` of every row in order"
    )
    recipe: str | None = Field(default=None, description="how it was generated: NAME@FINGERPRINT")
    seed: int | None = Field(default=None, description="the seed that its build began from")
    summary: SplitSummary | None = Field(
        default=None, description="what its rows say in sum; the fingerprint does not cover it"
    )

    @model_serializer(mode="wrap")
    def _as_written(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a summary where there is none: an older entry is written back as it was."""
        data: dict[str, Any] = usual(self)
        if self.summary is None:
            data.pop("summary", None)
        return data

    @property
    def pictures(self) -> int:
        """How many pictures the split holds."""
        return sum(file.pictures for file in self.files)


class ClassEntry(_Record):
    """A class and one spurious feature of it; another feature of the class is another slug with the
    same label."""

    name: str = Field(description="the class's name")
    label: int = Field(description="its index in the domain's label space")
    feature: str = Field(description="its spurious feature in words")
    splits: dict[Name, SplitEntry] = Field(
        description="its splits by name: a-z, 0-9 and `_`, not `all` or `default`"
    )
    provenance: dict[str, Any] = Field(
        description="what its maker recorded: of a build everything that decides its bytes"
    )


class Manifest(_Record):
    """The whole data set."""

    schema_version: Literal[2] = Field(
        default=VERSION,
        description="version of this format; a reader refuses a later one, and keeps fields that it "
        "does not know",
    )
    name: str = Field(description="the data set's name, which results record")
    domain: DomainName = Field(description="whose labels are meant: `imagenet`, `micro`")
    classes: dict[Name, ClassEntry] = Field(
        description="its classes by slug: a-z, 0-9 and `_`, not `all` or `default`"
    )

    def fingerprint(self) -> str:
        """SHA-256 over every split's content: changes if and only if the pictures, their order,
        or the labels, slugs, splits or kinds they are filed under do."""
        return fingerprint_of(
            {
                slug: {name: split.content for name, split in entry.splits.items()}
                for slug, entry in self.classes.items()
            }
        )

    @property
    def version(self) -> str:
        """A short content version, such as ``c1a2b3c4d5e6f``."""
        return version_of(self.fingerprint())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a data set folder, of this version or an older one; UserError where there is
    none, it is not ours, or it is of a later version."""
    path = folder / NAME
    advice = "make one with `spurbench build` or `spurbench import-si`"
    if not is_folder(folder):
        raise UserError(f"{folder}: no such data set folder; {advice}")
    if not is_file(path):
        raise UserError(f"{folder}: not a spurbench data set (no {NAME}); {advice}")
    data = read_json(path, "a spurbench manifest")
    try:
        _check_version(path, data)
        if data["schema_version"] == 1:
            _check_paths(path, data)  # before the files are read
            data = from_version_1(data, folder)
        manifest = Manifest.model_validate(data)
        _check_paths(path, data)
        return manifest
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path}: not a spurbench manifest ({_first(error)}); rebuild the data set"
        ) from error


def schema_version(folder: Path) -> int:
    """The version of the format that a data set folder with a good manifest is written in."""
    return int(read_json(folder / NAME, "a spurbench manifest")["schema_version"])


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json, whole or not at all."""
    text = json.dumps(manifest.model_dump(), indent=1, ensure_ascii=False, sort_keys=True)
    write_text(folder / NAME, text + "\n")


def _check_version(path: Path, data: Any) -> None:
    version = data["schema_version"]
    if type(version) is not int or version < 1:
        raise ValueError(f"schema_version: {str(version)[:40]!r} is no version")
    if version > VERSION:
        shown = str(version) if version < 1000 else "far above"
        raise NewerError(
            f"{path}: made by a newer spurbench (data set version {shown}; this one reads up to "
            f"{VERSION}); upgrade"
        )


def _check_paths(path: Path, data: Any) -> None:
    """UserError for a file outside the folder. By name alone: in the hub's cache a data set's files
    are links to blobs that lie elsewhere."""
    for entry in data["classes"].values():
        for split in entry["splits"].values():
            for file in split.get("files", [split]):
                inside = PurePosixPath(file["path"])
                strange = any(sign in file["path"] for sign in "\\\0")
                if inside.is_absolute() or ".." in inside.parts or strange:
                    raise UserError(f"{path}: names a file outside the data set: {file['path']!r}")


def _first(error: Exception) -> str:
    """The first thing wrong, with the field that it is about."""
    if isinstance(error, ValidationError):
        said = validation_reason(error)
    else:
        said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(said.split())[:200]
