"""A torch module of the caller's own as a classifier; it has no loader's name, only `module/NAME`."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform
from spurbench.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from spurbench_evaluators.network.classifier import NetworkClassifier


def from_module(
    spec: str,
    module: nn.Module,
    transform: Transform,
    label_space: LabelSpace | str | Path,
    normalisation: Normalisation | None = None,
) -> NetworkClassifier:
    """A classifier that runs a copy of the module, in evaluation mode, float32, on the CPU.

    ``module`` maps (N, 3, H, W) to logits (N, K): RGB in [0, 1], less ``normalisation`` where it is
    given. ``label_space`` may be a known name or a label file. UserError for a module that cannot
    be copied or that gives something else than a tensor.
    """
    from spurbench.selftest import measured_normalisation
    from spurbench_evaluators.labels.spaces import by_name_or_file
    from spurbench_evaluators.network.classifier import RAW, NetworkClassifier, count_parameters
    from spurbench_evaluators.network.weights import state_sha256

    space = label_space
    if not isinstance(space, LabelSpace):
        space = by_name_or_file(space)
    network = _copied(spec, module).cpu().float()
    fed = normalisation or RAW
    facts = ModelFacts(
        type(module).__name__, count_parameters(network), state_sha256(network), "in memory"
    )
    classifier = NetworkClassifier(spec, network, space, transform, facts, fed.mean, fed.std)
    _check_output(classifier)
    if normalisation is None:
        # The module may normalise inside, as it likes: what it does is recorded, not held against it.
        classifier.normalisation = measured_normalisation(classifier)
    return classifier


def _copied(spec: str, module: nn.Module) -> nn.Module:
    try:
        return deepcopy(module)
    except (RuntimeError, TypeError) as error:  # such as tensors that are part of a graph
        reason = str(error).split("\n")[0][:160]
        raise UserError(
            f"{spec}: cannot be copied ({reason}); hand over a spurbench.contracts.Classifier instead"
        ) from error


def _check_output(classifier: NetworkClassifier) -> None:
    import torch

    size = classifier.transform.size
    with torch.inference_mode():
        outputs: object = classifier.logits(torch.zeros(1, 3, size, size))
    if not isinstance(outputs, torch.Tensor):
        raise UserError(
            f"{classifier.spec}: gives a {type(outputs).__name__}, not a tensor of logits; wrap it in "
            "a module that does"
        )
