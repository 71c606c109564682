"""The workflows: what they may do, what they use, and that their commands run, in a clone as on GitHub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from spurbench.results import read_results
from spurbench_leaderboard.markdown import BEGIN, END
from tests.conftest import ROOT

from .made import NOBODY, Board, edited, git, submitted

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.name for path in FOLDER.iterdir())
MODEL = "micro/vit"
Step = tuple[str, str, str]
"""Workflow, job, and the step's name."""

RUN: set[Step] = {
    ("leaderboard.yml", "check", "Check"),
    ("leaderboard.yml", "check", "Render"),
    ("leaderboard.yml", "check", "Tell what changes"),
    ("leaderboard.yml", "render", "Render the README"),
    ("leaderboard.yml", "render", "Render the site"),
    ("leaderboard.yml", "readme", "Commit"),
    ("leaderboard.yml", "readme", "Push"),
    ("score.yml", "score", "Stop where the last results wait for a review"),
    ("score.yml", "score", "Score what is missing"),
    ("score.yml", "propose", "Commit"),
    ("score.yml", "propose", "Push, and open the pull request"),
}
"""Steps that tests below run."""
NOT_RUN: dict[Step, str] = {
    ("leaderboard.yml", "check", "Install the gate"): "installs torch; .ci/run installs a wheel",
    ("leaderboard.yml", "render", "Install"): "installs torch; .ci/run installs a wheel",
    ("score.yml", "score", "Install"): "installs torch; .ci/run installs a wheel",
    ("score.yml", "score", "Fetch the pictures"): "wants the hub; tests/publishing/hub has one",
    ("tests.yml", "tests", "Static checks, docs, the wheel, tests"): "is what runs this test",
}
"""Steps that none runs, and why."""


