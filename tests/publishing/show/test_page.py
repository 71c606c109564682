"""What a page says, from its text alone: numbers, facts, references; bytes that are the same again."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spurbench.dataset.read import open_data_set
from spurbench.dataset.schema import Row
from spurbench_publishing.show import embed, facts
from spurbench_publishing.show.facts import label_names, settings, shown_pictures, threshold_of
from spurbench_publishing.show.page import page
from spurbench_publishing.show.summary import Share, numbers
from tests.conftest import ROOT, picture
from tests.core.dataset.made_rows import (
    HOSTILE,
    encoded,
    install,
    put_hostile,
    put_koala,
    put_other,
    references,
    row,
)


class Read(HTMLParser):
    """Elements of a page with their attributes, and the text of its scripts."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._within = ""
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "set"
    put_koala(folder)
    put_other(folder)
    return folder


def test_the_numbers_of_a_split(folder: Path) -> None:
    data_set = open_data_set(folder)
    shown = [each for each, _ in shown_pictures(data_set, "koala", {})]
    of = {
        split: numbers(split, [p for p in shown if p.split == split], ["made/one", "made/two"])
        for split in ("si", "generated", "val")
    }
    assert dict(of["si"].members) == {"made/one": Share(2, 3), "made/two": Share(1, 3)}
    assert of["si"].fools_all == Share(1, 3) and of["si"].object_found == Share(0, 0)
    made = of["generated"]
    assert dict(made.members) == {"made/one": Share(4, 4), "made/two": Share(3, 4)}
    assert made.fools_all == Share(3, 4)
    assert made.object_found == Share(1, 3)  # of one it is not known
    assert made.near_copy == made.degenerate == made.flagged == Share(1, 4)
    assert of["val"].members == (("made/one", Share(0, 0)), ("made/two", Share(0, 0)))
    assert Share(0, 0).percent == "-" and Share(0, 0).interval == ""
    # Wilson, 3 of 4: (2 * 3 + z^2 +- z sqrt(z^2 + 4 * 3 * 1 / 4)) / (2 (4 + z^2))
    z = 1.959963984540054
    low, high = (
        (6 + z * z + sign * z * math.sqrt(z * z + 3)) / (2 * (4 + z * z)) for sign in (-1, 1)
    )
    assert Share(3, 4).percent == "75.0"
    assert Share(3, 4).interval == f"[{100 * low:.1f}, {100 * high:.1f}]"


def test_what_is_shown_of_a_picture(folder: Path) -> None:
    data_set = open_data_set(folder)
    names = label_names(data_set.manifest)
    shown = {each.key: each for each, _ in shown_pictures(data_set, "koala", names)}
    copy = shown["koala.generated.2"]
    assert copy.nearest == "koala.si.1" and copy.distance == 0.05 and copy.fooled == 1
    assert [(s.member, s.name, s.fooled) for s in copy.said] == [
        ("made/one", "koala", True),
        ("made/two", names[7], False),
    ]
    assert shown["koala.generated.1"].words == "fools 2 of 2, object found"
    assert copy.words == "fools 1 of 2, no object found, degenerate"
    assert shown["koala.si.2"].said[0].name == "none of the labels"
    assert dict(shown["koala.si.0"].told)["author"] == "A. Uthor"
    assert dict(copy.told)["seed"] == "42" and "licence" not in dict(copy.told)
    assert not shown["koala.val.0"].words


def test_of_references_of_one_name_the_one_that_was_trained_on(tmp_path: Path) -> None:
    rows = [row(i, "si", i, origin="twice", is_training_reference=i == 1) for i in range(3)]
    made = [row(9, "generated", 0, nearest_reference="twice", nearest_distance=0.2)]
    install(tmp_path / "set", "koala", {"si": rows, "generated": made})
    shown = [p for p, _ in shown_pictures(open_data_set(tmp_path / "set"), "koala", {})]
    assert [p.nearest for p in shown] == [None, None, None, "koala.si.1"]


def test_settings_by_part_and_name() -> None:
    made = settings(
        {"seed": 7, "recipe": {"b": {"c": [1, 2], "a": None}, "name": "x"}, "empty": {}}
    )
    assert made == [
        ("", [("empty", "{}"), ("seed", "7")]),
        ("recipe", [("b.a", "-"), ("b.c", "1, 2"), ("name", "x")]),
    ]


@pytest.mark.parametrize(
    ("audit", "expected"), [({"threshold": 0.6}, 0.6), ({"threshold": "x"}, 0.5), (3, 0.5)]
)
def test_the_threshold_is_the_recipes(folder: Path, audit: object, expected: float) -> None:
    entry = open_data_set(folder).manifest.classes["koala"]
    changed = entry.model_copy(update={"provenance": {"recipe": {"audit": audit}}})
    assert threshold_of(changed) == expected


