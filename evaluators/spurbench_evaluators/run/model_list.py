"""`spurbench eval --models FILE`: a list of models, one a line with its own options.

A line is ``SPEC [--weights FILE] [--label-space NAME_OR_FILE] [--framing F] [--dtype D] [--batch-size N]``,
quoted as a shell would have it; ``#`` begins a comment. Paths after an option are taken from the
list's own folder; one inside a spec (``onnx/FILE``) is the loader's, from where the command runs.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from spurbench import plugins
from spurbench.errors import UserError, unknown
from spurbench.numerals import whole
from spurbench.reading import is_file, read_text
from spurbench_evaluators.labels import spaces
from spurbench_evaluators.limits import MOST_BATCH

from .framing import FRAMINGS
from .placement import DTYPES


@dataclass(frozen=True)
class ListedModel:
    """A line of a list: the model and its options, None where the command's own hold. ``text`` is the
    line without its comment, ``line`` its number from 1; two lines are equal if they say the same."""

    spec: str
    weights: Path | None
    label_space: str | None
    framing: str | None
    dtype: str | None
    batch_size: int | None
    text: str = field(compare=False)
    line: int = field(compare=False)


def read_model_list(path: Path) -> list[ListedModel]:
    """The models of a list file, in order. UserError naming the file and line of what cannot be
    read, is not known, or stands there twice; loads no model."""
    models: list[ListedModel] = []
    for number, words in _lines(path):
        place = f"{path}, line {number}"
        try:
            model = _listed(words, number, path.parent)
        except (UserError, ValueError) as error:
            raise UserError(f"{place}: {error}") from error
        if model in models:
            other = models[models.index(model)]
            raise UserError(f"{place}: says the same as line {other.line}; remove one of them")
        models.append(model)
    if not models:
        raise UserError(f"{path}: names no models; write one a line, as LOADER/NAME")
    return models


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The words of every line that has any, with its number."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}; mend the quotes") from error
        if words:
            yield number, words


class _LineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)  # argparse would end the process


def _listed(words: list[str], number: int, folder: Path) -> ListedModel:
    said = _parser().parse_args(words)
    plugins.split_spec(said.spec)
    for kind, value, known in (("framing", said.framing, FRAMINGS), ("dtype", said.dtype, DTYPES)):
        if value is not None and value not in known:
            raise unknown(kind, value, known)
    size = said.batch_size
    return ListedModel(
        said.spec,
        folder / said.weights if said.weights is not None else None,
        _label_space(said.label_space, folder),
        said.framing,
        said.dtype,
        None if size is None else whole(size, "--batch-size", 1, MOST_BATCH),
        shlex.join(words),
        number,
    )


def _parser() -> _LineParser:
    parser = _LineParser(prog="", add_help=False, allow_abbrev=False)
    parser.add_argument("spec", metavar="SPEC")
    for option in ("--weights", "--label-space", "--framing", "--dtype"):
        parser.add_argument(option)
    parser.add_argument("--batch-size")
    return parser


def _label_space(said: str | None, folder: Path) -> str | None:
    """A known name as it is, a file's path from the list's folder."""
    if said is None or said in spaces.names():
        return said
    path = folder / said
    if not is_file(path):
        raise unknown("label space", said, spaces.names(), hint="(nor is there such a file)")
    return str(path)
