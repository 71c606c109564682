"""`hf/REPO_OR_DIR`: image classifiers of transformers, from the hub, its cache or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.contracts import LabelSpace, ModelCard, ModelFacts
from spurbench.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from .network import NetworkClassifier

AGREEMENT = 0.9  # of a head's labels; spellings of a few classes differ from list to list
OPTIONS = {"trust_remote_code": False}


class HfEvaluator:
    """Loads transformers' image classifiers; safetensors only, and no code from the repository."""

    def names(self) -> list[str]:
        """None: they are the hub's, or the user's."""
        return []

    def card(self, name: str, *, label_space: str | Path | None = None) -> ModelCard:
        """What the configurations of model and image processor say; needs no weights."""
        from transformers import AutoImageProcessor

        from .hf_transform import processor_transform

        spec = f"hf/{name}"
        config = _config(name)
        with _readable(spec):
            processor = AutoImageProcessor.from_pretrained(name, **OPTIONS)
        kind, data = type(processor).__name__, processor.to_dict()
        transform, normalisation = processor_transform(spec, kind, data)
        return ModelCard(spec, _label_space(spec, config, label_space), transform, normalisation)

    def load(
        self, name: str, *, weights: Path | None = None, label_space: str | Path | None = None
    ) -> NetworkClassifier:
        """The model; with ``weights`` only its configuration comes from the repository or folder."""
        from transformers import AutoModelForImageClassification

        from .network import RAW, NetworkClassifier, count_parameters
        from .weights import load_strictly, state_sha256

        card, config = self.card(name, label_space=label_space), _config(name)
        if weights is None:
            model = _pretrained(card.spec, name)
            digest, source = state_sha256(model), f"hf {name}"
        else:
            model = AutoModelForImageClassification.from_config(config)
            digest, source = load_strictly(model, weights), weights.name
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

    with _readable(f"hf/{name}"):
        return AutoConfig.from_pretrained(name, **OPTIONS)


def _pretrained(spec: str, name: str) -> nn.Module:
    """The model with its weights, each of them found in the checkpoint."""
    import torch
    from transformers import AutoModelForImageClassification

    with _readable(spec):
        model, info = AutoModelForImageClassification.from_pretrained(
            name, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **OPTIONS
        )
    faults = {key: sorted(map(str, info[key])) for key in info if info[key]}
    faults.pop("unexpected_keys", None)  # such as the head of its pre-training
    if faults:
        said = "; ".join(f"{len(v)} {k.replace('_', ' ')} ({v[0]})" for k, v in faults.items())
        raise UserError(f"{spec}: its checkpoint does not fill the classifier: {said}")
    loaded: nn.Module = model
    return loaded


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
    from .label_spaces import choices, for_head, imagenet_words

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


@contextmanager
def _readable(spec: str) -> Iterator[None]:
    """Turn what transformers raises for an absent or unsafe repository into one line."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise UserError(
            f"{spec}: cannot be loaded ({reason}); give a folder with config.json, "
            "preprocessor_config.json and model.safetensors"
        ) from error
