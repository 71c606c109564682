"""The gate: everything that is looked at in submitted results, all findings at once."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spurbench.errors import UserError
from spurbench.printing import one_line
from spurbench.reading import is_folder, read_bytes, unreadable
from spurbench.scores.predictions import Predictions
from spurbench.scores.stored import predictions_path
from spurbench_leaderboard import plausible
from spurbench_leaderboard.known import KnownDataSet, Register

from . import answers, history, hosted, numbers, pictures, twins
from .findings import Finding, Report, shown, sorted_report
from .reader import Reader
from .rescore import Again
from .submission import Submission, load

MOST_BESIDE = 4 << 20
"""Bytes of a predictions file beside its result: git keeps every one for ever. Larger ones are hosted."""
MOST_GROUPS = 3000
"""Classes and splits of which numbers are computed."""
KEPT = 8
"""Predictions that are in memory together."""
BESIDE = re.compile(r"(.+)\.[0-9a-f]{8}\.parquet")
UNCHECKED = "history was not checked: name the branch that the change goes into with --base"


@dataclass
class Gate:
    """A check under way: where results and known data sets lie, and what has been found."""

    root: Path
    register: Register
    reader: Reader
    again: Again | None = None
    findings: list[Finding] = field(default_factory=list)
    decoded: dict[Path, Predictions | None] = field(default_factory=dict)

    def add(self, each: Submission, rule: str, message: str) -> None:
        """An error of a submission."""
        self.findings.append(each.finding(rule, one_line(message)))

    def predictions(self, each: Submission) -> Predictions | None:
        """A submission's predictions; None, and found, where they cannot be had or are not its own."""
        if each.path not in self.decoded:
            try:
                found = self._read(each)
            except UserError as error:
                self.add(each, "predictions", str(error))
                found = None
            while len(self.decoded) >= KEPT:
                self.decoded.pop(next(iter(self.decoded)))
            self.decoded[each.path] = found
        return self.decoded[each.path]

    def _read(self, each: Submission) -> Predictions:
        beside = predictions_path(each.path, each.result)
        if each.result.hosted:
            where, data = str(each.result.hosted.path), hosted.fetched(each.result.hosted)
        else:
            where, data = beside.name, _beside(beside)
        predictions = self.reader.read(data, where)
        if predictions.sha256 != each.result.predictions_sha256:
            raise UserError(
                f"{where}: is another file than predictions_sha256 says ({predictions.sha256[:8]})"
            )
        return predictions


def check(
    files: Sequence[Path],
    results: Path,
    known: Path,
    base: str | None,
    reader: Reader,
    again: Again | None = None,
) -> Report:
    """Check result files below a folder, all of them where none is named.

    ``base`` names the commit that history is compared with; ``again`` scores pictures again.

    Raises UserError for a file that is not there or lies elsewhere, and where the history cannot be read.
    """
    root = Path(os.path.normpath(results.absolute()))
    if not is_folder(root):
        raise UserError(f"{results}: no such folder of results; name it with --results")
    named = {_inside(path, root) for path in files}
    there = sorted({*_everything(root), *named})  # one may lie in a linked folder
    if base is None and not there:
        raise UserError(
            f"{results}: no result files (*.json); make one with `spurbench eval --submit`"
        )
    gate = Gate(root, Register(Path(os.path.normpath(known.absolute()))), reader, again)
    chosen = {_result_of(path) for path in named} if named else set(there)
    loaded = [
        (path, *load(path, root))
        for path in there
        if path.suffix == ".json" and not _hidden(path, root)
    ]
    results_there = [each for _, each, _ in loaded if each]
    for path, each, found in loaded:
        if path in chosen:
            gate.findings += found
            if each:
                _check_one(gate, each)
    _check_strays(gate, there, {path for path, _, _ in loaded}, results_there, named)
    then = _history(gate, base)
    newer = {each.path for each in results_there if each.path in chosen}
    newer -= set(then.files) if then else set()
    gate.findings += twins.find(results_there, newer, gate.predictions)
    checked = [path for path, _, _ in loaded if path in chosen]
    return sorted_report(map(shown, checked), gate.findings, () if then else (UNCHECKED,))


