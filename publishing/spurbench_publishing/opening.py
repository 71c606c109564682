"""The one place where the commands of this package open a data set."""

from __future__ import annotations

from spurbench.dataset.read import DataSet, open_data_set
from spurbench.errors import UserError

from .where import folder_of


def opened(
    data: str, classes: str | None = None, option: str = "--classes"
) -> tuple[DataSet, list[str] | None]:
    """The data set that a command names, a folder or a hub id, and the names of its classes that are wanted, which stand
    with commas between them in an ``option``; None for all. UserError where there is none, or it lacks a class."""
    data_set = open_data_set(folder_of(data))
    wanted = names(option, classes)
    data_set.groups(wanted)
    return data_set, wanted


def names(option: str, text: str | None) -> list[str] | None:
    """What stands between an option's commas; None where it was not given."""
    if text is None:
        return None
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise UserError(f"{option} names nothing; leave it out for all")
    return found
