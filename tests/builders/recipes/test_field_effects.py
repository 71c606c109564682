"""What every field of a recipe changes; test_fields.py holds the table of them.

Builds share one work folder, in which a step is taken over wherever the field plays no part in it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.files import sha256_file
from spurbench_builders import api
from spurbench_builders.ablation.cells import Cell
from spurbench_builders.ablation.variants import Variant
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.models.base import load_base_model
from spurbench_builders.models.needed import Models
from spurbench_builders.models.networks import load_network
from spurbench_builders.models.where import base_model_folder
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.recipes.model import Network, Recipe
from spurbench_builders.run.check import check
from spurbench_builders.steps import engine
from spurbench_builders.steps.job import Job, job_of
from spurbench_builders.steps.judge import judged
from spurbench_builders.steps.pictures import read_pictures
from spurbench_builders.steps.splits import split_rows
from spurbench_builders.team import Team
from tests.builders.method import test_effects as method
from tests.builders.tiny_pipeline import make_pipeline

CLASS = "hummingbird"


@dataclass(frozen=True)
class Made:
    """What becomes of a recipe for one class, each part made when it is asked for."""

    out: Path
    changes: dict[str, Any]
    images: int = 4

    @cached_property
    def recipe(self) -> Recipe:
        plain = {
            "name": "tiny",
            "references": {"pool": 24, "count": 3, "validation": 2},
            "prior": {"images": 3},
            "training": {"steps": 2},
            "sampling": {"steps": 3, "batch": 4},
        }
        return derived(derived(load_recipe("micro"), plain, "tiny"), self.changes, "changed")

    @cached_property
    def models(self) -> Models:
        return Models(self.recipe, plugins.domain(self.recipe.domain), Team())

    @cached_property
    def job(self) -> Job:
        card = next(c for c in self.models.domain.cards() if c.name == CLASS)
        request = BuildRequest(self.recipe, (card,), self.images, 0, self.out)
        return job_of(request, card, self.models, Team())

    def at(self, step: str) -> Job:
        """The job, its work done up to a step."""
        for _ in engine.work(self.job, self.models, Team(), step):
            pass
        return self.job

    def pictures(self, step: str) -> list[np.ndarray]:
        return [np.asarray(image) for image in read_pictures(self.at(step).folder(step))]

    @cached_property
    def rows(self) -> dict[str, list[Any]]:
        return {**split_rows(self.at("audit"), self.models.domain)}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fields") / "spurbench"


@pytest.fixture(scope="module")
def plain(out: Path) -> Made:
    return Made(out, {})


def differ(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    assert len(one) == len(other) > 0
    return all(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_counts_of_pictures(out: Path, plain: Made) -> None:
    """As many as references.pool, count, validation and prior.images say, each by itself."""

    def counts(made: Made) -> tuple[int, int, int, int]:
        chosen = [row.is_training_reference for row in made.rows["si"]]
        return len(chosen), sum(chosen), len(made.rows["val"]), len(made.pictures("prior"))

    assert counts(plain) == (24, 3, 2, 3)
    assert counts(Made(out, {"references": {"pool": 22, "validation": 1}})) == (22, 3, 1, 3)
    assert counts(Made(out, {"references": {"count": 4}, "prior": {"images": 2}})) == (24, 4, 2, 2)


def test_the_name_is_in_every_generated_row(out: Path) -> None:
    rows = {name: Made(out, {"name": name}).rows["generated"] for name in ("tiny", "other")}
    for name, made in rows.items():
        assert {row.recipe.partition("@")[0] for row in made} == {name}


def test_the_summary_is_listed(tmp_path: Path) -> None:
    lines = api.DreamboothBuilder().describe()
    folder = Path(api.__file__).parent / "recipes"
    for path in folder.glob("*.yaml"):
        summary = yaml.safe_load(path.read_text(encoding="utf-8"))["summary"]
        assert f"{path.stem:24} {summary}" in lines


def test_the_domain_brings_its_classes() -> None:
    tench = derived(load_recipe("micro"), {"domain": "imagenet"}, "tench")
    asked = api.build("great white shark", recipe=tench).request
    assert [card.label for card in asked.classes] == [2]
    with pytest.raises(UserError, match="unknown class 'great white shark'"):
        api.build("great white shark", recipe=derived(tench, {"domain": "micro"}, "micro"))


def test_another_base_makes_other_pictures(out: Path, plain: Made, tmp_path: Path) -> None:
    folder = make_pipeline(tmp_path / "pipeline", safety=False)
    other = Made(out, {"base": str(folder)})
    assert differ(plain.pictures("prior"), other.pictures("prior"))
    before, after = load_base_model(folder).unet, other.models.base().unet
    for (name, one), two in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(one, two), name


def test_the_hubs_revision_is_the_pinned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two revisions in a real cache of the hub's: base_revision decides which is taken."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    snapshots = tmp_path / "models--owner--name" / "snapshots"
    domain = plugins.domain("micro")
    for revision in ("a" * 40, "b" * 40):
        shutil.copytree(domain.base_model("micro"), snapshots / revision)  # type: ignore[arg-type]
    for revision in ("a" * 40, "b" * 40):
        made = Made(tmp_path, {"base": "owner/name", "base_revision": revision})
        assert made.models.base_folder == snapshots / revision
    with pytest.raises(UserError, match="owner/name@cccccccc: cannot be had from the hub"):
        base_model_folder("owner/name", "c" * 40, domain)


def test_the_panel_selects_and_judges(out: Path, plain: Made) -> None:
    panel = ["micro/vit", "micro/resnet_v1"]
    lone = Made(out, {"panel": panel})
    for split in ("si", "generated"):
        for row in lone.rows[split]:
            assert [said.model for said in row.predictions] == panel
            expected = all(said.label == row.label for said in row.predictions)
            assert row.consistently_spurious == expected
    whole, fewer = plain.rows["si"], lone.rows["si"]
    fooled = [sum(row.consistently_spurious for row in rows) for rows in (whole, fewer)]
    assert fooled[0] < fooled[1], "two are fooled together more often than four"


def test_a_network_by_its_spec() -> None:
    specs = ("micro/vit", "micro/robust")
    found = [load_network(Network(spec=spec), torch.device("cpu")) for spec in specs]
    assert [network.spec for network in found] == list(specs)
    assert found[0].facts.weights_sha256 != found[1].facts.weights_sha256


def test_a_networks_own_weights(tmp_path: Path) -> None:
    """weights, pinned by sha256, under a prefix: on what the panel then says."""
    shipped = load_network(Network(spec="micro/vit"), torch.device("cpu"))
    state = {k: v.clone() for k, v in shipped.network.state_dict().items()}  # type: ignore[attr-defined]
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    biases = [name for name in state if name.endswith("head.bias")]
    assert len(biases) == 1
    state[biases[0]] += torch.arange(12.0)
    save_file(state, tmp_path / "own.safetensors")
    save_file({f"net.{k}": v for k, v in state.items()}, tmp_path / "under.safetensors")
    pin = sha256_file(tmp_path / "own.safetensors")
    for known in (
        {"weights": "own.safetensors"},
        {"weights": "own.safetensors", "sha256": pin},
        {"weights": "under.safetensors", "prefix": "net."},
    ):
        path = str(tmp_path / known.pop("weights"))
        own = Network.model_validate({"spec": "micro/vit", "weights": path, **known})
        said = load_network(own, torch.device("cpu")).logits(pictures)
        torch.testing.assert_close(said, shipped.logits(pictures) + torch.arange(12.0))
    with pytest.raises(UserError, match="is not the file that the recipe pins"):
        wrong = Network(spec="micro/vit", weights=path, sha256=pin)
        load_network(wrong, torch.device("cpu"))


def test_prompts_of_training_and_sampling(out: Path, plain: Made) -> None:
    """The identifier stands in the instance prompt, which every picture is sampled with."""
    assert {row.prompt for row in plain.rows["generated"]} == {"a photo of a sks flower"}
    for changes, prompt in (
        ({"identifier": "leaves"}, "a photo of a leaves flower"),
        ({"instance": "{noun}, {identifier}"}, "flower, sks"),
    ):
        after = Made(out, {"prompt": changes})
        assert {row.prompt for row in after.rows["generated"]} == {prompt}
        assert differ(plain.pictures("sample"), after.pictures("sample"))


def test_the_prior_prompt_makes_the_prior_pictures(out: Path, plain: Made) -> None:
    after = Made(out, {"prompt": {"prior": "{noun} on the beach"}})
    assert after.job.prompts[1] == "flower on the beach"
    assert differ(plain.pictures("prior"), after.pictures("prior"))


def test_contexts_follow_the_instance_prompt(out: Path) -> None:
    made = Made(out, {"prompt": {"contexts": ["in a garden", "on the beach"]}})
    cell = Cell(Variant("tiny", "tiny", made.recipe), made.job, made.models)
    for _ in cell.run(2):
        pass
    assert [row["context"] for row in cell.context_counts(2)] == ["in a garden", "on the beach"]
    folders = [made.job.folder(f"context-{i}-2") for i in range(2)]
    garden, beach = ([np.asarray(Image.open(f / f"{i}.png")) for i in range(2)] for f in folders)
    assert differ(garden, beach) and differ(garden, made.pictures("sample")[:2])


def test_the_referee_looks_for_the_object(out: Path, plain: Made) -> None:
    found = [row.object_probability for row in plain.rows["generated"]]
    assert all(0 < probability < 1 for probability in found)
    none = Made(out, {"audit": {"referee": None}}).rows["generated"]
    assert [row.object_probability for row in none] == [None] * 4


def test_the_threshold_counts_the_objects(out: Path, plain: Made) -> None:
    found = [row.object_probability for row in plain.rows["generated"]]
    between = (min(found) + max(found)) / 2
    expected = sum(probability > between for probability in found)
    assert 0 < expected < 4
    for threshold, count in ((min(found) / 2, 4), (between, expected)):
        made = Made(out, {"audit": {"threshold": threshold}})
        assert f"; object found in {count}" in judged(made.at("audit")).summary
        cell = Cell(Variant("tiny", "tiny", made.recipe), made.job, made.models)
        assert cell.counts()["object_found"] == count


def test_rank_and_alpha_of_adapters(tmp_path: Path) -> None:
    """Folded into the weights, what adapters learnt has their rank; alpha scales it."""
    pipeline = make_pipeline(tmp_path / "pipeline", safety=False)
    adapters = {"unet": "lora", "text_encoder": "frozen"}
    before = load_base_model(pipeline).unet.state_dict()
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_v.weight"

    def learnt(rank: int, alpha: int) -> torch.Tensor:
        lora = {"rank": rank, "alpha": alpha}
        state = method.weights(pipeline, method.recipe("training", **adapters, lora=lora))
        moved: torch.Tensor = state[f"unet.{name}"] - before[name]
        return moved.double()

    for rank in (1, 3):
        values = torch.linalg.svdvals(learnt(rank, 4))
        assert int((values > 1e-3 * values[0]).sum()) == rank
    assert learnt(2, 8).norm() > 1.5 * learnt(2, 2).norm()


def test_another_robust_network_trains_other_weights(out: Path) -> None:
    found = []
    for robust in ("micro/robust", "micro/resnet_v1"):
        made = Made(out, {"similarity": {"robust": robust}})
        check(made.models, (made.job.card,), Team())
        assert made.models.robust.spec == robust
        found.append(load_file(made.at("train").folder("train") / "weights.safetensors"))
    assert any(not torch.equal(found[0][name], found[1][name]) for name in found[0])
