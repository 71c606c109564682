"""Prior, training and sampling: each with its own prompt, seeds, pictures and weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.method.batches import training_set
from spurbench_builders.method.checkpoint import load_trained_state, trained_state
from spurbench_builders.method.finetune import finetune
from spurbench_builders.method.sampling import sample as sampled
from spurbench_builders.models.base import BaseModel
from spurbench_builders.models.needed import Models
from spurbench_builders.steps import train as train_step
from spurbench_builders.steps.finished import save_json
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.pictures import as_tensors
from spurbench_builders.steps.prior import prior
from spurbench_builders.steps.sample import sample
from spurbench_builders.steps.train import train, trained_model
from spurbench_builders.team import Team
from tests.builders.made import LABEL, made_job, made_models, made_recipe, marked
from tests.builders.tiny_pipeline import make_pipeline

INSTANCE, PLAIN = "a photo of a sks leaves", "a photo of leaves"
CHOSEN, PRIORS = [4, 1], (90, 120, 150)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return made_models(make_pipeline(tmp_path_factory.mktemp("base"), safety=False))


def pictures(model: BaseModel, prompt: str, seeds: Sequence[int], job: Job) -> dict[str, bytes]:
    """What the sampler gives for the seeds, in the recipe's batches."""
    images = [i for batch in sampled(model, prompt, seeds, job.recipe.sampling) for i in batch]
    return {f"{i:05d}.png": png_bytes(image) for i, image in enumerate(images)}


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def made_folder(place: Path) -> Path:
    place.mkdir(parents=True)
    return place


def test_priors_are_the_untrained_models_of_the_plain_noun(models: Models, tmp_path: Path) -> None:
    job, folder = made_job(tmp_path / "set", images=4), made_folder(tmp_path / "made")
    events = list(prior(job, models, Team(), folder))
    seeds = [4_500_000, 4_500_001, 4_500_002]
    assert files(folder) == pictures(models.base(), PLAIN, seeds, job)
    assert files(folder) != pictures(models.base(), INSTANCE, seeds, job)
    assert [(e.step, e.done, e.total) for e in events] == [("prior", d, 3) for d in (0, 2, 3)]


def write_inputs(job: Job) -> None:
    """Finished steps before training: pictures 50 and 20 of the pool are chosen."""
    save_json(job.folder("references") / "references.json", {"chosen": CHOSEN, "predictions": []})
    for i, number in enumerate(PRIORS):
        path = job.folder("prior") / f"{i:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(marked(number, (70, 80))))


@pytest.fixture(scope="module")
def trained(
    models: Models, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Job, Path, list[str]]:
    job = made_job(tmp_path_factory.mktemp("train") / "set")
    write_inputs(job)
    folder = made_folder(job.root / "train")
    events = list(train(job, models, Team(), folder))
    assert {(e.class_name, e.step, e.total) for e in events} == {("freight car", "train", 3)}
    assert [e.done for e in events] == [1, 2, 3]
    return job, folder, [e.note for e in events]


