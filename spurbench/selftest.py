"""Checks a classifier once when it is loaded: its head, finite logits, evaluation mode, normalisation.

The normalisation is measured where it acts: black, red, green and blue pictures are sent in, and what
reaches the network's first weighted layer (the first convolution or linear layer that runs) is
compared with what went in. This finds a normalisation applied twice or never, wherever its halves
sit, in the wrapper or inside the network. Its limits: a classifier that declares no ``normalisation``
has nothing to be held to; a network that mixes colours or reads frequencies before its first
weighted layer, or that is compiled, cannot be measured and passes; and a declared normalisation that
the weights were not trained with is not noticed, nor is one folded into the first layer's weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose
from typing import TYPE_CHECKING, Any

from .contracts import Classifier, Normalisation
from .errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

TOLERANCE = 1e-3  # relative; float32 and half precision weights stay well inside

PROBABILITY_TOLERANCE = 1e-3
ALONE_TOLERANCE = 0.02
"""Of the logits' spread: other kernels for other batch sizes stay well inside, batch statistics do not."""
ROUNDING = 1e-5
"""Of the largest logit."""


def check_classifier(classifier: Classifier) -> None:
    """UserError unless head and label space agree, the answers are finite logits, a picture is answered
    alone as among others, and input is normalised once."""
    _check_normalisation(classifier)
    _check_logits(classifier)


def measured_normalisation(classifier: Classifier) -> Normalisation | None:
    """What the classifier's first weighted layer is fed, per channel of [0, 1] RGB.

    None where that is no per-channel scaling and shift that can be told from four plain pictures.
    """
    size = classifier.transform.size
    reached = _first_input(classifier, _plain_pictures(size))
    if reached is None or len(reached) != 4 or not reached.is_floating_point():
        return None
    black, *colours = reached.double().flatten(1)
    shifts, scales = [], []
    for colour in colours:
        change = colour - black
        moved = change.abs() > TOLERANCE
        if int(moved.sum()) <= size * size // 2:  # fewer values than pixels: frequencies, say
            return None
        scale, shift = change[moved].median(), black[moved].median()
        spread = max((change[moved] - scale).abs().max(), (black[moved] - shift).abs().max())
        if float(spread) > TOLERANCE * max(1.0, float(scale.abs())) or float(scale) <= 0:
            return None
        shifts.append(float(shift))
        scales.append(float(scale))
    return Normalisation(
        tuple(-shift / scale for shift, scale in zip(shifts, scales, strict=True)),
        tuple(1 / scale for scale in scales),
    )


def _check_normalisation(classifier: Classifier) -> None:
    declared: Normalisation | None = getattr(classifier, "normalisation", None)
    measured = measured_normalisation(classifier) if declared else None
    if declared is None or measured is None or _alike(measured, declared):
        return
    never = Normalisation((0.0,) * len(declared.mean), (1.0,) * len(declared.mean))
    if _alike(measured, never):
        fault = "pictures reach its first layer as they are, never normalised"
    elif _alike(measured, _twice(declared)):
        fault = "pictures are normalised twice before its first layer"
    else:
        fault = f"its first layer is fed (x - {_short(measured.mean)}) / {_short(measured.std)}"
    raise UserError(
        f"{classifier.spec}: {fault}, but its card says (x - {_short(declared.mean)}) / "
        f"{_short(declared.std)}, once; mend the card or the network"
    )


def _check_logits(classifier: Classifier) -> None:
    import torch

    with torch.inference_mode():
        logits = classifier.logits(_noise(classifier.transform.size))
    space = classifier.label_space
    if logits.ndim != 2 or logits.shape[1] != len(space.names):
        raise UserError(
            f"{classifier.spec}: gives {tuple(logits.shape[1:])} outputs, but its label space "
            f"{space.name} has {len(space.names)}"
        )
    if not bool(logits.isfinite().all()):
        raise UserError(f"{classifier.spec}: gives NaN or infinite logits; check its weights")
    if _are_probabilities(logits):
        raise UserError(
            f"{classifier.spec}: gives probabilities, not logits (each row lies in [0, 1] and sums to 1); "
            "leave out its softmax"
        )
    _check_alone(classifier, logits)


