"""What is fetched from the hub, or found in its local cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spurbench.errors import UserError
from spurbench.hub import hub_or_cache
from spurbench.reading import why


@contextmanager
def hub_errors(what: str, way_out: str) -> Iterator[None]:
    """Turn the hub's many ways of not answering into a UserError of one line. One that does not answer
    at once is not asked again: what is in its local cache counts then."""
    with hub_or_cache() as unanswered:
        try:
            yield
        except Exception as error:
            reason = unanswered or why(error)
            raise UserError(f"{what} cannot be had from the hub ({reason}); {way_out}") from error
