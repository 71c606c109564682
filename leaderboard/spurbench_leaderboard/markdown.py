"""Results as Markdown tables, ranked, one table a data set version."""

from __future__ import annotations

from collections import defaultdict

from spurbench.errors import UserError
from spurbench.results import Interval, Result

BEGIN = "<!-- spurbench:leaderboard:begin -->"
END = "<!-- spurbench:leaderboard:end -->"
COLUMNS = {"si": "SI", "generated": "generated", "val": "val. accuracy"}


def leaderboard(results: list[Result]) -> str:
    """Tables of results, most reliant on spurious features last; versions are never mixed."""
    groups: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.data.domain, result.data.name, result.data.version].append(result)
    tables = [_table(*key, group) for key, group in sorted(groups.items())]
    return "\n\n".join(tables)


def replace_between(text: str, body: str, where: str) -> str:
    """The text with ``body`` between its two markers; UserError where they are not there once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UserError(f"{where}: needs the lines {BEGIN} and {END}, once each and in this order")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{body}\n{END}{rest.split(END)[1]}"


def _table(domain: str, name: str, version: str, results: list[Result]) -> str:
    splits = [s for s in COLUMNS if any(s in r.macro for r in results)]
    classes = len({s.slug for r in results for s in r.scores})
    lines = [
        (
            f"Domain `{escape(domain)}`, data set `{escape(name)}` version `{escape(version)}`: mean over "
            f"{classes} classes in %, with 95 % intervals clustered by class. Spurious accuracy: lower "
            "is better."
        ),
        "",
        f"| # | model | {' | '.join(COLUMNS[s] for s in splits)} | generated - SI | framing | weights |",
        "|---|---|" + "---|" * (len(splits) + 3),
    ]
    for rank, result in enumerate(sorted(results, key=_order), start=1):
        cells = [_cell(result.macro.get(s)) for s in splits]
        weights = f"`{result.model.weights_sha256[:8]}`"
        lines.append(
            f"| {rank} | `{escape(result.model.spec)}` | {' | '.join(cells)} "
            f"| {_cell(result.generated_minus_si)} | {_framing(result)} | {weights} |"
        )
    return "\n".join(lines)


def _order(result: Result) -> tuple[float, str]:
    main = result.macro.get("generated") or result.macro.get("si")
    return (main.value if main else 2.0, result.model.spec)


def _framing(result: Result) -> str:
    how = result.model.transform
    return escape(f"{how.get('framing')} {how.get('size')}")


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return ""
    value = f"{100 * interval.value:.1f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def escape(text: str) -> str:
    """Text that cannot leave its Markdown cell or code span, nor start HTML."""
    kept = "".join(c for c in text if c.isprintable())
    return (
        kept.replace("\\", "/")
        .replace("|", "\\|")
        .replace("`", "'")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )
