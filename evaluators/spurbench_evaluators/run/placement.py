"""Where and in which precision a network runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spurbench.contracts import Classifier
from spurbench.errors import UserError, unknown

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "float64", "bfloat16")
BATCH = {"cpu": 16, "cuda": 128, "mps": 64}


@dataclass(frozen=True)
class Placement:
    """A device of torch, such as ``cpu`` or ``cuda:0``, and the name of a dtype of torch."""

    device: str
    dtype: str

    @property
    def batch_size(self) -> int:
        """Pictures a batch where none is asked for."""
        return BATCH[self.device.split(":")[0]]

    def described(self) -> str:
        """The device with its name, where it has one."""
        import torch

        if not self.device.startswith("cuda"):
            return self.device
        return f"cuda {torch.cuda.get_device_name(self.device)}"


def choose(device: str = "auto", dtype: str = "float32") -> Placement:
    """The placement asked for; ``auto`` takes a GPU where there is one."""
    import torch

    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    kind, _, number = device.partition(":")
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        device = kind = next((name for name, there in available.items() if there), "cpu")
    if kind not in BATCH or (number and not number.isdigit()):
        raise unknown("device", device, ["auto", *BATCH])
    beyond = kind == "cuda" and number and int(number) >= torch.cuda.device_count()
    if not available.get(kind, True) or beyond:
        raise UserError(f"--device {device}: this machine has none; use --device cpu or auto")
    if kind == "mps" and dtype == "float64":
        raise UserError("--dtype float64 is not to be had on mps; use --device cpu")
    return Placement(device, dtype)


def place(classifier: Classifier, placement: Placement) -> None:
    """Move the classifier's network there; one that brings no torch network stays as it is.

    Weights and pictures lie channels last: convolutions take a third to half less time so (on a
    CPU; docs/performance.md), transformers the same. float32 means float32: convolutions on a GPU
    would else round to TF32, three digits.
    """
    import torch

    if placement.device.startswith("cuda"):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False

    network = getattr(classifier, "network", None)
    if isinstance(network, torch.nn.Module):
        network.to(device=placement.device, dtype=getattr(torch, placement.dtype))
        network.to(memory_format=torch.channels_last)
    elif placement.dtype != "float32":
        raise UserError(
            f"{classifier.spec}: brings no torch network that could run in {placement.dtype}; "
            "use --dtype float32"
        )


def placement_of(classifier: Classifier, placement: Placement) -> Placement:
    """Where the classifier really runs: one that brings no torch network is fed on the CPU."""
    return placement if _brings_network(classifier) else replace(placement, device="cpu")


def _brings_network(classifier: Classifier) -> bool:
    import torch

    return isinstance(getattr(classifier, "network", None), torch.nn.Module)


def inputs(classifier: Classifier, pixels: torch.Tensor, placement: Placement) -> torch.Tensor:
    """Pixels (N, H, W, 3), uint8, to the network's input (N, 3, H, W) in [0, 1] where it runs.

    The values are those of spurbench.prediction.to_tensor. A classifier without a torch network
    gets float32 on the CPU, contiguous; a network gets them channels last, as the pixels lie.
    """
    import torch

    if not _brings_network(classifier):
        return pixels.permute(0, 3, 1, 2).contiguous().float() / 255
    wide = torch.float64 if placement.dtype == "float64" else torch.float32
    # Divided there: bytes cross to the device in a quarter of what floats would take.
    images = pixels.to(placement.device).permute(0, 3, 1, 2).to(wide) / 255  # (N, 3, H, W)
    return images.to(getattr(torch, placement.dtype))