def test_a_page_is_whole_and_the_same_again(folder: Path) -> None:
    data_set = open_data_set(folder)
    made = page(data_set, ["koala", "freight_car"])
    assert made.html == page(open_data_set(folder), ["koala", "freight_car"]).html
    read = Read(made.html)
    images = read.all("img")
    rows = [
        (slug, split, each)
        for slug in ("koala", "freight_car")
        for split in ("si", "generated", "val")
        if (slug, split) in data_set.groups()
        for each in data_set.rows(slug, split)
    ]
    assert len(images) == len(rows) == 12
    for image, (_, split, each) in zip(images, rows, strict=True):
        assert image["src"] == f"data:image/png;base64,{base64.b64encode(each.data).decode()}"
        assert (image["width"], image["height"]) == ("9", "6")
        assert (image["alt"] or "").startswith(f"{each.class_name}, {split} {each.index}")
    data = json.loads(read.scripts[0])
    assert [p["key"] for p in data["pictures"]][:2] == ["koala.si.0", "koala.si.1"]
    assert data["members"] == ["made/one", "made/two"]


def test_nothing_is_loaded_and_only_our_own_script_and_style_run(folder: Path) -> None:
    html = page(open_data_set(folder), ["koala"]).html
    read = Read(html)
    (policy,) = [
        meta["content"] or ""
        for meta in read.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html.decode(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))


def test_attacks_are_text(tmp_path: Path) -> None:
    put_hostile(tmp_path / "set")
    html = page(open_data_set(tmp_path / "set"), ["hostile"]).html
    read = Read(html)
    assert [tag for tag, _ in read.elements if tag in {"svg", "iframe", "object"}] == []
    assert len(read.all("script")) == 2 and len(read.all("img")) == len(HOSTILE)
    told = [dict(p["told"]) for p in json.loads(read.scripts[0])["pictures"]]
    assert [each["prompt"] for each in told[:3]] == list(HOSTILE[:3])
    assert "\\u2028" in told[3]["prompt"] and "\\u202e" in told[3]["prompt"]  # shown, not obeyed
    assert not set("\u2028\u2029\u202e") & set(html.decode())
    assert b"49 " not in html.split(b"<main>")[1]  # no template within the data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_small_pictures_keep_their_bytes_where_browsers_show_them(kind: str) -> None:
    data = encoded(picture(1, (20, 12)), kind)
    made = embed.embedded(data, 10_000)
    kept = kind in {"PNG", "JPEG", "WEBP"}
    assert (made.width, made.height) == (20, 12) and made.reduced is not kept
    head, _, text = made.uri.partition(",")
    assert head == f"data:image/{kind.lower() if kept else 'webp'};base64"
    assert (base64.b64decode(text) == data) is kept


def test_large_pictures_are_reduced_to_their_share() -> None:
    """As large as fits, never larger; noise, which packs worst."""
    data = encoded(picture(2, (640, 320)), "PNG")
    sizes = []
    for share in (100_000, 20_000, 5_000, 700):
        made = embed.embedded(data, share)
        stored = base64.b64decode(made.uri.partition(",")[2])
        assert made.reduced and (made.width, made.height) == (640, 320) and len(stored) <= share
        sizes.append(Image.open(io.BytesIO(stored)).size)
        assert made == embed.embedded(data, share)
    assert sizes[0][0] > 200 and sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 4
    assert all(abs(width / height - 2) < 0.1 for width, height in sizes)


def test_two_hundred_pictures_of_512_px_stay_below_the_stated_size() -> None:
    share = embed.share_of(200)
    noise = encoded(picture(3, (512, 512)), "PNG")
    assert len(noise) > 700_000
    longest = len(embed.embedded(noise, share).uri)
    assert 0.25 * embed.PICTURES_BYTES < 200 * longest <= embed.PICTURES_BYTES + 200 * 40
    collage = Image.new("RGB", (512, 512))
    for i, path in enumerate(sorted((ROOT / "tests/data/real").glob("*.[jp]*g"))):
        collage.paste(Image.open(path).convert("RGB"), (i % 4 * 150, i // 4 * 150))
    shown = base64.b64decode(embed.embedded(encoded(collage, "PNG"), share).uri.partition(",")[2])
    assert max(Image.open(io.BytesIO(shown)).size) >= 384


def test_a_picture_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    rows: list[Row] = [*references(), row(0, "si", 3, data=b"<svg onload=alert(1)>")]
    install(tmp_path / "set", "koala", {"si": rows})
    html = page(open_data_set(tmp_path / "set"), ["koala"]).html.decode()
    assert "koala, si 3: picture: cannot be read as a picture" in html
    assert html.count("<img ") == 3 and "<svg" not in html


def test_a_domain_that_is_not_installed_has_the_data_sets_names(folder: Path) -> None:
    manifest = open_data_set(folder).manifest.model_copy(update={"domain": "elsewhere"})
    assert facts.label_names(manifest) == {5: "koala", 1: "freight car"}


def test_numbers_that_are_none_are_not_known(tmp_path: Path) -> None:
    """JSON has no NaN, and a browser would refuse the whole page for one."""
    odd: dict[str, Any] = {"object_probability": math.nan, "nearest_distance": math.inf}
    install(tmp_path / "set", "koala", {"generated": [row(0, "generated", 0, **odd)]})
    html = page(open_data_set(tmp_path / "set"), ["koala"]).html
    (only,) = json.loads(Read(html).scripts[0], parse_constant=pytest.fail)["pictures"]
    assert only["object_probability"] is only["object_found"] is only["distance"] is None
