"""A submitted result: its file and what it says, before any prediction is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spurbench.errors import UserError, short
from spurbench.printing import one_line
from spurbench.reading import parse_json, read_text
from spurbench.results import SCHEMA_VERSION, Result

from . import texts
from .findings import Finding, Level, shown

MOST_JSON = 16 << 20
"""Bytes of a result file: it has 4,000 a class."""
MOST_SAID = 8
"""Findings of one rule about one file that are told; what they are too many of is the same mistake."""


@dataclass(frozen=True)
class Submission:
    """A result file that can be read as one."""

    path: Path
    result: Result

    def finding(self, rule: str, message: str, level: Level = "error") -> Finding:
        """A finding about this file."""
        return Finding(shown(self.path), level, rule, message)


def load(path: Path, root: Path) -> tuple[Submission | None, list[Finding]]:
    """The submission of a file below the results folder, None where it is no result; and what is found
    of it by itself: its place, its values, its name."""
    name = shown(path)
    linked = next((part for part in _parts(path, root) if part.is_symlink()), None)
    if linked is not None:
        message = f"{shown(linked)} is a link; submit files themselves"
        return None, [Finding(name, "error", "place", message)]
    try:
        data = parse_json(read_text(path, MOST_JSON), path, "a result file")
    except UserError as error:
        return None, [Finding(name, "error", "schema", _bare(error, path))]
    except RecursionError:
        return None, [Finding(name, "error", "schema", "nested too deeply")]
    said = [*_version_faults(data), *texts.faults(data)]
    if said:
        return None, _few(name, "schema", said)
    try:
        result = Result.model_validate(data)
    except ValidationError as error:
        return None, _few(name, "schema", list(_reasons(error)))
    return Submission(path, result), _few(name, "name", list(_name_faults(path, root, result)))


def _parts(path: Path, root: Path) -> Iterator[Path]:
    """The folders below the root that lead to the file, and the file."""
    place = root
    for part in path.relative_to(root).parts:
        place /= part
        yield place


def _version_faults(data: Any) -> Iterator[str]:
    version = data.get("schema_version") if isinstance(data, dict) else None
    if type(version) is not int or version < 1:
        yield f"schema_version: {short(version)} is no version; the one that is taken is {SCHEMA_VERSION}"
    elif version < SCHEMA_VERSION:
        yield (
            f"schema_version: results of version {version} lack what is compared; compute it again with "
            "`spurbench score PREDICTIONS --results DIR`"
        )


def _reasons(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part)[:60] for part in found["loc"]) or "top level"
        yield f"{where}: {found['msg'].removeprefix('Value error, ')}"


def _name_faults(path: Path, root: Path, result: Result) -> Iterator[str]:
    wanted = result.path_under(root)
    if path != wanted:
        place = wanted.relative_to(root).as_posix()
        yield f"does not lie where its content belongs; move it to {place}"
    if not texts.SPEC.fullmatch(result.model.spec) or re.search(r"\.\.|//", result.model.spec):
        yield f"model.spec: {short(result.model.spec)} is no plain LOADER/NAME"


def _bare(error: UserError, path: Path) -> str:
    """What an error says of the file, without its name, which stands above."""
    return one_line(error).removeprefix(f"{path}: ")


def _few(name: str, rule: str, said: list[str]) -> list[Finding]:
    found = [Finding(name, "error", rule, message) for message in said[:MOST_SAID]]
    if len(said) > MOST_SAID:
        found.append(Finding(name, "error", rule, f"... and {len(said) - MOST_SAID} more"))
    return found
