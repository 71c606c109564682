"""Tables for the terminal: every number under its class, split and title."""

from __future__ import annotations

from typing import Any

import pytest
from rich.table import Table

from spurbench.results import (
    DataRecord,
    HeadScore,
    Interval,
    Means,
    ModelRecord,
    Result,
    Selection,
    SplitScore,
    Unreadable,
)
from spurbench_evaluators.report.tables import (
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
        top1=share(hits / n, 0.125, 0.875),
        mean_probability=0.5,
    )


def means(value: float, restricted: Means | None = None, **more: Any) -> Means:
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
        spurious_score=share(0.375, 0.125, 0.625),
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
        ("ant", "50.0 [12.5, 87.5]", "", "80.0 [12.5, 87.5]"),
        ("koala", "12.5 [12.5, 87.5]", "75.0 [12.5, 87.5]", ""),
        ("mean", "31.2 [10.0, 90.0]", "75.0 [10.0, 90.0]", "80.0 [10.0, 90.0]"),
        ("ROC-AUC against val.", "", "87.5", ""),
        ("top-5", "62.5", "", ""),
        ("mean p(class)", "11.1 [5.0, 20.0]", "22.2", "33.3"),
        ("AP against val.", "25.0", "", ""),
        ("SI's spurious score", "37.5 [12.5, 62.5]", "", ""),
    ]
    assert [row.end_section for row in table.rows] == [False, True, True, *[False] * 5]
    assert [row.style for row in table.rows] == [None, None, "bold", *["dim"] * 5]
    assert [column.justify for column in table.columns] == ["left", *["right"] * 3]
    assert all(column.no_wrap for column in table.columns)
    assert table.caption == (
        "spurious accuracy (for val: accuracy) in %, 95 % intervals: Wilson by class, Korn and Graubard "
        "over classes for the means; framing squash 61"
    )
    stated = str(score_table(result().model_copy(update={"prevalence": 0.375})).caption)
    assert stated.endswith("framing squash 61; AP at 38 % validation pictures")
    none = result(means={"si": means(0.5)}).model_copy(update={"prevalence": 0.375})
    assert "AP" not in str(score_table(none).caption), "there is none"


def test_the_restricted_reading_is_the_tables_and_the_full_head_follows_where_it_differs() -> None:
    """Of a head with more outputs than labels: the class's cells, the mean and what is below it."""
    inner = means(0.5, top5=share(0.625), roc_auc=share(0.75))
    larger = {
        "si": means(0.25, inner, top5=share(0.3), roc_auc=share(0.4), spurious_score=share(0.2)),
        "generated": means(0.5),
    }
    koala = SCORES[0].model_copy(
        update={"restricted": HeadScore(hits=2, top1=share(0.25), mean_probability=0.5)}
    )
    made = result(means=larger, gap=share(0.25, 0.1, 0.3)).model_copy(
        update={"scores": [koala], "restricted_generated_minus_si": share(-0.125, -0.2, 0.1)}
    )
    assert rows(score_table(made)) == [
        ("koala", "25.0", ""),
        ("mean", "50.0 [10.0, 90.0]", "50.0 [10.0, 90.0]"),
        ("ROC-AUC against val.", "75.0", ""),
        ("top-5", "62.5", ""),
        ("SI's spurious score", "20.0", ""),
        ("full head", "25.0 [10.0, 90.0]", "50.0 [10.0, 90.0]"),
    ]
    assert "\ngenerated minus references: -12.5 [-20.0, 10.0] points" in str(
        score_table(made).caption
    )
    assert rows(models_table([("a", made)])) == [("a", "50.0 [10.0, 90.0]", "50.0 [10.0, 90.0]")]
    same = {"si": means(0.5, means(0.5, top5=share(0.25)))}
    assert [row[0] for row in rows(score_table(result(means=same)))][-2:] == ["mean", "top-5"]
    older = result(means={"si": means(0.25)}, outputs=None)
    assert rows(score_table(older))[-1] == ("mean", "25.0 [10.0, 90.0]"), "files of version 1"


def test_the_reading_with_kinds_merged_stands_beside_the_others() -> None:
    """A head that knows lionesses: the full head misses them, with kinds merged they are lions."""
    si = means(0.25, means(0.75)).model_copy(update={"merged": means(0.5)})
    val = means(0.5, means(0.75))
    assert rows(score_table(result(means={"si": si, "val": val})))[-2:] == [
        ("full head", "25.0 [10.0, 90.0]", "50.0 [10.0, 90.0]"),
        ("kinds merged", "50.0 [10.0, 90.0]", ""),
    ]
    assert rows(score_table(result(means={"val": val})))[-1][0] == "full head"


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
        (share(0.5, None, 0.75), "50.0"),
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
        "spurious accuracy (for val: accuracy) in %: mean over classes, 95 % interval over classes "
        "(Korn and Graubard)"
    )
    assert table.caption == caption
    part = models_table([("z", result(means=few, selection=Selection(limit=2)))])
    assert heads(part) == ["model", "generated"]
    assert part.caption == (
        f"{caption}\nonly a part of the data was scored: the first 2 of each class and split"
    )
