"""A classifier where it runs, and its forward passes: running out of memory halves the batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spurbench.contracts import Classifier, Transform
from spurbench.errors import UserError
from spurbench.parallel import cores
from spurbench.prediction import check_logits

from .framing import Framing
from .placement import Placement, inputs

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

CPU_OUT_OF_MEMORY = "DefaultCPUAllocator"  # torch raises a bare RuntimeError there, and says this


MOST_PASSES = 16  # each holds a batch's activations


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


def passes(members: Sequence[Member]) -> int | None:
    """How many batches are computed at once, each by one thread of torch: one a core, on a CPU.

    Small layers gain little from more threads, which wait for each other wherever another process has
    a core; and no score depends on how many cores there are. None where that cannot be: on another
    device, or where a member's network may not be run by several threads at once.
    """
    able = all(
        m.placement.device == "cpu" and getattr(m.classifier, "shared", False) for m in members
    )
    return min(cores(), MOST_PASSES) if able else None


def forward(member: Member, pixels: NDArray[np.uint8], *, check: bool = True) -> torch.Tensor:
    """Logits (N, K) on the CPU of pixels (N, H, W, 3); out of memory halves the batch. UserError
    for outputs that are not finite or do not fit the label space, unless they are not checked."""
    import torch

    parts: list[torch.Tensor] = []
    done = 0
    while done < len(pixels):
        part = pixels[done : done + (member.limit or len(pixels))]  # (n, H, W, 3)
        try:
            with torch.inference_mode():
                # (n, 3, H, W); made in here, for it too may run out of memory
                images = inputs(member.classifier, torch.from_numpy(part), member.placement)
                parts.append(member.classifier.logits(images).cpu())  # (n, K)
        except UserError:
            raise
        except Exception as error:
            if not _out_of_memory(error):
                _explain(error, member, part)
                raise
            if len(part) == 1:
                raise UserError(
                    f"{member.classifier.spec}: {member.placement.device} has not the memory for one "
                    "picture; use --device cpu or --dtype bfloat16"
                ) from error
            member.limit = len(part) // 2
            continue
        done += len(part)
    logits = torch.cat(parts)  # (N, K)
    if check:
        check_logits(member.classifier, logits)
    return logits


def _out_of_memory(error: Exception) -> bool:
    import torch

    if not isinstance(error, RuntimeError):
        return False
    return isinstance(error, torch.OutOfMemoryError) or CPU_OUT_OF_MEMORY in str(error)


def _explain(error: Exception, member: Member, part: NDArray[np.uint8]) -> None:
    """UserError if the network fails at the shape of these pictures (N, H, W, 3) only: it takes a
    square of its own size, but not these."""
    size = member.framing.pictures.size
    height, width = part.shape[1:3]
    if height == width == size:
        return
    if not _takes(member, np.zeros((1, size, size, 3), dtype=np.uint8)):
        return  # it fails at any picture: the error itself says how
    reason = (str(error).strip() or type(error).__name__).split("\n")[0][:120]
    raise UserError(
        f"{member.classifier.spec}: takes {size} x {size} pixels, not {width} x {height} ({reason}); "
        "use --framing model or squash"
    ) from error


def _takes(member: Member, pixels: NDArray[np.uint8]) -> bool:
    with suppress(Exception):
        forward(member, pixels, check=False)
        return True
    return False
