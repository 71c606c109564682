"""The page as HTML: nothing in it comes from elsewhere, and no text of a result is markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from .board import Data

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "spurbench leaderboard"
LIBRARIES = ("dataTables.min.js", "d3.min.js", "plot.umd.min.js")
SCRIPTS = ("data.js", "state.js", "filters.js", "table.js", "chart.js", "details.js", "start.js")


def page(tables: Sequence[Data], pictures: dict[str, list[str]]) -> bytes:
    """index.html. ``pictures`` has, by a table's key, the classes whose pictures lie beside the page."""
    scripts = [_asset("vendored", name) for name in LIBRARIES]
    scripts.append("\n".join(["'use strict';", *(_asset("assets", name) for name in SCRIPTS)]))
    allowed = " ".join(f"'{_hash(script)}'" for script in scripts)
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
            style=_asset("assets", "page.css"),
            scripts=scripts,
            data={"tables": list(tables), "pictures": pictures},
        )
    )
    return text.encode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("spurbench_leaderboard.site", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return made


@cache
def _asset(folder: str, name: str) -> str:
    found = files("spurbench_leaderboard.site").joinpath(folder, name)
    return found.read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a content security policy calls an inline script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
