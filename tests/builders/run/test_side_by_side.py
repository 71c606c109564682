"""Classes side by side: the bytes of one after another, and nothing left behind by a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from spurbench import plugins
from spurbench.contracts import ClassCard
from spurbench.dataset.manifest import read_manifest
from spurbench.errors import UserError
from spurbench_builders import api
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.progress import Progress
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.run import side_by_side
from spurbench_builders.run.side_by_side import Crew, crew, processes
from tests.builders.run.test_build import digests, tiny_recipe

NAMES = ["koala", "hummingbird", "gondola"]


def cards(*names: str) -> tuple[ClassCard, ...]:
    known = {card.name: card for card in plugins.domain("micro").cards()}
    return tuple(known[name] for name in names)


def request(out: Path = Path("x"), jobs: int | None = None, **options: Any) -> BuildRequest:
    recipe = options.pop("recipe", None) or tiny_recipe()
    wanted = cards(*options.pop("names", NAMES))
    return BuildRequest(recipe, wanted, 3, 0, out, jobs=jobs, **options)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes one after another, by a caller who computes with two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    out = tmp_path_factory.mktemp("build") / "spurbench"
    seen = set()
    for _ in api.build(NAMES, recipe=tiny_recipe(), images=3, out=out, jobs=1):
        seen.add(torch.get_num_threads())
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert seen == {1} and after == 2  # the recipe's number, and then the caller's again
    return out


def test_the_bytes_are_those_of_one_after_another(one_by_one: Path, tmp_path: Path) -> None:
    out = tmp_path / "spurbench"
    events: list[Progress] = []
    for event in api.build(NAMES[::-1], recipe=tiny_recipe(), images=3, out=out, jobs=2):
        if not events:  # until then the lead waits in its first class
            until(lambda: len(list(tmp_path.glob("spurbench.work/*-*"))) == 2)
        events.append(event)
    assert digests(out) == digests(one_by_one)
    ended = [e.class_name for e in events if e.step == "install" and e.done]
    assert sorted(ended) == sorted(NAMES)
    alone = tmp_path / "alone"
    list(api.build(["hummingbird"], recipe=tiny_recipe(), images=3, out=alone))
    both = [read_manifest(folder).classes["hummingbird"] for folder in (out, alone)]
    assert both[0] == both[1] and both[0].provenance["threads"] == 1


def launch(folder: Path) -> subprocess.Popen[str]:
    data = tiny_recipe().model_dump(mode="json")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(data))
    words = ["build", "--recipe", "tiny.yaml", "--classes", ",".join(NAMES), "--images", "3"]
    return subprocess.Popen(
        [sys.executable, "-m", "spurbench", *words, "--out", "spurbench", "--jobs", "2"],
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def at_work(folder: Path) -> bool:
    """Whether two classes are being built."""
    return len(list(folder.glob("spurbench.work/*/prior"))) >= 2


def until(met: Any, *given: Any) -> None:
    for _ in range(6000):
        if met(*given):
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def gone(pids: list[int]) -> bool:
    states = [Path(f"/proc/{pid}/stat") for pid in pids]
    return not any(s.exists() and s.read_text().split(") ")[1][0] != "Z" for s in states)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are looked for in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_it_leaves_nobody_and_goes_on_to_the_same_bytes(
    number: signal.Signals, one_by_one: Path, tmp_path: Path
) -> None:
    lead = launch(tmp_path)
    until(at_work, tmp_path)
    helpers = children(lead.pid)
    assert len(helpers) == 1
    if number == signal.SIGINT:
        os.killpg(lead.pid, number)  # as a terminal sends Ctrl-C: to all of them
    else:
        lead.send_signal(number)
    _, err = lead.communicate()
    until(gone, helpers)
    assert lead.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}[number]
    said = err.splitlines()
    assert said[0] == "spurbench build: loading torch and diffusers ..."
    assert "Traceback" not in err
    if number != signal.SIGKILL:
        assert said[-1].startswith(f"spurbench: stopped by {number.name}; the same command")
    left = digests(tmp_path)
    list(api.build(NAMES, recipe=tiny_recipe(), images=3, out=tmp_path / "spurbench", jobs=1))
    assert digests(tmp_path / "spurbench") == digests(one_by_one)
    assert left.keys() - digests(tmp_path).keys() <= {
        name for name in left if "/." in name or name.startswith(".")
    }


def test_a_helper_that_dies_costs_its_class_only(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It takes its first class and ends; the lead builds the others."""
    monkeypatch.setattr(
        side_by_side,
        "START",
        "import json, pickle, sys; sys.path[:] = json.loads(sys.argv[1]); "
        "pickle.load(sys.stdin.buffer); print(pickle.load(sys.stdin.buffer).name, file=sys.stderr); "
        "sys.exit(7)",
    )
    with crew(request(), 1) as them:
        first = them.take()
        assert first is not None and first.name == "koala"

        def own() -> Iterator[Progress]:
            until(lambda: them.remaining < 2)  # the helper has taken one
            for card in (first, *iter(them.take, None)):
                assert card is not None
                yield Progress(card.name, "install", 1, 1)

        events = list(them.together(own()))
    assert capfd.readouterr().err == "hummingbird\n"
    assert sorted((e.class_name, e.step) for e in events) == [
        ("gondola", "install"),
        ("hummingbird", "failed"),
        ("koala", "install"),
    ]
    (failed,) = [e for e in events if e.step == "failed"]
    assert failed.note == "hummingbird: the process that built it ended (7); run the same again"


