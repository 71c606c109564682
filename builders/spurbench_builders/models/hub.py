"""What is fetched from the hub, or found in its local cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spurbench.errors import UserError


@contextmanager
def hub_errors(what: str, way_out: str) -> Iterator[None]:
    """Turn the hub's many ways of not answering into a UserError of one line."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{what} cannot be had from the hub ({reason}); {way_out}") from error
