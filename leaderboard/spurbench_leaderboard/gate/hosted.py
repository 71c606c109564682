"""Predictions that lie in a data set repository of the hub: fetched once, of a bounded size."""

from __future__ import annotations

from pathlib import Path

from spurbench.errors import UserError
from spurbench.hub import hub_or_cache
from spurbench.reading import read_bytes, why
from spurbench.results import Hosted

MOST_HOSTED = 128 << 20


def fetched(place: Hosted) -> bytes:
    """The file's bytes, from the hub or its local cache; UserError where they cannot be had, or are
    more than predictions take. Nobody's token is sent: what counts is open to all."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name = f"{place.repo_id}/{place.path} at {place.revision[:12]}"
    silent = ""
    try:
        with hub_or_cache() as silent:
            from huggingface_hub import constants

            if not constants.HF_HUB_OFFLINE:
                url = hf_hub_url(
                    place.repo_id, place.path, repo_type="dataset", revision=place.revision
                )
                size = get_hf_file_metadata(url, token=False).size
                if size is None or size > MOST_HOSTED:
                    raise UserError(
                        f"{name}: {size} bytes are more than it can have ({MOST_HOSTED})"
                    )
            file = hf_hub_download(
                place.repo_id,
                place.path,
                repo_type="dataset",
                revision=place.revision,
                token=False,
            )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"{name}: predictions that the hub does not give ({silent or why(error)}); check the name, "
            "or try again where the hub can be reached"
        ) from error
    return read_bytes(Path(file), MOST_HOSTED)
