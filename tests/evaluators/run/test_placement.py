"""Where and in which precision a network runs, and what it is fed there."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch

from spurbench.errors import UserError
from spurbench.parallel import cores
from spurbench.prediction import framed, to_tensor
from spurbench_evaluators.run.placement import (
    Placement,
    choose,
    inputs,
    place,
    placement_of,
)
from spurbench_evaluators.run.settings import Settings
from tests.conftest import picture
from tests.evaluators.fakes import Fake, small_network


def pixels(count: int = 2, height: int = 9, width: int = 14) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("dtype", "wanted", "digits"),
    [
        ("float32", torch.float32, 1e-7),
        ("float64", torch.float64, 1e-15),
        ("bfloat16", torch.bfloat16, 4e-3),
    ],
)
def test_a_network_is_fed_the_pixels_as_shares_of_255_in_its_precision(
    dtype: str, wanted: torch.dtype, digits: float
) -> None:
    raw = pixels()
    got = inputs(small_network(), torch.from_numpy(raw), Placement("cpu", dtype))
    assert got.dtype == wanted and got.shape == (2, 3, 9, 14)
    shares = raw.transpose(0, 3, 1, 2) / 255
    assert np.abs(got.double().numpy() - shares).max() <= digits
    assert got.is_contiguous(memory_format=torch.channels_last)


def test_a_classifier_without_a_network_is_fed_float32_contiguous() -> None:
    raw = pixels()
    got = inputs(Fake(), torch.from_numpy(raw), Placement("cpu", "float32"))
    assert got.dtype == torch.float32 and got.is_contiguous()
    assert np.array_equal(got.numpy(), raw.transpose(0, 3, 1, 2) / np.float32(255))


def test_inputs_are_those_of_to_tensor() -> None:
    image = framed(picture(3, (50, 40)), small_network().transform)
    raw = torch.from_numpy(np.array(image))[None]
    assert torch.equal(inputs(small_network(), raw, choose("cpu"))[0], to_tensor(image))
    assert torch.equal(inputs(Fake(), raw, choose("cpu"))[0], to_tensor(image))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_placing_sets_the_precision_and_lays_weights_channels_last(dtype: str) -> None:
    classifier = small_network()
    place(classifier, Placement("cpu", dtype))
    assert {p.dtype for p in classifier.network.parameters()} == {getattr(torch, dtype)}
    weight = next(classifier.network.parameters())
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


def test_network_and_pictures_go_to_the_device_that_is_said() -> None:
    """To torch's device without memory, which is on every machine."""
    elsewhere, classifier = Placement("meta", "float64"), small_network()
    place(classifier, elsewhere)
    assert {p.device.type for p in classifier.network.parameters()} == {"meta"}
    assert {p.dtype for p in classifier.network.parameters()} == {torch.float64}
    got = inputs(classifier, torch.from_numpy(pixels()), elsewhere)
    assert (got.device.type, got.dtype) == ("meta", torch.float64)
    assert classifier.logits(got).device.type == "meta"


def test_laying_channels_last_changes_no_number() -> None:
    plain = small_network()
    placed = deepcopy(plain)
    plain.network.double()
    place(placed, Placement("cpu", "float64"))
    raw = pixels(3)
    expected = plain.logits(torch.from_numpy(raw.transpose(0, 3, 1, 2) / 255))
    got = placed.logits(inputs(placed, torch.from_numpy(raw), Placement("cpu", "float64")))
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_other_precisions_need_a_network(dtype: str) -> None:
    said = f"fake/5: brings no torch network that could run in {dtype}; use --dtype float32"
    with pytest.raises(UserError, match=f"^{said}$"):
        place(Fake(), choose("cpu", dtype))
    place(Fake(), choose("cpu", "float32"))


