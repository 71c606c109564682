"""What texts and numbers of a submitted file may be, one by one."""

from __future__ import annotations

import math

import pytest

from spurbench_leaderboard.gate.texts import LONGEST, SPEC, fault, faults


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("K\u00e4fer, red flower (2)", ""),
        ("<b>&amp;", ""),
        ("\uff56it", "characters that stand for others"),
        ("a\u0308", "characters that stand for others"),
        ("a\u202eb", "characters that do not show"),
        ("a\u200bb", "characters that do not show"),
        ("a\nb", "characters that do not show"),
        ("x" * LONGEST, ""),
        ("x" * (LONGEST + 1), f"a text of {LONGEST + 1} characters"),
        (math.nan, "nan is no number"),
        (-math.inf, "-inf is no number"),
        (1e15, ""),
        (1e16, "a number as large as 1e+16"),
        (-1e308, "too large"),
        (10**99, "a number as large as 1e+99"),
        (True, ""),
        (None, ""),
    ],
)
def test_a_value(value: object, said: str) -> None:
    found = fault(value)
    assert said in found and bool(said) == bool(found)


def test_faults_are_found_at_any_depth_with_their_place() -> None:
    value = {"a": [{"b": "x"}, {"b": "\0"}], "c\n": 1, "d": {"e": math.inf}}
    assert list(faults(value)) == [
        "a.1.b: '\\x00' has characters that do not show",
        "top level: a key 'c\\n' has characters that do not show",
        "d.e: inf is no number",
    ]


@pytest.mark.parametrize(
    ("spec", "fine"),
    [
        ("timm/tf_efficientnet_lite0.in1k", True),
        ("torchvision/resnet50:IMAGENET1K_V2", True),
        ("hf/google/vit-base-patch16-224", True),
        ("micro/v\u0456t", False),
        ("-rf", False),
        ("a/<b>", False),
        ("a/$(b)", False),
        ("", False),
    ],
)
def test_specs_are_plain_ascii(spec: str, fine: bool) -> None:
    assert bool(SPEC.fullmatch(spec)) == fine
