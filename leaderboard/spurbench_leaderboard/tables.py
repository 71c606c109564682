"""Results sorted into the tables of a leaderboard: one for what may be compared, each ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from spurbench.results import DataRecord, Result

from .known import KnownDataSet
from .ranking import Ranking, ranking_of

Comparable = tuple[str, str, str, str, str]
Know = Callable[[DataRecord], KnownDataSet | None]


@dataclass(frozen=True)
class Table:
    """Results that may be compared: of one version of one data set, asked for in one framing, with one
    set of validation pictures.

    ``data`` is the data set under one of its names, ``framing`` the one that was asked for. ``parts`` are
    results of a part of the data, which are not ranked. ``panel`` has the places in ``results`` of the
    models that the data set was selected with; None where that is not known.
    """

    data: DataRecord
    framing: str
    ranking: Ranking
    parts: tuple[Result, ...]
    panel: frozenset[str] | None

    def of_panel(self, result: Result) -> bool:
        """Whether the data set's pictures were selected to fool this very model."""
        return result.model.weights_sha256 in (self.panel or ())

    @property
    def empty(self) -> bool:
        """Whether there is nothing but parts."""
        return not (self.ranking.places or self.ranking.unranked)

    @property
    def results(self) -> Iterator[Result]:
        """All but the parts: ranked ones first, in order."""
        yield from (place.result for place in self.ranking.places)
        yield from (each.result for each in self.ranking.unranked)


def nothing_known(data: DataRecord) -> KnownDataSet | None:
    """Knows no data set."""
    return None


def tables_of(
    results: Sequence[Result], know: Know = nothing_known, *, panel: bool = True
) -> list[Table]:
    """The tables of all results, in a fixed order.

    Data sets, their versions, framings and validation pictures are never mixed; what a data set's
    folder was called does not matter. ``know`` says of which models the panel of a data set was; without
    ``panel`` they are left out, and the others ranked among themselves.
    """
    groups: dict[Comparable, list[Result]] = defaultdict(list)
    for result in results:
        groups[comparable(result)].append(result)
    return [_table(group, know, panel=panel) for _, group in sorted(groups.items())]


def comparable(result: Result) -> Comparable:
    """Equal for results that may be ranked together."""
    data = result.data
    validation = data.validation.fingerprint if data.validation else ""
    return data.domain, data.version, data.fingerprint, asked_framing(result), validation


def asked_framing(result: Result) -> str:
    """The framing that was asked for; results before version 3 have the kind of their transform."""
    return result.model.framing or f"{result.model.transform.get('framing')} (as recorded)"


def _table(group: Sequence[Result], know: Know, *, panel: bool) -> Table:
    # Under one of its names, whichever result comes first.
    data = min((result.data for result in group), key=lambda data: data.name)
    known = know(data)
    members = known.panel_weights if known else None
    shown = [r for r in group if panel or r.model.weights_sha256 not in (members or ())]
    whole = [result for result in shown if not result.data.selection]
    parts = sorted(
        (result for result in shown if result.data.selection),
        key=lambda result: (result.model.spec, result.slug),
    )
    return Table(data, asked_framing(group[0]), ranking_of(whole), tuple(parts), members)
