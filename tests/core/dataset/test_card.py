"""The card of a data set, byte for byte: its configs decide what `load_dataset` serves from its cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spurbench.dataset.card import dataset_card
from spurbench.dataset.manifest import ClassEntry, Manifest, SplitEntry

FIXTURES = Path(__file__).parents[1] / "fixtures"


def entry(name: str, label: int, feature: str, **pictures: int) -> ClassEntry:
    """A class with that many pictures by split; hashes are made from the names."""
    splits = {
        split: SplitEntry(
            path=f"data/{name}/{split}.parquet", sha256=f"{name}-{split}", pictures=count
        )
        for split, count in pictures.items()
    }
    return ClassEntry(name=name, label=label, feature=feature, splits=splits, provenance={})


def manifests() -> dict[str, Manifest]:
    """Data sets whose cards were recorded: usual, empty, and with all that YAML may have to quote."""
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


@pytest.mark.parametrize("name", ["micro", "imagenet", "empty"])
def test_the_card_is_the_recorded_one_to_the_byte(name: str) -> None:
    recorded = (FIXTURES / f"card_{name}.txt").read_bytes()
    assert dataset_card(manifests()[name]).encode() == recorded


def test_the_hub_reads_the_card() -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard((FIXTURES / "card_micro.txt").read_text(encoding="utf-8"))
    head = card.data
    assert head["license"] == "apache-2.0"
    assert [c["config_name"] for c in head["configs"]] == ["default", "freight_car", "koala"]
    assert len({info["description"] for info in head["dataset_info"]}) == 3


def test_the_hubs_client_is_imported_only_to_write_a_card() -> None:
    code = "import sys, spurbench.dataset.write; assert 'huggingface_hub' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
