"""docs/cli.md says what `spurbench --help` says, whatever the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT

SCRIPT = ROOT / "scripts" / "cli_page.py"


def test_the_page_is_as_the_script_writes_it() -> None:
    code = f"import runpy; print(runpy.run_path({str(SCRIPT)!r})['page'](), end='')"
    for columns in ("40", "200"):  # in processes of their own: mounting is done once
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"COLUMNS": columns},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
        assert done.stdout == page, "out of date: run python scripts/cli_page.py"
