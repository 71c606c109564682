"""A recipe's classifiers with weights of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench_builders.models.networks import _on, load_network, weights_file
from spurbench_builders.recipes.model import Network

CPU = torch.device("cpu")
SPEC = "timm/lcnet_035"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    made: dict[str, torch.Tensor] = timm.create_model("lcnet_035").state_dict()
    return made


def network(path: Path | str, **known: Any) -> Network:
    return Network(spec=SPEC, weights=str(path), **known)


def test_weights_from_a_pinned_file(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "own.safetensors"
    save_file(state, path)
    loaded = load_network(network(path, sha256=sha256_file(path)), CPU)
    assert loaded.facts.weights_sha256 == sha256_file(path)
    with pytest.raises(UserError, match=r"own\.safetensors: is not the file that the recipe pins"):
        load_network(network(path, sha256="0" * 64), CPU)


def test_a_network_goes_to_the_device_or_says_that_it_cannot(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "own.safetensors"
    save_file(state, path)
    loaded: Any = load_network(network(path), torch.device("meta"))
    assert {p.device.type for p in loaded.network.parameters()} == {"meta"}
    with pytest.raises(UserError, match="cannot be put on meta; it has no torch network"):
        _on(type("Bare", (), {"spec": "made/bare"})(), torch.device("meta"))


def test_keys_under_a_prefix(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "wrapped.pt"
    wrapped = {f"module.model.{k}": v for k, v in state.items()} | {"module.other": torch.ones(1)}
    torch.save({"model": wrapped, "epoch": 3}, path)
    loaded: Any = load_network(network(path, prefix="module.model."), CPU)
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, state[name])
    with pytest.raises(UserError, match=r"has no weights under 'net\.'"):
        load_network(network(path, prefix="net."), CPU)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("ran",))


def test_a_pickle_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hostile.ckpt"
    torch.save({"model": Hostile()}, path)
    with pytest.raises(UserError, match=r"cannot be loaded safely .* convert it to safetensors"):
        load_network(network(path, prefix="module."), CPU)
    assert "ran" not in capsys.readouterr().out


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such weights file"):
        weights_file(network(tmp_path / "none.pt"))
    with pytest.raises(UserError, match="is not hub://OWNER/NAME@REVISION/FILE"):
        weights_file(network("hub://somewhere"))
    with pytest.raises(UserError, match=r"o/n/f\.pt cannot be had from the hub .* a local file"):
        weights_file(network("hub://o/n@main/f.pt"))


def test_a_bare_spec_stays_a_bare_spec() -> None:
    assert Network.model_validate("micro/vit").model_dump_json() == '"micro/vit"'
    full = network("w.pt", prefix="p.")
    assert Network.model_validate(full.model_dump()) == full
