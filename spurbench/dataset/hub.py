"""Data sets on the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from spurbench.errors import UserError, short
from spurbench.hub import hub_or_cache
from spurbench.reading import is_file, why

from .manifest import NAME

COMMIT = re.compile("[0-9a-f]{40}")
LONGEST_REVISION = 255
PICTURES = (NAME, "data/**")
"""What of a data set its pictures are read from."""


def is_hub_id(text: str) -> bool:
    """Whether the text can be a hub id, OWNER/NAME, perhaps with @REVISION."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    name = text.partition("@")[0]
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return name.count("/") == 1  # the hub's check passes a bare NAME; here that is a folder


def split_id(text: str, revision: str | None = None) -> tuple[str, str | None]:
    """OWNER/NAME@REVISION as its id and revision; ``revision`` counts where the text has none.

    UserError where the revision is longer than git's names can be: no address can hold it either.
    """
    name, _, said = text.partition("@")
    chosen = said or revision
    if chosen and len(chosen) > LONGEST_REVISION:
        raise UserError(
            f"{short(name)}: a version of {len(chosen)} characters; the hub has none of more than "
            f"{LONGEST_REVISION}, see its page for its tags"
        )
    return name, chosen


def snapshot(text: str, revision: str | None = None, only: Sequence[str] | None = PICTURES) -> Path:
    """Folder of a spurbench data set's snapshot, from the hub or its local cache: the files that
    ``only`` has patterns for, all of them where it is None.

    UserError where it cannot be had or is no data set of ours.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    from huggingface_hub.errors import HTTPError as Broken  # type: ignore[attr-defined]

    name, revision = split_id(text, revision)
    silent = ""
    try:
        with hub_or_cache() as silent:
            folder = Path(
                snapshot_download(
                    name,
                    repo_type="dataset",
                    revision=revision,
                    allow_patterns=None if only is None else list(only),
                )
            )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = silent or why(error)
        raise UserError(
            f"{text}: neither a folder here nor a data set that the hub gives ({reason}); check the "
            "name, or make one with `spurbench build` or `spurbench import-si`"
        ) from error
    except Broken as error:
        raise UserError(
            f"{text}: the hub was cut off ({why(error)}); run the same command again: it goes on from there"
        ) from error
    if not is_file(folder / NAME):
        raise UserError(f"{text}: is on the hub, but has no {NAME}: not a spurbench data set")
    return folder


def commit_of(folder: Path) -> str | None:
    """The commit that a snapshot's folder is of: the hub's cache names it so."""
    return folder.name if COMMIT.fullmatch(folder.name) else None
