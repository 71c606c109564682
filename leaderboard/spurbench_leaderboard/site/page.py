"""The page as HTML: nothing in it comes from elsewhere, and no text of a result is markup."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from spurbench.html import asset, environment, policy_hash

from .board import Data

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "spurbench_leaderboard.site"
MARK = "spurbench leaderboard"
LIBRARIES = ("dataTables.min.js", "d3.min.js", "plot.umd.min.js")
SCRIPTS = ("data.js", "state.js", "filters.js", "table.js", "chart.js", "details.js", "start.js")


def page(tables: Sequence[Data], pictures: dict[str, list[str]]) -> bytes:
    """index.html. ``pictures`` has, by a table's key, the classes whose pictures lie beside the page."""
    scripts = [asset(PACKAGE, name, "vendored") for name in LIBRARIES]
    scripts.append("\n".join(["'use strict';", *(asset(PACKAGE, name) for name in SCRIPTS)]))
    allowed = " ".join(f"'{policy_hash(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; img-src 'self' data: file:; style-src 'unsafe-inline'; "
        f"script-src 'self' file: {allowed}; base-uri 'none'; form-action 'none'"
    )
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            mark=MARK,
            policy=policy,
            style=asset(PACKAGE, "page.css"),
            scripts=scripts,
            data={"tables": list(tables), "pictures": pictures},
        )
    )
    return text.encode()


@cache
def _environment() -> Environment:
    made = environment(PACKAGE)
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return made
