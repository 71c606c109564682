"""`spurbench export`: a thin function over formats.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="Data set folder.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="imagefolder, webdataset or csv.")],
    out: Annotated[
        Path,
        typer.Option(metavar="PATH", help="Folder to make, or for csv the file."),
    ],
    classes: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Classes, separated by commas; else all.")
    ] = None,
    splits: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Splits, separated by commas; else all.")
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Write a data set's pictures or columns for those who read neither Parquet nor `datasets`.

    \b
    Examples:
      spurbench export spurbench --to imagefolder --out pictures
      spurbench export spurbench --to csv --classes koala --out koala.csv
    """
    from spurbench.errors import unknown
    from spurbench.printing import out as say
    from spurbench.printing import print_json
    from spurbench_publishing.opening import names, opened

    from .formats import FORMATS
    from .records import Chosen

    if to not in FORMATS:
        raise unknown("format", to, FORMATS)
    data_set, wanted = opened(str(data), classes)
    groups = data_set.groups(wanted, names("--splits", splits))
    count = FORMATS[to].write(Chosen(data_set, tuple(groups)), out)
    if json_output:
        print_json({"out": str(out), "format": to, "pictures": count})
    else:
        say(f"{out}: {count} pictures as {to}, {FORMATS[to].said}")
