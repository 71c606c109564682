"""The zoo as `spurbench eval` loads it: a member's own answers, under its name, in the panel's labels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from scripts.train_micro.classifiers import make_classifier
from scripts.validity import weights
from scripts.validity.members import members
from scripts.validity.weights import FOLDER, kept
from spurbench import plugins
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench_builders.domains.micro.world.sampling import world

SPEC = "python/scripts.validity.models:"


@pytest.mark.parametrize("name", ["resnet-95", "vit-10"])
def test_a_member_gives_its_own_answers(name: str) -> None:
    made = plugins.classifier(SPEC + name)
    (member,) = [member for member in members() if member.name == name]
    network = make_classifier(member.recipe, 12)
    state = kept(name)
    assert state is not None
    network.load_state_dict(state)
    images = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = network.eval()(images)
    assert torch.allclose(made.logits(images), expected, atol=1e-4)
    assert expected.argmax(dim=1).unique().numel() > 1
    assert made.spec == SPEC + name
    assert made.label_space == plugins.classifier("micro/vit").label_space
    assert made.label_space.names == tuple(kind.name for kind in world().classes)
    assert made.facts.weights_sha256 == sha256_file(FOLDER / f"{name}.safetensors")


def test_what_is_no_member_or_has_no_weights_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"unknown member of the zoo .resnet-96."):
        plugins.classifier(SPEC + "resnet-96")
    with pytest.raises(UserError, match="--weights: vit-10 has its own"):
        plugins.classifier(SPEC + "vit-10", weights=tmp_path / "w.safetensors")
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    missing = re.escape(str(tmp_path / "vit-10.safetensors"))
    with pytest.raises(UserError, match=f"{missing}: no such weights; train them with"):
        plugins.classifier(SPEC + "vit-10")
