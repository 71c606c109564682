"""docs/format.md says what the records and columns are, all of them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pyarrow.parquet as pq

from spurbench.dataset.manifest import read_manifest
from spurbench.dataset.schema import MEANINGS, features
from tests.conftest import ROOT, make_class

PAGE = ROOT / "docs" / "format.md"


def test_the_page_is_as_the_script_writes_it() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "format_page.py"))
    said = "out of date: run python scripts/format_page.py"
    assert script["page"]() == PAGE.read_text(encoding="utf-8"), said


def test_every_column_and_field_of_a_made_data_set_is_on_it(tmp_path: Path) -> None:
    make_class(tmp_path / "d", tmp_path / "aside")
    text = PAGE.read_text(encoding="utf-8")
    assert set(MEANINGS) == set(features())
    (file, *_) = (tmp_path / "d").rglob("*.parquet")
    split = read_manifest(tmp_path / "d").classes["koala"].splits["si"]
    names = [*pq.read_schema(file).names, *split.model_dump(), *split.files[0].model_dump()]
    assert [name for name in names if f"| `{name}` |" not in text] == []
