"""The columns of a file against those of the format."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from spurbench.dataset.schema import Credit, features

from .context import Split
from .report import Finding

if TYPE_CHECKING:
    from pyarrow import Schema

LATER = tuple(column.name for column in fields(Credit))
"""Columns that files of version 1 lack."""


def usable(schema: Schema, split: Split, file: str, findings: list[Finding]) -> list[str]:
    """The names of the columns that are as the format has them; what is wrong with others goes to
    ``findings``."""
    known = {column.name: column.type for column in features().arrow_schema}
    there = {column.name: column.type for column in schema}
    place = split.place(file)
    lacking = [name for name in known if name not in there]
    older = [name for name in lacking if name in LATER]
    if older:
        findings.append(Finding("column-older", place, ", ".join(older)))
    for name in lacking:
        if name not in LATER:
            findings.append(Finding("column-missing", place, name))
    for name in there.keys() - known.keys():
        findings.append(Finding("column-other", place, name))
    fitting = [name for name in known if name in there and _same(there[name], known[name])]
    for name in (known.keys() & there.keys()) - set(fitting):
        what = f"{name} is {there[name]}, not {known[name]}"
        findings.append(Finding("column-type", place, what))
    return fitting


def _same(found: Any, said: Any) -> bool:
    """Whether two types are one, whatever a list's items or large texts are called."""
    from pyarrow import types

    if types.is_struct(said):
        inner = {said.field(i).name: said.field(i).type for i in range(said.num_fields)}
        return types.is_struct(found) and all(
            found.get_field_index(name) >= 0 and _same(found.field(name).type, kind)
            for name, kind in inner.items()
        )
    if types.is_list(said):
        return _is_list(found) and _same(found.value_type, said.value_type)
    if types.is_string(said):
        return bool(types.is_string(found) or types.is_large_string(found))
    if types.is_binary(said):
        return bool(types.is_binary(found) or types.is_large_binary(found))
    return bool(found == said)


def _is_list(found: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(found) or types.is_large_list(found))
