"""The whole table, cell by cell, from results whose splits rank models differently."""

from __future__ import annotations

from typing import Any

import pytest

from spurbench.results import (
    DataRecord,
    Interval,
    Means,
    ModelRecord,
    Result,
    Selection,
    SplitScore,
    Unreadable,
    ValidationRecord,
)
from spurbench_leaderboard.markdown import leaderboard

CLASSES = ("koala", "gondola", "fireboat")


def share(value: float, low: float | None = None, high: float | None = None) -> Interval:
    return Interval(value=value, low=low, high=high)


def board_result(
    spec: str, means: dict[str, Interval], gap: Interval | None = None, **changes: Any
) -> Result:
    """Scores of three classes, whose number is not that of the scores; means over them."""
    scores = [
        SplitScore(
            class_name=name, slug=name, label=i, split=split, n=40, hits=round(40 * mean.value),
            top1=share(mean.value), mean_probability=0.5,
        )
        for i, name in enumerate(changes.pop("classes", CLASSES))
        for split, mean in means.items()
    ]  # fmt: skip
    model: dict[str, Any] = {
        "weights_sha256": "0123456789abcdef" * 4,
        "transform": {"framing": "crop", "size": 64},
    }
    data: dict[str, Any] = {"name": "spurbench", "version": "c9", "selection": None}
    model |= {k: v for k, v in changes.items() if k in ModelRecord.model_fields}
    data |= {k: v for k, v in changes.items() if k in DataRecord.model_fields}
    return Result(
        model=ModelRecord(
            spec=spec, architecture="vit", parameters=10, weights_source="shipped", options={},
            label_space="micro", **model,
        ),
        data=DataRecord(domain="micro", fingerprint="f" * 64, **data),
        scores=scores,
        means={split: Means(top1=top1) for split, top1 in means.items()},
        generated_minus_si=gap,
        environment={"python": "3.11"},
        predictions_sha256="0" * 64,
    )  # fmt: skip


def results() -> list[Result]:
    """Ranked by generated: mid, good, bad. By SI, by validation and by name: other orders."""
    return [
        board_result(
            "micro/bad",
            {
                "si": share(0.2, 0.1, 0.31),
                "generated": share(0.9, 0.85, 0.9549),
                "val": share(0.99),
            },
            share(0.7, 0.6, 0.8),
        ),
        board_result(
            "micro/mid",
            {"val": share(0.95, 0.9, 1.0), "generated": share(0.3), "si": share(0.6, 0.5, 0.7)},
            share(-0.3, -0.4449, 0.0),
            weights_sha256="fedcba9876543210" * 4,
        ),
        board_result(
            "micro/good",
            {"si": share(0.1), "generated": share(0.6), "val": share(0.97)},
            share(0.5, None, None),
        ),
    ]


def test_the_table_to_the_letter() -> None:
    below = "<br><sub>crop 64, weights `01234567`</sub>"
    assert leaderboard(results()) == (
        "Domain `micro`, data set `spurbench` version `c9`, framing crop (as recorded): mean over 3 "
        "classes in %, with 95 % intervals over classes, by the reading restricted to the domain's "
        "labels. Spurious accuracy: lower is better. All share a rank: 3 classes are too few to tell "
        "any two apart. Which models its pictures were selected with is not known.\n"
        "\n"
        "| rank | model | SI | generated | val. accuracy | generated - SI |\n"
        "|---|---|---|---|---|---|\n"
        "| 1 (1-3) | `micro/mid`<br><sub>crop 64, weights `fedcba98`</sub> | 60.0<br>[50.0, 70.0] | 30.0 "
        "| 95.0<br>[90.0, 100.0] | -30.0<br>[-44.5, 0.0] |\n"
        f"| 1 (1-3) | `micro/good`{below} | 10.0 | 60.0 | 97.0 | 50.0 |\n"
        f"| 1 (1-3) | `micro/bad`{below} | 20.0<br>[10.0, 31.0] | 90.0<br>[85.0, 95.5] | 99.0 "
        "| 70.0<br>[60.0, 80.0] |"
    )


