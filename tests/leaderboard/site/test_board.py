"""The board as data, CSV and JSON: the numbers of the results, and nothing else."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spurbench.results import Result
from spurbench_leaderboard.ranking import ranking_of
from spurbench_leaderboard.site.board import Data, board
from spurbench_leaderboard.site.downloads import as_csv, as_json
from spurbench_leaderboard.site.page import page
from tests.leaderboard.site.conftest import BLIND, PANEL, Shown


@pytest.fixture
def table(shown: Shown) -> Data:
    (found,) = board(shown.results, shown.know)
    return found


def row(table: Data, spec: str) -> Data:
    (found,) = [row for row in table["rows"] if row["spec"] == spec]
    return dict(found)


def hits(result: Result, split: str) -> dict[str, tuple[int, int]]:
    """Hits and pictures of a result's restricted reading, by class."""
    return {
        s.slug: (s.restricted.hits, s.n) for s in result.scores if s.split == split and s.restricted
    }


def test_rows_have_the_numbers_of_their_results(shown: Shown, table: Data) -> None:
    assert [entry["slug"] for entry in table["classes"]] == ["gondola", "koala"]
    assert table["splits"] == ["si", "generated", "val"] and table["ranked_by"] == "generated"
    assert table["n"] == {split: [4, 4] for split in table["splits"]}
    assert len(table["rows"]) == 6
    for result in shown.results:
        found = row(table, result.model.spec)
        assert found["file"] == str(result.path_under(shown.board.results.__class__()))
        for split in table["splits"]:
            said = hits(result, split)
            assert found["hits"][split] == [said["gondola"][0], said["koala"][0]]
            top1 = result.means[split].restricted.top1  # type: ignore[union-attr]
            assert found["means"][split] == [round(top1.value, 4), round(top1.low or 0, 4), round(top1.high or 0, 4)]  # fmt: skip
    gap = row(table, "made/gap")
    assert sum(n for split in gap["n"].values() for n in split) == 2 * 3 * 4 - 1
    assert [r["spec"] for r in table["rows"] if "n" in r] == ["made/gap"]
    assert gap["remarks"] == ["leaves out 1 pictures as unreadable"]


def test_ranks_are_told_with_the_panel_and_without(shown: Shown, table: Data) -> None:
    """Of two classes all share rank 1; the last possible rank tells who is counted."""
    assert row(table, PANEL)["panel"] and row(table, PANEL)["rank_without"] is None
    assert row(table, BLIND)["rank"] is None
    assert "below 40 %" in row(table, BLIND)["reason"]
    ranked = ranking_of(shown.results).places
    others = ranking_of([r for r in shown.results if r.model.spec != PANEL]).places
    assert len(others) == len(ranked) - 1 > 1
    for place in ranked:
        spec = place.result.model.spec
        assert row(table, spec)["rank"] == [place.rank, place.low, place.high]
    for place in others:
        spec = place.result.model.spec
        assert row(table, spec)["rank_without"] == [place.rank, place.low, place.high]
        assert row(table, spec)["rank_without"] != row(table, spec)["rank"]
    assert not table["tellable"] and table["panel_known"]


def test_a_board_of_the_panel_alone_has_its_ranks(shown: Shown) -> None:
    (table,) = board([shown.of(PANEL)], shown.know)
    (found,) = table["rows"]
    assert (found["rank"], found["rank_without"]) == ([1, 1, 1], None)


def test_a_part_is_listed_and_not_ranked(shown: Shown) -> None:
    whole = shown.of(PANEL)
    part = whole.model_copy(
        update={"data": whole.data.model_copy(update={"selection": _first_class()})}
    )
    (table,) = board([whole, part], shown.know)
    assert [bool(r["rank"]) for r in table["rows"]] == [True, False]
    assert table["rows"][1]["reason"] == "only a part of the data set was scored"


def _first_class() -> object:
    from spurbench.results import Selection

    return Selection(classes=["gondola"])


