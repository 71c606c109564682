"""Which version comes next, and of which the tag is the highest."""

from __future__ import annotations

import pytest

from spurbench_publishing.hub.versions import Contents, following, highest

OLD: Contents = {"koala": {"si": "a", "generated": "b"}, "gondola": {"si": "c"}}


@pytest.mark.parametrize(
    ("now", "version"),
    [
        (OLD, "1.4.8"),
        ({**OLD, "koala": {"generated": "b", "si": "a"}}, "1.4.8"),
        ({**OLD, "flagpole": {"si": "d"}}, "1.5.0"),
        ({**OLD, "gondola": {"si": "c", "val": "d"}}, "1.5.0"),
        ({**OLD, "gondola": {"si": "x"}}, "2.0.0"),
        ({**OLD, "gondola": {"si": "x"}, "flagpole": {"si": "d"}}, "2.0.0"),
        ({"koala": OLD["koala"]}, "2.0.0"),
        ({**OLD, "koala": {"si": "a"}}, "2.0.0"),
        ({"koala": {"si": "b", "generated": "a"}, "gondola": {"si": "c"}}, "2.0.0"),
        ({"flagpole": {"si": "d"}, **{k: v for k, v in OLD.items() if k != "gondola"}}, "2.0.0"),
    ],
)
def test_the_number_that_grows_says_what_changed(now: Contents, version: str) -> None:
    assert following("1.4.7", OLD, now) == version
    assert following("v1.4.7", OLD, now) == f"v{version}"


def test_the_first_one() -> None:
    assert following(None, {}, OLD) == "1.0.0"


def test_the_highest_is_by_number_and_what_is_none_is_left_out() -> None:
    assert highest(["1.9.0", "1.10.0", "v1.2.3", "draft", "2.0", "2.0.0-rc1"]) == "1.10.0"
    assert highest(["draft"]) is None and highest([]) is None
