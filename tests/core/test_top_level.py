"""`import spurbench`: every name is there, none is imported before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import spurbench
from spurbench import plugins
from spurbench.contracts import Transform
from spurbench.results import write_result
from tests.conftest import ROOT, make_class
from tests.core.test_results import made_result

PLUGGED_IN = {"build", "evaluate", "evaluate_models"}


def alone(code: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run code where only the standard library, the core and ``folders`` can be imported."""
    places = [str(place) for place in (ROOT, *folders)]
    start = f"import sys; sys.path[:0] = {places!r}\n"
    words = [sys.executable, "-I", "-S", "-c", start + code]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True)


def test_importing_it_imports_nothing_from_elsewhere() -> None:
    code = """
import sys
before = set(sys.modules)
import spurbench
dir(spurbench)
new = set(sys.modules) - before
foreign = {name for name in new if name.partition(".")[0] not in sys.stdlib_module_names}
assert foreign == {"spurbench"}, foreign
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_name_is_there() -> None:
    assert set(plugins.find("api")) == PLUGGED_IN
    assert sorted(spurbench.__all__) == spurbench.__all__
    for name in spurbench.__all__:
        assert getattr(spurbench, name).__name__ == name
        assert name in dir(spurbench)
    assert spurbench.Transform is Transform


def test_asking_for_the_functions_imports_no_torch() -> None:
    code = "import sys, spurbench as s; s.build, s.evaluate; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'spurbench' has no attribute 'biuld'"):
        _ = spurbench.biuld


def test_a_plug_in_brings_a_function_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("def build(): return 'built'\n")
    info = tmp_path / "made-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[spurbench.api]\nbuild = made:build\n")
    done = alone("import spurbench; print(spurbench.build())", tmp_path)
    assert done.stdout == "built\n", done.stderr


@pytest.mark.parametrize("name", sorted(PLUGGED_IN))
def test_without_the_plug_in_it_says_what_is_missing(name: str) -> None:
    done = alone(f"import spurbench; spurbench.{name}")
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        f"AttributeError: spurbench.{name} comes from a plug-in (the entry point {name!r} of "
        "spurbench.api), and none that is installed brings it; install spurbench again"
    )


def test_paths_may_be_texts(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    make_class(folder, tmp_path / "aside")
    assert spurbench.open_data_set(str(folder)) == spurbench.open_data_set(folder)
    result = made_result()
    write_result(result, tmp_path / "results" / "result.json")
    assert spurbench.read_results(str(tmp_path / "results")) == [result]
    with pytest.raises(spurbench.UserError, match="nowhere: no result files"):
        spurbench.read_results(str(tmp_path / "nowhere"))
