"""Where a recipe's base model lies. Importing this imports no torch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from spurbench.contracts import Domain
from spurbench.errors import UserError
from spurbench.reading import is_file

from .hub import hub_errors

PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
SAFETY = ("safety_checker", "feature_extractor")


def check_base(base: str, revision: str | None, domain: Domain) -> None:
    """UserError where the base model can be seen not to be had; nothing is fetched."""
    from huggingface_hub import constants

    if _here(base, domain) is None:
        commit = _pinned(base, revision)
        with _errors(base, commit):
            if constants.HF_HUB_OFFLINE:  # or the hub does not answer now
                _from_hub(base, commit)


def base_model_folder(base: str, revision: str | None, domain: Domain) -> Path:
    """Where the recipe's base model lies: shipped with the domain, a folder of the user's, or the
    hub's copy of a pinned revision, fetched where it is not in the local cache."""
    here = _here(base, domain)
    if here is not None:
        return here
    commit = _pinned(base, revision)
    with _errors(base, commit):
        return _from_hub(base, commit)


def _here(base: str, domain: Domain) -> Path | None:
    """The folder on this disk, but for the hub's cache; None for a hub id."""
    shipped = domain.base_model(base)
    if shipped is not None:
        return shipped
    folder = Path(base).expanduser()
    if is_file(folder / "model_index.json"):
        return folder
    is_hub_id = base.count("/") == 1 and not folder.exists() and not base.startswith((".", "~"))
    if not is_hub_id:
        raise UserError(
            f"base model {base!r}: neither ships with domain {domain.name!r}, nor is a folder in "
            "diffusers' pipeline format (no model_index.json), nor a hub id OWNER/NAME"
        )
    return None


def _pinned(base: str, revision: str | None) -> str:
    if revision is None:
        raise UserError(
            f"base model {base!r}: pin the hub's revision with base_revision (a commit's 40 digits)"
        )
    return revision


def _errors(repo: str, revision: str) -> AbstractContextManager[None]:
    way_out = "give a local folder as `base` in a recipe that extends this one"
    return hub_errors(f"base model {repo}@{revision[:8]}:", way_out)


def _from_hub(repo: str, revision: str) -> Path:
    """The pipeline's parts from the hub or its local cache, float32 safetensors only."""
    from huggingface_hub import snapshot_download

    wanted = ["model_index.json", *(f"{p}/*.json" for p in (*PARTS, *SAFETY))]
    wanted += ["tokenizer/*.txt", "*/model.safetensors", "*/diffusion_pytorch_model.safetensors"]
    return Path(snapshot_download(repo, revision=revision, allow_patterns=wanted))