def rows(text: str) -> list[list[str]]:
    """Cells of every model's row: the rank alone, the model's name alone."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [[c[0].split()[0], c[1].split("`")[1], *c[2:]] for c in cells]


def models(text: str) -> list[str]:
    """What the model's cell of every row says."""
    return [
        line.split("|")[2].strip()
        for line in text.splitlines()
        if line.startswith("| ") and "`" in line
    ]


def test_the_order_results_come_in_does_not_matter() -> None:
    assert leaderboard(results()[::-1]) == leaderboard(results())


def test_where_not_all_have_generated_pictures_the_references_order_and_equals_go_by_name() -> None:
    """A model without the split that ranks has no rank."""
    half = {"generated": share(0.5), "si": share(0.9)}
    given = [
        board_result("micro/z", {"val": share(0.9)}),
        board_result("micro/b", half),
        board_result("micro/a", half),
        board_result("micro/c", {"si": share(0.6)}),
        board_result("micro/d", {"si": share(0.4)}),
    ]
    found = rows(leaderboard(given))
    assert [r[:5] for r in found] == [
        ["1", "micro/d", "40.0", "", ""],
        ["1", "micro/c", "60.0", "", ""],
        ["1", "micro/a", "90.0", "50.0", ""],
        ["1", "micro/b", "90.0", "50.0", ""],
        ["-", "micro/z", "", "", "90.0"],
    ]


def test_only_splits_that_some_model_has_are_columns() -> None:
    text = leaderboard([board_result("micro/a", {"si": share(0.5)})])
    assert "| rank | model | SI | generated - SI |\n|---|---|---|---|\n" in text
    both = [
        board_result("micro/a", {"si": share(0.5)}),
        board_result("micro/b", {"generated": share(0.6)}),
    ]
    assert "| rank | model | SI | generated | generated - SI |" in leaderboard(both)


def test_the_number_of_classes_is_of_this_table() -> None:
    """Not of the scores, not of the first model, not of other tables: of most of its models."""
    given = [
        board_result("micro/a", {"si": share(0.5), "val": share(0.5)}, classes=("koala", "bee")),
        board_result("micro/b", {"si": share(0.5)}),
        board_result("micro/a", {"si": share(0.5)}, version="c8", classes=tuple("abcde")),
    ]
    captions = [line for line in leaderboard(given).splitlines() if line.startswith("Domain")]
    assert [c.partition("mean over ")[2].partition(" in %")[0] for c in captions] == [
        "5 classes",
        "3 classes",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"version": "c10"},
        {"transform": {"framing": "squash", "size": 64}},
        {"framing": "squash"},
        {"validation": ValidationRecord(name="v", layout="x", fingerprint="a" * 64)},
    ],
)
def test_what_cannot_be_compared_has_tables_of_its_own_in_a_fixed_order(
    change: dict[str, Any],
) -> None:
    given = [
        board_result("micro/a", {"si": share(0.5)}, **change),
        board_result("micro/b", {"si": share(0.4)}),
    ]
    found = leaderboard(given)
    assert found == leaderboard(given[::-1])
    assert found.count("\n\nDomain") == 1 and [r[0] for r in rows(found)] == ["1", "1"]


def test_the_framing_that_was_asked_for_compares_whatever_the_models_own_transforms() -> None:
    """One model's own transform crops, the other's presses; both were asked for their own."""
    pressed = {"framing": "squash", "size": 32}
    given = [
        board_result("micro/a", {"si": share(0.5)}, framing="model"),
        board_result("micro/b", {"si": share(0.4)}, framing="model", transform=pressed),
    ]
    shown = [cell.partition("<sub>")[2].partition(",")[0] for cell in models(leaderboard(given))]
    assert shown == ["squash 32", "crop 64"] and ", framing model: mean" in leaderboard(given)
    other = board_result("micro/c", {"si": share(0.1)}, framing="squash", transform=pressed)
    assert leaderboard([*given, other]).count("| rank |") == 2, (
        "the same pixels, asked for otherwise"
    )


