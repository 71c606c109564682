"""A report's three forms: the numbers are the result's, and foreign texts are texts."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spurbench.results import Result
from spurbench_leaderboard.report.gathered import Gathered, gather
from spurbench_leaderboard.report.latex import A_PAGE, escaped, latex
from spurbench_leaderboard.report.longform import HEADER, long_form
from spurbench_leaderboard.report.page import page
from spurbench_leaderboard.report.scored import Scored, read_scored
from tests.core.dataset.made_rows import HOSTILE
from tests.leaderboard.gate.made import Board

from .made import OTHER, PLAN, planned

TEX = (
    r"\input{/etc/passwd}\write18{id}",
    "^^5cinput{x} $x_1^2$ 100% #1 ~ {a} & <b> | \" '' ``",
    "[2cm] *",
    "}} \\end{table} % --",
    "a\\\\[1em] \x00\n%",
)
"""Texts that TeX would run, or stumble on."""
FORMULAS = ("=1+1", "+1", "-1", "@x", "'x")
DOING = (
    "\\begin", "\\end", "\\centering", "\\caption", "\\toprule", "\\midrule", "\\bottomrule",
    "\\\\", "&", "$",
)  # fmt: skip
SAYING = (
    "\\textbackslash", "\\textasciicircum", "\\textasciitilde", "\\textless", "\\textgreater",
    "\\textbar", "\\symbol",
)  # fmt: skip
LABEL = re.compile(r"\\label\{[a-z0-9:_-]+\}")
NUMBERS = {"value", "low", "high", "count", "total"}


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def elements(html: str) -> _Elements:
    found = _Elements()
    found.feed(html)
    return found


@pytest.fixture(scope="module")
def plain(shared: Board, tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    board = replace(shared, root=tmp_path_factory.mktemp("plain"))
    other = read_scored(planned(board, OTHER, "made/two"))
    return gather(read_scored(planned(board)), None, other)


def attacked(board: Board, text: str) -> Gathered:
    """A result and another to compare it with, with the text in every field that takes one."""
    fields = {
        "architecture": text, "options": {text: text}, "data_name": text, "framing": text,
        "weights_source": text, "environment": {text: text},
    }  # fmt: skip
    other = read_scored(planned(board, OTHER, f"made/two{text}", text, **fields))
    return gather(read_scored(planned(board, PLAN, text, text, **fields)), None, other)


@pytest.mark.parametrize("text", [*HOSTILE, *TEX, *FORMULAS], ids=repr)
def test_texts_are_texts_in_all_three_forms(made: Board, plain: Gathered, text: str) -> None:
    found = attacked(made, text)
    check_markup(page(found), page(plain), text)
    check_commands(latex(found), latex(plain))
    check_formulas(long_form(found), text)


def check_markup(html: str, plain: str, text: str) -> None:
    """The elements and attributes are those of a page with plain texts."""
    before, after = elements(plain), elements(html)
    # Of a text in the options and the environment there are other rows.
    rows = {"tr", "th", "td", "table", "caption", "tbody"}
    assert {t: n for t, n in after.tags.items() if t not in rows} == {
        t: n for t, n in before.tags.items() if t not in rows
    }
    assert "script" not in after.tags and set(after.attributes) == set(before.attributes)
    if text.isprintable():
        assert sum(text in part for part in after.texts) > 20


def parsed(tex: str) -> list[str]:
    """TeX's tokens of a file, without its comments; a brace that stays open fails."""
    lines = [line for line in tex.split("\n") if not line.startswith("% ")]
    tokens = re.findall(r"\\[a-zA-Z]+|\\.|.", "\n".join(lines))
    depth = 0
    for token in tokens:
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    assert depth == 0
    return tokens


def check_commands(tex: str, plain: str) -> None:
    """The tokens that do something are those of a table with plain texts."""
    body, before = (Counter(parsed(LABEL.sub("", each))) for each in (tex, plain))
    assert {token: body[token] for token in DOING} == {token: before[token] for token in DOING}
    words = {token for token in body if token[0] == "\\" and token[1:].isalpha()}
    assert words <= {*DOING, *SAYING}
    assert not {"#", "^", "~", "_", "%", '"', "`", "\t", "\r"} & set(body)
    comments = [line for line in tex.split("\n") if line.startswith("%")]
    assert all(re.match("% (Written by|Needs|Holds letters) ", line) for line in comments)