def test_a_helper_that_cannot_start_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "START", "import os; os._exit(3)")
    with crew(request(), 2) as them:
        until(lambda: all(helper.poll() is not None for helper in them.helpers))
        built = (Progress(card.name, "install", 1, 1) for card in iter(them.take, None))
        assert [e.class_name for e in them.together(built)] == NAMES


def test_no_helper_is_left_when_the_lead_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), crew(request(), 2) as them:
        helpers = them.helpers
        raise ZeroDivisionError
    assert [helper.returncode for helper in helpers] == [-signal.SIGKILL] * 2
    assert isinstance(them, Crew)


def test_how_many_processes_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes, cores, threads of the recipe, as asked -> processes."""
    for classes, cores, threads, jobs, expected in (
        (3, 2, 1, None, 2),
        (3, 8, 1, None, 3),
        (3, 8, 3, None, 2),
        (3, 8, 8, None, 1),
        (3, 8, 16, None, 1),
        (1, 8, 1, None, 1),
        (3, 8, 1, 1, 1),
        (3, 1, 1, 2, 2),
        (3, 8, 1, 9, 3),
    ):
        monkeypatch.setattr(side_by_side, "cores", lambda n=cores: n)
        recipe = tiny_recipe().model_copy(update={"threads": threads})
        wanted = request(recipe=recipe, jobs=jobs, names=NAMES[:classes])
        assert processes(wanted) == expected, (classes, cores, threads, jobs)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes(request(jobs=2)) == 1


def test_on_a_gpu_classes_are_built_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(side_by_side, "cores", lambda: 8)
    anywhere = tiny_recipe().model_copy(update={"device": "auto"})
    assert processes(request(recipe=anywhere)) == 1
    with pytest.raises(UserError, match="--jobs 2: on a GPU classes are built one after another"):
        processes(request(recipe=anywhere, jobs=2))
    assert processes(request()) == 3  # micro stays on the CPU


def test_threads_come_from_the_recipe_or_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    from spurbench_builders import threads

    monkeypatch.setattr(threads, "cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert (threads.threads_for(2), threads.threads_for(None)) == (2, 6)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert (threads.threads_for(2), threads.threads_for(None)) == (2, 3)
    assert load_recipe("micro").threads == 1 and load_recipe("sd15").threads is None
    assert os.environ["OMP_NUM_THREADS"] == "3"
