"""The campaign: no bad input ends a command in a traceback, in more than a line, or at something's cost."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .calls import BASES
from .cases import every_case, valued_options

ROOT = Path(__file__).parents[2]
SEED, CASES = 0, 1800


@pytest.mark.slow
def test_no_bad_input_is_met_badly(tmp_path: Path) -> None:
    """In a process of its own: this one has threads, which a fork does not take along."""
    words = [sys.executable, "-m", "scripts.bad_input", "--seed", str(SEED), "--count", str(CASES)]
    done = subprocess.run(
        [*words, "--folder", str(tmp_path / "w")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    assert f'"cases": {CASES}' in done.stdout
    said = re.search(r'"refused": (\d+)', done.stdout)
    assert said and int(said[1]) > CASES // 2, "most are bad"


def test_every_command_and_every_option_has_cases() -> None:
    options = valued_options()
    assert set(options) == set(BASES)
    cases = every_case(SEED)
    for part in (cases, cases[:CASES]):
        for command in BASES:
            assert sum(case.command == command for case in part) >= 30, command
    words = {(case.command, word) for case in cases for word in case.words}
    for command, known in options.items():
        for option, _ in known:
            assert (command, option) in words, f"{command} {option}"


def test_a_seed_decides_the_cases() -> None:
    first, again, other = (
        [(case.words, case.around) for case in every_case(seed)] for seed in (3, 3, 4)
    )
    assert first == again and sorted(first) != sorted(other)
    assert len(first) > 1500


@pytest.mark.slow
def test_a_forked_child_is_a_faithful_one(tmp_path: Path) -> None:
    """Of cases drawn by seed, a fresh interpreter ends as the child did, and says the same."""
    code = (
        "import sys; from pathlib import Path; from scripts.bad_input import show; "
        "show(Path(sys.argv[1]), [int(n) for n in sys.argv[2:]])"
    )
    cases = every_case(SEED)
    plain = [n for n, case in enumerate(cases) if not case.around and case.command != "ablate"]
    drawn = random.Random(0).sample(plain, 12)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w"), *map(str, drawn)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.count("the same") == len(drawn), done.stdout
    shutil.rmtree(tmp_path / "w", ignore_errors=True)
