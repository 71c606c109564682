"""README.md of a data set: the YAML that `load_dataset` reads, and a card for people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from spurbench.files import sha256_json

from .about import licence_of
from .manifest import ClassEntry, Manifest
from .schema import KINDS, features
from .words import body

SHEETS = "contact"
"""The folder of contact sheets, one a class, named by its slug."""
SIZES = (("n<1K", 1000), ("1K<n<10K", 10_000), ("10K<n<100K", 100_000), ("100K<n<1M", 10**6))
"""The hub's words for how many pictures there are."""


def dataset_card(manifest: Manifest, sheets: Collection[str] = ()) -> str:
    """The card's whole text; ``sheets`` are the classes that have a contact sheet. The hashes in
    every config keep stale caches from serving."""
    from huggingface_hub import DatasetCardData

    head = card_head(manifest)
    front = DatasetCardData(**head).to_yaml(original_order=list(head))
    return f"---\n{front}\n---\n\n{body(manifest, _together(manifest), sheets)}"


def card_head(manifest: Manifest) -> dict[str, Any]:
    """What the card's YAML says."""
    splits = {slug: _ordered(entry) for slug, entry in manifest.classes.items()}
    every = _together(manifest)
    return {
        "pretty_name": f"spurbench ({manifest.domain})",
        "license": licence_of(manifest),
        "task_categories": ["image-classification"],
        "size_categories": [_size(manifest)],
        "tags": ["spurious-features", "robustness", "spurbench"],
        "configs": [_config("default", "*", every)]
        + [_config(slug, slug, names) for slug, names in splits.items()],
        "dataset_info": [_info("default", manifest) | {"features": _columns()}]
        + [_info(slug, _alone(manifest, slug)) for slug in splits],
    }


def _ordered(entry: ClassEntry) -> list[str]:
    """A class's splits: by kind, then by name."""
    return sorted(entry.splits, key=lambda name: (KINDS.index(entry.splits[name].kind), name))


def _together(manifest: Manifest) -> list[str]:
    """The splits of all classes, in that order; of a name's kinds the first counts."""
    kinds: dict[str, int] = {}
    for entry in manifest.classes.values():
        for name, split in entry.splits.items():
            kind = KINDS.index(split.kind)
            kinds[name] = min(kind, kinds.get(name, kind))
    return sorted(kinds, key=lambda name: (kinds[name], name))


def _config(name: str, folder: str, splits: list[str]) -> dict[str, Any]:
    files = [{"split": split, "path": f"data/{folder}/{split}-*.parquet"} for split in splits]
    config: dict[str, Any] = {"config_name": name, "data_files": files}
    return config | ({"default": True} if name == "default" else {})


def _info(name: str, manifest: Manifest) -> dict[str, Any]:
    description = f"content {manifest.fingerprint()}, files {_files_hash(manifest)}"
    return {"config_name": name, "version": "1.0.0", "description": description}


def _files_hash(manifest: Manifest) -> str:
    """Changes with any byte of the files: prompts and findings are not in the fingerprint, and the
    cache of `datasets` keeps those too."""
    return sha256_json(
        {
            slug: {name: [f.sha256 for f in split.files] for name, split in entry.splits.items()}
            for slug, entry in manifest.classes.items()
        }
    )[:12]


def _columns() -> list[dict[str, Any]]:
    """The columns for the config of all classes: files that older versions wrote lack some."""
    return [{"name": name} | _kind(column) for name, column in features().items()]


def _kind(column: Any) -> dict[str, Any]:
    """A column's type as a card has it."""
    from datasets import Image, List

    if isinstance(column, List):
        return {"list": [{"name": n} | _kind(inner) for n, inner in column.feature.items()]}
    return {"dtype": "image" if isinstance(column, Image) else column.dtype}


def _alone(manifest: Manifest, slug: str) -> Manifest:
    return manifest.model_copy(update={"classes": {slug: manifest.classes[slug]}})


def _size(manifest: Manifest) -> str:
    count = sum(s.pictures for e in manifest.classes.values() for s in e.splits.values())
    return next((word for word, most in SIZES if count < most), "n>1M")
