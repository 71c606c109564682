"""`timm/NAME[.tag]`: any image classifier of timm, from the hub or with weights from a file."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.contracts import ModelCard, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spurbench_evaluators.network.classifier import NetworkClassifier

FRAMINGS = {"center": "crop", "squash": "squash"}


class TimmEvaluator:
    """Loads timm models with timm's own transform for them."""

    def names(self) -> list[str]:
        """Every pretrained model of timm's own, with its tag."""
        import timm
        from timm.models import model_entrypoint

        return [
            str(name)
            for name in timm.list_models(pretrained=True)
            # Other packages register models with timm when they are imported.
            if model_entrypoint(name.partition(".")[0]).__module__.startswith("timm.")
        ]

    def card(self, name: str, *, label_space: str | Path | None = None) -> ModelCard:
        """What timm's configuration says of a model; needs no weights."""
        config = _config(name)
        return _card(config, int(config["num_classes"]), label_space)

    def load(
        self, name: str, *, weights: Path | None = None, label_space: str | Path | None = None
    ) -> NetworkClassifier:
        """The model; without ``weights`` timm fetches its pretrained ones (hub or local cache).

        With ``weights`` the head is as wide as the file's, and its width chooses the label space.
        """
        from spurbench_evaluators.network.classifier import NetworkClassifier, count_parameters
        from spurbench_evaluators.network.weights import load_strictly, read_state, state_sha256

        config = _config(name)
        outputs, state = int(config["num_classes"]), None
        if weights is not None:
            state = read_state(weights)
            outputs = _head_width(state, config) or outputs
        card = _card(config, outputs, label_space)
        network = _create(name, card, pretrained=weights is None)
        if weights is None:
            digest, source = state_sha256(network), f"timm pretrained {_full_name(config)}"
        else:
            digest, source = load_strictly(network, weights, state), weights.name
        normalisation = card.normalisation or Normalisation(config["mean"], config["std"])
        return NetworkClassifier(
            f"timm/{name}",
            network,
            card.label_space,
            card.transform,
            ModelFacts(
                name.partition(".")[0],
                count_parameters(network),
                digest,
                source,
                {"card": card.spec},
            ),
            normalisation.mean,
            normalisation.std,
            shared=True,
        )


def transform_of(spec: str, config: dict[str, Any]) -> Transform:
    """timm's evaluation transform for a resolved data configuration, as data.

    UserError for one that is not known: inputs that are not square, or padded at the border.
    """
    _, height, width = config["input_size"]
    framing = FRAMINGS.get(config["crop_mode"])
    if framing is None or height != width:
        raise UserError(
            f"{spec}: its input ({config['crop_mode']}, {height} x {width}) is none that spurbench "
            "can make; wrap it as python/MODULE:CALLABLE"
        )
    # timm scales to floor(size / crop_pct), then takes the centre.
    return Transform(framing, width, int(width / config["crop_pct"]), config["interpolation"])


def _config(name: str) -> dict[str, Any]:
    """timm's configuration of a model, its data part resolved; the first tag where none is said."""
    import timm
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise unknown("timm model", name, timm.list_models())
    try:
        pretrained = get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        tagged = timm.list_pretrained(f"{architecture}.*") if tag else []
        raise unknown("timm model", name, tagged or timm.list_pretrained()) from error
    config: dict[str, Any] = pretrained.to_dict()
    config |= resolve_data_config(pretrained_cfg=config)
    return config


def _card(config: dict[str, Any], outputs: int, label_space: str | Path | None) -> ModelCard:
    from spurbench_evaluators.labels.spaces import for_head

    spec = f"timm/{_full_name(config)}"
    return ModelCard(
        spec,
        for_head(spec, outputs, label_space),
        transform_of(spec, config),
        Normalisation(tuple(config["mean"]), tuple(config["std"])),
    )


def _full_name(config: dict[str, Any]) -> str:
    tag = config.get("tag")
    return f"{config['architecture']}.{tag}" if tag else str(config["architecture"])


def _head_width(state: dict[str, Tensor], config: dict[str, Any]) -> int | None:
    """How many outputs a checkpoint's head has; None where the checkpoint has no such layer."""
    heads = config.get("classifier") or ()
    first = heads if isinstance(heads, str) else next(iter(heads), "")
    weight = state.get(f"{first}.weight")
    return None if weight is None else len(weight)


def _create(name: str, card: ModelCard, *, pretrained: bool) -> nn.Module:
    import timm

    from spurbench_evaluators.network.fetching import fetching

    outputs = len(card.label_space.names)
    with fetching(card.spec) if pretrained else nullcontext():
        network: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=outputs)
    return network
