"""The data sets that results may be of: a file each, DOMAIN/VERSION.json, which names every picture.

A file proves itself: its fingerprint is computed from what it lists, so that no picture in it can be
changed and the data set stay the same.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from spurbench.dataset.content import content_of, fingerprint_of, read_rows, version_of
from spurbench.dataset.manifest import Manifest, Name, Sha256
from spurbench.errors import UserError, validation_reason
from spurbench.files import write_text
from spurbench.reading import files_below, is_file, is_folder, read_json
from spurbench.results import DataRecord, PathPart

if TYPE_CHECKING:
    from spurbench.dataset.read import DataSet

Index = Annotated[str, StringConstraints(pattern="^(0|[1-9][0-9]{0,8})$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KnownSplit(_Record):
    """The pictures of a class and split: SHA-256 by index, in order."""

    kind: Literal["si", "generated", "val"]
    pictures: dict[Index, Sha256]

    @property
    def by_index(self) -> dict[int, str]:
        """SHA-256 of each picture by its index."""
        return {int(index): sha256 for index, sha256 in self.pictures.items()}


class KnownClass(_Record):
    """A class of the data set."""

    name: str
    label: int
    splits: dict[Name, KnownSplit]


class PanelMember(_Record):
    """A classifier that the pictures were selected to fool, or made with."""

    spec: str
    weights_sha256: Sha256


class KnownDataSet(_Record):
    """A version of a data set; ValidationError where the fingerprint is not that of the pictures.
    ``panel``: whom its pictures were selected with; None where nobody recorded it. ``supersedes``:
    the versions of the domain that it came after, since a version is a hash and has no order."""

    schema_version: Literal[1] = 1
    name: str
    domain: PathPart
    version: PathPart
    fingerprint: Sha256
    panel: list[PanelMember] | None = None
    supersedes: list[PathPart] = []
    classes: dict[Name, KnownClass] = Field(min_length=1)

    @classmethod
    def of(cls, data: DataSet) -> Self:
        """What an opened data set folder holds, whose files have been compared with its manifest."""
        manifest = data.manifest
        classes = {
            slug: KnownClass(
                name=entry.name,
                label=entry.label,
                splits={
                    name: KnownSplit(
                        kind=split.kind,
                        pictures={
                            str(index): sha256
                            for index, sha256 in read_rows(
                                [data.folder / file.path for file in split.files]
                            ).pictures
                        },
                    )
                    for name, split in sorted(entry.splits.items())
                },
            )
            for slug, entry in sorted(manifest.classes.items())
        }
        return cls(
            name=manifest.name,
            domain=manifest.domain,
            version=manifest.version,
            fingerprint=manifest.fingerprint(),
            panel=panel_of(manifest),
            classes=classes,
        )

    @model_validator(mode="after")
    def _proven(self) -> Self:
        found = fingerprint_of(
            {
                slug: {name: _content(entry, slug, name) for name in entry.splits}
                for slug, entry in self.classes.items()
            }
        )
        if found != self.fingerprint:
            raise ValueError("the fingerprint is not that of the pictures")
        if self.version != version_of(found):
            raise ValueError("the version is not that of the fingerprint")
        return self

    @cached_property
    def count(self) -> int:
        """How many pictures the data set has."""
        return sum(len(s.pictures) for c in self.classes.values() for s in c.splits.values())

    @cached_property
    def panel_weights(self) -> frozenset[str] | None:
        """SHA-256 of the weights of the panel; None where it is not known."""
        return None if self.panel is None else frozenset(m.weights_sha256 for m in self.panel)

    def path_under(self, root: Path) -> Path:
        """Where the file belongs below the folder of known data sets."""
        return root / self.domain / f"{self.version}.json"


def panel_of(manifest: Manifest) -> list[PanelMember] | None:
    """The classifiers that a build's pictures were selected or made with, as its provenance names them:
    the panel where it chose the references, and the robust network whose features they were fine-tuned
    with. None where no class says."""
    said = [entry.provenance for entry in manifest.classes.values()]
    known = [each for each in said if isinstance(each.get("weights"), dict)]
    found = {member for each in known for member in _members(each)}
    members = [PanelMember(spec=spec, weights_sha256=sha256) for spec, sha256 in sorted(found)]
    return members if known else None


def _members(provenance: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Specs and weights; a build names them by "ROLE NUMBER SPEC"."""
    roles = {"panel", "robust"} if provenance.get("filtered") else {"robust"}
    for name, sha256 in provenance["weights"].items():
        role, _, rest = str(name).partition(" ")
        spec = rest.partition(" ")[2]
        if role in roles and spec and re.fullmatch("[0-9a-f]{64}", str(sha256)):
            yield spec, sha256


