"""The command line as a user meets it: help, listings, suggestions, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def spurbench(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spurbench", *words], cwd=cwd, capture_output=True, text=True
    )


def test_help_names_every_command() -> None:
    done = spurbench("--help")
    assert done.returncode == 0
    for command in ("build", "eval", "import-si", "leaderboard", "list"):
        assert command in done.stdout


@pytest.mark.parametrize(
    "words", [("--help",), ("list", "classes"), ("list", "recipes"), ("list", "models")]
)
def test_listing_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    code = f"""
import sys
sys.argv = ["spurbench", *{words!r}]
from spurbench.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "timm", "diffusers", "transformers", "datasets", "pyarrow"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_listings_say_what_there_is() -> None:
    assert "hummingbird" in spurbench("list", "classes").stdout
    assert "great white shark" in spurbench("list", "classes", "--domain", "imagenet").stdout
    assert spurbench("list", "recipes").stdout.startswith("micro ")
    models = spurbench("list", "models").stdout.split()
    assert {"micro/resnet_v1", "micro/resnet_v2", "micro/robust", "micro/vit"} <= set(models)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("build", "--classes", "humminbird"),
            "unknown class 'humminbird'; did you mean 'hummingbird'?",
        ),
        (("build", "--classes", ","), "names no class"),
        (("build", "--classes", "koala", "--recipe", "mirco"), "unknown recipe"),
        (("build", "--classes", "koala", "--recipe", "none.yaml"), "no such recipe file"),
        (("eval", "--model", "micro/vit"), "no such data set folder"),
        (("eval", "--model", "micro/vit", "--data", "."), "not a spurbench data set"),
        (("import-si", "nowhere", "--out", "x"), "no such folder"),
        (("list", "clases"), "did you mean 'classes' or"),
        (("list", "evaluators"), "unknown kind 'evaluators'; known: "),
        (("leaderboard", "render"), "no such file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = spurbench(*words, cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("spurbench: ")
    assert said in lines[0]
    assert not list(tmp_path.iterdir()), "nothing may be left behind"
