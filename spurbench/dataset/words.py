"""The text of a data set's card. Whatever a manifest says is shown as text, and nothing in it is live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from spurbench.markdown import code, plain

from .about import NOT_USES, USES, citation, licences_of, limits_of, recipe_of
from .manifest import Manifest
from .panel import table1
from .schema import KINDS

MEANINGS = {
    "si": "references: the spurious feature without the class",
    "generated": "pictures made from some of them",
    "val": "validation pictures of the class itself",
}
PACKAGES = ("spurbench", "torch", "diffusers", "transformers", "numpy", "pillow", "python")
"""What the card tells of the versions; the manifest has all of them."""


def body(manifest: Manifest, splits: Sequence[str], sheets: Collection[str]) -> str:
    """All below the card's YAML; ``splits`` are all there are, in order, ``sheets`` the classes that
    have a contact sheet."""
    parts = [
        _intro(manifest, splits),
        _loading(manifest),
        _making(manifest),
        _panel(manifest),
        _list("Intended use", USES),
        _list("Out of scope", NOT_USES),
        _list("Known limits", limits_of(manifest)),
        _licences(manifest),
        _sheets(manifest, sheets),
        f"## Citation\n\n```bibtex\n{citation()}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _intro(manifest: Manifest, splits: Sequence[str]) -> str:
    rows = []
    for slug, entry in manifest.classes.items():
        counts = [str(entry.splits[s].pictures) if s in entry.splits else "" for s in splits]
        cells = [f"`{slug}`", str(entry.label), plain(entry.feature), *counts]
        rows.append(f"| {' | '.join(cells)} |")
    titles = ["config", "label", "spurious feature", *(f"`{name}`" for name in splits)]
    table = "\n".join([f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *rows])
    kinds = "\n".join(f"- `{kind}`: {MEANINGS[kind]}" for kind in KINDS)
    return f"""# spurbench data set, domain `{manifest.domain}`

Pictures that show a class's *spurious feature* without the class itself: a classifier that takes them for
the class relies on the feature. Version `{manifest.version}`. A split is of one of three kinds:

{kinds}

{table}"""


def _loading(manifest: Manifest) -> str:
    return f"""## Load it

```python
from datasets import load_dataset
load_dataset("PATH/TO/THIS/FOLDER", "{next(iter(manifest.classes), "default")}")
```

Every generated picture carries its prompt, seed, the panel's predictions and the audit's findings, every
imported one its licence, author and source where they are known; `manifest.json` has the recipe in full,
versions, weights' hashes and a hash of every split."""


def _making(manifest: Manifest) -> str:
    """How the pictures were made: each way once, with the classes that it is of."""
    ways: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for slug, entry in manifest.classes.items():
        seeds = sorted({s.seed for s in entry.splits.values() if s.seed is not None})
        recipes = sorted({s.recipe for s in entry.splits.values() if s.recipe})
        ways[tuple(_way(entry.provenance, recipes, seeds))].append(slug)
    told = [
        "\n".join([f"Of {', '.join(f'`{slug}`' for slug in slugs)}:", "", *way])
        for way, slugs in ways.items()
        if way
    ]
    return "\n\n".join(["## How the pictures were made", *told]) if told else ""


def _way(provenance: dict[str, Any], recipes: Sequence[str], seeds: Sequence[int]) -> Iterator[str]:
    recipe = recipe_of(provenance)
    if provenance.get("imported_from"):
        yield f"- imported from {code(provenance['imported_from'])}"
    if recipes:
        yield f"- recipe: {', '.join(map(code, recipes))}"
    if recipe.get("base"):
        revision = recipe.get("base_revision")
        yield f"- base model: {code(recipe['base'])}" + (
            f" at {code(revision)}" if revision else ""
        )
    if isinstance(recipe.get("panel"), list):
        yield f"- panel: {', '.join(code(_spec(member)) for member in recipe['panel'])}"
    if isinstance(recipe.get("prompt"), dict):
        yield f"- prompt: {code(recipe['prompt'].get('instance'))}"
    if seeds:
        yield f"- seeds: {', '.join(map(str, seeds))}"
    if isinstance(provenance.get("device"), str):
        yield f"- computed on: {code(provenance['device'])}"
    versions = provenance.get("versions")
    if isinstance(versions, dict):
        there = [f"{name} {versions[name]}" for name in PACKAGES if name in versions]
        yield f"- versions: {', '.join(map(code, there))}"


def _spec(member: Any) -> Any:
    return member.get("spec") if isinstance(member, dict) else member


def _panel(manifest: Manifest) -> str:
    table = table1(manifest)
    if not table:
        return ""
    return f"""## What the panel says

Spurious accuracy in %, references / generated pictures: the share that each classifier takes for the class.
Splits of several seeds are taken together.

{table}"""


def _list(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)])


def _licences(manifest: Manifest) -> str:
    rows = ["## Licences", "", "| pictures | licence | count |", "|---|---|---|"]
    for kind in KINDS:
        for licence, count in licences_of(manifest, kind).items():
            rows.append(f"| `{kind}` | {plain(licence)} | {count} |")
    said = "Author and source of a picture are in its columns `author` and `source_url`."
    return "\n".join([*rows, "", said])


def _sheets(manifest: Manifest, sheets: Collection[str]) -> str:
    there = [slug for slug in manifest.classes if slug in sheets]
    if not there:
        return ""
    shown = "\n\n".join(f"![References and pictures of {s}](contact/{s}.png)" for s in there)
    return f"## Contact sheets\n\n{shown}"
