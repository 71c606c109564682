"""Fetching a model from the hub or a host: a spinner, nothing on stdout, one line where it fails."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from spurbench.errors import UserError
from spurbench.hub import hub_or_cache, quiet_logger
from spurbench.printing import console as screen
from spurbench.printing import one_line
from spurbench.reading import why

WITH_WEIGHTS = "give a checkpoint on disk with --weights FILE"


@contextmanager
def fetching(
    spec: str,
    way_out: str = WITH_WEIGHTS,
    failures: tuple[type[Exception], ...] = (OSError, RuntimeError, ValueError),
    host: AbstractContextManager[str] | None = None,
) -> Iterator[None]:
    """Within, libraries' own announcements are dropped and their failures become a UserError.

    ``host`` yields why where things come from does not answer; None is the hub.
    """
    console = screen(stderr=True)
    unanswered = ""
    try:
        with (
            host or hub_or_cache() as unanswered,
            console.status(one_line(f"fetching {spec}")),  # shown on a terminal only
            quiet_logger("huggingface_hub"),  # a line for each of its retries
            quiet_logger("transformers"),  # a table of what does not fit
            contextlib.redirect_stdout(io.StringIO()),  # torch says there what it downloads
        ):
            yield
    except UserError:
        raise
    except failures as error:
        reason = unanswered or why(error)
        raise UserError(f"{spec}: cannot be had ({reason}); {way_out}") from error
