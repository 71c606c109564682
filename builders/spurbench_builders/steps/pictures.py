"""Pictures that steps sample from a model, and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from spurbench.errors import UserError
from spurbench.files import write_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench.prediction import centre_square, framed, to_tensor
from spurbench_builders.method.sampling import sample
from spurbench_builders.models.base import BaseModel
from spurbench_builders.progress import Progress
from spurbench_builders.team import Team

from .finished import picture_files
from .job import Job


def sample_into(
    folder: Path,
    job: Job,
    team: Team,
    step: str,
    make_model: Callable[[], BaseModel],
    prompt: str,
    seeds: Sequence[int],
) -> Iterator[Progress]:
    """Sample a picture a seed into the folder, batches shared out over the team's processes; those
    that a killed run left are kept. The model is made only where a picture is missing."""
    batch = job.recipe.sampling.batch
    model = None
    for start in range(team.rank * batch, len(seeds), batch * team.size):
        part = seeds[start : start + batch]
        names = [folder / f"{start + i:05d}.png" for i in range(len(part))]
        yield job.progress(step, start, len(seeds))
        # A batch is made whole or not at all: its size moves a picture's last bits.
        if not all(n.exists() for n in names):
            model = model or make_model()
            (images,) = sample(model, prompt, part, job.recipe.sampling)
            for path, image in zip(names, images, strict=True):
                write_bytes(path, png_bytes(image))
    team.wait()  # only then has every process written its share
    if team.leads and len(picture_files(folder)) != len(seeds):
        raise UserError(
            f"{folder}: holds {len(picture_files(folder))} of {len(seeds)} pictures; processes on "
            "several machines need one shared folder"
        )
    yield job.progress(step, len(seeds), len(seeds))


def read_pictures(folder: Path) -> list[Image.Image]:
    """A finished step's pictures, in order."""
    return [read_rgb(path) for path in picture_files(folder)]


def as_tensors(images: Sequence[Image.Image], model: BaseModel) -> Tensor:
    """Pictures at the base model's size, the centre square of each: (N, 3, H, W) in [0, 1]."""
    square = centre_square(model.picture_size)
    return torch.stack([to_tensor(framed(i, square)) for i in images])
