"""`torchvision/NAME[:WEIGHTS]`: torchvision's classifiers, with the transform of their weights.

What torchvision does to a model only when it fetches the weights itself (inputs rescaled inside, a
larger input, renamed keys) is data in cards/torchvision.json, so that `--weights FILE` gives the same.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.contracts import ModelCard, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError, unknown
from spurbench.hub import unanswered

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spurbench_evaluators.network.classifier import NetworkClassifier


class TorchvisionEvaluator:
    """Loads torchvision's classification models by name and weights."""

    packages = ("torchvision",)

    def names(self) -> list[str]:
        """NAME:WEIGHTS for every classification model and its weights."""
        from torchvision import models

        return [
            f"{name}:{weights.name}"
            for name in models.list_models(module=models)
            for weights in models.get_model_weights(name)
        ]

    def card(self, name: str, *, label_space: str | Path | None = None) -> ModelCard:
        """What the weights' own description says; needs no weights."""
        architecture, weights = _weights(name)
        return _card(architecture, weights, len(weights.meta["categories"] or ()), label_space)

    def load(
        self, name: str, *, weights: Path | None = None, label_space: str | Path | None = None
    ) -> NetworkClassifier:
        """The model; without ``weights`` torchvision fetches them (or has them in its cache)."""
        from spurbench_evaluators.network.classifier import NetworkClassifier, count_parameters
        from spurbench_evaluators.network.weights import (
            fill,
            load_strictly,
            misfits,
            read_state,
            state_sha256,
        )

        architecture, described = _weights(name)
        card = self.card(name)
        state = read_state(weights) if weights else _fetched(card.spec, described)
        state = _renamed(architecture, state)
        network = _build(architecture, card, len(card.label_space.names))
        outputs = _head_width(network, state)
        card = _card(architecture, described, outputs, label_space)
        if outputs != _head_width(network, {}):
            network = _build(architecture, card, outputs)
        if weights:
            digest, source = load_strictly(network, weights, state), weights.name
        else:
            faults = misfits(network, state)
            if faults:
                raise UserError(
                    f"{card.spec}: torchvision's weights do not fit its architecture: {faults}; "
                    "use another version of torchvision, or --weights FILE"
                )
            fill(network, state)
            digest, source = state_sha256(network), f"torchvision {described.name}"
        transforms = described.transforms()
        facts = ModelFacts(
            architecture, count_parameters(network), digest, source, {"card": card.spec}
        )
        return NetworkClassifier(
            f"torchvision/{name}",
            network,
            card.label_space,
            card.transform,
            facts,
            transforms.mean,
            transforms.std,
            card.normalisation,
            shared=True,
        )


def _weights(name: str) -> tuple[str, Any]:
    """The architecture of a spec, and the weights that it names or torchvision's default ones."""
    from torchvision import models

    architecture, colon, wanted = name.partition(":")
    known = models.list_models(module=models)
    if architecture not in known:
        raise unknown("torchvision model", architecture, known)
    enum = models.get_model_weights(architecture)
    by_name = {weights.name: weights for weights in enum}
    if colon and wanted not in by_name and wanted != "DEFAULT":
        raise unknown(f"weights of torchvision/{architecture}", wanted, by_name)
    return architecture, by_name.get(wanted, enum.DEFAULT)


def _card(
    architecture: str, described: Any, outputs: int, label_space: str | Path | None
) -> ModelCard:
    from spurbench_evaluators.labels.spaces import for_head

    spec = f"torchvision/{architecture}:{described.name}"
    transforms = described.transforms()
    reaches = _notes(architecture).get("reaches")
    fed = (reaches["mean"], reaches["std"]) if reaches else (transforms.mean, transforms.std)
    return ModelCard(
        spec,
        for_head(spec, outputs, label_space),
        Transform(
            "crop",
            transforms.crop_size[0],
            transforms.resize_size[0],
            transforms.interpolation.value,
        ),
        Normalisation(tuple(fed[0]), tuple(fed[1])),
    )


def _notes(architecture: str) -> dict[str, Any]:
    """What cards/torchvision.json says of an architecture; empty for most."""
    from .cards import read_card

    for pattern, notes in read_card("torchvision").items():
        if fnmatch(architecture, pattern):
            said: dict[str, Any] = notes
            return said
    return {}


def _build(architecture: str, card: ModelCard, outputs: int) -> nn.Module:
    from torchvision import models

    notes = _notes(architecture)
    options = dict(notes.get("options", {}))
    if "size_option" in notes:
        options[notes["size_option"]] = card.transform.size
    network: nn.Module = models.get_model(
        architecture, weights=None, num_classes=outputs, **options
    )
    return network


def _fetched(spec: str, described: Any) -> dict[str, Tensor]:
    from spurbench_evaluators.network.fetching import fetching

    with fetching(spec, host=nullcontext("")):
        _check_host(described.url)
        state: dict[str, Tensor] = described.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
    return state


def _check_host(url: str) -> None:
    """OSError where the weights' host is needed and does not answer: torch would wait for minutes."""
    import torch

    kept = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    why = "" if kept.is_file() else unanswered(url)
    if why:
        raise OSError(why)


def _renamed(architecture: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict with the keys of old checkpoints under today's names."""
    rename = _notes(architecture).get("rename")
    if not rename:
        return state
    return {re.sub(rename["pattern"], rename["to"], k): v for k, v in state.items()}


def _head_width(network: nn.Module, state: dict[str, Tensor]) -> int:
    """How many outputs a checkpoint's head has, which fits the network but for its head's width.

    The network's own width where nothing else can be told.
    """
    wanted = network.state_dict()
    own = next(len(v) for k, v in reversed(wanted.items()) if v.ndim)
    widths = {
        len(state[k])
        for k, v in wanted.items()
        if k in state
        and v.ndim
        and len(v) == own
        and state[k].shape[1:] == v.shape[1:]
        and state[k].shape != v.shape
    }
    return widths.pop() if len(widths) == 1 else own
