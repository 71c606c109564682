"""What is said of every data set: what it is for, where its limits are, whom to cite."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from .manifest import Manifest, SplitSummary

PROJECT = "spurbench"
OWN_LICENCE = "apache-2.0"
"""Of data sets whose pictures are the project's own: those of the micro world."""

NOT_STATED = "not stated"

USES = (
    (
        "Measuring how far an image classifier relies on a spurious feature of a class: the share of the "
        "pictures that it takes for the class, although the class is not in them."
    ),
    "Comparing classifiers, or a classifier before and after a mitigation, on the same version.",
)
NOT_USES = (
    "Training a classifier that is then scored on the same pictures: the score would say nothing.",
    "Statements about people, places or brands in the pictures: none of them is labelled.",
    "A claim about a class from one seed, or about all of a classifier from these classes.",
)
LIMITS = (
    (
        "Generated pictures are kept as they were sampled, none left out: some show the class after all "
        "(column `object_probability`), some are black or of one colour (`degenerate`)."
    ),
    (
        "A base model's safety checker flags pictures, often wrongly, and here blanks none: see "
        "`safety_flagged` where it is filled."
    ),
    (
        "A model that is fine-tuned on a few references can memorise them: `nearest_reference` and "
        "`nearest_distance` tell how near each generated picture is to one."
    ),
    "One seed says little: means over classes differ by tens of points between seeds.",
    (
        "The panel that chose the references also says which pictures are consistently spurious; other "
        "classifiers may see them otherwise."
    ),
)
PEOPLE = (
    "References of Spurious ImageNet are photographs from OpenImages: people may be recognisable in "
    "them, who were not asked, and a generated picture may resemble them."
)

BIBTEX = """@software{spurbench,
  title = {spurbench: spurious-feature data sets, and image classifiers scored on them},
  author = {{The spurbench developers}},
  version = {%s},
  license = {Apache-2.0}
}

@inproceedings{maungmaung2024spurious,
  title = {Fine-Tuning Text-To-Image Diffusion Models for Class-Wise Spurious Feature Generation},
  author = {MaungMaung, AprilPyone and Nguyen, Huy H. and Kiya, Hitoshi and Echizen, Isao},
  booktitle = {IEEE International Conference on Image Processing (ICIP)},
  year = {2024},
  eprint = {2402.08200},
  archivePrefix = {arXiv}
}

@inproceedings{neuhaus2023spurious,
  title = {Spurious Features Everywhere -- Large-Scale Detection of Harmful Spurious Features in
           {ImageNet}},
  author = {Neuhaus, Yannic and Augustin, Maximilian and Boreiko, Valentyn and Hein, Matthias},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  year = {2023},
  eprint = {2212.04871},
  archivePrefix = {arXiv}
}"""


@cache
def citation() -> str:
    """BibTeX of this project, of its method and of Spurious ImageNet."""
    return BIBTEX % version("spurbench")


def licence_of(manifest: Manifest) -> str:
    """The data set's licence as the hub knows it: ``other`` where pictures have licences of their own."""
    return OWN_LICENCE if manifest.domain == "micro" else "other"


def limits_of(manifest: Manifest) -> tuple[str, ...]:
    """The known limits that hold for the data set."""
    return LIMITS if licence_of(manifest) == OWN_LICENCE else (*LIMITS, PEOPLE)


def licences_of(manifest: Manifest, kind: str) -> dict[str, int]:
    """How many pictures of a kind of split are under each licence, in words."""
    counts: dict[str, int] = {}

    def add(licence: str, count: int) -> None:
        counts[licence] = counts.get(licence, 0) + count

    for entry in manifest.classes.values():
        for split in entry.splits.values():
            if split.kind == kind:
                summary = split.summary or SplitSummary()
                for licence, count in summary.licences.items():
                    add(licence, count)
                add(NOT_STATED, summary.unlicensed)
                stated = sum(summary.licences.values()) + summary.unlicensed
                add(_own_licence(manifest, kind), split.pictures - stated)
    return {licence: count for licence, count in sorted(counts.items()) if count > 0}


def _own_licence(manifest: Manifest, kind: str) -> str:
    """What holds for pictures that were not taken from elsewhere, as far as is recorded."""
    licence = licence_of(manifest)
    if licence == OWN_LICENCE:
        return f"the data set's own, {licence}"
    return (
        "made by a model; the terms of its base model apply" if kind == "generated" else NOT_STATED
    )


def recipe_of(provenance: dict[str, Any]) -> dict[str, Any]:
    """The recipe that a class's provenance records; empty where it was not built."""
    recipe = provenance.get("recipe")
    return recipe if isinstance(recipe, dict) else {}
