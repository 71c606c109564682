"""What a call says of itself before it runs, and what it takes where nothing is asked for."""

from __future__ import annotations

import pytest

from spurbench.parallel import cores
from spurbench_evaluators.run.placement import Placement
from spurbench_evaluators.run.settings import Settings, how
from tests.evaluators.fakes import Fake, small_network


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (["network"], "cuda Some GPU, float32, 7 pictures a batch, 2 reading threads"),
        (["fake", "fake"], "cpu, float32, 7 pictures a batch, 2 reading threads"),
        (
            ["network", "fake", "network"],
            (
                "cuda Some GPU, float32, 7 pictures a batch, 2 reading threads; on the CPU, for want of a "
                "torch network: fake/5"
            ),
        ),
    ],
)
def test_what_is_announced_is_where_each_model_runs(
    models: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: {"cuda:1": "Some GPU"}[device])
    classifiers = [small_network() if name == "network" else Fake() for name in models]
    assert how(classifiers, Settings(Placement("cuda:1", "float32"), "model", 7, 2)) == said


def test_what_is_not_asked_for_is_the_devices_and_the_cores() -> None:
    usual = Settings(Placement("cpu", "float32"))
    assert usual.chosen_batch_size() == Placement("cpu", "float32").batch_size
    assert usual.chosen_workers() == cores()
    assert (usual.framing, usual.fresh, usual.skip_unreadable) == ("model", False, False)
    asked = Settings(Placement("cpu", "float32"), batch_size=3, workers=5)
    assert (asked.chosen_batch_size(), asked.chosen_workers()) == (3, 5)