def _are_probabilities(logits: Tensor) -> bool:
    wide = logits.double()
    sums = wide.sum(dim=1)
    inside = bool((wide >= 0).all()) and bool((wide <= 1).all())
    return inside and bool(((sums - 1).abs() < PROBABILITY_TOLERANCE).all())


def _check_alone(classifier: Classifier, together: Tensor) -> None:
    """UserError unless each picture alone is answered as among others: a network left in training mode
    normalises by the batch, or drops some of itself at random."""
    import torch

    images = _noise(classifier.transform.size)
    try:
        with torch.inference_mode():
            alone = torch.cat([classifier.logits(images[i : i + 1]) for i in range(len(images))])
    except ValueError as error:  # torch's, of a batch's statistics that take more than one value
        raise UserError(
            f"{classifier.spec}: cannot answer a picture alone ({' '.join(str(error).split())}); put its "
            "network into evaluation mode: network.eval()"
        ) from error
    spread = float((together - together.mean(dim=1, keepdim=True)).abs().max())
    apart = float((alone - together).abs().max())
    # Logits far from 0 that hardly differ are rounded by more than their spread allows.
    rounding = ROUNDING * float(together.abs().max())
    if not apart <= max(ALONE_TOLERANCE * spread, rounding):
        raise UserError(
            f"{classifier.spec}: answers a picture alone otherwise than among others (by {apart:.2g}); "
            "put its network into evaluation mode: network.eval()"
        )


def _first_input(classifier: Classifier, images: Tensor) -> Tensor | None:
    own = getattr(classifier, "first_input", None)
    if own is not None:
        reached: Tensor | None = own(images)
        return reached
    import torch

    with torch.inference_mode(), _caught_at_first_layer() as caught:
        classifier.logits(images)
    return caught[0] if caught else None


class _Reached(BaseException):
    """Ends a forward pass once its first weighted layer is reached."""


@contextmanager
def _caught_at_first_layer() -> Iterator[list[Tensor]]:
    """Within, a forward pass ends at the first weighted torch layer; the list gets its input."""
    from torch.nn.modules.module import register_module_forward_pre_hook

    caught: list[Tensor] = []

    def stop(module: nn.Module, inputs: Any) -> None:
        leaf = next(module.children(), None) is None
        if leaf and inputs and any(p.ndim >= 2 for p in module.parameters(recurse=False)):
            caught.append(inputs[0])
            raise _Reached

    hook = register_module_forward_pre_hook(stop)
    try:
        yield caught
    except _Reached:
        pass
    finally:
        hook.remove()


def _plain_pictures(size: int) -> Tensor:
    """Black, red, green and blue: (4, 3, size, size)."""
    import torch

    colours = torch.cat([torch.zeros(1, 3), torch.eye(3)])
    return colours[:, :, None, None].expand(4, 3, size, size).contiguous()


def _noise(size: int) -> Tensor:
    """Two pictures in [0, 1], the same on every run: noise, and a ramp from black to white."""
    import torch

    noise = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
    return torch.stack([noise, torch.linspace(0, 1, size).expand(3, size, size)])


def _twice(once: Normalisation) -> Normalisation:
    """((x - m) / s - m) / s is (x - (m + m s)) / s^2."""
    pairs = list(zip(once.mean, once.std, strict=True))
    return Normalisation(tuple(m + m * s for m, s in pairs), tuple(s * s for _, s in pairs))


def _alike(one: Normalisation, other: Normalisation) -> bool:
    """Whether both feed a layer the same values, up to rounding."""
    lines = [
        [value for m, s in zip(n.mean, n.std, strict=True) for value in (m / s, 1 / s)]
        for n in (one, other)
    ]
    return all(
        isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE) for a, b in zip(*lines, strict=True)
    )


def _short(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{v:.3g}" for v in values) + "]"
