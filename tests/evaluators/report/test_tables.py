"""Tables for the terminal: every number under its class, split and title."""

from __future__ import annotations

import pytest
from rich.table import Table

from spurbench.results import (
    DataRecord,
    Interval,
    Means,
    ModelRecord,
    Result,
    Selection,
    SplitScore,
    Unreadable,
)
from spurbench.scores.comparison import Comparison, Consistency, Difference
from spurbench_evaluators.report.tables import (
    comparison_table,
    models_table,
    percent,
    score_table,
    unreadable_note,
)


def share(value: float, low: float | None = None, high: float | None = None) -> Interval:
    return Interval(value=value, low=low, high=high)


def score(slug: str, split: str, hits: int, n: int) -> SplitScore:
    return SplitScore(
        class_name=slug,
        slug=slug,
        label=5,
        split=split,
        n=n,
        hits=hits,
        top1=share(hits / n, 0.125, 0.75),
        mean_probability=0.5,
    )


def means(value: float, restricted: Means | None = None, **more: Interval) -> Means:
    return Means(top1=share(value, 0.1, 0.9), restricted=restricted, **more)


# Classes out of order, and none with every split.
SCORES = [
    score("koala", "si", 1, 8),
    score("koala", "generated", 3, 4),
    score("ant", "val", 4, 5),
    score("ant", "si", 1, 2),
]
MEANS = {
    "si": means(
        0.3125,
        top5=share(0.625),
        mean_probability=share(0.111, 0.05, 0.2),
        average_precision=share(0.25),
    ),
    "generated": means(0.75, mean_probability=share(0.222), roc_auc=share(0.875)),
    "val": means(0.8, mean_probability=share(0.333)),
}


def result(
    spec: str = "made/x",
    means: dict[str, Means] = MEANS,
    gap: Interval | None = None,
    selection: Selection | None = None,
    unreadable: tuple[Unreadable, ...] = (),
    outputs: int | None = 12,
) -> Result:
    return Result(
        model=ModelRecord(
            spec=spec,
            architecture="a",
            parameters=1,
            weights_sha256="0" * 64,
            weights_source="s",
            options={},
            label_space="made",
            outputs=outputs,
            transform={"framing": "squash", "size": 61},
        ),
        data=DataRecord(
            name="set",
            domain="micro",
            version="c7",
            fingerprint="1" * 64,
            selection=selection,
            unreadable=list(unreadable),
        ),
        scores=SCORES,
        means=means,
        generated_minus_si=gap,
        environment={},
        predictions_sha256="2" * 64,
    )


def rows(table: Table) -> list[tuple[str, ...]]:
    columns = [list(map(str, column.cells)) for column in table.columns]
    return list(zip(*columns, strict=True))


def heads(table: Table) -> list[str]:
    return [str(column.header) for column in table.columns]


def test_a_row_a_class_a_column_a_split_then_the_means() -> None:
    table = score_table(result())
    assert table.title == "made/x on set c7"
    assert heads(table) == ["class", "references", "generated", "val. accuracy"]
    assert rows(table) == [
        ("ant", "50.0 [12.5, 75.0]", "", "80.0 [12.5, 75.0]"),
        ("koala", "12.5 [12.5, 75.0]", "75.0 [12.5, 75.0]", ""),
        ("mean", "31.2 [10.0, 90.0]", "75.0 [10.0, 90.0]", "80.0 [10.0, 90.0]"),
        ("top-5", "62.5", "", ""),
        ("mean p(class)", "11.1 [5.0, 20.0]", "22.2", "33.3"),
        ("AP against val.", "25.0", "", ""),
        ("ROC-AUC against val.", "", "87.5", ""),
    ]
    assert [row.end_section for row in table.rows] == [False, True, True, *[False] * 4]
    assert [row.style for row in table.rows] == [None, None, "bold", *["dim"] * 4]
    assert [column.justify for column in table.columns] == ["left", *["right"] * 3]
    assert all(column.no_wrap for column in table.columns)
    assert table.caption == (
        "spurious accuracy (for val: accuracy) in %, 95 % intervals: Wilson by class, bootstrap "
        "clustered by class for the means; framing squash 61"
    )


def test_the_restricted_reading_is_shown_where_it_says_anything_else() -> None:
    inner = means(0.5)
    larger = {"si": means(0.25, inner), "generated": means(0.5)}
    assert rows(score_table(result(means=larger)))[-1] == (
        "domain's labels",
        "50.0 [10.0, 90.0]",
        "",
    )
    one = {"si": means(0.5, inner), "val": means(0.25, means(0.75))}
    assert rows(score_table(result(means=one)))[-1] == (
        "domain's labels",
        "50.0 [10.0, 90.0]",
        "75.0 [10.0, 90.0]",
    )
    same = {"si": means(0.5, inner)}
    assert rows(score_table(result(means=same)))[-1][0] == "mean"
    older = result(means=larger, outputs=None)
    assert rows(score_table(older))[-1][0] == "mean", "files of version 1"


