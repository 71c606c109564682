"""A byte a weight: the zoo fits the repository, and its networks answer as they were trained to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.train_micro.classifiers import make_classifier
from scripts.validity import train, weights
from scripts.validity.members import Member, members
from scripts.validity.weights import packed, unpacked


@pytest.fixture
def empty_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "zoo")
    return tmp_path / "zoo"


def one_of_each() -> list[Member]:
    first: dict[str, Member] = {}
    for member in members():
        first.setdefault(member.architecture, member)
    return list(first.values())


@pytest.mark.parametrize("member", one_of_each(), ids=lambda m: m.architecture)
def test_a_kept_network_is_within_half_a_step_of_the_trained_one(
    member: Member, empty_zoo: Path
) -> None:
    """A step is a 127th of the largest weight of an output; the rest is half precision."""
    state = make_classifier(member.recipe, 12).state_dict()
    weights.keep("one", state)
    found = weights.kept("one")
    assert found is not None and set(found) == set(state)
    for name, tensor in state.items():
        assert found[name].shape == tensor.shape and found[name].dtype == tensor.dtype
        if tensor.dim() >= 2:
            step = tensor.flatten(1).abs().amax(dim=1) / 127
            error = (found[name] - tensor).flatten(1).abs().amax(dim=1)
            assert (error <= 0.5001 * step).all(), name
        else:
            assert torch.allclose(found[name].double(), tensor.double(), rtol=1e-3, atol=1e-7), name
    size = (empty_zoo / "one.safetensors").stat().st_size
    assert size < 1.2 * sum(tensor.numel() for tensor in state.values()) + 20_000


def test_each_output_has_a_scale_of_its_own_and_an_empty_one_stays_empty() -> None:
    kernel = torch.tensor([[[[3.0, -1.5]]], [[[0.003, 0.0015]]], [[[0.0, 0.0]]]])  # (3, 1, 1, 2)
    stored = packed({"k": kernel, "bias": torch.tensor([1.0, -2.0]), "seen": torch.tensor(7)})
    assert stored["k"].tolist() == [[[[127, -64]]], [[[127, 64]]], [[[0, 0]]]]
    found = unpacked(stored)
    assert torch.allclose(found["k"], kernel, rtol=0.02) and found["bias"].tolist() == [1.0, -2.0]
    assert found["seen"].item() == 7 and found["seen"].dtype == torch.int64
    assert set(found) == {"k", "bias", "seen"}


def test_a_member_that_is_kept_is_not_trained_again(
    empty_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it need anything to be trained from: no data is drawn."""
    member = members()[0]
    runs = []
    network = make_classifier(member.recipe, 12)

    def fake(wanted: Member, work: Path) -> torch.nn.Module:
        runs.append(wanted.name)
        return network

    monkeypatch.setattr(train, "_train", fake)
    first, again = train.trained(member, tmp_path), train.trained(member, tmp_path)
    assert runs == [member.name] and not first.training
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(first(images), again(images)), "trained now or before: the same network"


def test_what_is_kept_is_the_zoo_and_within_eight_megabytes() -> None:
    files = list(weights.FOLDER.glob("*"))
    assert {file.stem for file in files} <= {member.name for member in members()}
    assert sum(file.stat().st_size for file in files) <= 8_000_000
