"""`spurbench diff` as it is called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from tests.evaluators.test_cli import call
from tests.publishing.diff.test_changes import scored
from tests.publishing.made import file_of, mended, noise, rewritten, sound


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    before = sound(tmp_path / "before")
    after = tmp_path / "after"
    shutil.copytree(before, after)
    rewritten(file_of(after), lambda rows: rows.reverse())
    rewritten(file_of(after), lambda rows: [row.update(index=i) for i, row in enumerate(rows)])
    mended(after)
    return before, after


def test_exit_codes(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "diff", *two) == 0
    shown = capsys.readouterr().out
    assert "koala\n  generated: 3 pictures\n    2 moved: 0 to 2, 2 to 0\n" in shown
    assert "the same: 1 class" in shown
    assert call(monkeypatch, "diff", *two, "--exit-code") == 1
    assert call(monkeypatch, "diff", two[0], two[0], "--exit-code") == 0
    assert call(monkeypatch, "diff", two[0], two[0] / "none") == 2


def test_one_json_object_with_scores(
    two: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [scored(folder, tmp_path / f"{folder.name}.json") for folder in two]
    assert call(monkeypatch, "diff", *two, "--scores", *files, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    hashes = [sha256_bytes(png_bytes(noise(110 + i))) for i in range(3)]
    assert shown["classes_changed"] == {
        "koala": {
            "fields": [],
            "splits_added": {},
            "splits_gone": {},
            "splits_changed": {
                "generated": {
                    "pictures": {"before": 3, "after": 3},
                    "fields": [],
                    "added": [],
                    "gone": [],
                    "changed": [],
                    "moved": [
                        {"before": 0, "after": 2, "sha256": hashes[0]},
                        {"before": 2, "after": 0, "sha256": hashes[2]},
                    ],
                }
            },
            "provenance": [],
        }
    }
    assert shown["differs"] and shown["classes_same"] == 1
    assert shown["before"]["version"] != shown["after"]["version"]
    assert shown["scores"]["changes"] and shown["scores"]["model"]
    assert call(monkeypatch, "diff", *two, "--scores", *files) == 0
    assert "spurious accuracy of" in capsys.readouterr().out
