"""Which models of a list have no result yet for the newest version of a data set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from spurbench import plugins
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError, short, unknown
from spurbench.reading import files_below, is_folder, read_text
from spurbench.results import Result, read_result

from .known import KnownDataSet, Register
from .tables import asked_framing

SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:@+=,-]*")
"""What the gate lets a result's spec be: whoever runs the list scores nothing that it would refuse."""
FRAMING = "model"
"""The framing that listed models are scored in: that of `spurbench eval` without --framing."""


def read_models(path: Path) -> list[str]:
    """The specs of a list, in order: one a line, ``#`` begins a comment. UserError naming the line of
    what is more than a spec, stands there twice, or is of no loader."""
    specs: list[str] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        place = f"{path}, line {number}"
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise UserError(f"{place}: {error}; mend the quotes") from error
        if len(words) > 1:
            raise UserError(f"{place}: {short(line)} is more than a spec; write LOADER/NAME alone")
        for spec in words:
            _check(spec, place)
            if spec in specs:
                raise UserError(f"{place}: {spec} is listed above already; remove one of them")
            specs.append(spec)
    if not specs:
        raise UserError(f"{path}: names no models; write one a line, as LOADER/NAME")
    return specs


def _check(spec: str, place: str) -> None:
    if not SPEC.fullmatch(spec):
        raise UserError(f"{place}: {short(spec)} is no plain spec; write LOADER/NAME")
    try:
        plugins.split_spec(spec)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def chosen(register: Register, domain: str | None, version: str | None) -> KnownDataSet:
    """The data set that models are scored on: of the domain, or the only one known; the version, or the
    newest. UserError where that is none or not one."""
    domains = sorted({name.split("/")[0] for name in register.names()})
    if not domains:
        raise UserError(
            f"{register.root}: no known data sets; add one with `spurbench leaderboard register`"
        )
    if domain is None:
        if len(domains) > 1:
            raise UserError(
                f"{register.root}: knows several domains ({', '.join(domains)}); choose one with --domain"
            )
        (domain,) = domains
    elif domain not in domains:
        raise unknown("domain", domain, domains)
    found = register.newest(domain) if version is None else register.of_domain(domain)
    wanted = [known for known in found if version in (None, known.version)]
    if version is not None and not wanted:
        raise unknown("data set version", version, [known.version for known in found])
    if len(wanted) != 1:
        names = ", ".join(known.version for known in wanted) or "none"
        raise UserError(
            f"{register.root / domain}: not one version is the newest ({names}); choose one with --version"
        )
    return wanted[0]


def of_version(folder: Path, known: KnownDataSet) -> None:
    """UserError where a data set folder is not the known one."""
    manifest = open_data_set(folder).manifest
    if manifest.fingerprint() != known.fingerprint:
        raise UserError(
            f"{folder}: is {manifest.domain}/{manifest.version} and not {known.domain}/{known.version}; "
            "fetch that version, or register this one"
        )


def missing_of(specs: Sequence[str], results: Path, known: KnownDataSet) -> list[str]:
    """The specs, in order, without a result of the whole data set in the usual framing. A result
    counts by its spec, which says a model's name in full, whatever weights that was when it was made."""
    folder = results / known.domain / known.version
    files = files_below(folder, lambda name: name.endswith(".json")) if is_folder(folder) else []
    have = {each.model.spec for each in map(read_result, files) if _is_of(each, known)}
    return [spec for spec in specs if spec not in have and _in_full(spec) not in have]


def _in_full(spec: str) -> str:
    """The spec that a result of the model has: a loader may know names that it does not say in full."""
    try:
        return plugins.card(spec).spec
    except UserError:  # no card without its weights; or no such model, which whoever scores it says
        return spec


def _is_of(result: Result, known: KnownDataSet) -> bool:
    whole = result.data.selection is None and asked_framing(result) == FRAMING
    return whole and result.data.fingerprint == known.fingerprint


def as_list(specs: Sequence[str]) -> list[str]:
    """The lines of a list that `spurbench eval --models` reads."""
    return [shlex.quote(spec) for spec in specs]
