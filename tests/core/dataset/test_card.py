"""The card of a data set: its configs decide what `load_dataset` reads and serves from its cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import pytest
import yaml

from spurbench.dataset.card import dataset_card
from spurbench.dataset.manifest import ClassEntry, FileEntry, Kind, Manifest, SplitEntry
from spurbench.dataset.schema import features


def entry(name: str, label: int, feature: str, **pictures: int) -> ClassEntry:
    """A class with that many pictures by split; hashes are made from the names."""
    kinds: dict[str, Kind] = {"si": "si", "generated": "generated", "val": "val"}
    splits = {}
    for split, count in pictures.items():
        sha256 = hashlib.sha256(f"{name}-{split}".encode()).hexdigest()
        file = FileEntry(path=f"data/{name}/{split}.parquet", sha256=sha256, pictures=count)
        splits[split] = SplitEntry(kind=kinds[split], files=[file], content=sha256)
    return ClassEntry(name=name, label=label, feature=feature, splits=splits, provenance={})


def manifests() -> dict[str, Manifest]:
    """Data sets: usual, empty, and with all that YAML may have to quote."""
    usual = {
        "freight_car": entry("freight car", 1, "graffiti", generated=75, si=150, val=50),
        "koala": entry("koala", 5, "eucalyptus leaves", generated=75, si=150, val=50),
    }
    odd = {
        "1": entry("1", 0, "ein Flügel", si=3),
        "null": entry("null", 1, "nothing", generated=2),
        "off": entry("off", 2, "a lamp", si=1, generated=2),
        "a" * 90: entry("a" * 90, 3, "a name longer than a line of YAML", si=1, val=4),
    }
    return {
        "micro": Manifest(name="spurbench", domain="micro", classes=usual),
        "imagenet": Manifest(name="si", domain="imagenet", classes=odd),
        "empty": Manifest(name="spurbench", domain="micro", classes={}),
    }


def head(name: str) -> dict[str, Any]:
    card = dataset_card(manifests()[name])
    begin, front, _ = card.split("---\n", 2)
    assert begin == ""
    found: dict[str, Any] = yaml.safe_load(front)
    return found


@pytest.mark.parametrize("name", ["micro", "imagenet", "empty"])
def test_every_class_is_a_config_of_its_own_name_and_splits(name: str) -> None:
    made = manifests()[name]
    order = ("si", "generated", "val")
    every = {split for entry in made.classes.values() for split in entry.splits}
    places = {"default": ("*", every)}
    places |= {slug: (slug, set(entry.splits)) for slug, entry in made.classes.items()}
    assert head(name)["configs"] == [
        {
            "config_name": config,
            "data_files": [
                {"split": split, "path": f"data/{place}/{split}-*.parquet"}
                for split in order
                if split in splits
            ],
        }
        | ({"default": True} if config == "default" else {})
        for config, (place, splits) in places.items()
    ]
    infos = head(name)["dataset_info"]
    assert [info["config_name"] for info in infos] == list(places)
    assert infos[0]["description"].startswith(f"content {made.fingerprint()}, files ")
    descriptions = {str(info["description"]) for info in infos}
    assert len(descriptions) == len(infos) and all(len(d) == 92 for d in descriptions)
    assert head(name)["license"] == ("apache-2.0" if made.domain == "micro" else "other")


def test_the_columns_of_all_classes_are_said_once_and_are_those_that_are_written() -> None:
    from datasets import Features

    first, *others = head("micro")["dataset_info"]
    assert Features._from_yaml_list(first["features"]) == features()
    assert others and not any("features" in info for info in others)


def test_the_hub_reads_the_card() -> None:
    from huggingface_hub import DatasetCard

    data = DatasetCard(dataset_card(manifests()["micro"])).data
    assert data["license"] == "apache-2.0"
    assert [c["config_name"] for c in data["configs"]] == ["default", "freight_car", "koala"]


def test_the_hubs_client_is_imported_only_to_write_a_card() -> None:
    code = "import sys, spurbench.dataset.write; assert 'huggingface_hub' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