def load(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in WORKFLOWS:
        for job, content in load(name)["jobs"].items():
            yield name, job, content


def steps() -> Iterator[tuple[Step, dict[str, Any]]]:
    for name, job, content in jobs():
        for step in content["steps"]:
            yield (name, job, str(step.get("name", step.get("uses")))), step


def test_every_command_is_run_here_or_says_why_not() -> None:
    found = [key for key, step in steps() if "run" in step]
    assert len(found) == len(set(found)) and not RUN & set(NOT_RUN)
    assert set(found) == RUN | set(NOT_RUN)


def test_rights_are_none_but_what_a_job_says() -> None:
    """Who loads others' weights, reads submissions or installs packages may write nothing."""
    rights = {(name, job): content["permissions"] for name, job, content in jobs()}
    read, write = {"contents": "read"}, {"contents": "write"}
    assert rights == {
        ("leaderboard.yml", "check"): read,
        ("leaderboard.yml", "render"): read,
        ("leaderboard.yml", "readme"): write,
        ("leaderboard.yml", "pages"): {"pages": "write", "id-token": "write"},
        ("score.yml", "score"): read,
        ("score.yml", "propose"): {**write, "pull-requests": "write"},
        ("tests.yml", "tests"): read,
    }
    for (name, job), allowed in rights.items():
        if "write" in allowed.values():
            said = " ".join(str(step.get("run", "")) for step in load(name)["jobs"][job]["steps"])
            assert not re.search(r"pip|spurbench|python", said)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_closed_but_for_what_it_needs(name: str) -> None:
    found: dict[Any, Any] = load(name)
    assert found["permissions"] == {} and found["concurrency"]["group"]
    assert "pull_request_target" not in found[True], "`on` is a truth in YAML 1.1"
    assert "secrets." not in (FOLDER / name).read_text(encoding="utf-8")
    for job in found["jobs"].values():
        assert job["timeout-minutes"] <= 360
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "foreign text is handed over in env alone"
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_actions_are_pinned_by_commit_and_one_version_each() -> None:
    pinned: dict[str, set[str]] = {}
    for name in WORKFLOWS:
        text = (FOLDER / name).read_text(encoding="utf-8")
        used = re.findall(r"uses: (.+)", text)
        for line in used:
            found = re.fullmatch(r"(actions/[a-z-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
            assert found, line
            pinned.setdefault(found[1], set()).add(found[2])
    assert pinned and all(len(versions) == 1 for versions in pinned.values()), pinned


def test_the_tests_run_on_every_python_that_is_supported() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    supported = re.findall(r'"Programming Language :: Python :: (\d\.\d+)"', text)
    job = load("tests.yml")["jobs"]["tests"]
    assert job["strategy"]["matrix"]["python"] == supported
    assert f'requires-python = ">={supported[0]}"' in text
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    checks = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "check-jsonschema --builtin-schema vendor.github-workflows" in checks
    assert "zizmor --offline" in checks


@dataclass(frozen=True)
class Runner:
    """A clone in which steps run as GitHub runs them; ``gh`` notes what it was asked."""

    root: Path
    aside: Path

    def run(self, workflow: str, job: str, name: str, **environment: str) -> str:
        """What a step prints; its error where it fails."""
        assert (workflow, job, name) in RUN
        (step,) = [step for key, step in steps() if key == (workflow, job, name)]
        said = {key for key in step.get("env", {}) if key != "GH_TOKEN"}
        assert said == set(environment)
        paths = (str(Path(sys.executable).parent), str(self.aside / "bin"), os.environ["PATH"])
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=self.root,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                **{k: v for k, v in NOBODY.items() if "CONFIG" in k},
                "PATH": os.pathsep.join(paths),
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
                "GITHUB_STEP_SUMMARY": str(self.aside / "summary"),
                "GITHUB_OUTPUT": str(self.aside / "output"),
                "RUNNER_TEMP": str(self.aside),
                **environment,
            },
        )
        if done.returncode:
            raise AssertionError(f"{done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def told(self, name: str) -> str:
        path = self.aside / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def runner(clone: Board, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    aside = tmp_path_factory.mktemp("aside")
    (aside / "bin").mkdir()
    gh = aside / "bin" / "gh"
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {aside}/gh\n')
    gh.chmod(0o755)
    (clone.root / ".ci").symlink_to(ROOT / ".ci")
    with (clone.root / ".git" / "info" / "exclude").open("a") as file:
        file.write(".ci\nrendered\nscored\n")
    return Runner(clone.root, aside)


def test_a_pull_request_with_a_new_result(runner: Runner, clone: Board) -> None:
    """It is checked and rendered, and what it changes is told; of an edited old one the step fails."""
    submitted(
        clone, "made/new<b>|`x", 2
    )  # which the gate refuses: foreign text is inert all the same
    runner.run("leaderboard.yml", "check", "Tell what changes", BASE="origin/main")
    assert "`made/new<b>¦'x`" in runner.told("summary")
    git(clone.root, "clean", "-qfd", "leaderboard")
    (runner.aside / "summary").unlink()

    submitted(clone, "made/new", 2)
    git(clone.root, "add", "leaderboard")
    git(clone.root, "commit", "-q", "-m", "new")
    base = git(clone.root, "rev-parse", "origin/main").strip()
    said = runner.run("leaderboard.yml", "check", "Check", BASE=base)
    assert said.endswith("2 results checked: 0 errors, 0 notes\n")
    assert "written" in runner.run("leaderboard.yml", "check", "Render")
    runner.run("leaderboard.yml", "check", "Tell what changes", BASE=base)
    title, rows = runner.told("summary").split("\n\n")
    assert title.startswith("### `micro`, version `")
    assert [row.split(" | ")[:3] for row in rows.splitlines()[2:]] == [
        ["| 1 (1-2)", "1", "`made/old`"],
        ["| 1 (1-2)", "new", "`made/new`"],
    ]
    means = {each.model.spec: each.means["generated"] for each in read_results(clone.results)}
    for row in rows.splitlines()[2:]:
        restricted = means[row.split("`")[1]].restricted
        assert restricted and row.endswith(f"| {100 * restricted.top1.value:.1f} % |")

    (old,) = clone.results.rglob("made_old*.json")
    edited(old, lambda data: data["environment"].update(torch="2.1"))
    with pytest.raises(AssertionError, match=r"^1: .*::error file=.*was changed since"):
        runner.run("leaderboard.yml", "check", "Check", BASE=base)


def test_main_follows_its_results(runner: Runner, clone: Board) -> None:
    """The README is handed on and committed only where it changes, alone; the push sends that commit."""
    runner.run("leaderboard.yml", "render", "Render the README")
    assert runner.told("output") == ""
    (clone.root / "rendered").mkdir()
    rendered = clone.root / "rendered" / "README.md"
    rendered.write_text((clone.root / "README.md").read_text())
    assert "up to date" in runner.run("leaderboard.yml", "readme", "Commit")
    assert git(clone.root, "rev-list", "--count", "origin/main..").strip() == "0"

    submitted(clone, "made/new", 2)
    runner.run("leaderboard.yml", "render", "Render the README")
    assert runner.told("output") == "changed=true\n"
    runner.run("leaderboard.yml", "render", "Render the site")
    assert "made/new" in (clone.root / "site" / "index.html").read_text()
    rendered.write_text((clone.root / "README.md").read_text())
    git(clone.root, "checkout", "-q", "--", "README.md")
    runner.run("leaderboard.yml", "readme", "Commit")
    assert git(clone.root, "show", "--format=%an", "--name-only").split() == [
        "github-actions[bot]", "README.md",
    ]  # fmt: skip
    text = (clone.root / "README.md").read_text()
    assert "`made/new`" in text.split(BEGIN)[1].split(END)[0]
    runner.run("leaderboard.yml", "readme", "Push", BRANCH="pushed")
    assert runner.told("gh") == "auth setup-git\n"
    assert git(clone.root, "rev-parse", "origin/pushed") == git(clone.root, "rev-parse", "HEAD")


def test_listed_models_are_scored_and_proposed(runner: Runner, clone: Board) -> None:
    """Once: then the branch waits for a review, and merged there is nothing to do."""
    models = clone.root / "leaderboard" / "models.txt"
    models.write_text(f"# ours\n{MODEL}  # as it comes\npython/none:such\n")
    (runner.aside / "pictures").symlink_to(clone.data.folder)
    runner.run("score.yml", "score", "Stop where the last results wait for a review")
    said = runner.run("score.yml", "score", "Score what is missing")
    assert "::warning::some models were not scored" in said, "the second one is none"
    assert runner.told("output") == "found=true\n"
    git(clone.root, "clean", "-qfd", "leaderboard/results")
    (runner.aside / "scored").rename(clone.root / "scored")

    (clone.root / "scored" / "link").symlink_to("/etc/passwd")
    with pytest.raises(AssertionError, match="holds links"):
        runner.run("score.yml", "propose", "Commit")
    (clone.root / "scored" / "link").unlink()
    runner.run("score.yml", "propose", "Commit")
    names = git(clone.root, "show", "--format=", "--name-only").split()
    assert sorted(Path(name).suffix for name in names) == [".json", ".parquet"]
    assert all(name.startswith("leaderboard/results/micro/") for name in names)
    runner.run("score.yml", "propose", "Push, and open the pull request", BASE="main")
    auth, create, *_ = runner.told("gh").splitlines()
    assert auth == "auth setup-git"
    assert create.startswith("pr create --base main --head scheduled-results")
    with pytest.raises(AssertionError, match="::error::the branch scheduled-results is there"):
        runner.run("score.yml", "score", "Stop where the last results wait for a review")

    (runner.aside / "output").unlink()
    models.write_text(f"{MODEL}\n")
    assert "every listed model has" in runner.run("score.yml", "score", "Score what is missing")
    assert runner.told("output") == ""
