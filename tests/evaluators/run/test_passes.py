"""Batches side by side: the same bits on however many cores, with one thread of torch each."""

from __future__ import annotations

import threading

import pytest
import torch

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.parallel import computing_with
from spurbench_evaluators.api import score_pictures
from spurbench_evaluators.network.classifier import NetworkClassifier
from spurbench_evaluators.run import forward
from tests.evaluators.fakes import Fake, small_network
from tests.evaluators.run.pictures import PICTURES, numbers


def watched(classifier: NetworkClassifier) -> list[tuple[str, int]]:
    """Of every forward pass of 8 pictures the thread that makes it, and its threads of torch."""
    seen: list[tuple[str, int]] = []

    def note(*_: object) -> None:
        seen.append((threading.current_thread().name, torch.get_num_threads()))

    classifier.network.register_forward_pre_hook(note)
    return seen


@pytest.mark.parametrize("model", ["micro/resnet_v1", "micro/vit"])
def test_the_bits_do_not_depend_on_the_cores_nor_on_the_callers_threads(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for cores, threads in ((1, 1), (4, 2), (3, 1)):
        monkeypatch.setattr(forward, "cores", lambda n=cores: n)
        with computing_with(threads):
            seen = score_pictures(plugins.classifier(model), PICTURES, 8)
            assert torch.get_num_threads() == threads
        assert [s.index for s in seen] == list(range(len(PICTURES)))
        found.append(numbers(seen).tobytes())
    assert found[0] == found[1] == found[2]


def test_a_network_that_may_be_shared_is_run_by_several_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forward, "cores", lambda: 2)
    meeting = threading.Barrier(2, timeout=60)
    classifier = plugins.classifier("micro/resnet_v1")
    assert isinstance(classifier, NetworkClassifier)
    seen = watched(classifier)

    def meet(*_: object) -> None:
        meeting.wait()  # two passes can only get by it together

    classifier.network.register_forward_pre_hook(meet)
    with computing_with(3):
        score_pictures(classifier, PICTURES[:32], 8)
    assert len(seen) == 4 and {threads for _, threads in seen} == {1}
    assert "MainThread" not in {name for name, _ in seen}


def test_other_code_is_called_by_the_caller_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's may keep things in itself; so may one beside a network that may not."""
    monkeypatch.setattr(forward, "cores", lambda: 4)
    mine = small_network()
    seen = watched(mine)
    with computing_with(2):
        score_pictures(mine, PICTURES[:24], 8)
    assert seen == [("MainThread", 2)] * 3
    assert score_pictures(Fake(), PICTURES[:3])[0].predicted == 5


def test_a_fault_is_raised_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "cores", lambda: 3)
    broken = PICTURES[17].__class__(**{**vars(PICTURES[17]), "data": b"cut"})
    with pytest.raises(UserError, match=r"koala/si/17 \(made 17\): cannot be read"):
        score_pictures(plugins.classifier("micro/vit"), [*PICTURES[:17], broken], 8)
