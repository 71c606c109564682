"""`timm/NAME[.tag]`: any image classifier of timm, from the hub or with weights from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.errors import UserError, unknown

if TYPE_CHECKING:
    from torch import nn

    from .network import NetworkClassifier


class TimmEvaluator:
    """Loads timm models with timm's own transform for them."""

    def names(self) -> list[str]:
        """Every architecture timm knows, with its pretrained tags."""
        import timm

        return [str(n) for n in timm.list_models(pretrained=True)]

    def load(self, name: str, *, weights: Path | None = None) -> NetworkClassifier:
        """The model; without ``weights`` timm fetches its pretrained ones (hub or local cache)."""
        from spurbench.contracts import ModelFacts

        from .network import NetworkClassifier, count_parameters
        from .weights import load_strictly, state_sha256

        network = _create(name, pretrained=weights is None)
        if weights is None:
            digest, source = state_sha256(network), f"timm pretrained {_tag(network)}"
        else:
            digest, source = load_strictly(network, weights), weights.name
        config = _data_config(network)
        return NetworkClassifier(
            f"timm/{name}",
            network,
            _label_space(name, network),
            _transform(config),
            ModelFacts(name.split(".")[0], count_parameters(network), digest, source),
            config["mean"],
            config["std"],
        )


def _create(name: str, *, pretrained: bool) -> nn.Module:
    import timm

    if name.split(".")[0] not in timm.list_models():
        raise unknown("timm model", name, timm.list_models())
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained)
    except (RuntimeError, OSError, ValueError) as error:
        reason = str(error).split("\n")[0][:200]
        raise UserError(
            f"timm/{name}: pretrained weights cannot be had ({reason}); "
            "give a checkpoint on disk with --weights FILE"
        ) from error
    return network


def _data_config(network: nn.Module) -> dict[str, Any]:
    from timm.data import resolve_model_data_config

    config: dict[str, Any] = resolve_model_data_config(network)
    return config


def _transform(config: dict[str, Any]) -> Any:
    from spurbench.contracts import Transform

    size = int(config["input_size"][-1])
    # timm scales the shorter edge to floor(size / crop_pct), then takes the centre.
    return Transform("crop", size, int(size / config["crop_pct"]), config["interpolation"])


def _label_space(name: str, network: nn.Module) -> Any:
    from timm.data import ImageNetInfo

    from spurbench.contracts import LabelSpace

    outputs = int(network.num_classes)  # type: ignore[arg-type]
    info = ImageNetInfo("imagenet-1k")
    if outputs != 1000:
        raise UserError(
            f"timm/{name}: has {outputs} outputs; only ImageNet-1k heads (1,000) can be scored yet"
        )
    names = tuple(str(n).split(",")[0] for n in info.label_descriptions())
    return LabelSpace("imagenet-1k", "imagenet", names)


def _tag(network: nn.Module) -> str:
    config = getattr(network, "pretrained_cfg", {})
    return str(config.get("tag") or config.get("architecture") or "")
