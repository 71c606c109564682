"""croissant.json: the data set as MLCommons' Croissant describes one, with its responsible-AI fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .about import NOT_USES, USES, citation, licence_of, licences_of, limits_of, recipe_of
from .manifest import Manifest
from .schema import KINDS, MEANINGS

CROISSANT = "croissant.json"
CONFORMS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0")
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the format prescribes."""
WHOLE, REAL, TRUTH = "sc:Integer", "sc:Float", "sc:Boolean"
TYPES = {
    "image": "sc:ImageObject",
    "label": WHOLE,
    "index": WHOLE,
    "seed": WHOLE,
    "consistently_spurious": TRUTH,
    "is_training_reference": TRUTH,
    "degenerate": TRUTH,
    "safety_flagged": TRUTH,
    "object_probability": REAL,
    "nearest_distance": REAL,
}
"""Croissant's types of columns that are no text."""
LISTS = {"predictions"}
"""Columns that hold a list: Croissant's readers of Parquet have no words for lists of records."""
PARQUET = "application/x-parquet"


def croissant_text(manifest: Manifest) -> str:
    """The file's whole text; the same manifest gives the same."""
    return json.dumps(croissant(manifest), indent=1, ensure_ascii=False) + "\n"


def croissant(manifest: Manifest) -> dict[str, Any]:
    """The description as JSON-LD: every parquet file with its hash, and a record set for each name of
    a split, over all classes that have it, with the columns that hold one value."""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        "name": manifest.name,
        "description": f"Pictures that show a class's spurious feature without the class itself, domain "
        f"{manifest.domain}, content {manifest.fingerprint()}.",
        "version": "1.0.0",
        "license": licence_of(manifest),
        "citeAs": citation(),
        **_responsible(manifest),
        "distribution": [*_files(manifest), *map(_file_set, _names(manifest))],
        "recordSet": [_records(name) for name in _names(manifest)],
    }


def _names(manifest: Manifest) -> list[str]:
    return sorted({name for entry in manifest.classes.values() for name in entry.splits})


def _files(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for _, entry in sorted(manifest.classes.items()):
        for _, split in sorted(entry.splits.items()):
            for file in split.files:
                yield {
                    "@type": "cr:FileObject",
                    "@id": file.path,
                    "name": file.path,
                    "contentUrl": file.path,
                    "encodingFormat": PARQUET,
                    "sha256": file.sha256,
                }


def _file_set(name: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"files-{name}",
        "name": f"files-{name}",
        "encodingFormat": PARQUET,
        "includes": f"data/*/{name}-*.parquet",
    }


def _records(name: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [_field(name, column) for column in MEANINGS if column not in LISTS],
    }


def _field(name: str, column: str) -> dict[str, Any]:
    source: dict[str, Any] = {
        "fileSet": {"@id": f"files-{name}"},
        "extract": {"column": column},
    }
    if column == "image":
        source["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{name}/{column}",
        "name": f"{name}/{column}",
        "description": MEANINGS[column],
        "dataType": TYPES.get(column, "sc:Text"),
        "source": source,
    }


def _responsible(manifest: Manifest) -> dict[str, Any]:
    """The responsible-AI fields."""
    licences = {kind: licences_of(manifest, kind) for kind in KINDS}
    told = [
        f"{kind}: {licence}, {count} pictures"
        for kind, found in licences.items()
        for licence, count in found.items()
    ]
    recipes = sorted(
        {
            split.recipe
            for entry in manifest.classes.values()
            for split in entry.splits.values()
            if split.recipe
        }
    )
    bases = {str(recipe_of(e.provenance).get("base") or "") for e in manifest.classes.values()}
    how = f", recipes {', '.join(recipes)}, base models {', '.join(sorted(bases - {''}))}"
    return {
        "rai:dataCollection": "References come from the domain's pool; generated pictures are sampled "
        "from a text-to-image model that was fine-tuned on some of them"
        f"{how if recipes else ''}. What decides a class's bytes is in manifest.json.",
        "rai:dataCollectionType": ["Machine-generated", "Secondary Data analysis"],
        "rai:dataAnnotationProtocol": "A picture's label is that of the class whose spurious feature it "
        "is to show. A panel of classifiers and a referee say what they see; no person annotates.",
        "rai:machineAnnotationTools": sorted(
            {
                model
                for entry in manifest.classes.values()
                for split in entry.splits.values()
                for model in (split.summary.panel if split.summary else {})
            }
        ),
        "rai:dataUseCases": [*USES, *(f"Out of scope: {line}" for line in NOT_USES)],
        "rai:dataLimitations": list(limits_of(manifest)),
        "rai:dataSocialImpact": "It makes visible what classifiers rely on; pictures that mislead "
        "classifiers could also be chosen to.",
        "rai:personalSensitiveInformation": list(limits_of(manifest)[-1:])
        if licence_of(manifest) == "other"
        else ["None: every picture is of a procedural world."],
        "rai:dataReleaseMaintenancePlan": "A version goes by its pictures' fingerprint and never "
        "changes; another build is another version.",
        "rai:dataManipulationProtocol": "Nothing is left out or blanked. Licences: "
        f"{'; '.join(told)}.",
    }
