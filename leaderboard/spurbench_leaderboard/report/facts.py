"""What was scored, on what and how, as names and texts."""

from __future__ import annotations

import json
from collections.abc import Iterator

from spurbench.results import Result
from spurbench_leaderboard.plausible import doubts, remarks
from spurbench_leaderboard.tables import asked_framing

Facts = list[tuple[str, str]]


def facts(result: Result) -> list[tuple[str, Facts]]:
    """Groups of names and texts; what is not known is left out."""
    groups = [
        ("Model", _model(result)),
        ("Data set", _data(result)),
        ("Computed with", sorted(result.environment.items())),
        ("Files", _files(result)),
    ]
    return [(name, [(key, text) for key, text in pairs if text]) for name, pairs in groups]


def cautions(result: Result) -> Iterator[str]:
    """What a reader should know before any number."""
    yield from doubts(result)
    yield from remarks(result)
    if not all(score.restricted for score in result.scores):
        yield (
            "the result is of an older version, without the reading restricted to the domain's labels: "
            "its numbers are over the full head"
        )


def _model(result: Result) -> Facts:
    model = result.model
    space = f"{model.label_space}, {model.outputs} outputs" if model.outputs else model.label_space
    return [
        ("Spec", model.spec),
        ("Architecture", model.architecture),
        ("Parameters", f"{model.parameters:,}"),
        ("Weights", model.weights_source),
        ("Weights' SHA-256", model.weights_sha256),
        ("Options", _json(model.options)),
        ("Label space", space),
        ("Labels' SHA-256", model.labels_sha256 or ""),
        ("Framing", asked_framing(result)),
        ("Transform", _json(model.transform)),
        ("Transform of validation pictures", _json(model.val_transform)),
        ("Normalisation", _json(model.normalisation)),
    ]


def _data(result: Result) -> Facts:
    data = result.data
    chosen, validation = data.selection, data.validation
    found: Facts = [
        ("Name", data.name),
        ("Domain", data.domain),
        ("Version", data.version),
        ("Fingerprint", data.fingerprint),
        ("On the hub", " at ".join(part for part in (data.hub_id, data.revision) if part)),
        ("Part that was scored", _json(chosen.model_dump(exclude_none=True) if chosen else None)),
        ("Unreadable", "; ".join(f"{u.slug} {u.split} {u.index}" for u in data.unreadable)),
    ]
    if validation:
        found += [
            ("Validation pictures", " ".join(filter(None, (validation.name, validation.split)))),
            ("Their layout", validation.layout),
            ("Their revision", validation.revision or ""),
            ("Their fingerprint", validation.fingerprint),
        ]
    return found


def _files(result: Result) -> Facts:
    hosted = result.hosted
    place = f"{hosted.repo_id} at {hosted.revision}: {hosted.path}" if hosted else ""
    return [
        ("Result", f"{result.slug}.json"),
        ("Predictions' SHA-256", result.predictions_sha256),
        ("Predictions on the hub", place),
    ]


def _json(value: object) -> str:
    """As people read it: ``size 64, framing crop`` of a flat mapping."""
    if not value:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in sorted(value.items()))
    return _plain(value)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
