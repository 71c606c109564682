"""`spurbench eval`, `score` and `compare`: thin functions over api.py and the core's scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spurbench.numerals import MOST, whole_option
from spurbench.printing import one_line, out, print_json, tell

from .limits import MOST_BATCH, MOST_WORKERS

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object only.")]


MODELS, PICTURES, RUN = "Models", "Pictures", "How it is run"


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC", help="LOADER/NAME; may be given again.", rich_help_panel=MODELS
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="List of models instead, one a line with its --weights, --label-space, --framing, "
            "--dtype, --batch-size; scored one after another.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Checkpoint for the model: .safetensors or a torch state dict.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    label_space: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Label space of the models, where it is not known.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    framing: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="model: its own transform; si: shorter edge, no crop; squash.",
            rich_help_panel=MODELS,
        ),
    ] = "model",
    data: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="Data set folder or hub id, or Spurious ImageNet's folder or zip.",
            rich_help_panel=PICTURES,
        ),
    ] = "spurbench",
    revision: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Revision of a hub id.", rich_help_panel=PICTURES),
    ] = None,
    val: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="ImageNet validation pictures: torchvision's or Kaggle's folder, or a hub "
            "ID[:SPLIT].",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Only these, by comma.", rich_help_panel=PICTURES),
    ] = None,
    splits: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Only these, by comma.", rich_help_panel=PICTURES),
    ] = None,
    limit: Annotated[
        int | None,
        whole_option("--limit", 1, MOST, "First pictures of each class and split.", PICTURES),
    ] = None,
    skip_unreadable: Annotated[
        bool,
        typer.Option(
            "--skip-unreadable",
            help="Leave unreadable pictures out, and record them.",
            rich_help_panel=PICTURES,
        ),
    ] = False,
    device: Annotated[
        str,
        typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=RUN),
    ] = "auto",
    dtype: Annotated[
        str,
        typer.Option(metavar="NAME", help="float32, float64 or bfloat16.", rich_help_panel=RUN),
    ] = "float32",
    batch_size: Annotated[
        int | None,
        whole_option(
            "--batch-size", 1, MOST_BATCH, "Pictures a batch; else the device's usual.", RUN
        ),
    ] = None,
    workers: Annotated[
        int | None,
        whole_option(
            "--workers", 1, MOST_WORKERS, "Threads that read pictures; else the cores.", RUN
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Score again even if nothing changed.", rich_help_panel=RUN),
    ] = False,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder for result files.")] = Path(
        "results"
    ),
    keep_logits: Annotated[
        bool,
        typer.Option(
            "--keep-logits", help="Keep the logits of the domain's labels in the predictions."
        ),
    ] = False,
    submit: Annotated[
        bool,
        typer.Option(
            "--submit", help="Also put the results into leaderboard/results of this checkout."
        ),
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Score classifiers: spurious accuracy by class and split, with intervals.

    An interrupted run goes on where it stopped; a second run with nothing
    changed answers from the stored predictions.

    \b
    Examples:
      spurbench eval --model micro/vit --model micro/robust
      spurbench eval --model timm/resnet50 --data SI.zip --framing si
    """
    from spurbench.errors import UserError
    from spurbench.printing import console as screen
    from spurbench_evaluators import api, output, submission
    from spurbench_evaluators.report.progress import watched

    console = screen(stderr=True, quiet=json_output)
    options: dict[str, Any] = {
        "label_space": label_space,
        "revision": revision,
        "framing": framing,
        "val": val,
        "classes": classes,
        "splits": splits,
        "limit": limit,
        "results": results,
        "device": device,
        "dtype": dtype,
        "batch_size": batch_size,
        "workers": workers,
        "skip_unreadable": skip_unreadable,
        "keep_logits": keep_logits,
        "fresh": fresh,
        "watch": lambda steps, total: watched(steps, total, console),
        "say": lambda line: console.print(one_line(f"spurbench eval: {line}"), soft_wrap=True),
    }
    board: Path | None = None
    submitted: list[Path] = []
    if submit:
        submission.check_whole(classes, splits, limit)
        board = submission.results_folder()
    if models is not None:
        if model:
            raise UserError("--model and --models both name models; use one of them")
        if weights is not None:
            raise UserError(
                f"--weights is for one model; write it in that model's line of {models}"
            )
        ended = api.evaluate_list(models, data, **options)
        if board is not None:
            ended = submission.each(ended, board, submitted)
        code = output.show_list(ended, models, console, json_output=json_output)
        if board is not None:
            output.show_steps(submission.next_steps(submitted), json_output=json_output)
        raise typer.Exit(code)
    if not model:
        raise UserError("no model is named; give --model SPEC, or a list with --models FILE")
    outcomes = api.evaluate_models(model, data, weights=weights, **options)
    output.show_outcomes(outcomes, json_output=json_output)
    if board is not None:
        for outcome in outcomes:
            submitted += submission.submit(outcome, board)
        output.show_steps(submission.next_steps(submitted), json_output=json_output)


def score(
    predictions: Annotated[Path, typer.Argument(help="Predictions file (.parquet) of an eval.")],
    results: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder to write the result and predictions to."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Compute a result again from a predictions file alone.

    \b
    Example:
      spurbench score results/micro/DATA/MODEL.HASH.parquet
    """

    from spurbench.files import friendly_disk_errors
    from spurbench.reading import read_bytes
    from spurbench.scores.predictions import read_predictions
    from spurbench.scores.stored import install
    from spurbench.scores.summary import result_of
    from spurbench_evaluators.output import print_table
    from spurbench_evaluators.report.tables import score_table

    found = read_predictions(predictions)
    result = result_of(found)
    if results is not None:
        with friendly_disk_errors(results):
            path = install(read_bytes(predictions), results).path
        (tell if json_output else out)(f"result: {path}")
    if json_output:
        print_json(result.model_dump())
    else:
        print_table(score_table(result))


def compare(
    predictions: Annotated[
        list[Path], typer.Argument(help="Predictions files (.parquet) of two models or more.")
    ],
    json_output: JsonOption = False,
) -> None:
    """Compare models on the same pictures: consistency, and paired differences with p-values.

    \b
    Example:
      spurbench compare A.parquet B.parquet
    """

    from spurbench.scores import comparison
    from spurbench.scores.predictions import read_predictions
    from spurbench_evaluators.output import print_table
    from spurbench_evaluators.report.tables import comparison_table

    together = comparison.compare([read_predictions(path) for path in predictions])
    if json_output:
        print_json(together.model_dump())
    else:
        print_table(comparison_table(together))
