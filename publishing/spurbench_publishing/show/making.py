"""Where the pages of a data set go: one file, or a folder with a page a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spurbench.dataset.read import DataSet
from spurbench.errors import UserError
from spurbench.files import write_bytes
from spurbench.placing import check_file, check_folder, place_file, place_folder
from spurbench.printing import tell
from spurbench.reading import real
from spurbench_publishing.opening import opened

from .embed import MOST_PICTURES
from .page import MARK, Page, count, index_page, page

ENDINGS = (".html", ".htm")
INDEX = "index.html"


@dataclass(frozen=True)
class Made:
    """What was made: the page to open first, how many there are, and the bytes of all."""

    entry: Path
    pages: int
    size: int
    pictures: int

    @property
    def words(self) -> str:
        """All that in a few words."""
        pages = "one page" if self.pages == 1 else f"{self.pages} pages"
        size = f"{self.size / 1e6:.1f} MB" if self.size >= 1e5 else f"{self.size / 1e3:.1f} kB"
        return f"{pages} of {self.pictures} pictures, {size}"


def make_pages(data: Path, classes: str | None = None, out: Path | None = None) -> Made:
    """Pages of a data set's classes (names with commas between them; all without).

    One file where ``out`` ends in .html, or without it where they have at most MOST_PICTURES; else a
    folder with index.html and classes/SLUG.html. UserError for what cannot be opened, shown or written.
    """
    data_set, wanted = opened(str(data), classes, "--class")
    slugs = list(dict.fromkeys(slug for slug, _ in data_set.groups(wanted)))
    pictures = count(data_set.manifest, slugs)
    if not pictures:
        raise UserError(f"{data}: holds no pictures to show")
    out = out or _usual(data, slugs, wanted, pictures)
    if out.suffix.lower() not in ENDINGS:
        return _folder(data_set, slugs, out, pictures)
    if pictures > MOST_PICTURES:
        raise UserError(
            f"{out}: {pictures} pictures are too many for a page (at most {MOST_PICTURES}); name a "
            "folder with --out, or classes with --class"
        )
    return _file(data_set, slugs, out, pictures)


def _usual(data: Path, slugs: Sequence[str], wanted: Sequence[str] | None, pictures: int) -> Path:
    """In the working folder: named after the data set, and its classes where some were named."""
    name = "-".join([real(data).name or "dataset", *(slugs if wanted else ())])[:120]
    return Path(f"{name}.html" if pictures <= MOST_PICTURES else f"{name}-pages")


def _file(data_set: DataSet, slugs: Sequence[str], out: Path, pictures: int) -> Made:
    check_file(out, _is_ours)  # before the work
    html = page(data_set, slugs).html
    place_file(out, html, _is_ours)
    return Made(out, 1, len(html), pictures)


def _folder(data_set: DataSet, slugs: Sequence[str], out: Path, pictures: int) -> Made:
    for slug in slugs:
        if count(data_set.manifest, [slug]) > MOST_PICTURES:
            tell(
                f"spurbench show: {slug} has more than {MOST_PICTURES} pictures; they are shown small"
            )
    check_folder(real(out), MARK)
    facts, size = [], 0
    with place_folder(out, MARK) as folder:
        for number, slug in enumerate(slugs, start=1):
            tell(f"spurbench show: {slug} ({number} of {len(slugs)})")
            made: Page = page(data_set, [slug], f"../{INDEX}")
            write_bytes(folder / "classes" / f"{slug}.html", made.html)
            facts += made.classes
            size += len(made.html)
        html = index_page(data_set.manifest, facts)
        write_bytes(folder / INDEX, html)
    return Made(out / INDEX, len(slugs) + 1, size + len(html), pictures)


def _is_ours(start: bytes) -> bool:
    return f'<meta name="generator" content="{MARK}">'.encode() in start
