"""Runs classifiers over pictures: decoding and framing ahead in threads, shared by all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from spurbench.contracts import Classifier, Transform
from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError
from spurbench.files import sha256_bytes
from spurbench.parallel import ordered_map
from spurbench.pictures import read_rgb
from spurbench.prediction import check_logits, framed
from spurbench.results import Unreadable

from .answers import Answer, answers
from .framing import Framing
from .placement import Placement, inputs

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

CPU_OUT_OF_MEMORY = "DefaultCPUAllocator"


@dataclass
class Member:
    """A classifier to run. ``start`` is the number of pictures it has answered already;
    ``limit`` the most pictures it takes at once, which running out of memory halves."""

    classifier: Classifier
    framing: Framing
    placement: Placement
    keep_logits: bool = False
    start: int = 0
    limit: int | None = None

    def transforms(self) -> tuple[Transform, Transform]:
        return self.framing.pictures, self.framing.validation


@dataclass(frozen=True)
class Seen:
    """A picture that was scored, and what was said of it."""

    sha256: str
    slug: str
    class_name: str
    label: int
    split: str
    index: int
    origin: str
    answer: Answer

    @property
    def predicted(self) -> int:
        """The domain's label of the full head's top output; -1 for none."""
        return self.answer.full.predicted

    @property
    def class_probability(self) -> float:
        """The full head's p(split's class)."""
        return self.answer.full.class_probability


@dataclass(frozen=True)
class Chunk:
    """The pictures from ``start`` to ``stop``: what each member said (None where it had answered
    before), and those that cannot be read."""

    start: int
    stop: int
    seen: list[list[Seen] | None]
    unreadable: list[Unreadable]


@dataclass(frozen=True)
class _Ready:
    picture: StoredPicture
    sha256: str
    frames: dict[Transform, NDArray[np.uint8]] = field(default_factory=dict)
    error: UserError | None = None


def run(
    members: Sequence[Member],
    pictures: Iterable[StoredPicture],
    *,
    batch_size: int,
    workers: int,
    skip_unreadable: bool = False,
) -> Iterator[Chunk]:
    """Score the pictures that any member has not answered, ``batch_size`` a chunk, in order.

    Chunks begin where the furthest-behind member stopped, so a run that goes on forms the batches
    it would have formed. Raises UserError for an unreadable picture unless they are skipped, and
    for outputs that are not finite or do not fit the label space.
    """
    begin = min(member.start for member in members)
    ready = ordered_map(
        _preparer(members), islice(pictures, begin, None), workers, 2 * batch_size + workers
    )
    position = begin
    while chunk := list(islice(ready, batch_size)):
        broken = [item for item in chunk if item.error]
        if broken and broken[0].error and not skip_unreadable:
            raise broken[0].error
        whole = [item for item in chunk if not item.error]
        stop = position + len(chunk)
        seen = [_seen(m, whole) if m.start < stop else None for m in members]
        yield Chunk(position, stop, seen, [_left_out(item) for item in broken])
        position = stop


def _preparer(members: Sequence[Member]) -> Callable[[StoredPicture], _Ready]:
    """Decodes a picture once and frames it once for each transform that any member needs."""
    framings = [member.framing for member in members]

    def prepare(picture: StoredPicture) -> _Ready:
        digest = picture.sha256 or sha256_bytes(picture.data)
        name = f"{picture.slug}/{picture.split}/{picture.index} ({picture.origin})"
        try:
            image = read_rgb(picture.data, name)
        except UserError as error:
            return _Ready(picture.without_data(), digest, error=error)
        try:
            needed = dict.fromkeys(framing.of(picture.split) for framing in framings)
            frames = {t: np.asarray(framed(image, t)) for t in needed}
        except UserError as error:
            named = UserError(f"{name}: {error}")
            return _Ready(picture.without_data(), digest, error=named)
        return _Ready(picture.without_data(), digest, frames)

    return prepare


def _left_out(item: _Ready) -> Unreadable:
    p = item.picture
    return Unreadable(
        slug=p.slug,
        split=p.split,
        index=p.index,
        origin=p.origin,
        sha256=item.sha256,
        reason=str(item.error),
    )


def _seen(member: Member, items: Sequence[_Ready]) -> list[Seen]:
    """One member's answers, in the pictures' order; pictures of one shape share a batch."""
    shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
    frames = [item.frames[member.framing.of(item.picture.split)] for item in items]
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


def forward(member: Member, pixels: NDArray[np.uint8], *, check: bool = True) -> torch.Tensor:
    """Logits (N, K) on the CPU of pixels (N, H, W, 3); out of memory halves the batch. UserError
    for outputs that are not finite or do not fit the label space, unless they are not checked."""
    import torch

    found: list[torch.Tensor] = []
    done = 0
    while done < len(pixels):
        part = pixels[done : done + (member.limit or len(pixels))]
        try:
            with torch.inference_mode():
                images = inputs(member.classifier, torch.from_numpy(part), member.placement)
                found.append(member.classifier.logits(images).cpu())
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            if len(part) == 1:
                raise UserError(
                    f"{member.classifier.spec}: {member.placement.device} has not the memory for one "
                    "picture; use --device cpu or --dtype bfloat16"
                ) from error
            member.limit = len(part) // 2
            continue
        done += len(part)
    logits = torch.cat(found)
    if check:
        check_logits(member.classifier, logits)
    return logits


def _out_of_memory(error: RuntimeError) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or CPU_OUT_OF_MEMORY in str(error)
