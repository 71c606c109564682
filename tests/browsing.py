"""A page in a real browser, watched for what it must not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page


@contextmanager
def watched(
    browser: Browser, address: str, *, below: str, width: int = 1000, **context: Any
) -> Iterator[Page]:
    """The page at an address. At its end it has asked for nothing but data and what begins with
    ``below``, no dialog came up, and no script failed or was refused."""
    faults: list[str] = []
    settings = {"viewport": {"width": width, "height": 800}, **context}
    with browser.new_context(**settings) as made:
        page = made.new_page()

        def asked(url: str) -> None:
            if not url.startswith(("data:", "blob:", below)):
                faults.append(f"asked for {url}")

        def spoke(dialog: Dialog) -> None:
            faults.append(dialog.message)
            dialog.dismiss()

        page.on("request", lambda request: asked(request.url))
        page.on("requestfailed", lambda request: faults.append(f"none: {request.url}"))
        page.on("dialog", spoke)
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        yield page
        assert not faults