def test_several_generated_splits_stand_beside_the_first(shown: Shown) -> None:
    result = shown.of(PANEL)
    scores = [
        *result.scores,
        *(s.model_copy(update={"split": "generated_seed1"}) for s in result.scores if s.split == "generated"),
    ]  # fmt: skip
    means = result.means | {"generated_seed1": result.means["generated"]}
    (table,) = board([result.model_copy(update={"scores": scores, "means": means})], shown.know)
    assert table["splits"] == ["si", "generated", "generated_seed1", "val"]


def test_results_that_cannot_be_compared_have_tables_of_their_own(shown: Shown) -> None:
    one = shown.of(PANEL)
    other = one.model_copy(update={"model": one.model.model_copy(update={"framing": "squash"})})
    tables = board([one, other, shown.of(BLIND)], shown.know)
    assert [(t["framing"], len(t["rows"])) for t in tables] == [("model", 2), ("squash", 1)]
    assert len({t["key"] for t in tables}) == 2


def test_tables_of_older_versions_come_last(shown: Shown) -> None:
    one, other = shown.of(PANEL), shown.of(BLIND)
    data = one.data.model_copy(update={"version": "c0", "fingerprint": "0" * 64})
    past = [r.model_copy(update={"data": data}) for r in (one, other)]
    tables = board([*past, one], shown.know, lambda data: data.version == "c0")
    assert [(t["old"], len(t["rows"])) for t in tables] == [(False, 1), (True, 2)]
    assert [t["version"] for t in board([*past, one], shown.know)] == ["c0", one.data.version]


def test_csv_has_every_number_and_no_formula(shown: Shown, table: Data) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv([table]).decode())))
    assert len(lines) == 6 * 3 * (1 + 2)
    for result in shown.results:
        spec = result.model.spec
        said = [
            line for line in lines if line["spec"] == ("'=cmd|calc" if spec[0] == "=" else spec)
        ]
        for split in table["splits"]:
            found = {
                line["class"]: (int(line["hits"]), int(line["pictures"]))
                for line in said
                if line["split"] == split and line["class"] != "*"
            }
            assert found == hits(result, split)
    assert not any(value[:1] in "=+@" for line in lines for value in line.values() if value)
    (first,) = [
        x for x in lines if (x["spec"], x["class"], x["split"]) == (PANEL, "*", "generated")
    ]
    assert first["panel"] == "true" and first["rank"] == "1"


TEXTS = st.text(max_size=30) | st.sampled_from(
    ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "&lt;b&gt;", "\u2028", "\x00", "'\"`", "{{ 7 * 7 }}", "=1+1"]
)  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(TEXTS, min_size=7, max_size=7))
def test_any_text_reaches_the_page_as_it_is_and_as_nothing_else(
    shown: Shown, texts: list[str]
) -> None:
    spec, architecture, source, labels, framing, library, name = texts
    result = shown.of(PANEL)
    model = {
        "spec": spec, "architecture": architecture, "weights_source": source, "label_space": labels,
        "transform": {"framing": framing, "size": 8},
    }  # fmt: skip
    hostile = result.model_copy(
        update={
            "model": result.model.model_copy(update=model),
            "environment": {"dtype": "float32", library: name},
            "scores": [s.model_copy(update={"class_name": name}) for s in result.scores],
        }
    )
    tables = board([hostile], shown.know)
    html = page(tables, {}).decode()
    assert html.count("</script") == 5 and html.count("<!--") == html.count("-->") == 0
    start = '<script type="application/json" id="data">'
    held = html.split(start)[1].split("</script>")[0]
    assert json.loads(held)["tables"] == tables
    rest = html.replace(held, "")
    assert rest == page([], {}).decode().replace('{"tables":[],"pictures":{}}', "")
    (found,) = tables[0]["rows"]
    assert (found["spec"], found["environment"][library], found["source"]) == (spec, name, source)


def test_json_is_the_tables(table: Data) -> None:
    assert json.loads(as_json([table])) == {"tables": [table]}
