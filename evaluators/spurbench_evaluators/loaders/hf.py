"""`hf/REPO_OR_DIR`: image classifiers of transformers, from the hub, its cache or a folder."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.contracts import LabelSpace, ModelCard, ModelFacts
from spurbench.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from spurbench_evaluators.network.classifier import NetworkClassifier

AGREEMENT = 0.9  # of a head's labels; spellings of a few classes differ from list to list
OPTIONS = {"trust_remote_code": False}


class HfEvaluator:
    """Loads transformers' image classifiers; safetensors only, and no code from the repository."""

    packages = ("transformers",)

    def names(self) -> list[str]:
        """None: they are the hub's, or the user's."""
        return []

    def card(self, name: str, *, label_space: str | Path | None = None) -> ModelCard:
        """What the configurations of model and image processor say; needs no weights."""
        from transformers import AutoImageProcessor

        from .hf_transform import processor_transform

        spec = f"hf/{name}"
        config = _config(name)
        with _readable(name):
            processor = AutoImageProcessor.from_pretrained(name, **OPTIONS)
        kind, data = type(processor).__name__, processor.to_dict()
        transform, normalisation = processor_transform(spec, kind, data)
        return ModelCard(spec, _label_space(spec, config, label_space), transform, normalisation)

    def load(
        self, name: str, *, weights: Path | None = None, label_space: str | Path | None = None
    ) -> NetworkClassifier:
        """The model; with ``weights`` only its configuration comes from the repository or folder."""
        from spurbench.files import sha256_file
        from spurbench_evaluators.network.classifier import RAW, NetworkClassifier, count_parameters
        from spurbench_evaluators.network.weights import state_sha256

        card, config = self.card(name, label_space=label_space), _config(name)
        model = _from_file(card.spec, config, weights) if weights else _pretrained(card.spec, name)
        if weights:
            digest, source = sha256_file(weights), weights.name
        else:
            shown = Path(name).resolve().name if Path(name).is_dir() else name
            digest, source = state_sha256(model), f"hf {shown}"
        fed = card.normalisation or RAW
        facts = ModelFacts(
            type(model).__name__,
            count_parameters(model),
            digest,
            source,
            {"revision": getattr(config, "_commit_hash", None)},
        )
        return NetworkClassifier(
            card.spec, _logits_of(model), card.label_space, card.transform, facts, fed.mean, fed.std
        )


def _config(name: str) -> Any:
    from transformers import AutoConfig

    with _readable(name):
        return AutoConfig.from_pretrained(name, **OPTIONS)


def _pretrained(spec: str, name: str) -> nn.Module:
    """The model with its repository's weights; what a classifier has no use for may be left over."""
    from transformers import AutoModelForImageClassification as Auto

    with _readable(name):
        try:
            model, faults = _filled(Auto, name, use_safetensors=True, **OPTIONS)
        except RuntimeError as error:  # of another shape
            reason = " ".join(str(error).split())[:200]
            said = f"{spec}: its checkpoint does not fit its config.json: {reason}"
            raise UserError(said) from error
    faults.pop("unexpected_keys", None)  # such as the head of its pre-training
    if faults:
        raise UserError(f"{spec}: its checkpoint does not fill the classifier: {_said(faults)}")
    return model


def _from_file(spec: str, config: Any, weights: Path) -> nn.Module:
    """The model with a file's weights, under the names that transformers gives them on disk."""
    import torch
    from transformers import AutoModelForImageClassification

    from spurbench_evaluators.network.weights import read_state

    state = read_state(weights)
    with torch.device("meta"):
        kind = type(AutoModelForImageClassification.from_config(config))
    try:
        model, faults = _filled(kind, None, config=config, state_dict=state)
    except RuntimeError as error:  # of another shape
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{weights}: does not fit {spec}: {reason}") from error
    if faults:
        raise UserError(f"{weights}: does not fit {spec}: {_said(faults)}")
    return model


def _filled(
    kind: Any, source: str | None, **options: Any
) -> tuple[nn.Module, dict[str, list[str]]]:
    """A model of transformers' class filled from a checkpoint, and which keys did not fit."""
    import torch

    model, info = kind.from_pretrained(
        source, dtype=torch.float32, output_loading_info=True, **options
    )
    return model, {kind: sorted(map(str, keys)) for kind, keys in info.items() if keys}


def _said(faults: dict[str, list[str]]) -> str:
    return "; ".join(
        f"{len(keys)} {kind.replace('_', ' ')} ({keys[0]})" for kind, keys in faults.items()
    )


def _logits_of(model: nn.Module) -> nn.Module:
    from torch import Tensor, nn

    class Logits(nn.Module):
        """(N, 3, H, W) to the (N, K) logits of a transformers model."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.model(pixel_values=images).logits
            return logits

    return Logits()


def _label_space(spec: str, config: Any, wanted: str | Path | None) -> LabelSpace:
    """By the option; else by the head's size, where its labels are those of that label space."""
    from spurbench_evaluators.labels.spaces import choices, for_head, imagenet_words

    labels = [str(config.id2label[i]) for i in range(config.num_labels)]
    space = for_head(spec, len(labels), wanted)
    if wanted is not None or len(space.domain_columns()) != 1000 or len(labels) > 1001:
        return space
    words = imagenet_words()
    meant = [
        (labels[output], words[space.domain_label(output)]) for output in space.domain_columns()
    ]
    agreeing = sum(bool(_words(label) & known) for label, known in meant)
    if agreeing < AGREEMENT * len(meant):
        raise UserError(
            f"{spec}: its labels ({', '.join(labels[:2])}, ...) are not those of {space.name}; "
            f"{choices(len(labels))}"
        )
    return space


def _words(label: str) -> set[str]:
    return {word.strip().lower() for word in label.replace("_", " ").split(",")}


def _readable(name: str) -> AbstractContextManager[None]:
    """Turns whatever transformers raises for an absent, broken or unsafe repository into one line."""
    from spurbench_evaluators.network.fetching import fetching

    way_out = "give a folder with config.json, preprocessor_config.json and model.safetensors"
    host = nullcontext("") if Path(name).is_dir() else None
    return fetching(f"hf/{name}", way_out, (Exception,), host)
