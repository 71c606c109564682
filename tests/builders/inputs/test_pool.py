"""Where a build's pictures come from: the domain, a data set, or a folder of the user's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.pool import (
    PoolPicture,
    domain_pool,
    own_pool,
    pool_fingerprint,
    pool_of,
    validation_pool,
)
from tests.builders.made import (
    CARD,
    OTHER,
    MadeDomain,
    made_pool,
    made_recipe,
    made_request,
    marked,
)
from tests.conftest import make_class


def test_the_first_of_the_domains_own_pictures() -> None:
    pool = domain_pool(MadeDomain(), CARD, 3)
    assert pool == [PoolPicture(png_bytes(marked(n)), f"reference {n}") for n in (10, 20, 30)]
    assert [p.origin for p in domain_pool(MadeDomain(), OTHER, 2)] == [
        "reference 100",
        "reference 101",
    ]
    shown = validation_pool(MadeDomain(), CARD, 2)
    assert shown == [PoolPicture(png_bytes(marked(n)), f"validation {n}") for n in (200, 201)]


def test_a_pool_picture_is_its_bytes_decoded() -> None:
    image = marked(40, (9, 5))
    assert PoolPicture(png_bytes(image), "x").image().tobytes() == image.tobytes()
    with pytest.raises(UserError, match="^from afar: cannot be read"):
        PoolPicture(b"cut", "from afar").image()


def test_the_request_says_how_many_and_of_what() -> None:
    request = made_request(Path("x"), made_recipe(references={"pool": 4}))
    pool = pool_of(request, MadeDomain(), CARD)
    assert pool == tuple(domain_pool(MadeDomain(), CARD, 4))
    assert pool_of(request, MadeDomain(), OTHER) == tuple(domain_pool(MadeDomain(), OTHER, 4))


def test_a_data_sets_references_are_its_split_si(tmp_path: Path) -> None:
    """Of the class asked for, as many as the recipe takes; not what was generated before."""
    data = tmp_path / "set"
    make_class(data, tmp_path / "aside", "freight_car", label=3, count=5, seed=7)
    make_class(data, tmp_path / "aside", "koala", label=7, count=4, seed=300)
    make_class(data, tmp_path / "aside", "tench", label=9, splits=("generated",), seed=900)
    recipe = made_recipe(references={"pool": 3})
    request = made_request(tmp_path / "x", recipe, own_references=data)
    pool = pool_of(request, MadeDomain(), CARD)
    from tests.conftest import picture

    # make_class draws split k's picture i from seed + 100 k + i, and si comes second.
    assert [p.image().tobytes() for p in pool] == [picture(107 + i).tobytes() for i in range(3)]
    assert [p.origin for p in pool] == ["made 0", "made 1", "made 2"]
    with pytest.raises(UserError, match=r"set: holds no reference pictures \(split si\) of class"):
        pool_of(request, MadeDomain(), replace(CARD, name="tench"))


def write(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        (folder / name).write_bytes(png_bytes(marked(i + 1)))


def test_a_folders_pictures_are_all_taken_by_name_whatever_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "own", "c.png", "a.png", "d.png", "b.png")
    straight = Path.iterdir

    def backwards(self: Path) -> Any:
        return iter(sorted(straight(self), reverse=True))

    monkeypatch.setattr(Path, "iterdir", backwards)
    recipe = made_recipe(references={"pool": 1})
    pool = pool_of(
        made_request(tmp_path / "x", recipe, own_references=tmp_path / "own"), MadeDomain(), CARD
    )
    assert [p.origin for p in pool] == ["a.png", "b.png", "c.png", "d.png"]
    assert [p.image().tobytes() for p in pool] == [marked(n).tobytes() for n in (2, 4, 1, 3)]


def test_of_several_classes_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    write(own, "loose1.png", "loose2.png")
    one = made_request(tmp_path / "x", own_references=own)
    assert [p.origin for p in pool_of(one, MadeDomain(), CARD)] == ["loose1.png", "loose2.png"]
    two = replace(one, classes=(CARD, OTHER))
    with pytest.raises(UserError, match="own/freight_car: no such folder"):
        pool_of(two, MadeDomain(), CARD)
    write(own / "freight_car", "1.png", "2.png", "3.png")
    for request in (one, two):
        found = pool_of(request, MadeDomain(), CARD)
        assert [p.origin for p in found] == ["1.png", "2.png", "3.png"]


def test_one_picture_is_too_few_and_two_are_enough(tmp_path: Path) -> None:
    write(tmp_path, "1.png")
    with pytest.raises(UserError) as caught:
        own_pool(tmp_path, "koala")
    assert str(caught.value) == f"{tmp_path}: holds 1 picture; at least 2 are needed"
    write(tmp_path, "1.png", "2.png")
    assert len(own_pool(tmp_path, "koala")) == 2


def test_a_name_that_is_no_text_is_still_an_origin(tmp_path: Path) -> None:
    write(tmp_path, "b.png")
    (tmp_path / "a\udcff.png").write_bytes(png_bytes(Image.new("RGB", (3, 4))))
    assert [p.origin for p in own_pool(tmp_path, "koala")] == ["a\\udcff.png", "b.png"]


def test_a_pools_fingerprint_is_a_hash_of_names_and_bytes() -> None:
    pool = made_pool(10, 20)
    listed = [[p.origin, hashlib.sha256(p.data).hexdigest()] for p in pool]
    text = json.dumps(listed, separators=(",", ":"))
    assert pool_fingerprint(pool) == hashlib.sha256(text.encode()).hexdigest()
    assert pool_fingerprint(pool[::-1]) != pool_fingerprint(pool)
