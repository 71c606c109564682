"""Runs classifiers over pictures: decoding and framing ahead in threads, shared by all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from spurbench.contracts import Transform
from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.parallel import computing_with, ordered_map
from spurbench.pictures import read_rgb
from spurbench.prediction import framed
from spurbench.results import Unreadable
from spurbench.scores.answers import Answer, Seen, answers

from .forward import Member, forward, passes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image


@dataclass(frozen=True)
class Chunk:
    """The pictures from ``start`` to ``stop``: what each member said of those it had not answered
    before (None where it had answered all), and those of them that it cannot be shown."""

    start: int
    stop: int
    seen: list[list[Seen] | None]
    unreadable: list[list[Unreadable]]


@dataclass(frozen=True)
class _Ready:
    """A decoded picture by transform; a text says why there is none."""

    picture: StoredPicture
    sha256: str
    frames: dict[Transform, NDArray[np.uint8] | str]

    def shown_to(self, member: Member) -> NDArray[np.uint8] | str:
        return self.frames[member.framing.of(self.picture.kind)]


def run(
    members: Sequence[Member],
    pictures: Iterable[StoredPicture],
    *,
    batch_size: int,
    workers: int,
    skip_unreadable: bool = False,
) -> Generator[Chunk]:
    """Score the pictures that any member has not answered, ``batch_size`` a chunk, in order.

    Chunks begin where the furthest-behind member stopped, so a run that goes on forms the batches
    it would have formed. Raises UserError for an unreadable picture unless they are skipped, and
    for outputs that are not finite or do not fit the label space.
    """
    position = min(member.start for member in members)
    drawn = islice(pictures, position, None)
    at_once = passes(members)
    # A batch more than are at work is ready when the network asks for it, and memory stays flat.
    ahead = ((at_once or 1) + 1) * batch_size + workers

    def answered(part: tuple[int, list[_Ready]]) -> Chunk:
        return _answered(members, *part, skip_unreadable=skip_unreadable)

    # Closed whatever happens: an error's traceback would keep threads, and the process, alive.
    with closing(ordered_map(_preparer(members), drawn, workers, ahead)) as ready:
        parts = _parts(ready, position, batch_size)
        if at_once is None:
            yield from map(answered, parts)
            return
        with (
            computing_with(1),
            closing(ordered_map(answered, parts, at_once, at_once)) as chunks,
        ):
            yield from chunks


def _parts(
    ready: Iterator[_Ready], position: int, batch_size: int
) -> Iterator[tuple[int, list[_Ready]]]:
    """Where each batch begins, and its pictures."""
    while part := list(islice(ready, batch_size)):
        yield position, part
        position += len(part)


def _answered(
    members: Sequence[Member], position: int, part: list[_Ready], *, skip_unreadable: bool
) -> Chunk:
    """What every member says of a batch."""
    due = [part[max(0, member.start - position) :] for member in members]
    left_out = [_left_out(m, items) for m, items in zip(members, due, strict=True)]
    faults = [item.reason for items in left_out for item in items]
    if faults and not skip_unreadable:
        raise UserError(faults[0])
    seen = [_seen(m, items) if items else None for m, items in zip(members, due, strict=True)]
    return Chunk(position, position + len(part), seen, left_out)


def _preparer(members: Sequence[Member]) -> Callable[[StoredPicture], _Ready]:
    """Decodes a picture once and frames it once for each transform that any member needs."""
    framings = [member.framing for member in members]

    def prepare(picture: StoredPicture) -> _Ready:
        digest = picture.sha256 or sha256_bytes(picture.data)
        name = f"{picture.slug}/{picture.split}/{picture.index} ({picture.origin})"
        needed = dict.fromkeys(framing.of(picture.kind) for framing in framings)
        try:
            image = read_rgb(picture.data, name)
            frames = {t: _frame(image, t, name) for t in needed}
        except UserError as error:
            frames = dict.fromkeys(needed, str(error))
        return _Ready(picture.without_data(), digest, frames)

    return prepare


def _frame(image: Image, transform: Transform, name: str) -> NDArray[np.uint8] | str:
    try:
        return np.asarray(framed(image, transform))
    except UserError as error:
        return f"{name}: {error}"


def _left_out(member: Member, items: Sequence[_Ready]) -> list[Unreadable]:
    """The pictures that cannot be shown to the member."""
    return [
        Unreadable(
            slug=item.picture.slug,
            split=item.picture.split,
            index=item.picture.index,
            origin=item.picture.origin,
            sha256=item.sha256,
            reason=reason,
        )
        for item in items
        if isinstance(reason := item.shown_to(member), str)
    ]


def _seen(member: Member, due: Sequence[_Ready]) -> list[Seen]:
    """One member's answers, in the pictures' order; pictures of one shape share a batch."""
    shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
    shown = [(item, item.shown_to(member)) for item in due]
    items = [item for item, frame in shown if not isinstance(frame, str)]
    frames = [frame for _, frame in shown if not isinstance(frame, str)]
    for i, frame in enumerate(frames):
        shapes[frame.shape].append(i)
    said: dict[int, Answer] = {}
    for places in shapes.values():
        logits = forward(member, np.stack([frames[i] for i in places]))
        labels = [items[i].picture.label for i in places]
        space = member.classifier.label_space
        read = answers(logits, labels, space, keep_logits=member.keep_logits)
        said.update(zip(places, read, strict=True))
    return [
        Seen(
            item.sha256,
            item.picture.slug,
            item.picture.class_name,
            item.picture.label,
            item.picture.split,
            item.picture.index,
            item.picture.origin,
            said[i],
        )
        for i, item in enumerate(items)
    ]
