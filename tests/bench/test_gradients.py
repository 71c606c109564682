"""Our gradients are diffusers' own: an independent check of Eq. 1 to 3, run beside diffusers' script.
What it gave for one step is kept for every checkout: tests/builders/method/test_golden_step.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

VARIABLE = "SPURBENCH_TRAIN_DREAMBOOTH"


@pytest.mark.diffusers_script
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_gradients_equal_those_of_diffusers_script(prediction: str, tmp_path: Path) -> None:
    from tests.bench.check_gradients import TOLERANCE, check

    script = os.environ.get(VARIABLE)
    assert script, f"{VARIABLE} must name diffusers' examples/dreambooth/train_dreambooth.py"
    found = check(prediction, Path(script), tmp_path)
    assert max(found["relative_error"].values()) < TOLERANCE
    assert min(found["with_half_the_prior"].values()) > 1000 * TOLERANCE


def test_the_error_is_relative_and_by_part() -> None:
    from tests.bench.check_gradients import relative_errors

    theirs = {"unet.a": torch.tensor([3.0, 4.0]), "text_encoder.a": torch.tensor([2.0])}
    ours = {"unet.a": torch.tensor([3.0, 4.5]), "text_encoder.a": torch.tensor([2.0])}
    assert relative_errors(ours, theirs) == pytest.approx({"unet": 0.1, "text_encoder": 0.0})


def test_a_weight_that_one_side_does_not_train_is_no_match() -> None:
    from tests.bench.check_gradients import relative_errors

    one = {"unet.a": torch.ones(2), "text_encoder.a": torch.ones(2)}
    for ours, theirs in (
        (one, one | {"unet.b": torch.ones(1)}),
        (one | {"unet.b": torch.ones(1)}, one),
    ):
        with pytest.raises(SystemExit, match="do not train the same weights"):
            relative_errors(ours, theirs)
