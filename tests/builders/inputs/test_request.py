"""What a build is asked for, and class names as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_builders.inputs.request import cards_named, kind_of, work_root
from tests.builders.made import CARD, OTHER, MadeDomain, made_request

DOMAIN = MadeDomain()


def test_names_and_slugs_each_class_once_in_the_order_asked() -> None:
    assert cards_named(" Freight Car,koala , freight_car,", DOMAIN) == [CARD, OTHER]
    assert cards_named(["koala", "FREIGHT CAR"], DOMAIN) == [OTHER, CARD]
    assert cards_named("all", DOMAIN) == cards_named([" ALL "], DOMAIN) == [OTHER, CARD]


def test_a_name_that_is_not_known_is_refused_with_the_nearest() -> None:
    for wrong in ("koalla", "koala,koalla", "all,koalla"):
        with pytest.raises(UserError, match="unknown class '(koalla|all)'"):
            cards_named(wrong, DOMAIN)
    with pytest.raises(UserError) as caught:
        cards_named(["freight carr"], DOMAIN)
    assert "did you mean 'freight car'" in str(caught.value)
    assert str(caught.value).endswith(
        "(classes of domain micro; see `spurbench list classes --domain micro`)"
    )
    nothings: list[str | list[str]] = ["", " , ", []]
    for nothing in nothings:
        with pytest.raises(UserError) as caught:
            cards_named(nothing, DOMAIN)
        assert str(caught.value) == (
            "--classes names no class; give names separated by commas, or 'all'"
        )


def test_the_work_folder_lies_beside_the_data_set() -> None:
    assert work_root(Path("a/b.c")) == Path("a/b.c.work")


def test_the_panel_is_asked_unless_pictures_are_the_users_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert made_request(out).asks_panel and not made_request(out).fresh
    assert not made_request(out, own_references=tmp_path).asks_panel
    assert made_request(out, own_references=tmp_path, filter_own=True).asks_panel
    assert kind_of(tmp_path) == "pictures"
    (tmp_path / "manifest.json").write_text("{}")
    assert kind_of(tmp_path) == "data set"
    assert made_request(out, own_references=tmp_path).asks_panel
