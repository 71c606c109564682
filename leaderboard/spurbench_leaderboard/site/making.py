"""Results in, a folder of files out: the page, downloads, and pictures where a data set is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spurbench.dataset.read import DataSet, open_data_set
from spurbench.errors import UserError
from spurbench.files import write_bytes
from spurbench.placing import place_folder
from spurbench.printing import tell
from spurbench.results import Result
from spurbench_leaderboard.tables import Know

from .answers import ByClass, Read, answers, class_file
from .board import Data, Old, board
from .downloads import as_csv, as_json
from .page import MARK, page
from .pictures import thumbnails

INDEX = "index.html"


@dataclass(frozen=True)
class Made:
    """What was made: the page, its bytes, and how many models and pictures it shows."""

    entry: Path
    size: int
    models: int
    pictures: int

    @property
    def words(self) -> str:
        """All that in a few words."""
        with_pictures = f", {self.pictures} pictures" if self.pictures else ""
        return f"a page of {self.models} models, {self.size / 1e6:.2f} MB{with_pictures}"


def make_site(
    results: Path,
    found: Sequence[Result],
    know: Know,
    folders: Sequence[Path],
    out: Path,
    read: Read,
    old: Old = lambda data: False,
) -> Made:
    """Write the site of results that lie below ``results``; ``folders`` are data sets whose pictures are
    shown, ``read`` decodes predictions, ``old`` says of which data sets there is a newer version.

    The folder ``out`` is whole or as it was. UserError where it holds other files, or a data set is none
    that a result is of.
    """
    tables = board(found, know, old)
    sets = [open_data_set(folder) for folder in folders]
    shown = _fitting(tables, sets, folders)
    by_file = {str(result.path_under(Path())): result for result in found}
    pictures = 0
    with place_folder(out, MARK, "--site") as folder:
        for table in tables:
            if table["key"] in shown:
                said = [
                    (row["id"], answers(by_file[row["file"]], results, read))
                    for row in table["rows"]
                ]
                pictures += _put_pictures(folder, table["key"], shown[table["key"]], said)
        classes = {key: sorted(data.manifest.classes) for key, data in shown.items()}
        html = page(tables, classes)
        write_bytes(folder / INDEX, html)
        write_bytes(folder / "board.csv", as_csv(tables))
        write_bytes(folder / "board.json", as_json(tables))
    return Made(out / INDEX, len(html), sum(len(table["rows"]) for table in tables), pictures)


def _fitting(
    tables: Sequence[Data], sets: Sequence[DataSet], folders: Sequence[Path]
) -> dict[str, DataSet]:
    """The data set of each table that one is at hand for."""
    shown: dict[str, DataSet] = {}
    for data, folder in zip(sets, folders, strict=True):
        print_of = data.manifest.fingerprint()
        keys = [table["key"] for table in tables if table["fingerprint"] == print_of]
        if not keys:
            raise UserError(
                f"{folder}: no result is of this data set (version {data.manifest.version}); "
                "leave it out, or score a model on it"
            )
        shown |= dict.fromkeys(keys, data)
    return shown


def _put_pictures(
    folder: Path, key: str, data: DataSet, said: Sequence[tuple[str, ByClass]]
) -> int:
    """Thumbnails of a table's data set, and a file of answers a class; how many pictures there are."""
    count = 0
    slugs = sorted(data.manifest.classes)
    for number, slug in enumerate(slugs, start=1):
        tell(f"spurbench leaderboard: pictures of {slug} ({number} of {len(slugs)})")
        made = list(thumbnails(data, slug))
        for each in made:
            if each.data and not (folder / each.place).exists():
                write_bytes(folder / each.place, each.data)
        models = [(model, found.get(slug, {})) for model, found in said]
        write_bytes(folder / "answers" / key / f"{slug}.js", class_file(key, slug, made, models))
        count += len(made)
    return count
