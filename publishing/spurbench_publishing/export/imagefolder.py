"""torchvision's ImageFolder: SPLIT/SLUG/NUMBER.png, and a table of all columns beside the splits."""

from __future__ import annotations

from pathlib import Path

from spurbench.placing import place_folder

from .records import Chosen, cells, header, members, picture_file, write_csv

KIND = "spurbench export imagefolder"
TABLE = "columns.csv"


def write(chosen: Chosen, out: Path) -> int:
    """Write the tree to a folder; UserError where anything is there that is none of ours."""
    panel = members(chosen)
    count = 0
    with (
        place_folder(out, KIND) as folder,
        (folder / TABLE).open("w", encoding="utf-8", newline="") as table,
    ):
        write_csv(table, [header(panel, ("file",))])
        for slug, split, row in chosen.rows(data=True):
            suffix, data = picture_file(slug, split, row)
            name = f"{split}/{slug}/{row.index:05d}{suffix}"
            (folder / split / slug).mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            write_csv(table, [cells(slug, split, row, panel, (name,))])
            count += 1
    return count
