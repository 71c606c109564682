"""Which results share a table, whom a data set's panel was, and the board without it."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from spurbench.results import DataRecord, Result, Selection, ValidationRecord, write_result
from spurbench_leaderboard.known import KnownDataSet, PanelMember
from spurbench_leaderboard.markdown import BEGIN, END, leaderboard
from spurbench_leaderboard.tables import Know, tables_of
from tests.conftest import ROOT
from tests.evaluators.test_cli import call
from tests.leaderboard.test_ranking import A, B, C, D, scored
from tests.leaderboard.test_table import models, rows

WEIGHTS = {name: digit * 64 for name, digit in (("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"))}


def board() -> list[Result]:
    """Four models that rank a = b, c, d; each with weights of its own."""
    return [
        with_model(scored(f"made/{name}", hits), weights_sha256=WEIGHTS[name])
        for name, hits in (("a", A), ("b", B), ("c", C), ("d", D))
    ]


def with_model(result: Result, **changes: Any) -> Result:
    return result.model_copy(update={"model": result.model.model_copy(update=changes)})


def with_data(result: Result, **changes: Any) -> Result:
    return result.model_copy(update={"data": result.data.model_copy(update=changes)})


def knows(*names: str) -> Know:
    """Whoever is asked knows a data set whose panel the named models were."""
    panel = [PanelMember(spec=f"other/{name}", weights_sha256=WEIGHTS[name]) for name in names]
    return lambda data: KnownDataSet.model_construct(panel=panel)


def test_panel_members_are_known_by_their_weights_and_marked() -> None:
    (table,) = tables_of(board(), knows("b", "d"))
    assert [table.of_panel(result) for result in table.results] == [False, True, False, True]
    text = leaderboard(board(), knows("b", "d"))
    assert ["<sup>panel</sup>" in cell for cell in models(text)] == [False, True, False, True]
    assert text.count("<sup>panel</sup> Of the panel: the data set's pictures were selected") == 1
    assert "is not known" not in text
    for know in (knows(), knows("a")):
        assert leaderboard(board()[1:], know).count("panel") == 0


def test_a_data_set_that_nobody_knows_has_a_panel_that_nobody_knows() -> None:
    said = "Which models its pictures were selected with is not known."
    assert said in leaderboard(board())
    assert said in leaderboard(board(), lambda data: KnownDataSet.model_construct(panel=None))
    (table,) = tables_of(board())
    assert table.panel is None and not any(table.of_panel(r) for r in table.results)
    assert leaderboard(board(), panel=False) == leaderboard(board()), "and leaves out nobody"


def test_without_the_panel_the_others_are_ranked_among_themselves() -> None:
    text = leaderboard(board(), knows("a", "c"), panel=False)
    assert [(row[0], row[1]) for row in rows(text)] == [("1", "made/b"), ("2", "made/d")]
    assert "Without the panel that its pictures were selected with." in text
    (table,) = tables_of(board(), knows("a", "c"), panel=False)
    places = [(place.rank, place.low, place.high) for place in table.ranking.places]
    assert places == [(1, 1, 1), (2, 2, 2)], "with it b would be of ranks 1 to 2, d the fourth"
    assert leaderboard(board(), knows(*WEIGHTS), panel=False) == "No results but the panel's."


def test_the_panel_is_left_out_of_parts_too() -> None:
    part = with_data(board()[0], selection=Selection(limit=3))
    (table,) = tables_of([part, *board()[1:]], knows())
    assert [r.model.spec for r in table.parts] == ["made/a"] and not table.empty
    assert part not in list(table.results)
    (left,) = tables_of([part, *board()[1:]], knows("a"), panel=False)
    assert left.parts == ()


def test_a_listed_network_is_in_the_table_below_the_ranked_ones() -> None:
    silent = scored("made/silent", [0] * 8, val=0.083)
    text = leaderboard([silent, *board()])
    assert [(row[0], row[1]) for row in rows(text)][-1] == ("-", "made/silent")
    assert rows(text)[0][0] == "1", "it is not the first for saying nothing"
    assert text.endswith(
        "<sup>1</sup> Listed, not ranked: accuracy on validation pictures is 8.3 %, below 40 %: it says "
        "little of any picture.  "
    )


OTHER = ValidationRecord(name="v", layout="x", fingerprint="a" * 64)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: with_data(r, fingerprint="e" * 64),
        lambda r: with_data(r, version="c10"),
        lambda r: with_data(r, domain="imagenet"),
        lambda r: with_data(r, validation=OTHER),
        lambda r: with_model(r, framing="si"),
        lambda r: with_model(r, transform={"framing": "squash", "size": 64}),
    ],
)
def test_what_may_not_be_compared_is_apart(change: Any) -> None:
    one, two, *_ = board()
    found = tables_of([one, change(two)])
    assert len(found) == 2 and all(len(table.ranking.places) == 1 for table in found)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: with_data(r, name="elsewhere"),
        lambda r: with_data(r, hub_id="a/b", revision="c" * 40),
        lambda r: with_model(r, transform={"framing": "crop", "size": 224}),
        lambda r: r.model_copy(update={"environment": {"dtype": "bfloat16"}}),
    ],
)
def test_what_decides_nothing_is_together(change: Any) -> None:
    one, two, *_ = board()
    (table,) = tables_of([one, change(two)])
    assert len(table.ranking.places) == 2


def test_the_same_validation_pictures_under_other_names_are_one_set() -> None:
    one, two, *_ = board()
    names = [OTHER, OTHER.model_copy(update={"name": "w", "layout": "y"})]
    given = [with_data(r, validation=v) for r, v in zip((one, two), names, strict=True)]
    assert len(tables_of(given)) == 1


def test_the_order_of_results_plays_no_part() -> None:
    part = with_data(board()[0], selection=Selection(limit=3))
    given = [part, *board()[1:], with_data(board()[0], name="alpha")]
    assert len({leaderboard(order, knows("d")) for order in permutations(given)}) == 1


def known_file(folder: Path, result: Result, **changes: Any) -> DataRecord:
    """A known data set of no picture that matters, with a panel, and what a result of it says."""
    from spurbench.dataset.content import content_of, fingerprint_of, version_of
    from spurbench_leaderboard.known import write_known

    content = content_of(1, "k", "si", "si", [(0, "0" * 64)])
    fingerprint = fingerprint_of({"k": {"si": content}})
    known = KnownDataSet.model_validate(
        {
            "name": "n", "domain": "micro", "version": version_of(fingerprint),
            "fingerprint": fingerprint,
            "panel": [{"spec": "x", "weights_sha256": result.model.weights_sha256}],
            "classes": {
                "k": {"name": "k", "label": 1, "splits": {"si": {"kind": "si", "pictures": {"0": "0" * 64}}}}
            },
        }
    )  # fmt: skip
    write_known(known, known.path_under(folder))
    fields = {"version": known.version, "fingerprint": known.fingerprint, **changes}
    return result.data.model_copy(update=fields)


def test_the_command_finds_the_panel_in_the_data_sets_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--data is where it looks, --without-panel leaves its models out."""
    one, two, *_ = board()
    data = known_file(tmp_path / "known", one)
    page = tmp_path / "page.md"
    for result in (one, two):
        result = result.model_copy(update={"data": data})
        write_result(result, result.path_under(tmp_path / "found"))

    def render(*words: object) -> str:
        page.write_text(f"{BEGIN}\n{END}\n")
        place = ("--results", tmp_path / "found", "--readme", page)
        assert call(monkeypatch, "leaderboard", "render", *place, *words) == 0
        capsys.readouterr()
        return page.read_text()

    marked = render("--data", tmp_path / "known")
    assert ["panel" in cell for cell in models(marked)] == [True, False]
    assert "is not known" in render("--data", tmp_path / "nowhere")
    left = render("--data", tmp_path / "known", "--without-panel")
    assert [row[1] for row in rows(left)] == ["made/b"] and "Without the panel" in left


def test_a_file_of_other_pictures_says_nothing_of_these(tmp_path: Path) -> None:
    from spurbench_leaderboard.known import Register

    one = board()[0]
    same = known_file(tmp_path, one)
    other = known_file(tmp_path, one, fingerprint="e" * 64)
    register = Register(tmp_path)
    assert register.of(other) is None and register.of(same) is not None
    assert register.of(same.model_copy(update={"domain": "imagenet"})) is None


def test_the_boards_own_page_marks_its_panel_and_is_up_to_date(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert call(monkeypatch, "leaderboard", "render", "--check") == 0
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split(BEGIN)[1].split(END)[0]
    panel = {"micro/resnet_v1", "micro/resnet_v2", "micro/robust", "micro/vit"}
    marked = {cell.split("`")[1] for cell in models(block) if "<sup>panel</sup>" in cell}
    assert marked == panel