def _content(entry: KnownClass, slug: str, name: str) -> str:
    split = entry.splits[name]
    return content_of(entry.label, slug, name, split.kind, list(split.by_index.items()))


def write_known(known: KnownDataSet, path: Path) -> None:
    """Write the file, whole or not at all: a picture a line."""
    made = [folder for folder in (path.parent, *path.parents[1:2]) if not is_folder(folder)]
    try:
        write_text(path, json.dumps(known.model_dump(), indent=1, ensure_ascii=False) + "\n")
    except BaseException:
        for folder in made:
            with suppress(OSError):  # not made, or no longer empty
                folder.rmdir()
        raise


def read_known(path: Path) -> KnownDataSet:
    """Read a file of a known data set; UserError where it is none."""
    data = read_json(path, "a known data set")
    try:
        return KnownDataSet.model_validate(data)
    except ValidationError as error:
        raise UserError(
            f"{path}: not a known data set ({validation_reason(error)}); write it again with "
            "`spurbench leaderboard register`"
        ) from error


class Register:
    """The folder of known data sets; a file is read when it is first asked for. A folder that is not
    there knows none; UserError for what is no folder."""

    def __init__(self, root: Path) -> None:
        if not is_folder(root) and os.path.lexists(root):
            raise UserError(f"{root}: is no folder; name that of known data sets with --data")
        self.root = root
        self._read: dict[Path, KnownDataSet | None] = {}

    def find(self, domain: str, version: str) -> KnownDataSet | None:
        """The data set of that domain and version; None where it is not known. UserError where its file
        cannot be read, or is of another data set."""
        path = self.root / domain / f"{version}.json"
        if path not in self._read:
            self._read[path] = self._at(path) if is_file(path) else None
        return self._read[path]

    def of(self, data: DataRecord) -> KnownDataSet | None:
        """The data set that a result is of; None where it is not known, or has other pictures."""
        known = self.find(data.domain, data.version)
        return known if known and known.fingerprint == data.fingerprint else None

    def names(self) -> list[str]:
        """Domain and version of every known data set, sorted."""
        if not is_folder(self.root):
            return []
        files = files_below(self.root, lambda name: name.endswith(".json"))
        return [f"{path.parent.name}/{path.stem}" for path in files]

    def of_domain(self, domain: str) -> list[KnownDataSet]:
        """Every known version of a domain's data set, sorted; UserError where a file cannot be read."""
        names = (name.split("/") for name in self.names())
        found = (self.find(domain, version) for there, version in names if there == domain)
        return [known for known in found if known]

    def newest(self, domain: str) -> list[KnownDataSet]:
        """The versions that no other supersedes: one, but where two were added side by side."""
        there = self.of_domain(domain)
        old = {version for known in there for version in known.supersedes}
        return [known for known in there if known.version not in old]

    def is_old(self, data: DataRecord) -> bool:
        """Whether a data set of a result is one that another came after."""
        there = self.of_domain(data.domain)
        return any(data.version in known.supersedes for known in there)

    def added(self, known: KnownDataSet) -> KnownDataSet:
        """A data set as it is added to these: it supersedes what was the newest. One that is here
        already keeps its place."""
        if is_file(known.path_under(self.root)):
            with suppress(UserError):  # one that cannot be read is written again
                there = self.find(known.domain, known.version)
                return known.model_copy(update={"supersedes": there.supersedes if there else []})
            return known
        before = [each.version for each in self.newest(known.domain)]
        return known.model_copy(update={"supersedes": before})

    def _at(self, path: Path) -> KnownDataSet:
        known = read_known(path)
        if known.path_under(self.root) != path:
            raise UserError(
                f"{path}: holds the data set {known.domain}/{known.version}; write it again with "
                "`spurbench leaderboard register`"
            )
        return known
