"""Scoring from Python, in the command line's words. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from spurbench.contracts import Classifier, LabelSpace, Normalisation, Transform
from spurbench.dataset.read import DataSet, StoredPicture
from spurbench.errors import UserError, unknown
from spurbench.numerals import MOST, whole, words
from spurbench.parallel import cores
from spurbench.reading import is_file
from spurbench.results import Selection
from spurbench.scores.answers import Seen
from spurbench.scores.stored import Outcome
from spurbench.terminal import loading
from spurbench_evaluators.data.sources import Source, open_source
from spurbench_evaluators.limits import MOST_BATCH, MOST_WORKERS
from spurbench_evaluators.run.forward import Member
from spurbench_evaluators.run.framing import FRAMINGS, framing_of
from spurbench_evaluators.run.model_list import ListedModel, read_model_list
from spurbench_evaluators.run.models import Description, check_named, classifier_of
from spurbench_evaluators.run.one_by_one import Ended, one_by_one
from spurbench_evaluators.run.placement import choose, place, placement_of
from spurbench_evaluators.run.runner import run
from spurbench_evaluators.run.session import Say, Watch, evaluate_all, unsaid, unwatched
from spurbench_evaluators.run.settings import Settings, how

if TYPE_CHECKING:
    from torch import nn

Names = str | Iterable[str]


def evaluate(
    model: str | Classifier | nn.Module,
    data: str | Path | DataSet = "spurbench",
    *,
    transform: Transform | None = None,
    label_space: LabelSpace | str | Path | None = None,
    normalisation: Normalisation | None = None,
    name: str | None = None,
    weights: str | Path | None = None,
    revision: str | None = None,
    framing: str = "model",
    val: str | Path | None = None,
    classes: Names | None = None,
    splits: Names | None = None,
    limit: int | None = None,
    results: str | Path | None = "results",
    device: str = "auto",
    dtype: str = "float32",
    batch_size: int | None = None,
    workers: int | None = None,
    skip_unreadable: bool = False,
    keep_logits: bool = False,
    fresh: bool = False,
    watch: Watch = unwatched,
    say: Say = unsaid,
) -> Outcome:
    """Score one model on a data set, as `spurbench eval` does; the options are that command's.

    Args:
        model: a spec ``LOADER/NAME``, a Classifier, or a torch module from (N, 3, H, W), RGB in
            [0, 1] less ``normalisation``, to logits (N, K). A copy of a module runs.
        data: folder, hub id, zip of Spurious ImageNet, or an opened data set.
        transform: how a picture becomes a module's input.
        label_space: what outputs mean, or a known name, or a file; modules need it and transform.
        normalisation, name: mean and std that a module is fed with; what results call it.
        weights: checkpoint of a model named by its spec, .safetensors or a torch state dict.
        revision: of a hub id: branch, tag or commit.
        framing: ``model`` (its own transform), ``si`` (shorter edge, no crop) or ``squash``.
        val: ImageNet validation pictures: torchvision's or Kaggle's folder, or a hub id ``ID[:SPLIT]``.
        classes, splits: names (or slugs), as a list or a text with commas; None: all.
        limit: pictures of each class and split, the first ones.
        results: folder for the result and the predictions; None: nothing stays on the disk.
        device, dtype: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``; ``float32``, ``float64``, ``bfloat16``.
        batch_size: pictures a forward pass; None: what suits the device. No score depends on it.
        workers: threads that read pictures; None: one a core.
        skip_unreadable, keep_logits: leave out and record what cannot be read; keep the logits.
        fresh: score again though a stored answer is there.
        watch, say: pass on the numbers of pictures done, of a total; get a line of what is done.

    Returns the result, its predictions and where they lie. Raises UserError, and writes no result,
    for what cannot be scored.
    """
    _check(framing, results, limit, batch_size, workers)
    said = Description(transform, label_space, normalisation, name, weights)
    check_named([model], said)
    source = _source(data, classes, splits, limit, val, revision)
    _announce(say)
    settings = Settings(
        choose(device, dtype), framing, batch_size, workers, skip_unreadable, keep_logits, fresh
    )
    return _scored([model], said, source, results, settings, watch, say)[0]


def evaluate_models(
    models: Sequence[str | Classifier | nn.Module],
    data: str | Path | DataSet = "spurbench",
    *,
    transform: Transform | None = None,
    label_space: LabelSpace | str | Path | None = None,
    normalisation: Normalisation | None = None,
    weights: str | Path | None = None,
    revision: str | None = None,
    framing: str = "model",
    val: str | Path | None = None,
    classes: Names | None = None,
    splits: Names | None = None,
    limit: int | None = None,
    results: str | Path | None = "results",
    device: str = "auto",
    dtype: str = "float32",
    batch_size: int | None = None,
    workers: int | None = None,
    skip_unreadable: bool = False,
    keep_logits: bool = False,
    fresh: bool = False,
    watch: Watch = unwatched,
    say: Say = unsaid,
) -> list[Outcome]:
    """Score several models that are all in memory and share the reading of pictures, in one pass.

    As ``evaluate``, whose arguments they are; an outcome a model, in their order. What is said of
    transform, label space and normalisation is said of each model. Raises UserError for ``weights``
    with more models than one.
    """
    if weights is not None and len(models) > 1:
        raise UserError("--weights is for one model; run `spurbench eval` once a model")
    _check(framing, results, limit, batch_size, workers)
    said = Description(transform, label_space, normalisation, None, weights)
    check_named(models, said)
    source = _source(data, classes, splits, limit, val, revision)
    _announce(say)
    settings = Settings(
        choose(device, dtype), framing, batch_size, workers, skip_unreadable, keep_logits, fresh
    )
    return _scored(models, said, source, results, settings, watch, say)


def evaluate_list(
    models: str | Path,
    data: str | Path | DataSet = "spurbench",
    *,
    label_space: str | Path | None = None,
    revision: str | None = None,
    framing: str = "model",
    val: str | Path | None = None,
    classes: Names | None = None,
    splits: Names | None = None,
    limit: int | None = None,
    results: str | Path | None = "results",
    device: str = "auto",
    dtype: str = "float32",
    batch_size: int | None = None,
    workers: int | None = None,
    skip_unreadable: bool = False,
    keep_logits: bool = False,
    fresh: bool = False,
    watch: Watch = unwatched,
    say: Say = unsaid,
) -> Iterator[Ended]:
    """Score the models that a list file names (``run/model_list.py`` says how), one after another.

    As ``evaluate`` for each line, whose options come before those here. Yields a line's model with
    its Outcome, or the Failure that it ended in, when it is done and the model is freed. Raises
    UserError at once for a list, data set or option that is wrong.
    """
    listed = read_model_list(Path(models))
    _check(framing, results, limit, batch_size, workers)
    source = _source(data, classes, splits, limit, val, revision)
    _announce(say)
    settings = Settings(
        choose(device, dtype), framing, batch_size, workers, skip_unreadable, keep_logits, fresh
    )

    def score(line: ListedModel) -> Outcome:
        said = Description(label_space=line.label_space or label_space, weights=line.weights)
        own = replace(
            settings,
            placement=choose(device, line.dtype or dtype),
            framing=line.framing or framing,
            batch_size=line.batch_size or batch_size,
        )
        return _scored([line.spec], said, source, results, own, watch, say)[0]

    return one_by_one(listed, score, say)


def score_pictures(
    classifier: Classifier,
    pictures: Iterable[StoredPicture],
    batch_size: int = 64,
    *,
    workers: int | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    framing: str = "model",
    keep_logits: bool = False,
) -> list[Seen]:
    """What the classifier says of every picture, in order; nothing is written."""
    placement = choose(device, dtype)
    place(classifier, placement)
    where = placement_of(classifier, placement)
    member = Member(classifier, framing_of(classifier.transform, framing), where, keep_logits)
    running = run([member], pictures, batch_size=batch_size, workers=workers or cores())
    with closing(running) as chunks:
        seen = [item for chunk in chunks for item in chunk.seen[0] or []]
    if not seen:
        raise UserError("the data set holds no pictures to score")
    return seen


def _scored(
    models: Sequence[object],
    said: Description,
    source: Source,
    results: str | Path | None,
    settings: Settings,
    watch: Watch,
    say: Say,
) -> list[Outcome]:
    classifiers = [classifier_of(model, said) for model in models]
    say(how(classifiers, settings))
    with _folder(results) as folder:
        outcomes = evaluate_all(classifiers, source, folder, settings, watch, say)
    return outcomes if results is not None else [replace(o, path=None) for o in outcomes]


def _announce(say: Say) -> None:
    """Say that torch is being loaded, if it is: that takes seconds."""
    line = loading("torch")
    if line:
        say(line)


@contextmanager
def _folder(results: str | Path | None) -> Generator[Path]:
    """The results folder; one that is gone afterwards where none is wanted."""
    if results is not None:
        yield Path(results)
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _source(
    data: str | Path | DataSet,
    classes: Names | None,
    splits: Names | None,
    limit: int | None,
    val: str | Path | None,
    revision: str | None,
) -> Source:
    selection = Selection(classes=_listed(classes), splits=_listed(splits), limit=limit)
    return open_source(data, selection, val, revision)


def _listed(names: Names | None) -> list[str] | None:
    if not isinstance(names, str):
        return None if names is None else list(names)
    return words(names)


def _check(
    framing: str,
    results: str | Path | None,
    limit: int | None,
    batch_size: int | None,
    workers: int | None,
) -> None:
    """UserError for an option that can be seen to be wrong before anything is opened."""
    if framing not in FRAMINGS:
        raise unknown("framing", framing, FRAMINGS)
    numbers = (
        ("limit", limit, MOST),
        ("batch-size", batch_size, MOST_BATCH),
        ("workers", workers, MOST_WORKERS),
    )
    for word, wanted, most in numbers:
        if wanted is not None:
            whole(wanted, f"--{word}", 1, most)
    if results is not None and is_file(Path(results)):
        raise UserError(f"{results}: is a file; name a folder with --results")
