"""The scores as a LaTeX table; no text of a result is a command in it."""

from __future__ import annotations

from collections.abc import Iterator

from spurbench.printing import one_line
from spurbench.results import HeadScore, Interval, Means, SplitScore
from spurbench_leaderboard.tables import asked_framing

from .confusion import reading
from .gathered import Gathered

MARK = "% Written by spurbench report."
A_PAGE = 40
"""Classes that a table may have; of more a longtable is made, which goes on over pages."""
SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "'": r"\symbol{39}",
    "`": r"\symbol{96}",
    "-": "{-}",
    # After the \\ of the row before, these would be read as its options.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
"""What is a command, a quote, a part of a ligature or an option to TeX, and how it is written as itself."""
HEADINGS = {"si": "references (SI)", "generated": "generated", "val": "validation"}


def escaped(text: object) -> str:
    """Foreign text as LaTeX sets it as it is, on one line."""
    return "".join(SIGNS.get(sign, sign) for sign in one_line(text))


def latex(gathered: Gathered) -> str:
    """A booktabs table: a class a row, of each split the share of hits with its interval, in %."""
    rows = list(_rows(gathered))
    lines = _long(gathered, rows) if len(rows) > A_PAGE else _table(gathered, rows)
    packages = r"\usepackage{booktabs}"
    if len(rows) > A_PAGE:
        packages += r" and \usepackage{longtable}"
    said = [MARK, f"% Needs {packages}."]
    if any(not line.isascii() for line in lines):
        said.append(
            "% Holds letters beyond ASCII: take XeLaTeX or LuaLaTeX where pdfLaTeX lacks them."
        )
    return "\n".join([*said, *lines]) + "\n"


def _table(gathered: Gathered, rows: list[str]) -> list[str]:
    return [
        r"\begin{table}",
        r"\centering",
        _caption(gathered),
        _columns(gathered, "tabular"),
        r"\toprule",
        _head(gathered),
        r"\midrule",
        *rows,
        r"\midrule",
        _means(gathered),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _long(gathered: Gathered, rows: list[str]) -> list[str]:
    return [
        _columns(gathered, "longtable"),
        _caption(gathered) + r" \\",
        r"\toprule",
        _head(gathered),
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        _head(gathered),
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *rows,
        r"\midrule",
        _means(gathered),
        r"\end{longtable}",
    ]


def _columns(gathered: Gathered, environment: str) -> str:
    return rf"\begin{{{environment}}}{{l{'r' * len(gathered.splits)}}}"


def _caption(gathered: Gathered) -> str:
    result = gathered.result
    differences = gathered.differences
    over = "domain's labels" if "restricted" in gathered.readings else "full head"
    gap = f" Generated minus references: {_cell(differences[0][1])} points." if differences else ""
    return (
        rf"\caption{{{escaped(result.model.spec)} on {escaped(result.data.name)} "
        rf"(version {escaped(result.data.version)}, framing {escaped(asked_framing(result))}): share of "
        rf"pictures taken for the class, over the {over}, in \%, with 95\,\% intervals (Wilson; of "
        rf"means over classes Korn and Graubard's, of the difference Student's t). On validation pictures, "
        rf"which show the class, it is the accuracy; on all others lower is better.{gap}}}"
        rf"\label{{tab:spurbench-{result.slug}}}"
    )


def _head(gathered: Gathered) -> str:
    names = [escaped(HEADINGS.get(split, split)) for split in gathered.splits]
    return rf"class & {' & '.join(names)} \\"


def _rows(gathered: Gathered) -> Iterator[str]:
    scores = {(s.slug, s.split): s for s in gathered.result.scores}
    for slug, name in sorted(gathered.names.items(), key=lambda item: (item[1], item[0])):
        cells = [_score(scores.get((slug, split))) for split in gathered.splits]
        # An empty group first: a row must not begin with what \\ or \midrule would take for its own.
        yield rf"{{}}{escaped(name)} & {' & '.join(cells)} \\"


def _means(gathered: Gathered) -> str:
    cells = [_mean(gathered.result.means.get(split)) for split in gathered.splits]
    return rf"mean & {' & '.join(cells)} \\"


def _score(score: SplitScore | None) -> str:
    found: HeadScore | None = reading(score) if score else None
    return _cell(found.top1) if found else "--"


def _mean(means: Means | None) -> str:
    return _cell((means.restricted or means).top1) if means else "--"


def _cell(interval: Interval) -> str:
    value = f"${100 * interval.value:.1f}$"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} [${100 * interval.low:.1f}$, ${100 * interval.high:.1f}$]"