def test_what_a_data_sets_folder_was_called_splits_no_table() -> None:
    given = [
        board_result("micro/a", {"si": share(0.5)}, name="zebra"),
        board_result("micro/b", {"si": share(0.4)}, name="alpha"),
    ]
    text = leaderboard(given)
    assert text == leaderboard(given[::-1]) and text.count("| rank |") == 1
    assert "data set `alpha` version `c9`" in text


def test_another_size_of_the_same_framing_is_in_the_same_table() -> None:
    given = [
        board_result("micro/a", {"si": share(0.5)}),
        board_result("micro/b", {"si": share(0.4)}, transform={"framing": "crop", "size": 224}),
    ]
    assert [r[:2] for r in rows(leaderboard(given))] == [["1", "micro/b"], ["1", "micro/a"]]
    assert ["crop 224" in cell for cell in models(leaderboard(given))] == [True, False]


def test_validation_pictures_from_elsewhere_are_named() -> None:
    record = ValidationRecord(name="a|b", layout="x", fingerprint="0123456789" + "a" * 54)
    text = leaderboard([board_result("micro/a", {"si": share(0.5)}, validation=record)])
    assert "version `c9`, validation pictures `a¦b` (`01234567`), framing" in text


def test_parts_are_named_once_in_order_and_alone_if_there_is_no_more() -> None:
    part = {"si": share(0.5)}
    given = [
        board_result(spec, part, selection=Selection(limit=limit))
        for spec, limit in (("micro/b", 1), ("micro/a|", 1), ("micro/b", 2))
    ]
    note = "Not ranked, since only a part of the data was scored: `micro/a¦`, `micro/b`."
    assert leaderboard(given) == note
    assert leaderboard([*results(), *given]) == f"{leaderboard(results())}\n\n{note}"
    assert leaderboard([]) == ""


@pytest.mark.parametrize(
    ("field", "column"), [("spec", 1), ("transform", 5), ("name", None), ("version", None)]
)
def test_hostile_words_stay_in_their_cells(field: str, column: int | None) -> None:
    hostile = "a`|<b>"
    value: object = {"framing": hostile, "size": 1} if field == "transform" else hostile
    one = board_result("micro/a", {"si": share(0.5), "val": share(0.5)})
    part = "data" if column is None else "model"
    record = getattr(one, part).model_copy(update={field: value})
    text = leaderboard([one.model_copy(update={part: record})])
    assert "`a'¦<b>`" in text and hostile not in text


def test_footnotes_follow_the_table_after_a_blank_line() -> None:
    """One or several pictures; what two models share is said once."""
    gone = [
        Unreadable(slug="k", split="si", index=i, origin="o", sha256="a" * 64, reason="cut")
        for i in range(2)
    ]
    given = [
        board_result(f"micro/{name}", {"si": share(0.1)}, unreadable=gone[:count])
        for name, count in (("a", 2), ("b", 1), ("c", 2), ("d", 0))
    ]
    text = leaderboard(given)
    assert [cell.partition("<br>")[0] for cell in models(text)] == [
        "`micro/a` <sup>1</sup>",
        "`micro/b` <sup>2</sup>",
        "`micro/c` <sup>1</sup>",
        "`micro/d`",
    ]
    assert text.endswith(
        "|\n\n<sup>1</sup> 2 unreadable pictures left out.  \n"
        "<sup>2</sup> 1 unreadable picture left out.  "
    )


@pytest.mark.parametrize("bounds", [(0.25, None), (None, 0.75), (None, None)])
def test_half_an_interval_is_none(bounds: tuple[float | None, float | None]) -> None:
    text = leaderboard([board_result("micro/a", {"si": share(0.5, *bounds)})])
    assert rows(text)[0][2] == "50.0"
