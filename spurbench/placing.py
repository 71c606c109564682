"""Results that are wholly there or not at all, and never in the place of what is not ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spurbench.dataset.write import writing
from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors, remove_tree, sync, write_bytes
from spurbench.reading import files_below, is_file, is_folder, members, opened, read_json, real

LIST = "spurbench-files.json"
"""In a folder of ours: which files are, so that nothing else is ever removed with them."""


def place_file(
    path: Path, data: bytes, is_ours: Callable[[bytes], bool], option: str = "--out"
) -> None:
    """Write a file whole or not at all; one that is there is replaced if its first 4 KiB say that it
    is ours. UserError where it is not, or cannot be written; ``option`` names places."""
    with friendly_disk_errors(path):
        check_file(path, is_ours, option)
        write_bytes(real(path), data)  # the file itself, where the name is a link to it


def check_file(path: Path, is_ours: Callable[[bytes], bool], option: str = "--out") -> None:
    """UserError unless a file of ours may be written there."""
    if is_folder(path):
        raise UserError(f"{path}: is a folder; name a file with {option}")
    _check_link(path, option)
    if not path.exists():
        return
    with opened(path, most=None) as file:
        if not is_ours(file.read(4096)):
            raise UserError(f"{path}: is there and is none of ours; name another with {option}")


@contextmanager
def place_folder(folder: Path, kind: str, option: str = "--out") -> Iterator[Path]:
    """A folder to fill, aside; at the end it takes the place of ``folder``, which may be absent, empty
    or one of ours of that ``kind`` with nothing else in it. UserError where it is not, another
    process writes there, or the disk is full: then nothing is left behind and nothing changed."""
    _check_link(folder, option)
    with friendly_disk_errors(folder), writing(folder, wait=False) as place:
        check_folder(place, kind, option)
        aside = place.with_name(f".{place.name}.part")
        before = place.with_name(f".{place.name}.before")
        _settle(place, aside, before)
        try:
            aside.mkdir(parents=True)
            yield aside
            _finish(aside, kind)
            if is_folder(place):
                place.rename(before)
            aside.rename(place)
        except BaseException:
            _settle(place, aside, before)
            raise
        remove_tree(before)


def check_folder(folder: Path, kind: str, option: str = "--out") -> None:
    """UserError unless a folder of ours of that kind may take the place."""
    if not is_folder(folder):
        if folder.exists():
            raise UserError(f"{folder}: is there and is no folder; name another with {option}")
        return
    if not members(folder):
        return
    listed = _listed(folder, kind, option)
    for path in files_below(folder, lambda name: True):
        if path.relative_to(folder).as_posix() not in listed:
            raise UserError(
                f"{folder}: holds {path.relative_to(folder)}, which is none of ours; name an empty "
                f"or new folder with {option}"
            )


def _check_link(path: Path, option: str) -> None:
    if path.is_symlink() and not path.exists():
        raise UserError(f"{path}: is a link that leads nowhere; name another with {option}")


def _listed(folder: Path, kind: str, option: str) -> set[str]:
    if not is_file(folder / LIST):
        raise UserError(
            f"{folder}: holds other files and no {LIST}; name an empty or new folder with {option}"
        )
    told = read_json(folder / LIST, "a list of files")
    if not isinstance(told, dict) or told.get("kind") != kind:
        raise UserError(f"{folder}: was made by another command; name another folder with {option}")
    listed = told.get("files")
    return {LIST, *(name for name in listed if isinstance(name, str))} if listed else {LIST}


def _settle(place: Path, aside: Path, before: Path) -> None:
    """Clear away what a call left that did not come to its end; we hold the place alone."""
    if is_folder(before) and not is_folder(place):
        before.rename(place)
    remove_tree(before)
    remove_tree(aside)


def _finish(folder: Path, kind: str) -> None:
    listed = [path.relative_to(folder).as_posix() for path in files_below(folder, lambda n: True)]
    text = json.dumps({"kind": kind, "files": listed}, indent=1) + "\n"
    write_bytes(folder / LIST, text.encode())
    sync(folder)