def test_float32_on_a_gpu_is_not_rounded_to_tf32() -> None:
    # A classifier without a network: nothing moves to the GPU that need not be there.
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for device, allowed in [("cpu", True), ("cuda:1", False)]:
            for backend in backends:
                backend.allow_tf32 = True
            place(Fake(), Placement(device, "float32"))
            assert [backend.allow_tf32 for backend in backends] == [allowed] * 2
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def test_what_brings_no_network_runs_on_the_cpu() -> None:
    gpu = Placement("cuda:0", "bfloat16")
    assert placement_of(Fake(), gpu) == Placement("cpu", "bfloat16")
    assert placement_of(small_network(), gpu) == gpu


@pytest.fixture(params=["neither", "cuda", "mps", "both"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a machine has of GPUs, two of each that it has."""
    there: str = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there in ("cuda", "both"))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there in ("mps", "both"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 if there in ("cuda", "both") else 0)
    return there


def test_auto_takes_the_gpu_that_is_there(machine: str) -> None:
    wanted = {"neither": "cpu", "cuda": "cuda", "mps": "mps", "both": "cuda"}
    assert choose() == Placement(wanted[machine], "float32")
    assert choose("auto", "bfloat16") == Placement(wanted[machine], "bfloat16")
    assert choose("cpu", "float64") == Placement("cpu", "float64")


def test_a_device_is_taken_where_it_is_and_else_said_to_be_missing(machine: str) -> None:
    there = {"cuda": ("cuda", "cuda:0", "cuda:1"), "mps": ("mps",)}
    there["both"] = there["cuda"] + there["mps"]
    for device in ("cuda", "cuda:0", "cuda:1", "cuda:2", "mps"):
        if device in there.get(machine, ()):
            assert choose(device).device == device
            continue
        said = f"^--device {device}: this machine has none; use --device cpu or auto$"
        with pytest.raises(UserError, match=said):
            choose(device)
    if machine in ("mps", "both"):
        said = "^--dtype float64 is not to be had on mps; use --device cpu$"
        with pytest.raises(UserError, match=said):
            choose("mps", "float64")


@pytest.mark.parametrize(
    ("device", "dtype", "said"),
    [
        ("gpu", "float32", "unknown device 'gpu'; did you mean 'cpu'"),
        ("xpu", "float32", "unknown device 'xpu'; did you mean 'cpu'"),
        ("cpu:x", "float32", "unknown device 'cpu:x'; did you mean 'cpu'"),
        ("zzz", "float32", "unknown device 'zzz'; known: auto, cpu, cuda, mps"),
        ("cpu", "float16", "unknown dtype 'float16'; did you mean 'bfloat16'"),
        ("cpu", "zzz", "unknown dtype 'zzz'; known: bfloat16, float32, float64"),
        ("cuda:99", "float32", "this machine has none"),
    ],
)
def test_placements_that_are_not_there(device: str, dtype: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        choose(device, dtype)


def test_batches_are_the_devices_unless_they_are_asked_for() -> None:
    sizes = {d: Placement(d, "float32").batch_size for d in ("cpu", "cuda", "cuda:1", "mps")}
    assert sizes == {"cpu": 16, "cuda": 128, "cuda:1": 128, "mps": 64}
    gpu = Placement("cuda:1", "float32")
    assert Settings(gpu).chosen_batch_size() == 128
    assert Settings(gpu, batch_size=3).chosen_batch_size() == 3
    assert Settings(gpu, workers=7).chosen_workers() == 7
    assert Settings(gpu).chosen_workers() == cores()
    said = Settings(gpu)
    assert (said.framing, said.skip_unreadable, said.keep_logits, said.fresh) == (
        "model",
        False,
        False,
        False,
    )


def test_the_gpu_is_described_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"cuda:1": "NVIDIA H100", "cuda": "NVIDIA A10"}
    monkeypatch.setattr(torch.cuda, "get_device_name", names.get)
    described = [Placement(d, "float32").described() for d in ("cpu", "mps", "cuda", "cuda:1")]
    assert described == ["cpu", "mps", "cuda NVIDIA A10", "cuda NVIDIA H100"]
