"""What the hub or the way there refuses, as one line with the way out."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from spurbench.errors import UserError, disk_reason
from spurbench.hub import quiet_logger, unanswered
from spurbench.reading import why

AGAIN = "run the same command again: it goes on from there"
FULL = (errno.ENOSPC, errno.EDQUOT)


def check_hub() -> None:
    """UserError unless the hub may be asked and answers; asked once."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise UserError("HF_HUB_OFFLINE is set, and this needs the hub; unset it")
    silent = unanswered(constants.ENDPOINT)
    if silent:
        raise UserError(f"{silent}; check the network, then run the same command again")


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """Within, what goes wrong between us and the repository ``name`` is a UserError, and the hub's own
    client says nothing of it besides."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.errors import HTTPError as Broken  # type: ignore[attr-defined]

    try:
        with quiet_logger("huggingface_hub"):
            yield
    except (UserError, OSError, Broken, RuntimeError, ValueError) as error:
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, HfHubHTTPError):
                raise _refused(name, cause) from error
            if isinstance(cause, OSError) and cause.errno in FULL:
                where = cause.filename or "the hub's cache"
                raise UserError(
                    f"{where}: {disk_reason(cause)}; make room, then {AGAIN}"
                ) from error
        if isinstance(error, UserError):
            raise
        for cause in causes:
            if isinstance(cause, Broken | ConnectionError | TimeoutError):
                raise UserError(f"{name}: the hub was cut off ({why(cause)}); {AGAIN}") from error
        if _is_libraries(error):
            raise UserError(
                f"{name}: the hub's client failed ({why(causes[-1])}); {AGAIN}"
            ) from error
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from: threads that upload wrap what they met."""
    while error is not None:
        yield error
        error = error.__cause__


def _is_libraries(error: BaseException) -> bool:
    """Whether an error was raised by the hub's own client, which has no one kind for them."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = trace.tb_frame.f_globals.get("__name__", "") if trace else ""
    return str(raised_in).partition(".")[0] in {"huggingface_hub", "hf_xet"}


def _refused(name: str, error: object) -> UserError:
    from huggingface_hub import get_token
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    assert isinstance(error, HfHubHTTPError)
    status, said = error.response.status_code, why(error)
    login = "log in with `hf auth login`, or set HF_TOKEN"
    if isinstance(error, GatedRepoError):
        return UserError(f"{name}: is gated; ask for access on its page, and {login}")
    if isinstance(error, RevisionNotFoundError):
        return UserError(f"{name}: the hub has no such version of it; see its page for its tags")
    if status == 401 and get_token() is None:
        return UserError(f"{name}: the hub wants to know who asks; {login}")
    if isinstance(error, RepositoryNotFoundError):
        return UserError(
            f"{name}: no such data set on the hub, or none that this token may see; check the name, "
            f"or {login}"
        )
    if status == 401:
        return UserError(f"{name}: the hub does not accept the token; {login}")
    if status == 403:
        return UserError(
            f"{name}: the token has no right to do that; use one that may write there, or propose "
            "the change with --create-pr"
        )
    if status == 409:
        return UserError(
            f"{name}: exists already, out of this token's sight or made just now; check the name, or "
            f"{AGAIN}"
        )
    if status == 412:
        return UserError(f"{name}: somebody changed it meanwhile; look at that, then {AGAIN}")
    if status == 429 or status >= 500:
        return UserError(f"{name}: the hub fails ({status}); wait a little, then {AGAIN}")
    return UserError(f"{name}: the hub refuses ({status}: {said}); mend that, then {AGAIN}")
