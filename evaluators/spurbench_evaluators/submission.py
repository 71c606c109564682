"""A scored model handed in: its result and predictions among those of the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spurbench.errors import UserError
from spurbench.files import friendly_disk_errors
from spurbench.reading import is_file, is_folder, read_bytes
from spurbench.results import read_result
from spurbench.scores.stored import Outcome, install, predictions_path

from .run.one_by_one import Ended

RESULTS = Path("leaderboard") / "results"


def results_folder() -> Path:
    """The leaderboard's results in the checkout that the working folder is in; UserError where it is in
    none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if is_folder(folder / RESULTS):
            return folder / RESULTS
    raise UserError(
        f"{here}: --submit wants a checkout with the folder {RESULTS.as_posix()}; clone the repository "
        "of the leaderboard and run the same there"
    )


def check_whole(classes: str | None, splits: str | None, limit: int | None) -> None:
    """UserError for options that leave out a part of the data set: such a result is not ranked."""
    for flag, value in (("--classes", classes), ("--splits", splits), ("--limit", limit)):
        if value is not None:
            raise UserError(f"--submit is for whole data sets; leave {flag} out")


def submit(outcome: Outcome, results: Path) -> list[Path]:
    """Put a result and its predictions among others; the two files. UserError where another result of
    the same model is there: what is there stays as it is."""
    path = outcome.result.path_under(results)
    if is_file(path):
        there = read_result(path)
        if there.predictions_sha256 != outcome.result.predictions_sha256:
            raise UserError(
                f"{path}: is a result of this model already, of other predictions; results stay as they "
                "are, so nothing was submitted"
            )
    assert outcome.predictions_path, "a result that is to be submitted is on the disk"
    encoded = read_bytes(outcome.predictions_path)
    with friendly_disk_errors(results):
        installed = install(encoded, results)
    return [path, predictions_path(path, installed.result)]


def each(ended: Iterator[Ended], results: Path, submitted: list[Path]) -> Iterator[Ended]:
    """Models of a list as they end; what was scored is submitted, and its files noted."""
    for model, end in ended:
        if isinstance(end, Outcome):
            submitted += submit(end, results)
        yield model, end


def next_steps(files: list[Path]) -> list[str]:
    """What is to be done with submitted files, a line each."""
    if not files:
        return ["nothing was submitted"]
    here = Path.cwd()
    names = [f.relative_to(here) if f.is_relative_to(here) else f for f in files]
    results = [str(name) for name in names if name.suffix == ".json"]
    return [
        *(f"submitted: {name}" for name in results),
        "next: git add " + " ".join(map(str, names)),
        "      spurbench leaderboard check " + " ".join(results),
        "      git commit, and open a pull request with these files alone",
    ]
