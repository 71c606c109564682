"""A recipe's classifiers with weights of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
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
    loaded: Any = load_network(network(path, sha256=sha256_file(path)), CPU)
    assert loaded.facts.weights_sha256 == sha256_file(path)
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, state[name])
    with pytest.raises(UserError) as error:
        load_network(network(path, sha256="a1" * 32), CPU)
    assert str(error.value) == (
        f"{SPEC}: {path}: is not the file that the recipe pins (sha256 a1a1a1a1a1a1...)"
    )


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


@pytest.mark.parametrize("wrapper", ["state_dict", "model", None])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_wrappers_of_state_dicts_are_taken_off(
    tmp_path: Path, state: dict[str, torch.Tensor], wrapper: str | None, suffix: str
) -> None:
    """What lies under the prefix alone counts; a tensor of a wrapper's name is no wrapper."""
    path = tmp_path / f"own{suffix}"
    prefixed = {f"net.{k}": v for k, v in state.items()}
    other = {"model": torch.zeros(1), "xnet.conv_stem.weight": torch.zeros(1)}
    if suffix == ".safetensors":
        save_file({**prefixed, **other}, path)
    else:
        torch.save({wrapper: prefixed} if wrapper else {**prefixed, **other}, path)
    loaded: Any = load_network(network(path, prefix="net."), CPU)
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, state[name])


def test_a_spec_without_weights_is_loaded_as_it_is() -> None:
    loaded = load_network(Network(spec="micro/vit"), CPU)
    assert loaded.spec == "micro/vit" and loaded.logits(torch.zeros(1, 3, 64, 64)).shape[0] == 1


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
    none = tmp_path / "none.pt"
    with pytest.raises(UserError) as error:
        weights_file(network(none))
    assert str(error.value) == f"{SPEC}: {none}: no such weights file"
    for named in ("hub://somewhere", "hub://o/n/f.pt", "hub://o/n@main"):
        with pytest.raises(UserError) as error:
            weights_file(network(named))
        assert str(error.value) == (
            f"{SPEC}: weights {named!r} is not hub://OWNER/NAME@REVISION/FILE"
        )
    with pytest.raises(UserError) as error:
        weights_file(network("hub://o/n@main/f.pt"))
    assert str(error.value).startswith(f"{SPEC}: weights o/n/f.pt cannot be had from the hub (")
    assert str(error.value).endswith("name a local file in a recipe that extends this one")


def test_the_hub_is_asked_for_the_revisions_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f.pt").write_bytes(b"weights")
    asked = []

    def download(repo: str, file: str, *, revision: str) -> str:
        asked.append((repo, file, revision))
        return str(tmp_path / "f.pt")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert weights_file(network("hub://owner/na-me@ab12/deep/er/f.pt")) == tmp_path / "f.pt"
    assert asked == [("owner/na-me", "deep/er/f.pt", "ab12")]
    with pytest.raises(UserError, match="is not the file that the recipe pins"):
        weights_file(network("hub://o/n@main/f.pt", sha256="0" * 64))


def test_weights_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "f.pt").write_bytes(b"weights")
    assert weights_file(network("~/f.pt")) == tmp_path / "f.pt"


def test_a_bare_spec_stays_a_bare_spec() -> None:
    assert Network.model_validate("micro/vit").model_dump_json() == '"micro/vit"'
    full = network("w.pt", prefix="p.")
    assert Network.model_validate(full.model_dump()) == full
