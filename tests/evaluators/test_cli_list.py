"""`spurbench eval --models FILE`: one model after another, and what becomes of those that fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spurbench import plugins
from spurbench.errors import UserError
from spurbench_evaluators.api import evaluate, evaluate_list
from spurbench_evaluators.run.one_by_one import Failure
from tests.conftest import make_class
from tests.evaluators import fakes
from tests.evaluators.test_cli import call

FAKES = "python/tests.evaluators.fakes"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_class(tmp_path / "data", tmp_path / "aside", "koala", 5, count=4)
    make_class(tmp_path / "data", tmp_path / "aside", "gondola", 3, count=4, seed=50)
    return tmp_path / "data"


def listed(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "models.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_each_line_is_scored_as_eval_does_it_alone(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = listed(tmp_path, "micro/vit", "micro/robust --framing squash --dtype float64", "# end")
    words = ("eval", "--models", path, "--data", folder, "--results", tmp_path / "r")
    assert call(monkeypatch, *words, "--json") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    told = json.loads(shown.out)
    alone = [
        evaluate("micro/vit", folder, results=None),
        evaluate("micro/robust", folder, framing="squash", dtype="float64", results=None),
    ]
    assert told == {
        "results": [outcome.result.model_dump() for outcome in alone],
        "stored": [False, False],
        "failed": [],
    }
    assert len(list((tmp_path / "r").rglob("*.json"))) == 2
    assert call(monkeypatch, *words, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again == told | {"stored": [True, True]}


def test_the_commands_options_hold_where_a_line_says_nothing(folder: Path, tmp_path: Path) -> None:
    path = listed(tmp_path, "micro/vit", "micro/robust --framing model --batch-size 3")
    said: list[str] = []
    ended = evaluate_list(
        path,
        folder,
        framing="squash",
        batch_size=5,
        workers=1,
        device="cpu",
        splits="si",
        results=tmp_path / "r",
        say=said.append,
    )
    outcomes = [outcome for _, outcome in ended if not isinstance(outcome, Failure)]
    framings = [outcome.result.model.transform["framing"] for outcome in outcomes]
    assert framings == ["squash", "crop"]
    assert all(list(outcome.result.means) == ["si"] for outcome in outcomes)
    assert said == [
        "1 of 2: micro/vit",
        "cpu, float32, 5 pictures a batch, 1 reading threads",
        "2 of 2: micro/robust --framing model --batch-size 3",
        "cpu, float32, 3 pictures a batch, 1 reading threads",
    ]


def test_one_network_lives_at_a_time(folder: Path, tmp_path: Path) -> None:
    lines = [f"{FAKES}:lone --weights {name}" for name in ("a", "broken", "b")]
    path = listed(tmp_path, *lines, f"{FAKES}:lone --weights c --dtype bfloat16")
    ended = list(evaluate_list(path, folder, device="cpu", results=tmp_path / "r"))
    failures = {model.line: e for model, e in ended if isinstance(e, Failure)}
    assert {line: f.error for line, f in failures.items()} == {
        2: "LookupError: a fault of the model's in two lines"
    }
    assert not fakes.LIVING


def test_failures_stop_nobody_and_are_told_at_the_end(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = listed(
        tmp_path,
        "micro/vitt",
        "micro/vit",
        f"{FAKES}:failing --batch-size 4",
        "micro/vit --framing squash",
        "micro/robust --weights none.pt",
    )
    words = ("eval", "--models", path, "--data", folder, "--results", tmp_path / "r")
    assert call(monkeypatch, *words) == 1, "one failed unexpectedly"
    shown = capsys.readouterr()
    assert shown.err.count("Traceback (most recent call last)") == 1
    assert shown.err.index("Traceback") < shown.err.index("4 of 5: micro/vit --framing squash")
    assert shown.err.strip().splitlines()[-3:] == [
        f"spurbench: {path}, line 1: micro/vitt: unknown micro model 'vitt'; did you mean 'vit'?",
        f"spurbench: {path}, line 3: {FAKES}:failing --batch-size 4: LookupError: a fault of the model's",
        f"spurbench: {path}, line 5: micro/robust --weights none.pt: {tmp_path}/none.pt: no such weights file",
    ]
    rows = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert any("2 models on made" in row for row in rows)
    assert any(row.startswith("model references generated val. accuracy") for row in rows)
    assert [row.partition(" 0.0")[0] for row in rows if row.startswith("micro/")] == [
        "micro/vit",
        "micro/vit --framing squash",
    ]
    assert call(monkeypatch, *words, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["stored"] == [True, True]
    assert [(f["spec"], f["line"]) for f in told["failed"]] == [
        ("micro/vitt", 1),
        (f"{FAKES}:failing", 3),
        ("micro/robust", 5),
    ]
    assert told["failed"][1]["error"] == "LookupError: a fault of the model's"


def test_failures_of_the_users_end_with_code_2(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = listed(tmp_path, "micro/vitt", f"{FAKES}:nan")
    words = ("eval", "--models", path, "--data", folder, "--results", tmp_path / "r")
    assert call(monkeypatch, *words) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "Traceback" not in shown.err
    assert not (tmp_path / "r").exists()


def test_a_list_that_is_wrong_loads_nothing(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def loads(spec: str, **options: object) -> None:
        raise AssertionError(f"{spec} was loaded")

    monkeypatch.setattr(plugins, "classifier", loads)
    path = listed(tmp_path, "micro/vit", "micro/robust --framing sii")
    words = ("eval", "--data", folder, "--results", tmp_path / "r")
    lone = {
        ("--models", path): f"{path}, line 2: unknown framing 'sii'; did you mean 'si'",
        (): "no model is named; give --model SPEC, or a list with --models FILE",
        ("--models", path, "--model", "micro/vit"): "--model and --models both name models",
        ("--models", path, "--weights", "w.pt"): "--weights is for one model; write it in",
        ("--models", path, "--data", tmp_path / "none"): "unknown framing",
    }
    for more, said in lone.items():
        assert call(monkeypatch, *words, *more) == 2
        shown = capsys.readouterr()
        assert shown.out == "" and len(shown.err.splitlines()) == 1 and said in shown.err


def test_a_data_set_that_is_wrong_is_told_once(folder: Path, tmp_path: Path) -> None:
    path = listed(tmp_path, "micro/vit", "micro/robust")
    with pytest.raises(UserError, match="unknown split of the data set 'test'"):
        evaluate_list(path, folder, splits="test")


def test_an_interrupt_stops_all_and_the_same_call_goes_on(folder: Path, tmp_path: Path) -> None:
    path = listed(tmp_path, "micro/vit", f"{FAKES}:stopped", "micro/robust")
    ended = evaluate_list(path, folder, results=tmp_path / "r")
    next(ended)
    with pytest.raises(KeyboardInterrupt):
        next(ended)
    assert len(list((tmp_path / "r").rglob("*.json"))) == 1
    listed(tmp_path, "micro/vit", "micro/robust")
    states = [
        outcome.stored
        for _, outcome in evaluate_list(path, folder, results=tmp_path / "r")
        if not isinstance(outcome, Failure)
    ]
    assert states == [True, False]
