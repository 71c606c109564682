"""What a checkpoint holds and gives back: weights, optimiser, both random states, the step."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from spurbench_builders.method.checkpoint import (
    load_trained_state,
    restore_checkpoint,
    save_checkpoint,
    trained_state,
)


class Part(nn.Module):
    """Two weights, one transposed in memory, and a buffer, as batch norms have."""

    def __init__(self, first: float) -> None:
        super().__init__()
        self.wide = nn.Parameter(torch.arange(6.0).reshape(2, 3).T + first)
        self.plain = nn.Parameter(torch.full((4,), first))
        self.register_buffer("running", torch.full((2,), first))


class Model:
    """The parts of a base model that are trained."""

    def __init__(self, first: float) -> None:
        self.unet, self.text_encoder = Part(first), Part(first + 100)
        self.device = torch.device("cpu")


class Trainee:
    """Some weights of both parts in training."""

    def __init__(self, first: float = 0.0) -> None:
        self.model = Model(first)

    def named_parameters(self) -> dict[str, nn.Parameter]:
        unet, text = self.model.unet, self.model.text_encoder
        return {"unet.wide": unet.wide, "unet.plain": unet.plain, "text_encoder.plain": text.plain}


class Run:
    """A trainee, its optimiser and its generator."""

    def __init__(self, first: float, seed: int) -> None:
        self.trainee: Any = Trainee(first)
        weights = self.trainee.named_parameters().values()
        self.optimiser = torch.optim.AdamW(weights, lr=0.1, betas=(0.5, 0.7))
        self.generator = torch.Generator().manual_seed(seed)

    def step(self) -> None:
        for p in self.trainee.named_parameters().values():
            p.grad = torch.randn(p.shape, generator=self.generator) + torch.rand(())
        self.optimiser.step()

    def weights(self) -> dict[str, torch.Tensor]:
        return {n: p.detach().clone() for n, p in self.trainee.named_parameters().items()}

    def save(self, path: Path, step: int) -> None:
        save_checkpoint(path, self.trainee, self.optimiser, self.generator, step)

    def restore(self, path: Path | None) -> int:
        return restore_checkpoint(path, self.trainee, self.optimiser, self.generator)


def test_a_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """Saved after two steps; one that began elsewhere takes the next two just the same."""
    torch.manual_seed(3)
    run, path = Run(0.0, 7), tmp_path / "checkpoint.pt"
    run.step()
    run.step()
    run.save(path, 17)
    saved = run.weights()
    run.step()
    run.step()
    other = Run(50.0, 8)
    other.step()
    torch.manual_seed(99)
    assert other.restore(path) == 17
    assert all(torch.equal(saved[name], value) for name, value in other.weights().items())
    other.step()
    other.step()
    for name, value in run.weights().items():
        assert torch.equal(value, other.weights()[name]), name


def test_each_random_state_comes_back_as_itself(tmp_path: Path) -> None:
    run, path = Run(0.0, 7), tmp_path / "checkpoint.pt"
    torch.manual_seed(3)
    run.save(path, 1)
    drawn = torch.rand(3), torch.rand(3, generator=run.generator)
    assert not torch.equal(*drawn)
    other = Run(0.0, 8)
    other.restore(path)
    assert torch.equal(torch.rand(3), drawn[0])
    assert torch.equal(torch.rand(3, generator=other.generator), drawn[1])


def test_without_a_checkpoint_a_run_begins_at_its_beginning(tmp_path: Path) -> None:
    run = Run(0.0, 7)
    before, state = run.weights(), run.generator.get_state()
    assert run.restore(None) == 0 and run.restore(tmp_path / "none.pt") == 0
    assert all(torch.equal(before[name], value) for name, value in run.weights().items())
    assert torch.equal(state, run.generator.get_state())


def test_weights_put_back_are_still_trained(tmp_path: Path) -> None:
    """The same parameters, changed in place: the optimiser holds on to them."""
    run, path = Run(0.0, 7), tmp_path / "checkpoint.pt"
    run.save(path, 1)
    other = Run(5.0, 8)
    held = other.trainee.named_parameters()
    other.restore(path)
    for name, parameter in other.trainee.named_parameters().items():
        assert parameter is held[name] and parameter.requires_grad and parameter.is_leaf


def test_a_checkpoint_is_read_without_running_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (print, ("ran",))

    path = tmp_path / "checkpoint.pt"
    torch.save({"weights": Hostile()}, path)
    assert Run(0.0, 7).restore(path) == 0, "as good as none"
    assert capsys.readouterr().out == ""


def test_a_full_disk_is_named_and_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch raises where writing fails: a complaint of its own over the system's."""
    run, path = Run(0.0, 7), tmp_path / "checkpoint.pt"
    run.save(path, 4)

    def fails(state: Any, file: Any) -> None:
        file.write(b"half of it")
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            raise RuntimeError("unexpected pos 64 vs 0")  # noqa: B904

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fails)
        with pytest.raises(OSError, match="No space left on device") as error:
            run.save(path, 5)
        assert error.value.errno == errno.ENOSPC
    assert run.restore(path) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_another_complaint_of_torchs_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(state: Any, file: Any) -> None:
        raise RuntimeError("another")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(RuntimeError, match="^another$"):
        Run(0.0, 7).save(tmp_path / "checkpoint.pt", 5)


def test_trained_weights_are_all_of_both_parts_by_name() -> None:
    model: Any = Model(2.0)
    state = trained_state(model)
    names = [f"{p}.{n}" for p in ("unet", "text_encoder") for n in ("wide", "plain", "running")]
    assert list(state) == names
    for name, value in state.items():
        part, _, rest = name.partition(".")
        assert torch.equal(value, model.__dict__[part].state_dict()[rest])
        assert value.is_contiguous() and not value.requires_grad


def test_trained_weights_are_put_back_strictly() -> None:
    model: Any = Model(2.0)
    state, other = trained_state(model), Model(9.0)
    load_trained_state(other, state)  # type: ignore[arg-type]
    loaded = trained_state(other)  # type: ignore[arg-type]
    assert all(torch.equal(value, loaded[name]) for name, value in state.items())
    for name in state:
        lacking = {n: v for n, v in state.items() if n != name}
        with pytest.raises(RuntimeError, match="Missing key"):
            load_trained_state(Model(9.0), lacking)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="Unexpected key"):
        load_trained_state(other, {**state, "unet.more": torch.ones(1)})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["empty", "cut", "flipped", "text", "another", "of other weights"])
def test_a_damaged_checkpoint_is_as_good_as_none(tmp_path: Path, kind: str) -> None:
    """And leaves the run as it was: nothing of it is put in place."""
    path = tmp_path / "checkpoint.pt"
    Run(5.0, 8).save(path, 17)
    whole = path.read_bytes()
    state = torch.load(path, weights_only=True)
    if kind == "another":
        torch.save([1, 2], path)
    elif kind == "of other weights":
        torch.save({**state, "weights": {"x": torch.zeros(2)}}, path)
    else:
        middle = len(whole) // 2
        data = {"empty": b"", "cut": whole[:middle], "text": b"hello"}
        flipped = whole[:middle] + bytes(64) + whole[middle + 64 :]
        path.write_bytes(data.get(kind, flipped))
    run = Run(0.0, 7)
    before, state = run.weights(), run.generator.get_state()
    assert run.restore(path) == 0
    assert all(torch.equal(before[name], value) for name, value in run.weights().items())
    assert torch.equal(state, run.generator.get_state())
    path.write_bytes(whole)
    assert run.restore(path) == 17
