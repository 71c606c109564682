"""What a report says, against what the planned probabilities give by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from scipy.stats import binomtest

from spurbench.errors import UserError
from spurbench_leaderboard.report import worst as worst_module
from spurbench_leaderboard.report.against import against
from spurbench_leaderboard.report.calibration import Calibration, binned, calibrations
from spurbench_leaderboard.report.confusion import Fired, fired
from spurbench_leaderboard.report.scored import Scored, read_scored
from spurbench_leaderboard.report.worst import most_of_a_class, worst
from tests.leaderboard.gate.made import Board

from .made import OTHER, older, planned


@pytest.fixture
def scored(made: Board) -> Scored:
    return read_scored(planned(made))


def found(scored: Scored) -> dict[tuple[str, str], Calibration]:
    assert scored.predictions
    return {(each.split, each.kind): each for each in calibrations(scored.predictions)}


def told(calibration: Calibration) -> list[tuple[float, int, float, float]]:
    return [(b.low, b.count, round(b.expected, 3), round(b.observed, 3)) for b in calibration.bins]


def test_bins_hold_their_lower_end_and_the_last_one_both() -> None:
    bins = binned([0.0, 0.1, 0.15, 0.95, 1.0], [False, True, False, True, True])
    assert [(b.low, b.high, b.count, b.expected, b.observed) for b in bins] == [
        (0.0, 0.1, 1, 0.0, 0.0),
        (0.1, 0.2, 2, 0.125, 0.5),
        (0.9, 1.0, 2, 0.975, 1.0),
    ]
    for each, hits in zip(bins, (0, 1, 2), strict=True):
        interval = binomtest(hits, each.count).proportion_ci(method="wilson")
        assert (each.observed_low, each.observed_high) == pytest.approx(
            (interval.low, interval.high)
        )


def test_taken_for_the_class_by_its_probability(scored: Scored) -> None:
    assert told(found(scored)["generated", "taken"]) == [
        (0.0, 1, 0.05, 0.0),
        (0.1, 1, 0.15, 0.0),
        (0.3, 2, 0.33, 0.0),  # of 0.31 and 0.35
        (0.6, 2, 0.635, 1.0),  # of 0.62 and 0.65
        (0.9, 2, 0.94, 1.0),  # of 0.97 and 0.91
    ]


def test_showing_the_class_among_validation_pictures(scored: Scored) -> None:
    """Of the generated pictures none does, of the validation pictures all."""
    calibration = found(scored)["generated", "shows"]
    assert told(calibration) == [
        (0.0, 1, 0.05, 0.0),
        (0.1, 2, 0.135, 0.5),
        (0.2, 1, 0.22, 1.0),
        (0.3, 2, 0.33, 0.0),
        (0.6, 3, 0.643, 0.333),
        (0.7, 1, 0.72, 1.0),
        (0.8, 1, 0.85, 1.0),
        (0.9, 5, 0.956, 0.6),
    ]
    assert calibration.count == 16 and calibration.observed == pytest.approx(0.5)
    apart = [0.05, 2 * 0.365, 0.78, 2 * 0.33, 3 * (0.6433333 - 1 / 3), 0.28, 0.15, 5 * 0.356]
    assert calibration.error == pytest.approx(sum(apart) / 16, abs=1e-5)


def test_right_by_the_top_answers_probability(scored: Scored) -> None:
    """Of two validation pictures the top answer is wrong, at 0.9 x 0.78 and 0.9 x 0.88."""
    bins = found(scored)["val", "right"].bins
    assert [(b.low, b.count) for b in bins] == [(0.6, 1), (0.7, 3), (0.8, 1), (0.9, 3)]
    assert [b.observed for b in bins] == pytest.approx([1.0, 1 / 3, 1.0, 1.0])
    means = [0.66, (0.72 + 0.702 + 0.792) / 3, 0.85, (0.99 + 0.98 + 0.93) / 3]
    assert [b.expected for b in bins] == pytest.approx(means, abs=5e-4)


def test_a_split_without_validation_pictures_has_nothing_to_be_mixed_with(made: Board) -> None:
    plan = {key: value for key, value in OTHER.items() if key != ("koala", "val")}
    calibration = found(read_scored(planned(made, plan)))["si", "shows"]
    assert calibration.count == 8  # the gondola's alone
    none = {key: value for key, value in OTHER.items() if key[1] != "val"}
    assert set(found(read_scored(planned(made, none, "made/two")))) == {
        ("si", "taken"),
        ("generated", "taken"),
    }


def places(found: Sequence[worst_module.Worst]) -> list[tuple[str, str, int, float]]:
    return [(w.slug, w.split, w.index, round(w.probability, 3)) for w in found]


def test_the_worst_first_and_of_a_class_not_too_many(
    scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scored.predictions
    assert len(worst(scored.predictions)) == 16
    monkeypatch.setattr(worst_module, "MOST", 5)
    assert most_of_a_class(2) == 3
    shown = worst(scored.predictions)
    assert places(shown) == [
        ("gondola", "generated", 0, 0.97),
        ("koala", "si", 0, 0.96),
        ("koala", "si", 1, 0.94),
        ("koala", "generated", 0, 0.91),
        ("gondola", "generated", 1, 0.62),  # the koala's 0.65 would be its fourth
    ]
    assert all(each.taken for each in shown)


def test_how_many_of_a_class() -> None:
    assert [most_of_a_class(n) for n in (1, 2, 8, 9, 100)] == [24, 12, 3, 3, 3]


def test_what_it_said_by_name(scored: Scored) -> None:
    assert scored.predictions
    (picture,) = (
        w
        for w in worst(scored.predictions)
        if (w.slug, w.split, w.index) == ("koala", "generated", 2)
    )
    assert not picture.taken
    # The class as the data set calls it; an output that was never the answer by its label.
    assert [name for name, _ in picture.answers] == [
        "label 1",
        "koala",
        "label 0",
        "label 2",
        "gondola",
    ]
    assert [share for _, share in picture.answers] == pytest.approx(
        [0.585, 0.35, *[0.0065] * 3], abs=5e-4
    )


def test_which_classes_fire(scored: Scored) -> None:
    everything = fired(scored.result, scored.predictions)
    assert [each for each in everything if each.split == "generated"] == [
        Fired("generated", "gondola", 3, 2, 2),
        Fired("generated", "koala", 3, 2, 2),
        Fired("generated", "label 1", 1, 0, 1),
        Fired("generated", "label 7", 1, 0, 1),
    ]
    assert {each.split for each in everything} == {"si", "generated"}
    assert fired(scored.result, None) == everything  # no class has more than five wrong answers


def test_against_another(made: Board) -> None:
    compared = against(read_scored(planned(made)), read_scored(planned(made, OTHER, "made/two")))
    gaps = {(g.slug, g.split): (g.gap, g.only_first, g.only_second) for g in compared.classes}
    assert gaps.pop(("koala", "si")) == (0.25, 1, 0)
    assert set(gaps.values()) == {(0.0, 0, 0)} and len(gaps) == 5
    means = {each.split: each for each in compared.means}
    assert list(means) == ["si", "generated", "val"]
    assert means["si"].difference.value == pytest.approx(0.125)
    assert means["si"].p_value is None  # two classes are too few


def test_against_another_without_its_predictions(made: Board) -> None:
    one, path = read_scored(planned(made)), planned(made, OTHER, "made/two")
    for file in path.parent.glob(f"{path.stem}.*.parquet"):
        file.unlink()
    compared = against(one, read_scored(path))
    assert not compared.means and "of made/two its predictions, " in compared.lacking
    gaps = {(g.slug, g.split): (g.gap, g.only_first) for g in compared.classes}
    assert gaps["koala", "si"] == (0.25, None) and gaps["koala", "val"] == (0.0, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"framing": "si"}, r"they differ in framing \(model and si\)"),
        ({"data_version": "c9", "data_fingerprint": "9" * 64}, r"they differ in version \(c"),
        ({"data_fingerprint": "9" * 64}, "they differ in data set;"),
        ({"data_selection": {"limit": 4}}, "were not scored on the same pictures"),
    ],
)
def test_what_cannot_be_compared(made: Board, changes: dict[str, Any], said: str) -> None:
    one = read_scored(planned(made))
    with pytest.raises(UserError, match=said):
        against(one, read_scored(planned(made, OTHER, "made/two", **changes)))


def test_a_result_against_itself(scored: Scored) -> None:
    with pytest.raises(UserError, match="are one result"):
        against(scored, scored)


@pytest.mark.parametrize("version", [1, 2])
def test_older_results_keep_their_numbers(made: Board, version: int) -> None:
    path = older(planned(made), version)
    scored = read_scored(path)
    assert scored.predictions and all(s.restricted is None for s in scored.result.scores)
    path.write_text(path.read_text().replace('"hits": 2', '"hits": 1', 1))
    with pytest.raises(UserError, match="is not what its predictions give"):
        read_scored(path)
