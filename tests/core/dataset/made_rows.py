"""A data set whose pictures say something in every column, and one whose every text is an attack."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.schema import Credit, PanelPrediction, Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes
from tests.conftest import picture

LABEL = 5
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"><svg/onload=alert(3)> ' | ` \\",
    "{{ 7*7 }} {% raw %} \u2028\u2029 \u202e txet",
    '=HYPERLINK("http://example.invalid")\r\n@SUM(1)',
    "javascript:alert(4)",
    "日本 ☕ é",
)


def said(*answers: tuple[str, int, float]) -> tuple[PanelPrediction, ...]:
    return tuple(PanelPrediction(*answer) for answer in answers)


def row(
    drawn: int, kind: str, index: int, name: str = "koala", label: int = LABEL, **more: Any
) -> Row:
    data = more.pop("data", None) or png_bytes(picture(drawn, (9, 6)))
    origin = more.pop("origin", f"from {drawn}")
    return Row(data, label, name, kind, index, origin, sha256_bytes(data), **more)


def references(name: str = "koala", label: int = LABEL) -> list[Row]:
    """Three references: all of the panel, one and none of it take them for the class; 1 is trained on."""
    answers = [
        said(("made/one", label, 0.9), ("made/two", label, 0.8)),
        said(("made/one", label, 0.7), ("made/two", 3, 0.125)),
        said(("made/one", -1, 0.25), ("made/two", 3, 0.1)),
    ]
    return [
        row(
            i,
            "si",
            i,
            name,
            label,
            predictions=answer,
            consistently_spurious=i == 0,
            is_training_reference=i == 1,
            credit=Credit("CC BY 2.0", "A. Uthor", "http://example.invalid/p", "ab" * 32),
        )
        for i, answer in enumerate(answers)
    ]


def generated(name: str = "koala", label: int = LABEL) -> list[Row]:
    """Four generated pictures. Fools all: 0, 1, 3. Object found: 1. Nearer than 0.1 to reference 1:
    2. Degenerate: 2; flagged: 3. Sorted by distance: 2, 3, 0, 1."""
    both = said(("made/one", label, 0.95), ("made/two", label, 0.55))
    one = said(("made/one", label, 0.65), ("made/two", 7, 0.3))
    found = [
        (both, 0.1, 0.3, False, False),
        (both, 0.75, 0.4, False, False),
        (one, 0.2, 0.05, True, False),
        (both, None, 0.2, False, True),
    ]
    return [
        row(
            10 + i,
            "generated",
            i,
            name,
            label,
            origin=f"seed {i}",
            prompt="a photo of a sks leaf",
            seed=40 + i,
            recipe="made@0123456789ab",
            predictions=answers,
            consistently_spurious=answers is both,
            object_probability=probability,
            nearest_reference="from 1",
            nearest_distance=distance,
            degenerate=degenerate,
            safety_flagged=flagged,
        )
        for i, (answers, probability, distance, degenerate, flagged) in enumerate(found)
    ]


def validation(name: str = "koala", label: int = LABEL) -> list[Row]:
    return [row(20 + i, "val", i, name, label) for i in range(2)]


def install(
    folder: Path,
    slug: str,
    splits: dict[str, Sequence[Row]],
    feature: str = "leaves",
    provenance: dict[str, Any] | None = None,
) -> None:
    """Install a class with those rows into a data set folder."""
    aside = folder.parent / f"{folder.name}-aside"
    aside.mkdir(parents=True, exist_ok=True)
    files, entries = {}, {}
    for split, rows in splits.items():
        files[split] = [aside / f"{slug}-{split}.parquet"]
        write_split(rows, files[split][0])
        entries[split] = split_entry(slug, split, *files[split], recipe="made@0", seed=7)
    first = next(iter(splits.values()))[0]
    entry = ClassEntry(
        name=first.class_name,
        label=first.label,
        feature=feature,
        splits=entries,
        provenance=provenance or {},
    )
    install_class(folder, "made", "micro", slug, entry, files)


def put_koala(folder: Path) -> None:
    """The class whose rows stand above; its recipe calls an object found above 0.6."""
    recipe = {"name": "made", "audit": {"threshold": 0.6}, "panel": ["made/one", "made/two"]}
    install(
        folder,
        "koala",
        {"si": references(), "generated": generated(), "val": validation()},
        provenance={"recipe": recipe, "seed": 7, "versions": {"torch": "2.15.0"}},
    )


def put_other(folder: Path) -> None:
    """Another class of one split."""
    install(folder, "freight_car", {"si": references("freight car", 1)}, feature="graffiti")


def put_hostile(folder: Path) -> None:
    """A class each of whose texts is an attack."""
    rows = [
        row(
            i,
            "generated",
            i,
            HOSTILE[0],
            origin=text,
            prompt=text,
            recipe=text,
            nearest_reference=text,
            nearest_distance=0.2,
            predictions=said((text, 3, 0.5)),
            consistently_spurious=False,
            credit=Credit(text, text, text, text),
        )
        for i, text in enumerate(HOSTILE)
    ]
    install(
        folder,
        "hostile",
        {"generated": rows},
        feature=HOSTILE[1],
        provenance={HOSTILE[0]: HOSTILE[1], "recipe": {HOSTILE[2]: {HOSTILE[3]: [HOSTILE[4]]}}},
    )


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()
