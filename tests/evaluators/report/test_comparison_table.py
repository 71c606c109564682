"""The table of several models: consistency by split, then differences with corrected p-values."""

from __future__ import annotations

from spurbench.scores.comparison import Comparison, Consistency, Difference
from spurbench_evaluators.report.tables import comparison_table
from tests.evaluators.report.test_tables import heads, rows, share


def test_a_comparison_is_consistency_by_split_then_paired_differences() -> None:
    table = comparison_table(
        Comparison(
            models=["a", "b", "c"],
            classes=6,
            consistency=[
                Consistency(
                    split="si", pictures=9, fooled_by_all=share(0.25, 0.1, 0.5), fleiss_kappa=0.125
                ),
                Consistency(split="mine", pictures=9, fooled_by_all=share(1.0), fleiss_kappa=None),
            ],
            differences=[
                Difference(
                    first="a",
                    second="b",
                    split="val",
                    difference=share(-0.5),
                    p_value=0.01234,
                    p_corrected=0.02468,
                ),
                Difference(
                    first="a",
                    second="c",
                    split="other",
                    difference=share(0.5, 0.25, 0.75),
                    p_value=None,
                    p_corrected=None,
                ),
            ],
        )
    )
    assert table.title == "3 models on the same pictures"
    assert heads(table) == ["", "split", "value", "kappa or p"]
    assert rows(table) == [
        ("all", "references", "25.0 [10.0, 50.0]", "0.12"),
        ("all", "mine", "100.0", ""),
        ("a - b", "val. accuracy", "-50.0", "0.0247"),
        ("a - c", "other", "50.0 [25.0, 75.0]", ""),
    ]
    assert [row.end_section for row in table.rows] == [False, True, False, False]
    assert [column.justify for column in table.columns] == ["left", "left", "right", "right"]
    assert [column.no_wrap for column in table.columns] == [False, True, True, True]
    assert table.columns[0].overflow == "fold"
    assert table.caption == (
        "share fooled by all in %, Fleiss' kappa of hit or miss; differences in points with Student's "
        "t intervals over classes; p by sign-flip over classes, corrected for 2 differences (Holm)"
    )


def test_a_comparison_over_too_few_classes_says_why_there_is_no_p() -> None:
    def caption(classes: int) -> str:
        made = Comparison(models=["a", "b"], classes=classes, consistency=[], differences=[])
        return str(comparison_table(made).caption)

    assert caption(5).endswith("(Holm); no p: 5 of the 6 classes that p < 0.05 takes")
    assert caption(6).endswith("(Holm)")
