"""The zoo for `spurbench eval`: python/scripts.validity.models:NAME, from the root of the repository.

spurbench eval --model python/scripts.validity.models:resnet-95 --data spurbench
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scripts.train_micro.classifiers import MEAN, STD, make_classifier
from spurbench.contracts import Classifier, LabelSpace, ModelFacts, Transform
from spurbench.errors import UserError, unknown
from spurbench.files import sha256_file
from spurbench_builders.domains.micro.world.sampling import world
from spurbench_evaluators.network.classifier import NetworkClassifier, count_parameters

from .members import Member, members
from .weights import file_of, kept

SIZE = 64
CLASSES = 12


def __getattr__(name: str) -> Callable[..., Classifier]:
    """What makes the member of that name; AttributeError where there is none."""
    found = {member.name: member for member in members()}
    if name.startswith("__"):
        raise AttributeError(name)
    if name not in found:
        raise unknown("member of the zoo", name, found)

    def make(weights: Path | None = None) -> Classifier:
        return _classifier(found[name], weights)

    make.__module__ = __name__
    return make


def _classifier(member: Member, weights: Path | None) -> Classifier:
    if weights is not None:
        raise UserError(f"--weights: {member.name} has its own; leave it out")
    state = kept(member.name)
    if state is None:
        raise UserError(
            f"{file_of(member.name)}: no such weights; train them with "
            "`python -m scripts.validity --work build/validity --stages zoo`"
        )
    whole = make_classifier(member.recipe, CLASSES)
    whole.load_state_dict(state)
    facts = ModelFacts(
        f"timm {member.recipe.family}",
        count_parameters(whole.network),
        sha256_file(file_of(member.name)),
        f"zoo/{member.name}.safetensors",
    )
    return NetworkClassifier(
        f"python/{__name__}:{member.name}",
        whole.network,
        LabelSpace("micro", "micro", tuple(kind.name for kind in world().classes)),
        Transform("crop", SIZE, SIZE),
        facts,
        [MEAN] * 3,
        [STD] * 3,
        shared=True,
    )
