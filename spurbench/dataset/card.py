"""README.md of a data set: the YAML that `load_dataset` reads, and a card for people."""

from __future__ import annotations

from typing import Any

from .manifest import Manifest
from .schema import SPLITS


def dataset_card(manifest: Manifest) -> str:
    """The card's whole text. The content hash in every config keeps stale caches from serving."""
    from huggingface_hub import DatasetCardData

    head: dict[str, Any] = {
        "pretty_name": f"spurbench ({manifest.domain})",
        "license": "apache-2.0" if manifest.domain == "micro" else "other",
        "task_categories": ["image-classification"],
        "tags": ["spurious-features", "robustness", "spurbench"],
        "configs": [_config("default", "*", manifest, _all_splits(manifest))]
        + [_config(slug, slug, manifest, set(e.splits)) for slug, e in manifest.classes.items()],
        "dataset_info": [
            {"config_name": name, "version": "1.0.0", "description": f"content {hash_}"}
            for name, hash_ in _content_hashes(manifest).items()
        ],
    }
    front = DatasetCardData(**head).to_yaml(original_order=list(head))
    return f"---\n{front}\n---\n\n{_body(manifest)}"


def _all_splits(manifest: Manifest) -> set[str]:
    return {name for entry in manifest.classes.values() for name in entry.splits}


def _config(name: str, folder: str, manifest: Manifest, splits: set[str]) -> dict[str, Any]:
    files = [
        {"split": split, "path": f"data/{folder}/{split}-*.parquet"}
        for split in SPLITS
        if split in splits
    ]
    config: dict[str, Any] = {"config_name": name, "data_files": files}
    return config | ({"default": True} if name == "default" else {})


def _content_hashes(manifest: Manifest) -> dict[str, str]:
    single = {
        slug: Manifest(name=manifest.name, domain=manifest.domain, classes={slug: entry})
        for slug, entry in manifest.classes.items()
    }
    return {"default": manifest.fingerprint()} | {s: m.fingerprint() for s, m in single.items()}


def _body(manifest: Manifest) -> str:
    rows = []
    for slug, entry in manifest.classes.items():
        counts = [str(entry.splits[s].pictures) if s in entry.splits else "" for s in SPLITS]
        rows.append(f"| `{slug}` | {entry.label} | {entry.feature} | {' | '.join(counts)} |")
    table = "\n".join(
        [
            f"| config | label | spurious feature | {' | '.join(SPLITS)} |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )
    return f"""# spurbench data set, domain `{manifest.domain}`

Pictures that show a class's *spurious feature* without the class itself. `si` holds the references,
`generated` the pictures made from six of them, `val` validation pictures of the class.
Version `{manifest.version}`.

{table}

```python
from datasets import load_dataset
load_dataset("PATH/TO/THIS/FOLDER", "{next(iter(manifest.classes), "default")}", split="generated")
```

Every picture carries its prompt, seed, the panel's predictions and the audit's findings;
`manifest.json` has the recipe in full, versions, weights' hashes and a hash of every split.
"""
