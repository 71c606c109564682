"""The classifiers that a recipe names: the panel, the robust network, the referee."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import torch

from spurbench import plugins
from spurbench.contracts import Classifier
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench.reading import is_file, why
from spurbench_builders.recipes.model import Network

from .hub import hub_errors

HUB = re.compile(r"hub://(?P<repo>[^/@]+/[^/@]+)@(?P<revision>[^/]+)/(?P<file>.+)")
"""A branch or a commit; the manifest records a hash of the weights either way."""


def load_network(network: Network, device: torch.device) -> Classifier:
    """The classifier, with its own weights file checked against the recipe's SHA-256."""
    if network.weights is None:
        return _on(plugins.classifier(network.spec), device)
    path = weights_file(network)
    if not network.prefix:
        return _on(plugins.classifier(network.spec, weights=path), device)
    with tempfile.TemporaryDirectory() as folder:
        plain = _without_prefix(path, network.prefix, Path(folder) / path.with_suffix("").name)
        return _on(plugins.classifier(network.spec, weights=plain), device)


def weights_file(network: Network) -> Path:
    """Where the network's weights lie, fetched from the hub where they are there."""
    named = network.weights or ""
    parts = HUB.fullmatch(named)
    if named.startswith("hub://") and not parts:
        raise UserError(f"{network.spec}: weights {named!r} is not hub://OWNER/NAME@REVISION/FILE")
    path = _from_hub(network, **parts.groupdict()) if parts else Path(named).expanduser()
    if not is_file(path):
        raise UserError(f"{network.spec}: {path}: no such weights file")
    if network.sha256 and sha256_file(path) != network.sha256:
        raise UserError(
            f"{network.spec}: {path}: is not the file that the recipe pins "
            f"(sha256 {network.sha256[:12]}...)"
        )
    return path


def _from_hub(network: Network, repo: str, revision: str, file: str) -> Path:
    from huggingface_hub import hf_hub_download

    way_out = "name a local file in a recipe that extends this one"
    with hub_errors(f"{network.spec}: weights {repo}/{file}", way_out):
        return Path(hf_hub_download(repo, file, revision=revision))


def _without_prefix(path: Path, prefix: str, target: Path) -> Path:
    """The file's tensors under the prefix, as safetensors with the architecture's own names."""
    from safetensors.torch import load_file, save_file

    state: Any
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken or hostile file makes the readers raise
        raise UserError(
            f"{path}: cannot be loaded safely ({why(error)}); convert it to safetensors once, where you "
            "trust it, and name that file in a recipe that extends this one"
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    kept = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    if not kept:
        raise UserError(f"{path}: has no weights under {prefix!r}")
    target = target.with_suffix(".safetensors")
    save_file({k: v.contiguous() for k, v in kept.items()}, target)
    return target


def _on(classifier: Classifier, device: torch.device) -> Classifier:
    """The classifier with its network on the device; UserError where it has none to move."""
    if device.type == "cpu":
        return classifier
    network = getattr(classifier, "network", None)
    if not isinstance(network, torch.nn.Module):
        raise UserError(f"{classifier.spec}: cannot be put on {device}; it has no torch network")
    network.to(device)
    return classifier
