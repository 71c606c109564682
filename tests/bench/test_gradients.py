"""Our gradients are diffusers' own: an independent check of Eq. 1 to 3."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "SPURBENCH_TRAIN_DREAMBOOTH"


@pytest.mark.slow
@pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"{VARIABLE} does not name diffusers' examples/dreambooth/train_dreambooth.py",
)
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_gradients_equal_those_of_diffusers_script(prediction: str, tmp_path: Path) -> None:
    from tests.bench.check_gradients import TOLERANCE, check

    found = check(prediction, Path(os.environ[VARIABLE]), tmp_path)
    assert max(found["relative_error"].values()) < TOLERANCE
    assert min(found["with_half_the_prior"].values()) > 1000 * TOLERANCE
