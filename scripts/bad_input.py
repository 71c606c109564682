"""Bad input for every command, by seed: a traceback, a hang, an answer of more than one line, something
left behind or changed is a fault.

    python -m scripts.bad_input                    # every case of seed 0; some minutes on two cores
    python -m scripts.bad_input --seed 7 --count 200 --only eval
    python -m scripts.bad_input --seed 7 --case 31 --folder /tmp/one   # one of them, to look at
    python -m scripts.bad_input --record docs/runs/bad-input.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from spurbench.files import write_text
from tests.bad_input.campaign import campaign, counts, fresh_ended, made, meet_in, one


def show(folder: Path, numbers: list[int], seed: int = 0) -> None:
    """Of each of these cases, whether a fresh interpreter ends as the forked child does."""
    world = made(folder)
    for number in numbers:
        forked, fresh = (meet_in(folder, world, seed, number, how) for how in (None, fresh_ended))
        said = [_without_loading(met.ended.err) for met in (forked, fresh)]
        same = said[0] == said[1] and forked.ended.code == fresh.ended.code
        print("the same" if same else f"differ:\n{forked.told()}\n{fresh.told()}", flush=True)


def _without_loading(text: str) -> list[str]:
    """Its lines but for those that say what is imported: a forked child has it all."""
    return [line for line in text.splitlines() if ": loading " not in line]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, help="only the first ones")
    parser.add_argument("--only", default="", metavar="COMMAND")
    parser.add_argument("--case", type=int, metavar="NUMBER", help="one case alone")
    parser.add_argument("--folder", type=Path, help="a new folder to work in, which stays")
    parser.add_argument("--record", type=Path, metavar="FILE")
    said = parser.parse_args()
    folder = said.folder or Path(tempfile.mkdtemp(prefix="bad-input-"))
    if said.case is not None:
        print(one(folder, said.seed, said.case).told())
        return
    met = campaign(folder, said.seed, said.count, said.only)
    for found in met:
        if found.faults:
            print(found.told())
    record = {"seed": said.seed, **counts(met)}
    print(json.dumps(record, indent=1))
    if said.record:
        write_text(said.record, json.dumps(record, indent=1) + "\n")
    sys.exit(bool(record["faults"]))


if __name__ == "__main__":
    main()