def _check_one(gate: Gate, each: Submission) -> None:
    """What is found of one result and its predictions."""
    result = each.result
    for reason in plausible.doubts(result):
        gate.findings.append(each.finding("plausible", f"listed, not ranked: {reason}", "note"))
    for remark in plausible.remarks(result):
        gate.findings.append(each.finding("plausible", remark, "note"))
    known = _known(gate, each)
    predictions = gate.predictions(each)
    if predictions is None:
        return
    scored = pictures.scored(predictions)
    for message in _cut(list(answers.faults(predictions, result.model))):
        gate.add(each, "predictions", message)
    if known:
        for message in _cut(list(pictures.faults(result, scored, known))):
            gate.add(each, "pictures", message)
    if (
        len(scored.pictures) <= MOST_GROUPS
    ):  # more would be computed for hours, and are no data set's
        for message in _cut(list(numbers.faults(result, predictions))):
            gate.add(each, "numbers", message)
        if gate.again:
            gate.findings += [
                each.finding("rescore", one_line(message), level)
                for level, message in gate.again.said(result, predictions)
            ]
    else:
        gate.add(each, "numbers", f"{len(scored.pictures)} classes and splits are too many")


def _known(gate: Gate, each: Submission) -> KnownDataSet | None:
    """The data set that the result is of; None, and found, where it is not known."""
    data = each.result.data
    try:
        known = gate.register.find(data.domain, data.version)
    except UserError as error:
        gate.add(each, "data", str(error))
        return None
    if known is None:
        names = ", ".join(gate.register.names()[:5]) or "none"
        gate.add(
            each,
            "data",
            f"data set {data.domain}/{data.version} is not known (known: {names}); add it with "
            "`spurbench leaderboard register`",
        )
    elif known.fingerprint != data.fingerprint:
        gate.add(each, "data", f"data.fingerprint is not that of {data.domain}/{data.version}")
        return None
    return known


def _check_strays(
    gate: Gate,
    there: list[Path],
    files: set[Path],
    results: list[Submission],
    named: set[Path],
) -> None:
    """Files that belong to no result have no place among them."""
    own = {predictions_path(each.path, each.result) for each in results if not each.result.hosted}
    # A result that cannot be read says nothing of which predictions are its own.
    unread = {str(path.with_suffix("")) for path in files - {each.path for each in results}}
    for path in there:
        beside = BESIDE.fullmatch(str(path))
        if path in files | own or (named and path not in named):
            continue
        if beside and beside[1] in unread:
            continue
        said = "belongs to no result; remove it"
        gate.findings.append(Finding(shown(path), "error", "place", said))


def _history(gate: Gate, base: str | None) -> history.Before | None:
    if base is None:
        return None
    folders = [folder for folder in (gate.root, gate.register.root) if is_folder(folder)]
    then = history.before(folders, base)
    gate.findings += history.findings(then)
    for folder in folders[1:]:
        added = {path for path in _everything(folder) if path not in then.files}
        for path in sorted(added):
            said = "adds to the known data sets: who merges it vouches for the pictures"
            gate.findings.append(Finding(shown(path), "note", "data", said))
    return then


def _beside(path: Path) -> bytes:
    """The bytes of a predictions file beside its result; UserError where it has no place there."""
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise UserError(f"{path.name}: no such file beside the result; submit it too") from error
    except OSError as error:
        raise unreadable(path.name, error) from error
    if stat.S_ISLNK(found.st_mode):
        raise UserError(f"{path.name}: is a link; submit files themselves")
    if found.st_size > MOST_BESIDE:
        raise UserError(
            f"{path.name}: {found.st_size} bytes are more than lie beside a result ({MOST_BESIDE}); put "
            "it into a data set repository of the hub, and name it in the result (hosted)"
        )
    return read_bytes(path, MOST_BESIDE)


def _cut(said: list[str], most: int = 8) -> Iterator[str]:
    yield from said[:most]
    if len(said) > most:
        yield f"... and {len(said) - most} more"


def _everything(root: Path) -> Iterator[Path]:
    """What lies below a folder and is no folder, links to folders among it, by path."""
    found: list[Path] = []

    def failed(error: OSError) -> None:
        raise unreadable(error.filename, error) from error

    for place, folders, names in os.walk(root, onerror=failed):
        found += [Path(place) / name for name in names]
        found += [Path(place) / name for name in folders if (Path(place) / name).is_symlink()]
    yield from sorted(found)


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _inside(path: Path, root: Path) -> Path:
    """A named file as it lies below the root; UserError where it does not."""
    whole = Path(os.path.normpath(path.absolute()))
    if not os.path.lexists(whole):
        raise UserError(f"{path}: no such file; name result files, or none for all of them")
    if not whole.is_relative_to(root) or whole == root or is_folder(whole):
        raise UserError(f"{path}: is no file below {shown(root)}; name the folder with --results")
    return whole


def _result_of(path: Path) -> Path:
    """The result file that a named file is or belongs to."""
    beside = BESIDE.fullmatch(path.name)
    return path.with_name(f"{beside[1]}.json") if beside else path
