"""Writes docs/bad-input.md: what commands do with bad input, and what docs/runs/bad-input.json says of it.

python -m scripts.bad_input --record docs/runs/bad-input.json
python -m scripts.bad_input_page
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spurbench.files import write_text
from spurbench.pictures import FORMATS, SUFFIXES
from spurbench.reading import DEEPEST, LONGEST_NUMBER, MOST_BYTES, MOST_TEXT

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "runs" / "bad-input.json"
PAGE = ROOT / "docs" / "bad-input.md"
MEGABYTE = 1 << 20
HEAD = f"""# Bad input

Written by `scripts/bad_input_page.py` from `docs/runs/bad-input.json`.

Whatever a command is given, a wrong word, a file that is none, a folder that may not be read, a full disk, it
answers with one line on stderr that says what, where and the way out, and with exit code 2. Lines of progress
(`loading torch ...`) may come before it; names that hold line breaks or other signs that are not printable are shown
escaped. Nothing is changed and nothing left behind but what the same command goes on from: finished steps of a build or
ablation in its work folder, answers of a run in `.unfinished`. A failure that is ours keeps its traceback and exit
code 1. 130 and 143 are the exit codes after Ctrl-C and SIGTERM, 141 that of a command whose reader has gone (`| head`).

What is read:

- plain files alone, links followed: a FIFO, socket or device is neither waited for nor read to its end;
- at most {MOST_BYTES // MEGABYTE} MiB of a picture, list or result, {MOST_TEXT // MEGABYTE} MiB of a text; weights, ONNX files, zips and
  Parquet files of a data set may be of any size;
- text in UTF-8, with or without a byte order mark; JSON and YAML of at most {DEEPEST} levels, with every key once, whole
  numbers of at most {LONGEST_NUMBER} digits; YAML of at most 64 KiB whose aliases stand for at most 10,000 values;
- pictures in {", ".join(FORMATS[:-1])} or {FORMATS[-1]}, whatever they are called, from files that are called
  {", ".join(sorted(SUFFIXES))};
- checkpoints as safetensors, or as what torch loads without running code.

A file of the work folder that something has damaged is made again.
"""
ABOUT = """
## The campaign

`python -m scripts.bad_input` makes calls of every command by seed and runs each in a process of its own that
has imported everything; a sample is compared with a fresh interpreter. A call has one thing wrong: something else where a file or
folder is expected, an odd path or name, a file spoiled in its bytes or in what it says (JSON, YAML, CSV, Parquet with
its hash put right, zips, pictures, checkpoints with code), an odd value of every option, or odd surroundings (closed, full or
left streams, encodings, no permission, no working folder, a full disk, few open files). It is a fault if there is a traceback, a
call that hangs, another exit code, an answer that is not one line, something left behind or changed, or if what is certainly bad is
accepted. CI runs the first 1,800 of seed 0.

"""


def page(record: dict[str, Any]) -> str:
    """The whole page."""
    rows = ["| command | calls |", "|---|---|"]
    rows += [f"| `{command}` | {count:,} |" for command, count in record["by_command"].items()]
    rows.append(f"| all | {record['cases']:,} |")
    kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(record["kinds"].items()))
    said = (
        f"Recorded with seed {record['seed']}: {record['cases']:,} calls, of which "
        f"{record['refused']:,} were refused (exit code 2), {record['accepted']:,} did their work (the "
        "input was odd, but good: an odd name, a bit that does not matter), "
        f"{record['faults']:,} were met badly{f' ({kinds})' if kinds else ''}."
    )
    return HEAD + ABOUT + said + "\n\n" + "\n".join(rows) + "\n"


def main() -> None:
    write_text(PAGE, page(json.loads(RECORD.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
