"""Odd texts, numbers, names and places, as hands, programs and strangers make them."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

DIGITS = "9" * 5000
NUMBERS = (
    *(
        "",
        " ",
        "x",
        "-1",
        "0",
        "1.5",
        "1e3",
        "1e999",
        "nan",
        "inf",
        "+",
        "0x10",
        "1_0",
        "٣",
        "²",
        "1,2",
    ),
    *("-0", "00", "1" + "0" * 30, DIGITS, "-" + DIGITS, "1\n2", "½", "1 2", "--", "None", "[1]"),
)
TEXTS = (
    *("", " ", ",", ",,,", "nope", "koalla", "../..", "/", ".", "~", "*", "-", "--", "a/b/c/d"),
    *(
        "[/b]",
        "[bold]x",
        ":smile:",
        "<script>alert(1)</script>",
        "![x](http://e/x.png)",
        "`x`",
        "a|b",
    ),
    *(
        "a\nb",
        "a\rb",
        "a\tb",
        "\x1b[2J",
        "\u202eabc",
        "\u2028",
        "\udcff",
        "é",
        "日本語",
        "🦜",
        "\x7f",
    ),
    *("x" * 300, "x" * 100_000, "%s%n", "{0}", "$HOME", "'; DROP", DIGITS, "None", "null", "NaN"),
    *(
        "koala,koala",
        "koala,nope",
        "http://127.0.0.1:9/x",
        "con",
        "a\\b",
        "@",
        "a@b",
        "hub://x",
        "a//b",
    ),
)
NAMES = (
    *(
        "[b]x",
        "[red]",
        ":smile:",
        "a b",
        "a\nb",
        "\x1b[2J",
        "é",
        "\udcff",
        "n" * 250,
        "-x",
        "--out",
        "'",
        '"',
    ),
    *(
        "a|b",
        "<i>",
        "$(ls)",
        "%d",
        "{x}",
        "~",
        "#",
        "*",
        "?",
        "日本",
        "\u202ex",
        " ",
        "...",
        "\\",
        "a\tb",
    ),
)
"""Names that a file or folder may have."""


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        _gone(path)
        make(path)

    return spoil


def _link(target: str) -> Callable[[Path], None]:
    return _replaced(lambda path: path.symlink_to(target))


def _other_kind(path: Path) -> None:
    """A folder where a file was, and the reverse."""
    folder = path.is_dir()
    _gone(path)
    if folder:
        path.write_text("a file\n")
    else:
        path.mkdir()


def _shut(mode: int) -> Callable[[Path], None]:
    return lambda path: path.chmod(mode)


def _shut_above(path: Path) -> None:
    """In a folder that may not be entered."""
    inner = path.with_name(f"{path.name}-moved")
    path.rename(inner)
    path.mkdir()
    inner.rename(path / inner.name)
    path.chmod(0)


PLACES: dict[str, Callable[[Path], object]] = {
    "gone": _gone,
    "of the other kind": _other_kind,
    "a FIFO": _replaced(os.mkfifo),
    "a socket": _replaced(_socket),
    "a link to itself": _replaced(lambda path: path.symlink_to(path.name)),
    "a link to nowhere": _link("nowhere"),
    "a link to /dev/null": _link("/dev/null"),
    "a link to /dev/zero": _link("/dev/zero"),
    "a link to /dev/full": _link("/dev/full"),
    "a link to /proc/self/mem": _link("/proc/self/mem"),
    "an empty folder": _replaced(Path.mkdir),
    "without permission": _shut(0),
    "write only": _shut(0o200),
    "in a shut folder": _shut_above,
}
"""What may be where a good file or folder is expected; each is certainly bad."""
WORDS = (
    *(
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/stdin",
        "/proc/self/mem",
        "/proc/self/fd/0",
        "",
        "-",
    ),
    *(
        "n" * 300,
        "/".join(["d" * 200] * 25),
        "x" * 70_000,
        "fifo",
        "loop",
        "loop/x",
        "nowhere/x",
        "shut/x",
    ),
    *(
        "README.md/x",
        "\udcff",
        "a\nb",
        "[/b]",
        "/root/../dev/null",
        "//",
        "tiny.yaml/..",
        "~nobody/x",
    ),
)
"""Paths as words of a command line; places that they name are made by ``places``."""


def places(folder: Path) -> None:
    """What some of WORDS name."""
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    (folder / "shut").mkdir()
    (folder / "shut" / "x").write_text("x")
    (folder / "shut").chmod(0)
