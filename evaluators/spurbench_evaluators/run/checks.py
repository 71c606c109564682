"""What is checked of a model and a source before anything is scored."""

from __future__ import annotations

from spurbench.contracts import Classifier
from spurbench.errors import UserError
from spurbench_evaluators.data.sources import Source


def check_source(classifier: Classifier, source: Source) -> None:
    """UserError unless the classifier's labels are the source's, with an output for every class."""
    space = classifier.label_space
    if space.domain != source.record.domain:
        raise UserError(
            f"{classifier.spec} knows the labels of {space.domain!r}, but "
            f"{source.where} is of {source.record.domain!r}; choose a model or data set to match"
        )
    if len(space.domain_columns()) < 2:
        raise UserError(
            f"{classifier.spec}: its label space {space.name} means {len(space.domain_columns())} of "
            "the domain's labels; it takes two to choose between"
        )
    beyond = [name for name, label in source.classes.values() if space.column(label) is None]
    if beyond:
        raise UserError(
            f"{classifier.spec}: has {len(space.names)} labels, none for {', '.join(beyond)}; choose "
            "other classes with --classes, or another model"
        )
