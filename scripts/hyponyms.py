"""Writes evaluators/spurbench_evaluators/labels/hyponyms.json: what lies below ImageNet-1k's classes.

    python scripts/hyponyms.py DATA_NOUN

DATA_NOUN is WordNet 3.0's data.noun (Debian's package wordnet-base has it), whose offsets are ImageNet's
synset ids. Kept are the synsets that some ImageNet head has an output for.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from importlib import resources
from pathlib import Path

from spurbench.files import write_text

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "evaluators" / "spurbench_evaluators" / "labels" / "hyponyms.json"
BELOW = {"~", "~i"}  # WordNet's pointers to a hyponym, and to an instance


def pointers(data_noun: Path) -> dict[str, list[str]]:
    """The hyponyms of each noun synset, by id."""
    below: dict[str, list[str]] = {}
    for line in data_noun.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):  # the licence
            continue
        fields = line.split(" | ")[0].split()
        words = int(fields[3], 16)
        count = int(fields[4 + 2 * words])
        rest = fields[5 + 2 * words : 5 + 2 * words + 4 * count]
        found = [f"n{rest[i + 1]}" for i in range(0, len(rest), 4) if rest[i] in BELOW]
        below[f"n{fields[0]}"] = found
    return below


def nearest(classes: list[str], below: dict[str, list[str]]) -> dict[str, int]:
    """For each synset below a class, the label of the nearest one above it; the lower label of two
    that are equally near."""
    label = {synset: i for i, synset in enumerate(classes)}
    waiting = deque((synset, i) for i, synset in enumerate(classes))
    found: dict[str, int] = {}
    while waiting:  # breadth first, so that the nearest class comes first
        synset, owner = waiting.popleft()
        for child in below.get(synset, []):
            if child not in found and child not in label:
                found[child] = owner
                waiting.append((child, owner))
    return found


def outputs() -> set[str]:
    """Every synset that a list of timm's names."""
    folder = resources.files("timm") / "data" / "_info"
    lists = [f for f in folder.iterdir() if f.name.endswith("_synsets.txt")]
    return {line for f in lists for line in f.read_text(encoding="utf-8").split()}


def main() -> None:
    from timm.data import ImageNetInfo

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data_noun", type=Path)
    found = nearest(
        ImageNetInfo("imagenet-1k").label_names(), pointers(parser.parse_args().data_noun)
    )
    known = outputs()
    by_label: dict[str, list[str]] = {}
    for synset, label in sorted(found.items(), key=lambda item: (item[1], item[0])):
        if synset in known:
            by_label.setdefault(str(label), []).append(synset)
    lines = [f'"{label}": {json.dumps(synsets)}' for label, synsets in by_label.items()]
    write_text(TARGET, "{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
