"""docs/python.md: its blocks are run in order, in an empty folder, with warnings as errors."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "python.md"
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block; ``title`` is the name of the file that it shows, ``line`` where it begins."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    return [
        Block(match[1], match[2] or "", match[3], page.count("\n", 0, match.start(3)) + 1)
        for match in FENCE.finditer(page)
    ]


def as_script(page: str) -> str:
    """The page's Python, each block on the lines where it stands: tracebacks name the page's own."""
    lines = [""] * page.count("\n")
    for block in blocks(page):
        if block.language == "python":
            code = block.text.splitlines()
            lines[block.line - 1 : block.line - 1 + len(code)] = code
    return "\n".join(lines)


def test_every_block_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for block in blocks(page):
        if block.title:
            (tmp_path / block.title).write_text(block.text)
        assert block.title or block.language == "python", f"line {block.line}: is not run"
    script = tmp_path / "python_md.py"
    script.write_text(as_script(page))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))  # pytest makes warnings errors
    lines = capsys.readouterr().out.splitlines()
    steps = ["references", "prior", "train", "sample", "audit", "splits", "install"]
    told = [line.split()[:2] for line in lines[:14]]
    for name in ("koala", "gondola"):  # each in its order, side by side where the cores allow
        assert [step for class_name, step in told if class_name == name] == steps
    assert "68 pictures in demo/spurbench" in lines
    assert {line.split(":")[0] for line in lines[-4:-1]} == {
        "micro/robust",
        "micro/vit",
        "module/untrained",
    }
    assert lines[-1].startswith("unknown class 'kuala'; did you mean 'koala'?")


def test_blocks_keep_their_lines() -> None:
    page = 'a\n```yaml title="x.yaml"\nb: 1\n```\n\n```python\nc = 2\nd = 3\n```\n'
    assert blocks(page) == [
        Block("yaml", "x.yaml", "b: 1\n", 3),
        Block("python", "", "c = 2\nd = 3\n", 7),
    ]
    assert as_script(page).splitlines()[6:8] == ["c = 2", "d = 3"]
