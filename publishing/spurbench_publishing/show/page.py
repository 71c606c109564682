"""Pages as HTML: nothing in them comes from elsewhere, and no text of a data set is markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from spurbench.dataset.manifest import Manifest
from spurbench.dataset.read import DataSet
from spurbench.html import asset, environment, policy_hash
from spurbench.parallel import cores, ordered_map
from spurbench.printing import one_line

from .embed import Embedded, embedded, share_of
from .facts import (
    NEAR,
    Shown,
    label_names,
    members_of,
    settings,
    shown_pictures,
    splits_of,
    threshold_of,
)
from .summary import SplitNumbers, numbers

PACKAGE = "spurbench_publishing.show"
MARK = "spurbench show"
"""Stands in every page as its generator."""
AHEAD = 32
"""Pictures in memory at a time, beside what is ready."""


@dataclass(frozen=True)
class ClassFacts:
    """What a page says of a class as a whole."""

    slug: str
    name: str
    label: int
    feature: str
    threshold: float
    splits: list[SplitNumbers]
    members: list[str]
    settings: list[tuple[str, list[tuple[str, str]]]]

    @property
    def pictures(self) -> int:
        """How many pictures it has."""
        return sum(split.pictures for split in self.splits)


@dataclass(frozen=True)
class Page:
    """A page's bytes, and of each of its classes what it says."""

    html: bytes
    classes: list[ClassFacts]


def page(data_set: DataSet, slugs: Sequence[str], index: str = "") -> Page:
    """One page of some classes; ``index`` is the page that leads to it, if one does."""
    names = label_names(data_set.manifest)
    share = share_of(count(data_set.manifest, slugs))
    classes: list[ClassFacts] = []
    pictures: list[tuple[Shown, Embedded]] = []
    for slug in slugs:
        found = list(_embedded(shown_pictures(data_set, slug, names), share))
        classes.append(_class_facts(data_set.manifest, slug, [shown for shown, _ in found]))
        pictures += found
    shown = [picture for picture, _ in pictures]
    html = _render(
        "page",
        data_set.manifest,
        index=index,
        classes=classes,
        pictures=pictures,
        members=members_of(shown),
        splits=list(dict.fromkeys(picture.split for picture in shown)),
        reduced=sum(picture.reduced for _, picture in pictures),
        near=NEAR,
        data={"pictures": [_as_data(each) for each in shown], "members": members_of(shown)},
    )
    return Page(html, classes)


def index_page(manifest: Manifest, classes: Sequence[ClassFacts]) -> bytes:
    """A page that leads to those of the classes, which are called classes/SLUG.html."""
    return _render("index", manifest, classes=classes)


def count(manifest: Manifest, slugs: Sequence[str]) -> int:
    """How many pictures the classes have."""
    return sum(split.pictures for s in slugs for split in manifest.classes[s].splits.values())


def _embedded(
    pictures: Iterator[tuple[Shown, bytes]], share: int
) -> Iterator[tuple[Shown, Embedded]]:
    """Each picture made ready for the page, side by side: decoding and packing take the time."""

    def made(each: tuple[Shown, bytes]) -> tuple[Shown, Embedded]:
        return each[0], embedded(each[1], share)

    with closing(ordered_map(made, pictures, cores(), AHEAD)) as done:
        yield from done


def _class_facts(manifest: Manifest, slug: str, pictures: list[Shown]) -> ClassFacts:
    entry = manifest.classes[slug]
    members = members_of(pictures)
    splits = [
        numbers(split, [p for p in pictures if p.split == split], members)
        for split in splits_of(entry)
    ]
    return ClassFacts(
        slug,
        one_line(entry.name),
        entry.label,
        one_line(entry.feature),
        threshold_of(entry),
        splits,
        members,
        settings(entry.provenance),
    )


def _as_data(picture: Shown) -> dict[str, Any]:
    """A picture's facts for the page's script."""
    return asdict(picture) | {"fooled": picture.fooled, "words": picture.words}


def _render(template: str, manifest: Manifest, **values: Any) -> bytes:
    style, script = asset(PACKAGE, "page.css"), asset(PACKAGE, "page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{policy_hash(style)}'; script-src '{policy_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    text = (
        environment(PACKAGE)
        .get_template(f"{template}.html.j2")
        .render(
            mark=MARK,
            policy=policy,
            style=style,
            script=script,
            name=one_line(manifest.name),
            domain=manifest.domain,
            version=manifest.version,
            fingerprint=manifest.fingerprint(),
            **values,
        )
    )
    return text.encode()
