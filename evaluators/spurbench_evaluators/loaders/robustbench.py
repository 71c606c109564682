"""`robustbench/NAME:THREAT`: RobustBench's ImageNet classifiers, with checkpoints from disk.

RobustBench pins an old timm, so it is installed without its dependencies (INSTALL). It wants [0, 1]
pictures and normalises inside its networks, where it does: what was measured goes into the result.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spurbench.contracts import ModelCard, ModelFacts, Transform
from spurbench.errors import UserError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

    from spurbench_evaluators.network.classifier import NetworkClassifier

INSTALL = "pip install 'spurbench[robustbench]' && pip install --no-deps robustbench==1.1.1"


class RobustbenchEvaluator:
    """Builds RobustBench's ImageNet models and loads their checkpoints safely."""

    packages = ("robustbench", "torchvision")

    def names(self) -> list[str]:
        """NAME:THREAT for every ImageNet model of the zoo."""
        return [f"{name}:{threat}" for threat, models in _zoo().items() for name in models]

    def card(self, name: str, *, label_space: str | Path | None = None) -> ModelCard:
        """What the zoo says of a model; needs no weights."""
        from spurbench_evaluators.labels.spaces import for_head

        full, entry = _entry(name)
        spec = f"robustbench/{full}"
        return ModelCard(spec, for_head(spec, 1000, label_space), _transform(spec, full, entry))

    def load(
        self, name: str, *, weights: Path | None = None, label_space: str | Path | None = None
    ) -> NetworkClassifier:
        """The model with RobustBench's own checkpoint, which must lie on disk."""
        from spurbench.selftest import measured_normalisation
        from spurbench_evaluators.network.classifier import RAW, NetworkClassifier, count_parameters
        from spurbench_evaluators.network.weights import load_strictly, read_state

        card = self.card(name, label_space=label_space)
        full, entry = _entry(name)
        if weights is None:
            raise UserError(_no_weights(card.spec, full, entry))
        network = _build(full, entry)
        digest = load_strictly(network, weights, fitted(network, read_state(weights)))
        facts = ModelFacts(full.partition(":")[0], count_parameters(network), digest, weights.name)
        made = NetworkClassifier(
            card.spec, network, card.label_space, card.transform, facts, RAW.mean, RAW.std
        )
        made.normalisation = measured = measured_normalisation(made)
        inside = "not to be told" if measured is None else asdict(measured)
        made.facts = replace(facts, options={"normalisation inside": inside})
        return made


def fitted(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A RobustBench checkpoint under the network's own keys, as far as that can be had.

    The prefix ``model.`` is added or taken off; constants of the normalisation that the checkpoint
    leaves out are the network's; keys of an old timm go through timm's own filter for the network.
    """
    from spurbench_evaluators.network.weights import misfits, without_prefix

    bare = without_prefix(state, "model.")
    candidates = [state, bare, {f"model.{key}": value for key, value in bare.items()}]
    filtered = _through_timm(network, bare)
    if filtered is not None:
        candidates += [filtered, {f"model.{key}": value for key, value in filtered.items()}]
    complete = [_with_constants(network, candidate) for candidate in candidates]
    wanted = set(network.state_dict())
    return next(
        (c for c in complete if not misfits(network, c)),
        max(complete, key=lambda c: len(wanted & set(c))),
    )


def _through_timm(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """The state dict as timm converts old checkpoints of the network's family; None if it cannot."""
    inner = getattr(network, "model", network)
    convert = getattr(sys.modules[type(inner).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return None
    try:
        converted: dict[str, Tensor] = convert(dict(state), inner)
    except (KeyError, RuntimeError, AttributeError, ValueError):  # not a checkpoint of that family
        return None
    return converted


def _with_constants(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    constants = {
        name: value
        for name, value in network.named_buffers()
        if name.rpartition(".")[2] in {"mean", "std", "mu", "sigma"} and value.numel() <= 3
    }
    return constants | state


@contextmanager
def _standing_in(names: list[str]) -> Iterator[None]:
    """Empty modules under the names of those that are not there, while RobustBench is imported."""

    class Nothing(ModuleType):
        def __getattr__(self, name: str) -> type:
            if name.startswith("__"):
                raise AttributeError(name)
            return object

    absent = [name for name in names if name not in sys.modules and not _importable(name)]
    sys.modules.update({name: Nothing(name) for name in absent})
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _zoo() -> dict[str, dict[str, dict[str, Any]]]:
    """RobustBench's ImageNet models: threat model to name to entry."""
    from .cards import read_card

    try:
        with _standing_in(read_card("robustbench")["stand_ins"]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports modules that timm and torch deprecate
            from robustbench.model_zoo.imagenet import imagenet_models
    except ImportError as error:
        raise UserError(f"robustbench/ models need {error.name}: {INSTALL}") from error
    return {str(threat.value): dict(models) for threat, models in imagenet_models.items()}


def _entry(name: str) -> tuple[str, dict[str, Any]]:
    """NAME:THREAT in full and its entry; the threat may be left out where only one has the name."""
    zoo = _zoo()
    known = {f"{model}:{threat}": entry for threat in zoo for model, entry in zoo[threat].items()}
    bare, colon, _ = name.partition(":")
    fitting = [name] if colon else [full for full in known if full.partition(":")[0] == bare]
    if len(fitting) > 1:
        raise UserError(f"robustbench/{name}: say which: {' or '.join(fitting)}")
    if not fitting or fitting[0] not in known:
        raise unknown("robustbench ImageNet model", name, known)
    return fitting[0], known[fitting[0]]


def _registered(full: str) -> str | None:
    """The name under which RobustBench registers a model with timm, if it does."""
    import timm

    model, _, threat = full.partition(":")
    name = f"{model.lower().replace('-', '_')}_imagenet_{threat.lower()}"
    return name if timm.is_model(name) else None


def _transform(spec: str, full: str, entry: dict[str, Any]) -> Transform:
    from .cards import read_card

    registered = _registered(full)
    if registered is None:
        return Transform(**read_card("robustbench")["preprocessing"][entry["preprocessing"]])
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    from .timm import transform_of

    config = get_pretrained_cfg(registered, allow_unregistered=False).to_dict()
    return transform_of(spec, resolve_data_config(pretrained_cfg=config))


def _build(full: str, entry: dict[str, Any]) -> nn.Module:
    """The network without weights; what its code prints is dropped."""
    import timm

    registered = _registered(full)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated arguments of torchvision and timm
        network: nn.Module = (
            timm.create_model(registered, pretrained=False) if registered else entry["model"]()
        )
    return network


def _no_weights(spec: str, full: str, entry: dict[str, Any]) -> str:
    from .cards import read_card

    same = read_card("robustbench")["same_as"].get(full.partition(":")[0])
    if same:
        return f"{spec} is {same}; name that"
    ids = entry.get("gdrive_id")
    where = f" (Google Drive {ids if isinstance(ids, str) else ' and '.join(ids)})" if ids else ""
    return (
        f"{spec}: RobustBench's checkpoints are not fetched; download this one{where} and "
        "give it with --weights FILE"
    )
