"""A whole build at a tiny size: same bytes always, also after being killed anywhere."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.request import BuildRequest, work_root
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.recipes.model import Recipe
from spurbench_builders.run import build as build_module
from tests.conftest import picture

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.builders.preload"])


def tiny_recipe(**changes: dict[str, Any]) -> Recipe:
    data = load_recipe("micro").model_dump(mode="json") | {"name": "tiny"}
    data["references"] |= {"pool": 24, "count": 3, "validation": 2}
    data["prior"] |= {"images": 3}
    data["training"] |= {"steps": 5, "checkpoint_every": 2}
    data["sampling"] |= {"steps": 3, "batch": 2}
    for part, values in changes.items():
        data[part] |= values
    return Recipe.model_validate(data)


def request(out: Path, **options: Any) -> BuildRequest:
    card = next(c for c in plugins.domain("micro").cards() if c.name == "hummingbird")
    recipe = options.pop("recipe", None) or tiny_recipe()
    return BuildRequest(recipe, (card,), 4, options.pop("seed", 0), out, **options)


def digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def run_and_die(out: Path, at_rename: int | None, after_seconds: float | None) -> None:
    """Build in this process and kill it at the given rename into place, or after a time."""
    seen = 0
    originals = {name: getattr(Path, name) for name in ("replace", "rename")}

    def counting(name: str) -> Any:
        def move(self: Path, target: Path) -> Path:
            nonlocal seen
            seen += 1
            if seen == at_rename:
                os.kill(os.getpid(), signal.SIGKILL)
            moved: Path = originals[name](self, target)
            return moved

        return move

    for name in originals:
        setattr(Path, name, counting(name))
    if after_seconds is not None:
        timer = threading.Timer(after_seconds, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
    for _ in build_module.build(request(out)):
        pass


def in_child(out: Path, at_rename: int | None = None, after_seconds: float | None = None) -> int:
    child = SPAWN.Process(target=run_and_die, args=(out, at_rename, after_seconds))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("build") / "spurbench"
    assert in_child(out) == 0
    return out


def test_what_a_build_leaves(undisturbed: Path) -> None:
    assert set(digests(undisturbed)) == {
        "README.md",
        "croissant.json",
        "manifest.json",
        "contact/hummingbird.png",
        *(f"data/hummingbird/{s}-00000-of-00001.parquet" for s in ("si", "generated", "val")),
    }
    data = load_dataset(str(undisturbed), "hummingbird")
    assert {k: len(v) for k, v in data.items()} == {"si": 24, "generated": 4, "val": 2}
    row = data["generated"][1]
    assert row["prompt"] == "a photo of a sks flower" and row["seed"] == 1
    assert row["recipe"] == f"tiny@{tiny_recipe().fingerprint()[:12]}"
    assert [p["model"] for p in row["predictions"]] == [n.spec for n in tiny_recipe().panel]
    assert 0 <= row["object_probability"] <= 1 and row["nearest_distance"] > 0
    assert row["degenerate"] is False and row["image"].size == (64, 64)
    chosen = [r for r in data["si"] if r["is_training_reference"]]
    assert len(chosen) == 3 and all(r["consistently_spurious"] for r in chosen)
    assert row["nearest_reference"] in {r["origin"] for r in chosen}


def test_killed_now_and_then_it_ends_in_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    """Killed at its first rename, in the middle of the steps, and late; none loses anything."""
    out = tmp_path / "spurbench"
    assert [in_child(out, at_rename=n) for n in (1, 9, 5)] == [-signal.SIGKILL] * 3
    assert in_child(out) == 0
    assert digests(out) == digests(undisturbed)


@pytest.mark.slow
def test_killed_at_every_turn_it_ends_in_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    """Every run is killed at a rename a little further on."""
    out = tmp_path / "spurbench"
    codes: list[int] = []
    while not codes or codes[-1] != 0:
        codes.append(in_child(out, at_rename=1 + len(codes) % 8))
    assert set(codes) == {-signal.SIGKILL, 0} and len(codes) > 6
    assert digests(out) == digests(undisturbed)


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_in_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    """However far each run comes in its time."""
    out = tmp_path / "spurbench"
    for turn in range(4):
        in_child(out, after_seconds=1.0 + 1.3 * turn)
    assert in_child(out) == 0
    assert digests(out) == digests(undisturbed)


def test_a_lost_data_set_folder_comes_back_from_finished_steps(
    undisturbed: Path, tmp_path: Path
) -> None:
    import shutil

    out = tmp_path / "spurbench"
    shutil.copytree(work_root(undisturbed), work_root(out))
    events = list(build_module.build(request(out)))
    assert {e.step for e in events} == {"install"}
    assert digests(out) == digests(undisturbed)


def test_fresh_takes_nothing_over_and_one_failed_class_stops_no_other(tmp_path: Path) -> None:
    out = tmp_path / "spurbench"
    recipe = tiny_recipe(references={"pool": 6, "count": 3})
    cards = tuple(
        c for c in plugins.domain("micro").cards() if c.name in {"fireboat", "hummingbird"}
    )
    wanted = BuildRequest(recipe, cards, 2, 0, out)
    with pytest.raises(UserError, match=r"1 of 2 classes were not built: fireboat: only \d of 6"):
        list(build_module.build(wanted))
    assert (out / "data" / "hummingbird").is_dir() and not (out / "data" / "fireboat").exists()
    bird = tuple(c for c in cards if c.name == "hummingbird")
    more = BuildRequest(recipe, bird, 3, 0, out)
    steps = {e.step for e in build_module.build(more)}
    assert "train" not in steps and "sample" in steps
    again = {e.step for e in build_module.build(replace(more, fresh=True))}
    assert {"references", "prior", "train", "sample"} <= again


def test_another_seed_or_recipe_is_another_work_folder(undisturbed: Path, tmp_path: Path) -> None:
    from spurbench_builders.models.needed import Models
    from spurbench_builders.steps.job import job_of
    from spurbench_builders.team import Team

    def root(**options: Any) -> str:
        wanted = request(tmp_path / "spurbench", **options)
        models = Models(wanted.recipe, plugins.domain("micro"), Team())
        return job_of(wanted, wanted.classes[0], models, Team()).root.name

    edited = tiny_recipe(training={"learning_rate": 2e-4})
    names = {root(), root(seed=1), root(recipe=edited)}
    assert len(names) == 3
    assert root() in {p.name for p in work_root(undisturbed).iterdir()}


def test_too_few_consistent_references_is_an_error_and_leaves_no_data_set(tmp_path: Path) -> None:
    out = tmp_path / "spurbench"
    recipe = tiny_recipe(references={"pool": 4, "count": 4})
    with pytest.raises(
        UserError, match=r"only \d of 4 references fool the whole panel, 4 are needed"
    ):
        list(build_module.build(request(out, recipe=recipe)))
    assert not out.exists()


def test_networks_that_cannot_play_their_part_are_refused_before_any_work(tmp_path: Path) -> None:
    out = tmp_path / "spurbench"
    recipe = tiny_recipe(similarity={"robust": "micro/referee"})
    with pytest.raises(UserError, match="knows the labels of 'micro-contents'"):
        next(build_module.build(request(out, recipe=recipe)))
    assert not list(work_root(out).glob("hummingbird*"))


def test_own_references_are_used_as_they_are(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.mkdir()
    for i in range(3):
        (own / f"{i}.png").write_bytes(png_bytes(picture(i, (90, 120))))
    out = tmp_path / "spurbench"
    list(build_module.build(request(out, own_references=own)))
    data = load_dataset(str(out), "hummingbird")
    assert data["si"]["origin"] == ["0.png", "1.png", "2.png"]
    assert data["si"]["is_training_reference"] == [True] * 3
    (own / "1.png").write_bytes(b"cut")
    with pytest.raises(UserError, match=r"1\.png: cannot be read"):
        list(build_module.build(request(out, own_references=own)))