def test_escaped_signs_are_themselves() -> None:
    assert escaped(r"a_b\c") == r"a\_b\textbackslash{}c"
    assert escaped("50% {x} [y] * --") == r"50\% \{x\} {[}y{]} {*} {-}{-}"
    assert escaped("^^M$") == r"\textasciicircum{}\textasciicircum{}M\$"
    assert escaped("a\n\\input") == r"a\textbackslash{}n\textbackslash{}input"


def test_the_table_in_latex(plain: Gathered) -> None:
    lines = latex(plain).split("\n")
    row = next(line for line in lines if line.startswith("{}koala"))
    # 2 of 4 references, 2 of 4 generated, 3 of 4 validation pictures; Wilson as R's binom has it.
    assert row == (
        r"{}koala & $50.0$ [$15.0$, $85.0$] & $50.0$ [$15.0$, $85.0$] & $75.0$ [$30.1$, $95.4$] \\"
    )
    assert any(line.startswith(r"mean & $50.0$ [") for line in lines)
    assert latex(plain).count(r"\begin{tabular}") == 1


def hundred(result: Result, count: int) -> Result:
    """The result with its first class's scores again and again."""
    first = [score for score in result.scores if score.slug == "koala"]
    scores = [
        score.model_copy(update={"slug": f"c{i}", "class_name": f"class {i}", "label": i})
        for i in range(count)
        for score in first
    ]
    return result.model_copy(update={"scores": scores})


@pytest.mark.parametrize("count", [1, A_PAGE, A_PAGE + 1, 100])
def test_one_class_and_a_hundred(plain: Gathered, count: int) -> None:
    result = hundred(plain.result, count)
    gathered = gather(Scored(Path("made.json"), result, None, "they are not there"), None, None)
    tex = latex(gathered)
    parsed(tex)
    assert tex.count("{}class ") == count
    assert (r"\begin{longtable}" in tex) == (count > A_PAGE)
    html = page(gathered)
    assert elements(html).tags["tr"] > 6 * count
    assert "Without worst pictures and calibration: they are not there." in html
    assert "from the five most frequent wrong ones" in html


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_all_numbers_as_csv(plain: Gathered) -> None:
    text = long_form(plain)
    assert text.splitlines()[0] == ",".join(HEADER)
    found = rows(text)
    result = plain.result

    def one(**where: str) -> dict[str, str]:
        (row,) = [row for row in found if all(row[k] == v for k, v in where.items())]
        return row

    for score in result.scores:
        at = {"section": "score", "slug": score.slug, "split": score.split, "measure": "top1"}
        for reading, head in (("full", score), ("restricted", score.restricted)):
            row = one(**at, reading=reading)
            assert head and (int(row["count"]), int(row["total"])) == (head.hits, score.n)
            bounds = tuple(float(row[name]) for name in ("value", "low", "high"))
            assert bounds == (head.top1.value, head.top1.low, head.top1.high)
    row = one(section="mean", split="si", measure="roc_auc", reading="restricted")
    means = result.means["si"].restricted
    assert means and means.roc_auc and float(row["value"]) == means.roc_auc.value
    row = one(section="difference", reading="restricted")
    assert result.restricted_generated_minus_si
    assert float(row["value"]) == result.restricted_generated_minus_si.value
    row = one(section="against", measure="mean_top1_difference", split="si")
    assert row["of"] == "made/two" and float(row["value"]) == pytest.approx(0.125)
    row = one(section="calibration", measure="taken_observed", split="generated", of="0.6 to 0.7")
    assert (float(row["value"]), row["total"]) == (1.0, "2")
    wrong = {
        (row["split"], row["slug"], row["of"]): int(row["count"])
        for row in found
        if row["section"] == "answer" and row["reading"] == "restricted"
    }
    assert wrong["generated", "gondola", "label 5"] == 1 and len(wrong) == 10


def check_formulas(text: str, given: str) -> None:
    """No cell but a number begins as a formula, and taking one ' away gives the text back."""
    for row in rows(text):
        assert set(row) == set(HEADER)
        for name, cell in row.items():
            if name in NUMBERS:
                assert cell == "" or math.isfinite(float(cell))
            else:
                assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r"}
        if given.isprintable():
            assert row["model"].removeprefix("'") == given
