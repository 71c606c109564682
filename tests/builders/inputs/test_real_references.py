"""Spurious ImageNet as references, and what is looked at before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs.importing import import_folder
from spurbench_builders.inputs.pool import check_pools, pool_of
from spurbench_builders.inputs.request import BuildRequest
from spurbench_builders.models import where
from spurbench_builders.recipes.files import derived, load_recipe
from spurbench_builders.run.build import build
from tests.builders.inputs.spurious_imagenet import write_folders, write_listed, zipped
from tests.conftest import picture

IMAGENET = plugins.domain("imagenet")
CARDS = {card.label: card for card in IMAGENET.cards()}


def request(references: Path, *labels: int, pool: int = 75, out: Path = Path("x")) -> BuildRequest:
    recipe = derived(load_recipe("sd15"), {"references": {"pool": pool}}, "test")
    return BuildRequest(recipe, tuple(CARDS[k] for k in labels), 4, 0, out, references)


def pixels(references: Path, label: int, pool: int = 75) -> list[np.ndarray]:
    wanted = request(references, label, pool=pool)
    return [np.asarray(p.image()) for p in pool_of(wanted, IMAGENET, CARDS[label])]


def test_spurious_imagenet_is_taken_by_label_in_every_form(tmp_path: Path) -> None:
    counts = {94: 3, 105: 1, 554: 4}
    folders = write_folders(tmp_path / "si", counts)
    # Its names are not the cards' names here: labels decide.
    listed = write_listed(tmp_path / "listed", counts)
    for form in (folders, zipped(folders), listed, zipped(listed)):
        for label, count in counts.items():
            found = pixels(form, label)
            made = [np.asarray(picture(100 * label + i, (13, 9))) for i in range(count)]
            np.testing.assert_array_equal(found, made)
        assert len(pixels(form, 554, pool=2)) == 2
        with pytest.raises(UserError, match="holds no pictures of class tench"):
            pixels(form, 0)


def test_raw_and_imported_give_the_same_pool(tmp_path: Path) -> None:
    """Origins and all, so that a build of one takes the other's finished steps over."""
    raw = write_folders(tmp_path / "si", {94: 3, 105: 2})
    list(import_folder(raw, tmp_path / "imported"))
    for label in (94, 105):
        pools = [
            pool_of(request(place, label), IMAGENET, CARDS[label])
            for place in (raw, tmp_path / "imported")
        ]
        assert pools[0] == pools[1]


def test_another_domain_takes_spurious_imagenet_by_name(tmp_path: Path) -> None:
    micro = plugins.domain("micro")
    koala = next(card for card in micro.cards() if card.name == "koala")
    raw = write_folders(tmp_path / "si", {94: 3, 105: 2})
    wanted = BuildRequest(load_recipe("micro"), (koala,), 4, 0, tmp_path / "x", raw)
    assert [p.origin for p in pool_of(wanted, micro, koala)] == [
        "spurious_class_105_component_1/0.png",
        "spurious_class_105_component_1/1.png",
    ]


def test_loose_pictures_and_subfolders_by_class_are_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    for i, name in enumerate(("hummingbird", "hummingbird", "koala", "koala", "koala")):
        (own / name).mkdir(parents=True, exist_ok=True)
        (own / name / f"{i}.png").write_bytes(png_bytes(picture(i)))
    wanted = request(own, 94, 105)
    assert not wanted.asks_panel
    origins = [[p.origin for p in pool_of(wanted, IMAGENET, CARDS[k])] for k in (94, 105)]
    assert origins == [["0.png", "1.png"], ["2.png", "3.png", "4.png"]]


def test_every_picture_of_every_class_is_read_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(where, "_from_hub", lambda repo, revision: fetched.append(repo))
    raw, out = write_folders(tmp_path / "si", {94: 2, 105: 3}), tmp_path / "out"
    check_pools(request(raw, 94, 105), IMAGENET)
    (raw / "spurious_class_105_component_1" / "2.png").write_bytes(b"cut")
    with pytest.raises(UserError, match=r"component_1/2\.png: cannot be read"):
        build(request(raw, 94, 105, out=out))
    with pytest.raises(UserError, match="ships no pictures; give yours with --references"):
        build(BuildRequest(load_recipe("sd15"), (CARDS[94],), 4, 0, out))
    assert fetched == [] and not out.exists() and not list(tmp_path.glob("out.work/*"))


def test_a_place_that_cannot_be_written_is_found_before_any_work(tmp_path: Path) -> None:
    raw = write_folders(tmp_path / "si", {94: 2})
    loop, taken = tmp_path / "loop", tmp_path / "taken"
    loop.symlink_to(loop)
    taken.write_text("a file")
    nowhere, strange = tmp_path / "nowhere", tmp_path / "a\udcff"
    nowhere.symlink_to("gone")
    for out, said in (
        (loop, "too many levels of symbolic links"),
        (nowhere, "is a link that leads nowhere"),
        (taken, "is a file"),
        (tmp_path / ("n" * 201), "a name of 201 bytes is too long .at most 200."),
        (tmp_path / ("é" * 101), "a name of 202 bytes is too long"),
        (strange, "the name is not UTF-8"),
    ):
        with pytest.raises(UserError, match=said):
            build(request(raw, 94, out=out))
