"""CITATION.cff is Citation File Format 1.2, and says what the package and the cards say."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import yaml

from spurbench.dataset.about import citation
from tests.conftest import ROOT


def cff() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return found


def test_it_has_what_the_format_requires() -> None:
    found = cff()
    assert {"cff-version", "message", "title", "authors"} <= found.keys()
    assert found["cff-version"] == "1.2.0" and found["type"] == "software"
    for entry in [found, *found["references"]]:
        assert entry["title"] and entry["authors"]
        for author in entry["authors"]:
            assert set(author) in ({"name"}, {"family-names", "given-names"})
    for paper in found["references"]:
        assert {"type", "title", "authors"} <= paper.keys() and isinstance(paper["year"], int)
        assert all(i["type"] in {"doi", "url", "swh", "other"} for i in paper["identifiers"])


def test_its_version_is_the_packages_and_its_papers_are_the_cards() -> None:
    found, bibtex = cff(), citation()
    assert found["version"] == version("spurbench") and f"{{{found['version']}}}" in bibtex
    for paper in found["references"]:
        (identifier,) = paper["identifiers"]
        assert identifier["value"].removeprefix("arXiv:") in bibtex
        for author in paper["authors"]:
            assert f"{author['family-names']}, {author['given-names']}" in bibtex
