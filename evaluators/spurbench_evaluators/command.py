"""`spurbench eval`: a thin function over scoring.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spurbench.contracts import Classifier
    from spurbench.dataset.read import DataSet
    from spurbench.results import Result

FRAMINGS = {"model": None, "si": "shortest", "squash": "squash"}


def evaluate(
    model: Annotated[list[str], typer.Option(help="Model spec LOADER/NAME; may be given again.")],
    data: Annotated[Path, typer.Option(help="Data set folder.")] = Path("spurbench"),
    weights: Annotated[
        Path | None,
        typer.Option(help="Checkpoint for the model: .safetensors or a torch state dict."),
    ] = None,
    framing: Annotated[
        str, typer.Option(help="model: its own transform; si: shorter edge, no crop; squash.")
    ] = "model",
    results: Annotated[Path, typer.Option(help="Folder for result files.")] = Path("results"),
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a batch.")] = 64,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON only.")
    ] = False,
) -> None:
    """Score classifiers on a data set: spurious accuracy by class and split, with 95 % intervals."""
    import json

    from spurbench import plugins
    from spurbench.dataset.read import open_data_set
    from spurbench.errors import UserError, unknown

    if weights is not None and len(model) > 1:
        raise UserError("--weights is for one model; run `spurbench eval` once a model")
    if framing not in FRAMINGS:
        raise unknown("framing", framing, FRAMINGS)
    if results.exists() and not results.is_dir():
        raise UserError(f"{results}: is a file; name a folder with --results")
    data_set = open_data_set(data)
    found = []
    for spec in model:
        classifier = plugins.classifier(spec, weights=weights)
        reframe(classifier, framing)
        found.append(score_one(classifier, data_set, results, batch_size, quiet=json_output))
    if json_output:
        typer.echo(json.dumps({"results": [r.model_dump() for r in found]}))


def reframe(classifier: Classifier, framing: str) -> None:
    """Replace the classifier's own framing by the one asked for."""
    from dataclasses import replace

    kind = FRAMINGS[framing]
    if kind:
        size = classifier.transform.size
        classifier.transform = replace(
            classifier.transform, framing=kind, resize=size, interpolation="bicubic"
        )


def predictions_path(path: Path, result: Result) -> Path:
    """Where the per-picture predictions of a result file lie."""
    return path.with_name(f"{path.stem}.{result.predictions_sha256[:8]}.parquet")


def score_one(
    classifier: Classifier, data: DataSet, results: Path, batch_size: int, *, quiet: bool
) -> Result:
    """Score one model, show its table, write its predictions and then its result."""
    from rich.console import Console
    from rich.progress import track

    from spurbench.files import friendly_disk_errors, write_bytes
    from spurbench.results import write_result

    from .scoring import check_domain, make_result, predictions_parquet, score_pictures
    from .table import score_table

    check_domain(classifier, data)
    console = Console(stderr=True, quiet=quiet)
    pictures = track(
        data.pictures(), classifier.spec, data.count(), console=console, transient=True
    )
    scored = score_pictures(classifier, iter(pictures), batch_size)
    predictions = predictions_parquet(scored)
    result = make_result(classifier, data, scored, predictions)
    path = result.path_under(results)
    with friendly_disk_errors(results):
        # The name holds the hash: whichever JSON is there, its predictions are beside it.
        kept = predictions_path(path, result)
        write_bytes(kept, predictions)
        write_result(result, path)
        for stale in set(path.parent.glob(f"{path.stem}.*.parquet")) - {kept}:
            stale.unlink()
    if not quiet:
        Console().print(score_table(result))
        typer.echo(f"result: {path}")
    return result