UNREADABLE = tuple(
    Unreadable(slug=slug, split="si", index=i, origin="o", sha256="0" * 64, reason="r")
    for i, slug in enumerate(["ant", "bee", "cow", "dog", "elk"])
)


def test_the_caption_says_the_gap_the_part_and_what_was_left_out() -> None:
    part = Selection(classes=["ant", "koala"], splits=["si", "val"], limit=3)
    table = score_table(
        result(gap=share(-0.25, -0.5, 0.125), selection=part, unreadable=UNREADABLE[:2])
    )
    assert str(table.caption).split("\n")[1:] == [
        "generated minus references: -25.0 [-50.0, 12.5] points",
        (
            "only a part of the data was scored: classes ant, koala; splits si, val; the first 3 of each "
            "class and split"
        ),
        "2 unreadable pictures left out",
    ]
    for selection, said in [
        (Selection(classes=["ant"]), "classes ant"),
        (Selection(splits=["si"]), "splits si"),
        (Selection(limit=7), "the first 7 of each class and split"),
    ]:
        caption = str(score_table(result(selection=selection)).caption)
        assert caption.split("\n")[1:] == [f"only a part of the data was scored: {said}"]


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        (share(0.8125, 0.7106, 0.8849), "81.2 [71.1, 88.5]"),
        (share(0.5), "50.0"),
        (share(0.5, 0.25), "50.0"),
        (share(0.5, None, 0.25), "50.0"),
        (share(0.0, 0.0, 0.0), "0.0 [0.0, 0.0]"),
        (share(-0.125, -1.0, 1.0), "-12.5 [-100.0, 100.0]"),
    ],
)
def test_a_share_in_per_cent_with_its_interval(interval: Interval, shown: str) -> None:
    assert percent(interval) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, "1 pictures (ant/si/0)"),
        (3, "3 pictures (ant/si/0, bee/si/1, cow/si/2)"),
        (4, "4 pictures (ant/si/0, bee/si/1, cow/si/2 and 1 more)"),
        (5, "5 pictures (ant/si/0, bee/si/1, cow/si/2 and 2 more)"),
    ],
)
def test_what_was_left_out_is_named_up_to_three(count: int, shown: str) -> None:
    assert unreadable_note(UNREADABLE[:count]) == f"left out as unreadable: {shown}"


def test_a_comparison_is_consistency_by_split_then_paired_differences() -> None:
    table = comparison_table(
        Comparison(
            models=["a", "b", "c"],
            consistency=[
                Consistency(
                    split="si", pictures=9, fooled_by_all=share(0.25, 0.1, 0.5), fleiss_kappa=0.125
                ),
                Consistency(split="mine", pictures=9, fooled_by_all=share(1.0), fleiss_kappa=None),
            ],
            differences=[
                Difference(
                    first="a", second="b", split="val", difference=share(-0.5), p_value=0.01234
                ),
                Difference(
                    first="a",
                    second="c",
                    split="other",
                    difference=share(0.5, 0.25, 0.75),
                    p_value=None,
                ),
            ],
        )
    )
    assert table.title == "3 models on the same pictures"
    assert heads(table) == ["", "split", "value", "kappa or p"]
    assert rows(table) == [
        ("all", "references", "25.0 [10.0, 50.0]", "0.12"),
        ("all", "mine", "100.0", ""),
        ("a - b", "val. accuracy", "-50.0", "0.0123"),
        ("a - c", "other", "50.0 [25.0, 75.0]", ""),
    ]
    assert [row.end_section for row in table.rows] == [False, True, False, False]
    assert [column.justify for column in table.columns] == ["left", "left", "right", "right"]
    assert [column.no_wrap for column in table.columns] == [False, True, True, True]
    assert table.columns[0].overflow == "fold"
    assert table.caption == (
        "share fooled by all in %, Fleiss' kappa of hit or miss; differences in points by paired "
        "bootstrap clustered by class, with their p-value"
    )


def test_several_models_are_a_row_each_in_their_order() -> None:
    few = {"generated": means(0.125)}
    table = models_table([("z", result("made/z", few)), ("a", result("made/a"))])
    assert table.title == "2 models on set c7"
    assert heads(table) == ["model", "references", "generated", "val. accuracy"]
    assert rows(table) == [
        ("z", "", "12.5 [10.0, 90.0]", ""),
        ("a", "31.2 [10.0, 90.0]", "75.0 [10.0, 90.0]", "80.0 [10.0, 90.0]"),
    ]
    assert [column.justify for column in table.columns] == ["left", *["right"] * 3]
    assert [column.no_wrap for column in table.columns] == [False, *[True] * 3]
    assert table.columns[0].overflow == "fold"
    caption = (
        "spurious accuracy (for val: accuracy) in %: mean over classes, 95 % interval by bootstrap "
        "clustered by class"
    )
    assert table.caption == caption
    part = models_table([("z", result(means=few, selection=Selection(limit=2)))])
    assert heads(part) == ["model", "generated"]
    assert part.caption == (
        f"{caption}\nonly a part of the data was scored: the first 2 of each class and split"
    )
