"""Models and data sets of a hub that does not answer: one attempt, one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from spurbench import plugins
from spurbench.dataset.hub import snapshot
from spurbench.errors import UserError
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.run.build import build
from spurbench_evaluators.data.streamed import open_stream
from spurbench_evaluators.loaders import torchvision
from tests.builders.inputs.spurious_imagenet import write_folders
from tests.core.test_hub import Host, hub_at

HUMMINGBIRD = next(c for c in plugins.domain("imagenet").cards() if c.name == "hummingbird")


def recipe_of_the_hub(folder: Path) -> object:
    raw = write_folders(folder / "si", {94: 2})
    return build(BuildRequest(load_recipe("sd15"), (HUMMINGBIRD,), 2, 0, folder / "out", raw))


ASKED: dict[str, Callable[[Path], object]] = {
    "hf/owner/name": lambda _: plugins.classifier("hf/owner/name"),
    "timm/resnet18.a1_in1k": lambda _: plugins.classifier("timm/resnet18.a1_in1k"),
    "owner/data": lambda _: snapshot("owner/data"),
    "owner/pictures": lambda _: open_stream("owner/pictures", ""),
    "stable-diffusion-v1-5/stable-diffusion-v1-5@451f4fe1": recipe_of_the_hub,
}


@pytest.mark.parametrize("name", ASKED)
def test_it_is_asked_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(b"")
    with hub_at(host.url, monkeypatch), pytest.raises(UserError) as caught:
        ASKED[name](tmp_path)
    host.close()
    said = str(caught.value)
    assert host.visits == 1
    assert name in said and f"{host.url} does not answer" in said and "\n" not in said
    assert not (tmp_path / "out").exists()


def test_torchvisions_host_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("spurbench.hub.PATIENCE_SECONDS", 0.3)
    host = Host(b"")
    with pytest.raises(OSError, match="does not answer"):
        torchvision._check_host(f"{host.url}/models/net-1234.pth")
    assert host.visits == 1
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "net-1234.pth").write_bytes(b"kept")
    torchvision._check_host(f"{host.url}/models/net-1234.pth")
    assert host.visits == 1
    host.close()
