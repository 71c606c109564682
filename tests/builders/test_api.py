"""Building from Python: the command line's words, checked when asked, run when wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench import plugins
from spurbench.errors import UserError
from spurbench_builders import api
from spurbench_builders.recipes.files import load_recipe
from tests.builders.run.test_build import digests, tiny_recipe


def test_it_runs_to_the_end_or_tells_its_progress(tmp_path: Path) -> None:
    asked = api.build(
        ["hummingbird"], recipe=tiny_recipe(), images=3, seed=2, out=str(tmp_path / "one")
    )
    assert not asked.out.exists() and not asked.work.exists()
    data_set = asked.run()
    assert [(p.split, p.index) for p in data_set.pictures(splits=["generated"])] == [
        ("generated", 0),
        ("generated", 1),
        ("generated", 2),
    ]
    other = api.build("hummingbird", recipe=tiny_recipe(), images=3, seed=2, out=tmp_path / "two")
    events = list(other)
    assert [e.step for e in events if e.done == e.total] == [
        *("references", "prior", "train", "sample", "audit", "splits", "install")
    ]
    assert {e.class_name for e in events} == {"hummingbird"}
    assert digests(other.out) == digests(asked.out)
    assert {e.step for e in other} == {"install"}  # again: nothing is left to do


def test_every_word_reaches_the_request(tmp_path: Path) -> None:
    asked = api.build(
        "Freight Car, koala,koala",
        recipe="micro-lora",
        images=9,
        seed=7,
        out=tmp_path / "x",
        references=str(tmp_path),
        filter_references=True,
        shard="2/2",
        jobs=3,
        fresh=True,
    ).request
    assert [card.slug for card in asked.classes] == ["koala"]
    assert asked.recipe == load_recipe("micro-lora")
    assert (asked.images, asked.seed, asked.fresh, asked.filter_own) == (9, 7, True, True)
    assert (asked.own_references, asked.jobs) == (tmp_path, 3)
    assert asked.out == tmp_path / "x.shard-2-of-2"


def test_wrong_arguments_are_refused_when_asked(tmp_path: Path) -> None:
    for words, said in (
        ({"images": 0}, "images 0: give a whole number from 1 to 100,000"),
        ({"seed": -1}, "seed -1: give a whole number from 0 to 1,000,000"),
        ({"seed": 1_000_001}, "seed 1000001"),
        ({"recipe": "micr"}, "unknown recipe 'micr'"),
        ({"shard": "3/2"}, "--shard '3/2'"),
        ({"jobs": 0}, "jobs 0: give a whole number from 1 to 1,024"),
    ):
        with pytest.raises(UserError, match=said):
            api.build("koala", out=tmp_path / "x", **words)
    with pytest.raises(UserError, match="unknown class 'kuala'; did you mean 'koala'"):
        api.build("kuala")
    with pytest.raises(UserError, match="names no class"):
        api.build([])


def test_all_is_every_class_and_a_shard_beyond_the_last_has_none(tmp_path: Path) -> None:
    names = [card.name for card in plugins.domain("micro").cards()]
    assert [c.name for c in api.build("all", recipe="micro").request.classes] == names
    none = api.build("koala", recipe="micro", shard="2/2", out=tmp_path / "x")
    assert none.request.classes == () and list(none) == []
