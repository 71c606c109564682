"""README.md of a data set: the YAML that `load_dataset` reads, and a card for people."""

from __future__ import annotations

from typing import Any

from spurbench.files import sha256_json
from spurbench.markdown import plain

from .manifest import ClassEntry, Manifest
from .schema import KINDS, features


def dataset_card(manifest: Manifest) -> str:
    """The card's whole text. The hashes in every config keep stale caches from serving."""
    from huggingface_hub import DatasetCardData

    splits = {slug: _ordered(entry) for slug, entry in manifest.classes.items()}
    every = _together(manifest)
    head: dict[str, Any] = {
        "pretty_name": f"spurbench ({manifest.domain})",
        "license": "apache-2.0" if manifest.domain == "micro" else "other",
        "task_categories": ["image-classification"],
        "tags": ["spurious-features", "robustness", "spurbench"],
        "configs": [_config("default", "*", every)]
        + [_config(slug, slug, names) for slug, names in splits.items()],
        "dataset_info": [_info("default", manifest) | {"features": _columns()}]
        + [_info(slug, _alone(manifest, slug)) for slug in splits],
    }
    front = DatasetCardData(**head).to_yaml(original_order=list(head))
    return f"---\n{front}\n---\n\n{_body(manifest, every)}"


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


def _body(manifest: Manifest, splits: list[str]) -> str:
    rows = []
    for slug, entry in manifest.classes.items():
        counts = [str(entry.splits[s].pictures) if s in entry.splits else "" for s in splits]
        cells = [f"`{slug}`", str(entry.label), plain(entry.feature), *counts]
        rows.append(f"| {' | '.join(cells)} |")
    titles = ["config", "label", "spurious feature", *(f"`{name}`" for name in splits)]
    table = "\n".join([f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *rows])
    return f"""# spurbench data set, domain `{manifest.domain}`

Pictures that show a class's *spurious feature* without the class itself. A split is of the kind `si`
(references), `generated` (pictures made from some of them) or `val` (validation pictures of the class).
Version `{manifest.version}`.

{table}

```python
from datasets import load_dataset
load_dataset("PATH/TO/THIS/FOLDER", "{next(iter(manifest.classes), "default")}")
```

Every generated picture carries its prompt, seed, the panel's predictions and the audit's findings, every
imported one its licence, author and source where they are known; `manifest.json` has the recipe in full,
versions, weights' hashes and a hash of every split.
"""
