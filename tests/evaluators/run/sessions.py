"""A whole eval with models that take no time."""

from __future__ import annotations

from pathlib import Path

from spurbench.scores.stored import Outcome
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run.placement import choose
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings
from tests.evaluators.fakes import Fake


def settings(**changes: object) -> Settings:
    return Settings(choose("cpu"), **({"batch_size": 4, "workers": 2} | changes))  # type: ignore[arg-type]


def score(folder: Path, results: Path, *models: Fake, **changes: object) -> list[Outcome]:
    return evaluate_all(models or [Fake()], open_source(folder), results, settings(**changes))


def files(results: Path) -> dict[str, bytes]:
    return {
        p.relative_to(results).as_posix(): p.read_bytes() for p in results.rglob("*") if p.is_file()
    }
