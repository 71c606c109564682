"""Results written for the hub: a folder for each model's repository, and the data set's eval.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from spurbench.errors import UserError, short
from spurbench.files import write_text
from spurbench.results import DataRecord, Result

from .entries import Task, entries_of, values_of

RESULT = Path(".eval_results") / "spurbench.yaml"
DATA = "eval.yaml"
NAME = "spurbench"
REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")


def write_files(results: Sequence[Result], data_repo: str | None, folder: Path) -> list[Path]:
    """Write the files, below ``folder``; their paths.

    Raises UserError where results are of several data sets, of a part of one, or one comes twice, and
    where nothing says in which repository the data set lies; nothing is written then.
    """
    data = _same_data(results)
    repo = _repo(results, data_repo)
    texts: dict[Path, str] = {}
    for result in results:
        path = folder / result.slug / RESULT
        if path in texts:
            raise UserError(
                f"{short(result.model.spec)}: two results are of the same run; leave one out"
            )
        texts[path] = _yaml(_plain(result, repo))
    tasks = {value.task.name: value.task for result in results for value in values_of(result)}
    texts[folder / DATA] = _yaml(_benchmark(data, [task for _, task in sorted(tasks.items())]))
    _write(texts)
    return list(texts)


def _write(texts: dict[Path, str]) -> None:
    """Write all files; where one cannot be, nothing that was not there before stays."""
    folders = {folder for path in texts for folder in path.parents if not folder.exists()}
    new = [path for path in texts if not path.exists()]
    try:
        for path, text in texts.items():
            write_text(path, text)
    except BaseException:
        for path in new:
            with suppress(OSError):  # not written yet
                path.unlink()
        for folder in sorted(folders, reverse=True):
            with suppress(OSError):  # not made, or no longer empty
                folder.rmdir()
        raise


def _plain(result: Result, repo: str) -> list[dict[str, Any]]:
    from huggingface_hub import eval_result_entries_to_yaml

    return eval_result_entries_to_yaml(entries_of(result, repo))


def _benchmark(data: DataRecord, tasks: Sequence[Task]) -> dict[str, Any]:
    """What eval.yaml says of the data set; every task is over all of its classes, the config `default`."""
    lower = ", ".join(task.name for task in tasks if task.better == "lower")
    return {
        "name": NAME,
        "description": (
            f"Pictures that show a class's spurious feature without the class (domain {data.domain}, "
            f"version {data.version}). Values are shares in [0, 1], means over classes of the reading "
            f"restricted to the domain's labels. Lower is better for: {lower or 'none'}; higher for "
            "the others."
        ),
        "evaluation_framework": NAME,
        "tasks": [{"id": t.name, "config": "default", "split": t.split} for t in tasks],
    }


def _same_data(results: Sequence[Result]) -> DataRecord:
    """The data set that all results are of, the whole of it."""
    for result in results:
        if result.data.selection is not None:
            raise UserError(
                f"{short(result.model.spec)}: only a part of the data set was scored; export results "
                "of whole ones"
            )
    first, *others = [result.data for result in results]
    for other in others:
        if other.fingerprint != first.fingerprint or other.domain != first.domain:
            raise UserError(
                f"results are of {first.domain}/{first.version} and of {other.domain}/{other.version}; "
                "export those of one data set at a time"
            )
    return first


def _repo(results: Sequence[Result], said: str | None) -> str:
    """Where the data set lies on the hub: what was said, else what all results that know it say."""
    named = sorted({result.data.hub_id for result in results if result.data.hub_id})
    if said is None and len(named) != 1:
        which = (
            f"results name {len(named)}: {', '.join(map(short, named))}"
            if named
            else "no result says"
        )
        raise UserError(f"{which} where the data set lies on the hub; give --data-repo ORG/NAME")
    repo = said if said is not None else named[0]
    if not REPO.fullmatch(repo):
        raise UserError(f"--data-repo: {short(repo)} is not ORG/NAME")
    return repo


def _yaml(value: Any) -> str:
    """YAML of plain values alone, every foreign text quoted where it is more than a word."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
