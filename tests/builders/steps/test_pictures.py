"""Sampling into a folder: whole batches, shared out, none lost and none made twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.method.sampling import sample
from spurbench_builders.models.base import BaseModel, load_base_model
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.steps.job import Job
from spurbench_builders.steps.pictures import as_tensors, read_pictures, sample_into
from spurbench_builders.team import Team
from tests.builders.made import made_job, made_recipe, marked
from tests.builders.tiny_pipeline import make_pipeline

PROMPT = "a photo of leaves"
SEEDS = [4_000_000, 4_000_001, 7, 4_000_003, 4_000_004]
NAMES = [f"{i:05d}.png" for i in range(5)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("base"), safety=False)


class Mate(Team):
    """One of several processes, which waits for nobody."""

    def wait(self) -> None:
        self.waited = True


def job(recipe: Recipe | None = None) -> Job:
    return made_job(Path("x"), recipe)


def into(
    folder: Path,
    make_model: Callable[[], BaseModel],
    team: Team | None = None,
    seeds: Sequence[int] = SEEDS,
) -> list[tuple[str, str, int, int]]:
    folder.mkdir(exist_ok=True)
    events = sample_into(folder, job(), team or Team(), "prior", make_model, PROMPT, seeds)
    return [(e.class_name, e.step, e.done, e.total) for e in events]


def refuse() -> BaseModel:
    raise AssertionError("nothing is missing: no model is needed")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture(scope="module")
def expected(base: Path) -> dict[str, bytes]:
    """What the sampler itself gives for each batch of two."""
    model = load_base_model(base)
    batches = [SEEDS[:2], SEEDS[2:4], SEEDS[4:]]
    images = [
        i for part in batches for i in next(sample(model, PROMPT, part, job().recipe.sampling))
    ]
    return dict(zip(NAMES, map(png_bytes, images), strict=True))


def test_a_picture_a_seed_in_order_by_the_recipes_batches(
    base: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    made: list[BaseModel] = []

    def make_model() -> BaseModel:
        made.append(load_base_model(base))
        return made[-1]

    events = into(tmp_path / "p", make_model)
    assert bytes_of(tmp_path / "p") == expected and len(set(expected.values())) == 5
    assert events == [("freight car", "prior", done, 5) for done in (0, 2, 4, 5)]
    assert len(made) == 1, "once, however many batches"
    assert into(tmp_path / "p", refuse) == events


def test_a_batch_of_which_a_picture_is_missing_is_made_whole_and_the_rest_is_kept(
    base: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for name in ("00000.png", "00001.png", "00003.png"):
        (folder / name).write_bytes(png_bytes(marked(3)))
    into(folder, lambda: load_base_model(base))
    kept = {name: png_bytes(marked(3)) for name in NAMES[:2]}
    assert bytes_of(folder) == expected | kept


def test_batches_are_shared_out_over_processes(
    base: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """The second of two makes the second batch; the lead the others, and looks for all of them."""
    second, lead, folder = Mate(1, 2), Mate(0, 2), tmp_path / "p"
    assert [done for *_, done, _ in into(folder, lambda: load_base_model(base), second)] == [2, 5]
    assert bytes_of(folder) == {n: expected[n] for n in NAMES[2:4]} and second.waited
    into(folder, lambda: load_base_model(base), lead)
    assert bytes_of(folder) == expected and lead.waited


def test_the_lead_misses_what_another_machine_wrote_elsewhere(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        into(tmp_path / "p", lambda: load_base_model(base), Mate(0, 2))
    assert str(caught.value) == (
        f"{tmp_path / 'p'}: holds 3 of 5 pictures; processes on several machines need one shared "
        "folder"
    )


def test_pictures_are_read_again_in_order(tmp_path: Path) -> None:
    for number in (11, 2, 30):
        (tmp_path / f"{number:05d}.png").write_bytes(png_bytes(marked(number)))
    read = read_pictures(tmp_path)
    assert [i.tobytes() for i in read] == [marked(n).tobytes() for n in (2, 11, 30)]


def test_pictures_become_the_models_squares_by_their_centres(base: Path) -> None:
    """64 a side: a wide one loses its sides, a high one its ends."""
    model = load_base_model(base)
    images = [marked(5, (90, 60)), marked(6, (64, 150)), marked(7, (64, 64))]
    found = as_tensors(images, model)
    assert found.shape == (3, 3, 64, 64) and found.dtype == torch.float32
    wide = images[0].resize((96, 64), Image.Resampling.BICUBIC).crop((16, 0, 80, 64))
    high = images[1].crop((0, 43, 64, 107))
    for tensor, image in zip(found, (wide, high, images[2]), strict=True):
        pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255
        np.testing.assert_allclose(tensor.numpy(), pixels, atol=1e-7)


def test_the_recipes_sampling_is_what_counts(base: Path, tmp_path: Path) -> None:
    """Its steps and guidance, not the shipped ones."""
    recipe = made_recipe(sampling={"steps": 3, "guidance": 2.0, "batch": 5})
    model = load_base_model(base)
    list(sample_into(tmp_path, job(recipe), Team(), "x", lambda: model, PROMPT, SEEDS))
    (images,) = sample(model, PROMPT, SEEDS, recipe.sampling)
    assert bytes_of(tmp_path) == dict(zip(NAMES, map(png_bytes, images), strict=True))
