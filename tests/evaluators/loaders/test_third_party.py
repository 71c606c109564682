"""A loader that someone else ships: a package built, installed apart, found and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, make_class

PACKAGE = ROOT / "tests" / "plugin_package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plug-in package installed by pip."""
    aside = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(PACKAGE, aside / "source")
    words = ("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target")
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, str(aside / "installed"), str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return aside / "installed"


def spurbench(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spurbench", *words],
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )


def test_it_is_listed(installed: Path) -> None:
    assert "example" in spurbench(installed, "list", "loaders").stdout.split()
    listed = spurbench(installed, "list", "models", "--loader", "example").stdout.split()
    assert "example/mean_colour" in listed


def test_it_scores(installed: Path, tmp_path: Path) -> None:
    make_class(tmp_path / "data", tmp_path / "aside")
    words = ("--data", str(tmp_path / "data"), "--results", str(tmp_path / "results"), "--json")
    done = spurbench(installed, "eval", "--model", "example/mean_colour", *words)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["model"]["spec"] == "example/mean_colour"
    assert result["model"]["architecture"] == "mean colour"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("normalised_twice", "pictures are normalised twice before its first layer"),
        ("not_a_number", "gives NaN or infinite logits; check its weights"),
        ("short_head", "gives (11,) outputs, but its label space micro has 12"),
        ("mean_color", "unknown example model 'mean_color'; did you mean 'mean_colour'?"),
    ],
)
def test_its_faults_are_one_line_and_no_result(
    installed: Path, tmp_path: Path, name: str, said: str
) -> None:
    make_class(tmp_path / "data", tmp_path / "aside")
    words = ("--data", str(tmp_path / "data"), "--results", str(tmp_path / "results"))
    done = spurbench(installed, "eval", "--model", f"example/{name}", *words)
    assert done.returncode == 2
    loading, line = done.stderr.strip().splitlines()
    assert loading == "spurbench eval: loading torch ..." and said in line
    assert not (tmp_path / "results").exists()
