"""Checkpoints from disk: every value where it belongs, strictly, and what is wrong in one line."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from spurbench.errors import UserError
from spurbench_evaluators.network.weights import (
    fill,
    load_strictly,
    misfits,
    read_state,
    state_sha256,
    without_prefix,
)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def values(seed: int = 0) -> dict[str, Tensor]:
    """A state dict of other values than any new network has."""
    torch.manual_seed(seed)
    state = network().state_dict()
    return {
        key: torch.randn(value.shape) if value.is_floating_point() else value + 7
        for key, value in state.items()
    }


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return list(one) == list(two) and all(torch.equal(one[key], two[key]) for key in one)


WRAPPED: dict[str, Any] = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state, "optimizer": {}},
    "both": lambda state: {"state_dict": {"model": state}},
    "module": lambda state: {f"module.{key}": value for key, value in state.items()},
    "state_dict of a module": lambda state: {
        "state_dict": {f"module.{key}": value for key, value in state.items()}
    },
}


@pytest.mark.parametrize("how", WRAPPED)
def test_every_value_of_a_checkpoint_arrives_however_it_is_wrapped(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "w.pt"
    torch.save(WRAPPED[how](values()), path)
    assert same(read_state(path), values())
    made = network()
    digest = load_strictly(made, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert same(dict(made.state_dict()), values())


def test_safetensors_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(values(), path)
    assert {k: v.tolist() for k, v in read_state(path).items()} == {
        k: v.tolist() for k, v in values().items()
    }
    made = network()
    load_strictly(made, path)
    assert same(dict(made.state_dict()), values())


def test_a_state_dict_that_was_read_before_stands_for_the_files(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(values(1), path)
    made = network()
    digest = load_strictly(made, path, values(2))
    assert same(dict(made.state_dict()), values(2))
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


MISFITS: dict[str, tuple[Any, str]] = {
    "missing": (lambda s: [s.pop("3.bias")], "1 missing (3.bias)"),
    "many missing": (
        lambda s: [s.pop(k) for k in ("3.bias", "3.weight", "0.bias", "1.running_var")],
        "4 missing (0.bias, 1.running_var, 3.bias, ...)",
    ),
    "three missing": (
        lambda s: [s.pop(k) for k in ("3.bias", "3.weight", "0.bias")],
        "3 missing (0.bias, 3.bias, 3.weight)",
    ),
    "unexpected": (
        lambda s: s.update(z=torch.zeros(1), b=torch.zeros(1)),
        "2 unexpected (b, z)",
    ),
    "of another shape": (
        lambda s: s.update({"3.weight": torch.zeros(3, 4)}),
        "1 of another shape (3.weight)",
    ),
    "transposed": (
        lambda s: s.update({"3.weight": torch.zeros(4, 2), "0.weight": torch.zeros(3, 4, 3, 3)}),
        "2 of another shape (0.weight, 3.weight)",
    ),
    "all at once": (
        lambda s: [s.pop("3.bias"), s.update({"x": torch.zeros(1), "0.bias": torch.zeros(1)})],
        "1 missing (3.bias); 1 unexpected (x); 1 of another shape (0.bias)",
    ),
    "a count of batches": (lambda s: [s.pop("1.num_batches_tracked")], ""),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(tmp_path: Path, what: str) -> None:
    spoil, said = MISFITS[what]
    state = values()
    spoil(state)
    made = network()
    before = {key: value.clone() for key, value in made.state_dict().items()}
    assert misfits(made, state) == said
    path = tmp_path / "w.pt"
    torch.save(state, path)
    if not said:
        load_strictly(made, path)
        assert torch.equal(made.state_dict()["3.bias"], values()["3.bias"])
        return
    with pytest.raises(UserError) as error:
        load_strictly(made, path)
    assert str(error.value) == f"{path}: does not fit the architecture: {said}"
    assert same(dict(made.state_dict()), before)


def test_a_file_that_is_not_there_or_holds_no_tensors_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with pytest.raises(UserError) as error:
        read_state(path)
    assert str(error.value) == f"{path}: no such weights file"
    for held in ([torch.zeros(1)], {1: torch.zeros(1)}, {"a": 1}, {"a": torch.zeros(1), "b": 2}):
        torch.save(held, path)
        with pytest.raises(UserError) as error:
            read_state(path)
        assert str(error.value) == f"{path}: holds no state dict of tensors"


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_file_that_is_broken_is_one_line_with_a_way_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"hello\nworld, this is no checkpoint")
    with pytest.raises(UserError) as error:
        read_state(path)
    said = str(error.value)
    assert said.startswith(f"{path}: not a checkpoint that can be loaded safely (")
    assert said.endswith("); save it as safetensors, or as a plain state dict")
    assert "\n" not in said and len(said) <= len(str(path)) + 275


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("hacked"),)  # type: ignore[return-value]


def test_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Hostile()}, tmp_path / "w.pt")
    with pytest.raises(UserError, match="loaded safely"):
        read_state(tmp_path / "w.pt")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (["m.a", "m.b.m.c"], ["a", "b.m.c"]),
        (["m.a", "b"], ["m.a", "b"]),
        (["ma"], ["ma"]),
        ([], []),
    ],
)
def test_a_prefix_is_taken_off_where_every_key_has_it(keys: list[str], wanted: list[str]) -> None:
    state = {key: torch.tensor(i) for i, key in enumerate(keys)}
    got = without_prefix(state, "m.")
    assert list(got) == wanted and [int(v) for v in got.values()] == list(range(len(keys)))


class Versioned(nn.Module):
    """Takes down the version that its values are loaded under."""

    _version = 4

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.under: list[int | None] = []

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
        self.under.append(metadata.get("version"))
        super()._load_from_state_dict(state, prefix, metadata, *rest)


def test_layers_load_under_the_version_that_the_file_says_else_todays() -> None:
    made = Versioned()
    fill(made, {"weight": torch.tensor([1.0, 2.0])})
    assert made.under == [4] and made.weight.tolist() == [1.0, 2.0]
    old: OrderedDict[str, Tensor] = OrderedDict(weight=torch.tensor([3.0, 4.0]))
    old._metadata = OrderedDict({"": {"version": 2}})  # type: ignore[attr-defined]
    fill(made, old)
    assert made.under == [4, 2] and made.weight.tolist() == [3.0, 4.0]


def test_the_hash_of_a_network_is_of_its_names_and_values() -> None:
    made = network()
    digests = "".join(
        hashlib.sha256(name.encode() + value.numpy().tobytes()).hexdigest()
        for name, value in sorted(made.state_dict().items())
    )
    assert state_sha256(made) == hashlib.sha256(digests.encode()).hexdigest()
    made.to(memory_format=torch.channels_last)
    assert state_sha256(made) == hashlib.sha256(digests.encode()).hexdigest(), "as it lies or not"
    before = state_sha256(made)
    with torch.no_grad():
        made[1].running_var[2] += 1  # type: ignore[index]
    assert state_sha256(made) != before
    layer = nn.Linear(2, 2)
    assert state_sha256(nn.ModuleDict({"a": layer})) != state_sha256(nn.ModuleDict({"b": layer}))
