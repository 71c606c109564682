"""The model asked again: an honest result is confirmed, a made-up one is found, strangers' code stays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from spurbench.dataset.read import open_data_set
from spurbench.scores.stored import read_stored
from spurbench_evaluators import api
from spurbench_leaderboard.gate.rescore import Again
from tests.evaluators.test_cli import call

from .made import Board, altered, board

N = 8


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Board, Path]:
    """A shipped network's own result, framed as its data set's pictures are for each kind."""
    made = board(tmp_path_factory.mktemp("scored"))
    outcome = api.evaluate("micro/vit", made.data.folder, results=made.results, framing="si")
    assert outcome.path
    return made, outcome.path


def said(made: Board, path: Path, **changes: Any) -> list[tuple[str, str]]:
    outcome = read_stored(path)
    model = outcome.result.model.model_copy(update=changes)
    again = Again(made.data, N, Random(0))
    return list(again.said(outcome.result.model_copy(update={"model": model}), outcome.predictions))


def test_an_honest_result_is_confirmed(scored: tuple[Board, Path]) -> None:
    assert said(*scored) == [("note", f"{N} pictures were scored again, with the same answers")]
    made, path = scored
    outcome = read_stored(path)
    every = Again(made.data, 1000, Random(0)).said(outcome.result, outcome.predictions)
    assert list(every) == [("note", "24 pictures were scored again, with the same answers")]


def test_a_result_that_no_model_gave_is_found(
    scored: tuple[Board, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Right in all its numbers, on the right pictures, with answers that a softmax gives: only the
    network itself (--rescore, on --pictures) says otherwise."""
    import shutil

    made, path = scored
    copy = Board(tmp_path, made.data)
    shutil.copytree(made.root / "leaderboard", tmp_path / "leaderboard")
    here = copy.results / path.relative_to(made.results)

    def exchanged(table: list[dict[str, Any]]) -> None:
        """Each picture of a class has the answers of the next."""
        kept = ("sha256", "slug", "class_name", "label", "split", "index")
        spun = table[1:] + table[:1]
        turned = [{k: (row if k in kept else other)[k] for k in row} for row, other in zip(table, spun, strict=True)]  # fmt: skip
        by_class = [t if t["label"] == o["label"] else row for t, o, row in zip(turned, spun, table, strict=True)]  # fmt: skip
        table[:] = by_class

    altered(copy, here, exchanged)
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "leaderboard", "check") == 0
    capsys.readouterr()
    words = ("leaderboard", "check", "--rescore", 24, "--pictures", made.data.folder)
    assert call(monkeypatch, *words) == 1
    out = capsys.readouterr().out
    assert "error: rescore: " in out and "of 24 pictures are answered otherwise; " in out
    assert call(monkeypatch, *words[:4]) == 2
    assert "--rescore N and --pictures DIR go together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spec": "micro/nobody"}, "micro/nobody is not a model that the loader 'micro' knows by name"),
        ({"spec": "nobody/x"}, "unknown loader 'nobody'"),
        ({"weights_sha256": "0" * 64}, "the weights of micro/vit that are loaded here are others"),
        ({"framing": "model"}, "the transform is not that of micro/vit here"),
        ({"transform": {"framing": "crop", "size": 9**9, "resize": 9**9}}, "makes pictures of 387420489"),
        ({"transform": {"framing": "crop"}}, "the transform is none that is known"),
        ({"transform": {"framing": "fly", "size": 8, "resize": 8}}, "the transform is none that is known"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_noted(
    scored: tuple[Board, Path], changes: dict[str, Any], reason: str
) -> None:
    ((level, message),) = said(*scored, **changes)
    assert level == "note" and message.startswith("not scored again: ") and reason in message


def test_another_data_set_is_noted(scored: tuple[Board, Path], tmp_path: Path) -> None:
    from tests.conftest import make_class

    make_class(tmp_path / "d", tmp_path / "aside")
    outcome = read_stored(scored[1])
    again = Again(open_data_set(tmp_path / "d"), N, Random(0))
    ((_, message),) = again.said(outcome.result, outcome.predictions)
    assert message == f"not scored again: {tmp_path / 'd'} is another data set"


def test_code_files_and_repositories_of_a_submitter_are_not_loaded(
    scored: tuple[Board, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    (tmp_path / "evil.onnx").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for spec in ("python/evil:make", "onnx/evil.onnx", "hf/some/one"):
        ((level, message),) = said(*scored, spec=spec)
        assert level == "note" and "knows by name" in message
    assert not (tmp_path / "ran").exists() and "evil" not in sys.modules


def test_pictures_are_drawn_anew(scored: tuple[Board, Path]) -> None:
    """Who could know which are asked would be honest in those."""
    from random import SystemRandom

    from spurbench_leaderboard.gate import rescore

    made, path = scored
    asked: list[set[Any]] = []
    real: Callable[..., Any] = rescore._answer
    outcome = read_stored(path)
    with pytest.MonkeyPatch.context() as patch:

        def noted(classifier: Any, picture: Any, transform: Any) -> Any:
            asked[-1].add((picture.slug, picture.split, picture.index))
            return real(classifier, picture, transform)

        patch.setattr(rescore, "_answer", noted)
        for _ in range(4):
            asked.append(set())
            list(Again(made.data, N, SystemRandom()).said(outcome.result, outcome.predictions))
    assert {len(each) for each in asked} == {N} and len({frozenset(each) for each in asked}) > 1
