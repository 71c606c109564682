"""The Hugging Face hub, or what its local cache holds where the hub does not answer."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 2.0


def unanswered(url: str) -> str:
    """Why a host does not answer, asked once; empty where it does. Libraries would ask it five times
    or more, with pauses that double."""
    said = ["no answer"]  # where not even the name is resolved in time

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):
                said[0] = ""
        except urllib.error.HTTPError:
            said[0] = ""  # an answer, though not a welcome
        except (OSError, ValueError) as error:
            said[0] = str(getattr(error, "reason", error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2 * PATIENCE_SECONDS)
    return f"{url} does not answer: {said[0]}" if said[0] else ""


@contextmanager
def hub_or_cache() -> Iterator[str]:
    """For the body, the hub where it answers now, else its local cache alone, as with HF_HUB_OFFLINE.
    Yields why it does not answer; empty where it does, or is not to be asked."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        yield ""
        return
    why = unanswered(constants.ENDPOINT)
    constants.HF_HUB_OFFLINE = bool(why)
    try:
        yield why and f"{why}; nor is it in the local cache"
    finally:
        constants.HF_HUB_OFFLINE = False


@contextmanager
def quiet_logger(name: str) -> Iterator[None]:
    """Within, a library says nothing by itself: what fails is told once, by whoever asked for it."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
