"""Does a set that was selected to fool three networks fool a fourth, and others that had no part in it?

    python -m scripts.validity.transfer --work build/validity --seeds 0 1 2

For each member of the panel, references are selected by the three others; the pictures made from them are
shown to all four and to the whole zoo. Resumes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

from scripts.train_micro.classifiers import Normalised, predict
from spurbench.contracts import ClassCard
from spurbench.prediction import to_tensor
from spurbench_builders.recipes.files import load_recipe

from .members import members
from .noise import Parts
from .train import trained

NOBODY = "nobody"
"""Left out where all four select: what the others are compared with."""


@dataclass(frozen=True)
class Transfer:
    """Of ``n`` pictures whose references were selected without ``left_out``, how many each panel
    member and each of the zoo took for the class."""

    left_out: str
    class_name: str
    seed: int
    selectable: int
    n: int
    hits: list[int]
    object_found: int
    zoo: dict[str, int]


def transfer(
    parts: Parts, zoo: dict[str, Normalised], card: ClassCard, left_out: str, seed: int, count: int
) -> Transfer | None:
    """One cell; None where too few references fool the selecting networks."""
    selectors = [m.spec for m in parts.models.panel if m.spec != left_out]
    pool = parts.pool(card, selectors)
    if len(pool) < parts.recipe.references.count:
        return None
    model = parts.trained(card, parts.references(card, pool, seed), seed)
    images = parts.samples(card, model, seed, count)
    said = parts.judged(card, images)
    return Transfer(
        left_out,
        card.name,
        seed,
        len(pool),
        count,
        said["hits"],
        said["object_found"],
        {name: _taken(network, images, card.label) for name, network in zoo.items()},
    )


def _taken(network: Normalised, images: list[Image.Image], label: int) -> int:
    batch = torch.stack([to_tensor(image) for image in images])
    return int((predict(network, batch).argmax(dim=1) == label).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the trained zoo")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--count", type=int, default=75, help="pictures a cell")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = Parts(load_recipe("micro"))
    zoo = {member.name: trained(member, options.work) for member in members()}
    path = options.work / "transfer.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = [json.loads(line) for line in lines]
    done = {(k["left_out"], k["class_name"], k["seed"]) for k in known}
    left_out = [NOBODY, *(m.spec for m in parts.models.panel)]
    with path.open("a", encoding="utf-8") as file:
        for seed in options.seeds:
            for card in parts.domain.cards():
                for name in left_out:
                    if (name, card.name, seed) in done:
                        continue
                    cell = transfer(parts, zoo, card, name, seed, options.count)
                    if cell is None:
                        print(f"{card.name} without {name}: too few references", flush=True)
                        continue
                    file.write(json.dumps(asdict(cell)) + "\n")
                    file.flush()
                    print(name, card.name, seed, cell.hits, flush=True)


if __name__ == "__main__":
    main()