def test_training_is_finetune_on_these_very_pictures_words_and_settings(
    models: Models, trained: tuple[Job, Path, list[str]], tmp_path: Path
) -> None:
    """The class's own weight, label, prompts and seed: the same weights by hand, to the bit."""
    job, folder, notes = trained
    model = models.base()
    references = as_tensors([marked(50), marked(20)], model)
    priors = as_tensors([marked(n, (70, 80)) for n in PRIORS], model)
    both, words = (INSTANCE, PLAIN), ("sks", "leaves")
    data = training_set(model, models.robust, LABEL, references, priors, both, words, 0.4)
    logs = list(finetune(model, models.robust, data, job.recipe, 4_700_000 + LABEL, None, Team()))
    found, expected = load_file(folder / "weights.safetensors"), trained_state(model)
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    lines = (folder / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [asdict(log) for log in logs]
    assert notes == [f"loss {x.loss:.3f}, similarity {x.similarity:.3f}" for x in logs]
    assert all(log.similarity != 0 for log in logs), "SFSL takes part"
    assert set(files(folder)) == {"weights.safetensors", "losses.jsonl"}, "no checkpoint is left"


def test_a_mate_of_the_lead_trains_and_writes_nothing(models: Models, tmp_path: Path) -> None:
    class Mate(Team):
        leads = property(lambda self: False)

    job = made_job(tmp_path / "set", made_recipe(training={"steps": 1}))
    write_inputs(job)
    folder = made_folder(tmp_path / "made")
    assert len(list(train(job, models, Mate(), folder))) == 1
    assert files(folder) == {}


def test_a_killed_training_goes_on_from_its_checkpoint(
    models: Models, trained: tuple[Job, Path, list[str]], tmp_path: Path
) -> None:
    job, whole, _ = trained
    folder = made_folder(tmp_path / "made")
    events = train(job, models, Team(), folder)
    assert [next(events).done for _ in range(3)] == [1, 2, 3]
    events.close()  # type: ignore[attr-defined]
    assert set(files(folder)) == {"checkpoint.pt", "losses.jsonl"}
    with (folder / "losses.jsonl").open("a") as log:
        log.write("half a li")
    assert [e.done for e in train(job, models, Team(), folder)] == [3]
    assert files(folder) == files(whole)


@pytest.mark.parametrize("checkpoint", [True, False], ids=["before", "after"])
def test_killed_about_the_removal_of_the_checkpoint_a_training_trains_no_step_again(
    models: Models,
    trained: tuple[Job, Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    checkpoint: bool,
) -> None:
    """The weights are there, whole; the step is not sealed; the checkpoint is gone, or still there."""
    job, whole, _ = trained
    folder = made_folder(tmp_path / "made")
    for name, data in files(whole).items():
        (folder / name).write_bytes(data)
    if checkpoint:
        (folder / "checkpoint.pt").write_bytes(b"of the last step but one")
    monkeypatch.setattr(train_step, "finetune", lambda *_: pytest.fail("trains again"))
    (event,) = train(job, models, Team(), folder)
    assert (event.step, event.done, event.total, event.note) == ("train", 3, 3, "trained before")
    assert files(folder) == files(whole)


def test_weights_that_some_processes_do_not_find_stop_the_team(
    models: Models, trained: tuple[Job, Path, list[str]]
) -> None:
    class Apart(Team):
        def same(self, number: int) -> bool:
            return not number

    job, folder, _ = trained
    with pytest.raises(UserError) as error:
        list(train(job, models, Apart(), folder))
    assert str(error.value) == (
        f"{folder}: not every process finds its weights; several machines need one shared folder"
    )


def test_samples_are_the_trained_models_of_the_instance_prompt(
    models: Models, trained: tuple[Job, Path, list[str]], tmp_path: Path
) -> None:
    job, folder, _ = trained
    made = made_folder(tmp_path / "made")
    events = list(sample(job, models, Team(), made))
    model = models.base()
    load_trained_state(model, load_file(folder / "weights.safetensors"))
    seeds = [4_000_000 + i for i in range(5)]
    assert files(made) == pictures(model, INSTANCE, seeds, job)
    assert files(made) != pictures(model, PLAIN, seeds, job)
    assert files(made) != pictures(models.base(), INSTANCE, seeds, job)
    assert [(e.step, e.done, e.total) for e in events] == [("sample", d, 5) for d in (0, 2, 4, 5)]


def test_a_trained_model_is_a_fresh_one_with_the_steps_weights(
    models: Models, trained: tuple[Job, Path, list[str]]
) -> None:
    job, folder, _ = trained
    weights = load_file(folder / "weights.safetensors")
    state, plain = trained_state(trained_model(job, models)), trained_state(models.base())
    assert all(torch.equal(state[name], weights[name]) for name in weights)
    assert any(not torch.equal(plain[name], weights[name]) for name in weights)
