"""What can be found in a data set: how bad it is, and the way out. docs/verify.md shows this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fault", "note"]

AGAIN = "build the class again, or fetch the data set again"
MERGED = "write the card again: `spurbench merge DIR --out NEW`"
REMOVE = "remove it, or move it out of the data set"


@dataclass(frozen=True)
class Kind:
    """A kind of finding: ``title`` says what is wrong, ``way_out`` what to do about it."""

    severity: Severity
    title: str
    way_out: str


KINDS = {
    "manifest": Kind("fault", "manifest.json cannot be used", AGAIN),
    "file-missing": Kind("fault", "a file that manifest.json names is not there", AGAIN),
    "file-altered": Kind("fault", "a file's bytes are not those of its sha256", AGAIN),
    "file-unreadable": Kind("fault", "a file cannot be read as a split", AGAIN),
    "file-twice": Kind("fault", "a file is named more than once in manifest.json", AGAIN),
    "file-elsewhere": Kind("fault", "a file lies where the card's configs do not find it", AGAIN),
    "file-unnamed": Kind("fault", "a file in data/ that manifest.json does not name", REMOVE),
    "file-script": Kind("fault", "a Python file, for which `load_dataset` fails", REMOVE),
    "file-other": Kind("note", "a file that is no part of a data set", REMOVE),
    "column-missing": Kind("fault", "a column is missing", AGAIN),
    "column-type": Kind("fault", "a column is of another type", AGAIN),
    "column-older": Kind(
        "note",
        "a file of an older version lacks a column",
        "none is needed; building again adds it",
    ),
    "column-other": Kind(
        "note", "a column that the format does not know", "take it out, or keep it"
    ),
    "cell-empty": Kind("fault", "a value that every picture has is missing", AGAIN),
    "count": Kind("fault", "manifest.json counts other pictures than there are", AGAIN),
    "index": Kind("fault", "indices do not count up from 0", AGAIN),
    "label": Kind("fault", "a picture's label is not that of its class", AGAIN),
    "class-name": Kind("fault", "a picture's class name is not that of its class", AGAIN),
    "source": Kind("fault", "a picture's source is not the kind of its split", AGAIN),
    "class-label": Kind(
        "fault", "the domain gives the class another label", "build the class again under its label"
    ),
    "content": Kind("fault", "a split's pictures are not those of its content hash", AGAIN),
    "picture-bytes": Kind("fault", "a picture's bytes are not those of its sha256", AGAIN),
    "picture-unreadable": Kind("fault", "a picture cannot be decoded", AGAIN),
    "degenerate": Kind("fault", "the column degenerate is not what the pixels say", AGAIN),
    "made-how": Kind("fault", "a generated picture's prompt, seed or recipe is missing", AGAIN),
    "made-unknown": Kind(
        "note",
        "how a generated picture was made is not recorded",
        "none is needed; pictures of `spurbench build` say it",
    ),
    "recipe": Kind("fault", "recipes do not agree", AGAIN),
    "seed": Kind("fault", "seeds do not agree", AGAIN),
    "reference-flag": Kind("fault", "is_training_reference is set where it cannot be", AGAIN),
    "reference-none": Kind("fault", "no training reference is marked", AGAIN),
    "reference-unknown": Kind("fault", "nearest_reference names no training reference", AGAIN),
    "distance": Kind("fault", "nearest_distance is not what the pixels say", AGAIN),
    "near-copy": Kind(
        "note",
        "a generated picture is all but a copy of a training reference",
        "look at both; leave the picture out of what is to show new pictures",
    ),
    "prediction": Kind("fault", "the panel's predictions are not well-formed", AGAIN),
    "panel": Kind("fault", "the panel's members differ between pictures", AGAIN),
    "consistently-spurious": Kind(
        "fault", "consistently_spurious is not what the predictions say", AGAIN
    ),
    "licence-missing": Kind(
        "fault",
        "the licence of a picture taken from elsewhere is missing",
        "import with a manifest.csv that has the column licence",
    ),
    "licence-author": Kind(
        "fault",
        "a licence asks for attribution, but author or source is missing",
        "import with a manifest.csv that has the columns author and source_url",
    ),
    "duplicate-split": Kind("fault", "a picture is twice in a split", AGAIN),
    "duplicate-kinds": Kind("fault", "a picture is in splits of two kinds", AGAIN),
    "duplicate-classes": Kind("fault", "a picture is in classes of two labels", AGAIN),
    "duplicate-shared": Kind(
        "note",
        "splits of one kind share a picture",
        "look at it; count it once where they are pooled",
    ),
    "card-missing": Kind("fault", "README.md is not there", MERGED),
    "card-unreadable": Kind("fault", "README.md has no YAML that can be read", MERGED),
    "card-config": Kind("fault", "the card's configs are not those of manifest.json", MERGED),
    "card-stale": Kind(
        "fault", "the card is of other pictures: `load_dataset` may serve old ones", MERGED
    ),
    "card-older": Kind("note", "the card is of an older version, whose hashes are others", MERGED),
    "croissant-unreadable": Kind("fault", "croissant.json cannot be read", MERGED),
    "croissant-stale": Kind("fault", "croissant.json is not of these pictures", MERGED),
    "summary": Kind("fault", "a split's summary is not what its rows say", AGAIN),
    "sheet-unreadable": Kind("fault", "a contact sheet cannot be decoded", REMOVE),
    "sheet-unnamed": Kind("note", "a contact sheet of a class that is not there", REMOVE),
}
"""Every kind of finding by its name."""
