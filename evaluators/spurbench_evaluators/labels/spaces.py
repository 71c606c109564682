"""ImageNet label spaces, from timm's synset lists or a user's file, mapped to ImageNet-1k by synset.

The known ones are data in label_spaces.json: a subset that timm's ImageNetInfo knows (or a list of
synsets that it has only as a file), and how many outputs that mean nothing stand before it
(TensorFlow's ImageNet-1k heads start with "background"). hyponyms.json has what lies below the 1,000 in
WordNet 3.0 (scripts/hyponyms.py), for the reading that counts a kind of a class as the class.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.contracts import LabelSpace
from spurbench.errors import UserError, short, unknown
from spurbench.files import sha256_file
from spurbench.numerals import index
from spurbench.reading import is_file, read_text, storable

if TYPE_CHECKING:
    from timm.data import ImageNetInfo

DOMAIN = "imagenet"
WAY_OUT = "name one with --label-space NAME, or give a file with a line an output"
_SYNSET = re.compile(r"n\d{8}")


def names() -> list[str]:
    """The label spaces that are known by name."""
    return list(_cards())


@cache
def named(name: str) -> LabelSpace:
    """The label space of that name; UserError with suggestions for an unknown one."""
    if name not in names():
        raise unknown("label space", name, names())
    synsets = _synsets(_cards()[name])
    labels = tuple(_labels().get(s, -1) for s in synsets)
    shown = tuple(_name(s) for s in synsets)
    if labels == tuple(range(1000)):
        return LabelSpace(name, DOMAIN, shown)
    return LabelSpace(name, DOMAIN, shown, labels, tuple(_kinds().get(s, -1) for s in synsets))


def for_head(spec: str, outputs: int, wanted: str | Path | None = None) -> LabelSpace:
    """The label space of a model with that many outputs: the one ``wanted`` (a name or a file), or
    the only known one of that size. UserError naming the choices where none or several fit."""
    if wanted is not None:
        space = by_name_or_file(wanted)
        if len(space.names) != outputs:
            raise UserError(
                f"label space {wanted} has {len(space.names)} outputs, but {spec} has {outputs}; "
                f"{choices(outputs)}"
            )
        return space
    if outputs == 0:
        raise UserError(f"{spec}: has no classifier head, only features; choose another model")
    fitting = [name for name in names() if _fits(_cards()[name], outputs)]
    if len(fitting) != 1:
        kind = f"could be {' or '.join(fitting)}" if fitting else "fits no known label space"
        raise UserError(f"{spec}: its head of {outputs} outputs {kind}; {choices(outputs)}")
    return named(fitting[0])


def by_name_or_file(wanted: str | Path) -> LabelSpace:
    """The label space of a known name, or that of a file; UserError where it is neither."""
    if str(wanted) in names():
        return named(str(wanted))
    path = Path(wanted)
    if not is_file(path):
        raise unknown("label space", str(wanted), names(), hint="(nor is there such a file)")
    return from_file(path)


def choices(outputs: int) -> str:
    """What a user can do about a head of that size, with the known label spaces and their sizes."""
    known = ", ".join(f"{name} {len(named(name).names)}" for name in names())
    return f"{WAY_OUT} ({outputs} of them); known: {known}"


def from_file(path: Path) -> LabelSpace:
    """A label space from a text file with one line an output.

    A line is a synset id (``n01833805``), an ImageNet-1k index (``94``), an ImageNet-1k class name
    (``hummingbird``), or ``-`` for an output that means none of the 1,000. A synset beyond the 1,000
    counts as none of them. UserError names the line that cannot be read or says a label again.
    """
    lines = read_text(path).splitlines()
    if not lines:
        raise UserError(f"{path}: is empty; it needs a line an output")
    labels: list[int] = []
    seen: dict[int, int] = {}
    for number, line in enumerate(lines, 1):
        label = _label(line.strip(), f"{path}, line {number}")
        if label in seen:
            raise UserError(
                f"{path}, line {number}: says ImageNet-1k label {label} again, after line {seen[label]}"
            )
        if label != -1:
            seen[label] = number
        labels.append(label)
    known = named("imagenet-1k").names
    shown = tuple(
        known[label] if label != -1 else _name(line.strip())
        for label, line in zip(labels, lines, strict=True)
    )
    kinds = tuple(
        _kinds().get(line.strip(), -1) if label == -1 else -1
        for label, line in zip(labels, lines, strict=True)
    )
    space = f"{storable(path.name)}:{sha256_file(path)[:8]}"
    return LabelSpace(space, DOMAIN, shown, tuple(labels), kinds if max(kinds) >= 0 else None)


def imagenet_words() -> list[set[str]]:
    """For each ImageNet-1k label what it goes by: its words in lower case, and its synset id."""
    return [_words(synset) | {synset} for synset in _imagenet().label_names()]


def _label(text: str, place: str) -> int:
    """ImageNet-1k label that a line of a label map means, -1 for none."""
    if text == "-":
        return -1
    if _SYNSET.fullmatch(text):
        return _labels().get(text, -1)
    if text.isascii() and text.isdigit():
        label = index(text, 999)
        if label is None:
            raise UserError(f"{place}: {short(text)} is no ImageNet-1k index (0 to 999)")
        return label
    labels = _labels_by_word().get(text.lower(), [])
    if len(labels) > 1:
        raise UserError(f"{place}: {text!r} names the labels {labels}; say which by its index")
    if not labels:
        raise unknown("ImageNet-1k class", text, _labels_by_word(), hint=f"({place})")
    return labels[0]


@cache
def _cards() -> dict[str, dict[str, Any]]:
    text = (resources.files(__package__) / "label_spaces.json").read_text(encoding="utf-8")
    cards: dict[str, dict[str, Any]] = json.loads(text)
    return cards


@cache
def _labels() -> dict[str, int]:
    return {synset: i for i, synset in enumerate(_imagenet().label_names())}


@cache
def _kinds() -> dict[str, int]:
    """Synsets below the 1,000 in WordNet, with the label that they are a kind of."""
    text = (resources.files(__package__) / "hyponyms.json").read_text(encoding="utf-8")
    below: dict[str, list[str]] = json.loads(text)
    return {synset: int(label) for label, synsets in below.items() for synset in synsets}


@cache
def _labels_by_word() -> dict[str, list[int]]:
    labels = defaultdict(list)
    for label, words in enumerate(imagenet_words()):
        for word in words:
            labels[word].append(label)
    return dict(labels)


@cache
def _imagenet() -> ImageNetInfo:
    """timm's ImageNet-1k; it knows the words of all the other subsets' synsets too."""
    from timm.data import ImageNetInfo

    return ImageNetInfo("imagenet-1k")


def _synsets(card: dict[str, Any]) -> list[str]:
    """What each output of a label space means: a synset, or ``-``."""
    from timm.data import ImageNetInfo

    if "subset" in card:
        synsets = ImageNetInfo(card["subset"]).label_names()
    else:  # ImageNetInfo does not know MIIL's winter list, though timm brings it
        path = resources.files("timm") / "data" / "_info" / card["synsets"]
        synsets = path.read_text(encoding="utf-8").splitlines()
    return ["-"] * card.get("before", 0) + list(synsets)


def _fits(card: dict[str, Any], outputs: int) -> bool:
    from timm.data import infer_imagenet_subset

    if "subset" not in card:
        return len(_synsets(card)) == outputs
    inferred = infer_imagenet_subset({"num_classes": outputs - card.get("before", 0)})
    return bool(inferred == card["subset"])


def _words(synset: str) -> set[str]:
    return {word.strip().lower() for word in _description(synset).split(",")}


def _name(synset: str) -> str:
    """The first word of a synset; what is no synset stays as it is."""
    try:
        return _description(synset).split(",")[0]
    except KeyError:
        return synset


def _description(synset: str) -> str:
    """The words of a synset, by comma; KeyError for what is none."""
    return str(_imagenet().label_name_to_description(synset))
