"""Loads checkpoints from disk: safe formats only, strictly, with every misfit named."""

from __future__ import annotations

import pickle
import re
import warnings
from collections import OrderedDict
from pathlib import Path

from torch import Tensor, nn

from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_file
from spurbench.reading import is_file, opened, why


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors file, or of a torch checkpoint read with weights_only=True."""
    import torch
    from safetensors.torch import load_file

    if not is_file(path):
        raise UserError(f"{path}: no such weights file")
    with opened(path, None):  # which says why it may not be read
        pass
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle protocols
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken or hostile file makes the readers raise
        raise UserError(
            f"{path}: not a checkpoint that can be loaded safely ({refused(error)}); "
            "save it as safetensors, or as a plain state dict"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()
    ):
        raise UserError(f"{path}: holds no state dict of tensors")
    return without_prefix(state, "module.")  # as torch's DataParallel saves it


def refused(error: Exception) -> str:
    """Why torch or safetensors refuse a file, in a few words: torch begins with a page of advice."""
    said = str(error)
    name = re.search(r"unsupported GLOBAL ([\w.]+)", said, re.IGNORECASE)
    if name:
        return f"it asks for {name[1]}, which is code and no tensor"
    if isinstance(error, pickle.UnpicklingError):
        return "it is pickled in a way that is not read safely"
    if "zip archive" in said or isinstance(error, KeyError | EOFError):
        return "it is cut short or no checkpoint at all"
    return why(error)


def load_strictly(network: nn.Module, path: Path, state: dict[str, Tensor] | None = None) -> str:
    """Load a checkpoint into the network and return the file's SHA-256; any misfit is an error.

    ``state`` is the file's state dict where the caller has read it (and renamed its keys) already.
    """
    state = read_state(path) if state is None else state
    faults = misfits(network, state)
    if faults:
        raise UserError(f"{path}: does not fit the architecture: {faults}")
    fill(network, state)
    return sha256_file(path)


def fill(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Load a state dict that fits. Layers' versions, which safetensors cannot hold, are today's."""
    versioned = OrderedDict(state)
    versions = getattr(state, "_metadata", None) or getattr(network.state_dict(), "_metadata", {})
    versioned._metadata = versions  # type: ignore[attr-defined]
    network.load_state_dict(versioned, strict=False)


def misfits(network: nn.Module, state: dict[str, Tensor]) -> str:
    """What of a state dict does not fit the network, by number and first names; empty if all does."""
    wanted = network.state_dict()
    optional = {k for k in wanted if k.endswith("num_batches_tracked")}
    faults = (
        ("missing", sorted(set(wanted) - set(state) - optional)),
        ("unexpected", sorted(set(state) - set(wanted))),
        (
            "of another shape",
            [k for k in wanted if k in state and wanted[k].shape != state[k].shape],
        ),
    )
    return "; ".join(
        f"{len(keys)} {what} ({', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''})"
        for what, keys in faults
        if keys
    )


def without_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The state dict with a prefix taken off its keys, if every key has it."""
    if not state or not all(key.startswith(prefix) for key in state):
        return state
    return {key.removeprefix(prefix): value for key, value in state.items()}


def state_sha256(network: nn.Module) -> str:
    """SHA-256 over a network's tensors, where its weights come from no file of the user's."""
    digest = "".join(
        sha256_bytes(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        for name, tensor in sorted(network.state_dict().items())
    )
    return sha256_bytes(digest.encode())
