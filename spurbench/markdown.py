"""Foreign text in Markdown: shown as it is, and nothing in it is markup, a link or HTML."""

from __future__ import annotations

import re

PLAIN = re.compile(r"[\w ,'()-]*")


def plain(text: object) -> str:
    """Text for a table's cell or a sentence: as it is where it is plain words, else as code."""
    line = " ".join(str(text).split())
    return line if PLAIN.fullmatch(line) and "_" not in line else code(line)


def code(text: object) -> str:
    """Text as code, which cannot end a cell or the code itself."""
    line = "".join(sign if sign.isprintable() else " " for sign in str(text))
    # Neither a cell's end nor code's can be written within code in a cell.
    return f"`{line.replace('|', '¦').replace('`', chr(39)).strip() or ' '}`"
