"""Pages that hold all that they show: templates that escape, files of a package, a policy's hashes."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str, **more: Any) -> Environment:
    """Templates in a package's folder ``assets``; what is put into them is escaped, and what is missing
    is an error. ``more`` are further options of jinja2's Environment."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **more,
    )


@cache
def asset(package: str, name: str, folder: str = "assets") -> str:
    """The text of a file that ships with a package."""
    return files(package).joinpath(folder, name).read_text(encoding="utf-8")


def policy_hash(text: str) -> str:
    """What a content security policy calls an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
