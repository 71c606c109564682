"""Shared fixtures: small made data sets, real data where it lies beside the checkout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Test processes run side by side, one a core: more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _private_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep `datasets` away from the user's cache."""
    import datasets.config

    cache = tmp_path_factory.mktemp("hf")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for tests that carry the mark ``browser``."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("SPURBENCH_CHROMIUM") or shutil.which("chromium")
    assert program, (
        "no chromium on the path: leave out -m browser, or name one in SPURBENCH_CHROMIUM"
    )
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of what lies beside the checkout are marked so, before marks choose what runs."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("beside")


@pytest.fixture
def real_data() -> Path:
    assert REAL_DATA.is_dir(), "../shared/data is not beside this checkout: leave out -m beside"
    return REAL_DATA


def picture(seed: int, size: tuple[int, int] = (8, 8)) -> Image.Image:
    """A picture of noise."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def make_class(
    folder: Path,
    aside: Path,
    name: str = "koala",
    label: int = 5,
    count: int = 3,
    seed: int = 0,
    splits: tuple[str, ...] = ("generated", "si", "val"),
    domain: str = "micro",
) -> None:
    """Install a class of noise pictures into a data set folder."""
    aside.mkdir(parents=True, exist_ok=True)
    files, entries = {}, {}
    for k, split in enumerate(splits):
        pngs = [png_bytes(picture(seed + 100 * k + i)) for i in range(count)]
        rows = [
            Row(png, label, name, split, i, f"made {i}", sha256_bytes(png))
            for i, png in enumerate(pngs)
        ]
        files[split] = aside / f"{name}-{split}.parquet"
        write_split(rows, files[split])
        entries[split] = split_entry(name, split, files[split])
    entry = ClassEntry(name=name, label=label, feature="leaves", splits=entries, provenance={})
    parquet = {split: [file] for split, file in files.items()}
    install_class(folder, "made", domain, name, entry, parquet)
