"""Hostile results, hundreds of them: refused or shown inert, none run, none ends in a traceback."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spurbench.results import Result
from spurbench_leaderboard.gate.findings import Report, as_annotations, as_data, as_lines
from spurbench_leaderboard.gate.reader import Reader
from spurbench_leaderboard.markdown import leaderboard

from .made import Board, altered, edited, predictions_of, submitted

TEXTS = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"'><img src=x onerror=alert(1)>",
    "link": "[x](javascript:alert(1))",
    "cell": "a|b`c\\|**d**",
    "template": "{{7*7}}${7*7}<%= 7*7 %>",
    "shell": "$(touch canary)`touch canary`;touch canary",
    "formula": "=cmd|'/C calc'!A0",
    "command": "::error file=x::owned",
    "older command": "##[set-output name=x]owned",
    "path": "../../../../etc/passwd",
    "lines": "a\n::set-env name=PATH::/tmp\r\n# heading",
    "terminal": "\x1b]0;owned\x07\x1b[2J",
    "nul": "a\0b",
    "turned": "micro/\u202etiv",
    "unseen": "micro/v\u200bit",
    "full width": "\uff4d\uff49\uff43\uff52\uff4f\uff0f\uff56\uff49\uff54",
    "long": "x" * 100_000,
}
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e999", "9" * 99, "9" * 5000, "-7")
KINDS = ("null", "true", '"1"', "[]", "{}", "[[1]]")
PLACES = (
    *(("model", name) for name in ("spec", "architecture", "weights_sha256", "weights_source")),
    *(("model", name) for name in ("label_space", "labels_sha256", "framing", "options")),
    *(("model", "transform", name) for name in ("framing", "interpolation")),
    *(
        ("data", name)
        for name in ("name", "domain", "version", "fingerprint", "hub_id", "revision")
    ),
    *(("scores", 0, name) for name in ("class_name", "slug", "split")),
    ("scores", 0, "wrong", 0, "name"),
    ("environment", "dtype"),
    ("environment", "torch"),
    ("predictions_sha256",),
)
COUNTS = (
    ("model", "parameters"),
    ("model", "outputs"),
    ("scores", 0, "hits"),
    ("scores", 0, "n"),
    ("scores", 0, "label"),
    ("scores", 0, "top1", "value"),
    ("scores", 0, "restricted", "mean_probability"),
    ("means", "si", "top1", "low"),
    ("prevalence",),
    ("schema_version",),
)
CASES = (
    *((place, json.dumps(text)) for place in PLACES for text in TEXTS.values()),
    *((place, literal) for place in COUNTS for literal in (*NUMBERS, *KINDS)),
    *((place, literal) for place in PLACES for literal in KINDS[1:]),
)
MARK = "\ue000"


@pytest.fixture(scope="module")
def honest(empty: Board) -> Iterator[Path]:
    """One result for all cases of a module."""
    path = submitted(empty)
    yield path
    for file in path.parent.glob(f"{path.stem}.*"):
        file.unlink()


def inert(report: Report) -> None:
    """Whatever is said of a submission, no terminal, log or page takes a part of it for its own."""
    for lines in (list(as_lines(report)), list(as_annotations(report))):
        for line in lines:
            assert line.isprintable() and len(line) < 3000
            assert "##[" not in line and "::" not in line.removeprefix("::error ")[40:].replace(
                "::", "", 1
            )
    for line in as_lines(report):
        assert not line.lstrip().startswith("::")
    json.loads(json.dumps(as_data(report), allow_nan=False))


def refused(made: Board, reader: Reader, path: Path) -> None:
    """The file is kept out, and what is said of it is inert."""
    report = made.check(reader, path)
    assert report.code == 1, "not refused"
    inert(report)


def placed(text: str, place: tuple[str | int, ...], literal: str) -> str:
    """A result's text with a JSON literal at a place, as it is."""
    data = inner = json.loads(text)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = MARK
    return json.dumps(data, ensure_ascii=False).replace(f'"{MARK}"', literal)


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 600 and len(set(CASES)) == len(CASES)


@pytest.mark.parametrize("place", [*PLACES, *COUNTS], ids=lambda place: ".".join(map(str, place)))
def test_values_that_are_hostile_wherever_they_stand(
    empty: Board, reader: Reader, honest: Path, place: tuple[str | int, ...]
) -> None:
    text = honest.read_text(encoding="utf-8")
    data: Any = json.loads(text)
    for key in place:
        data = data[key]
    try:
        for where, literal in CASES:
            if where == place and literal != json.dumps(data):
                honest.write_text(placed(text, place, literal), encoding="utf-8")
                refused(empty, reader, honest)
    finally:
        honest.write_text(text, encoding="utf-8")


WHOLE: dict[str, Callable[[str], bytes]] = {
    "empty": lambda text: b"",
    "nothing but depth": lambda text: b"[" * 200_000,
    "closed depth": lambda text: b"[" * 5000 + b"]" * 5000,
    "depth in options": lambda text: text.replace(
        '"options": {}', '"options": ' + '{"a":' * 900 + "1" + "}" * 900
    ).encode(),
    "a key twice": lambda text: text.replace('"model"', '"model": {}, "model"', 1).encode(),
    "a field more": lambda text: text.replace('"model"', '"__class__": "os.system", "model"', 1).encode(),
    "half a character": lambda text: text.replace("made/one", "\\ud800").encode(),
    "cut": lambda text: text.encode()[:-40],
    "more behind it": lambda text: (text + "{}").encode(),
    "another encoding": lambda text: text.encode("utf-16"),
    "no text": lambda text: bytes(range(256)),
    "a pickle": lambda text: b"cos\nsystem\n(S'touch canary'\ntR.",
    "a list": lambda text: f"[{text}]".encode(),
    "a text": lambda text: b'"result"',
    "many scores": lambda text: placed(
        text, ("scores",), json.dumps([json.loads(text)["scores"][0]] * 3000)
    ).encode(),
    "long key": lambda text: text.replace('"environment": {', f'"environment": {{"{"k" * 9999}": "1",').encode(),
    "hosted outside": lambda text: _hosted(text, "../../x.parquet"),
    "hosted at a root": lambda text: _hosted(text, "/etc/x.parquet"),
    "hosted in a drive": lambda text: _hosted(text, "C:\\x.parquet"),
    "hosted hidden": lambda text: _hosted(text, ".git/x.parquet"),
    "hosted is a pickle": lambda text: _hosted(text, "x.pkl"),
    "hosted nowhere": lambda text: _hosted(text, "x.parquet"),
    "hosted by a branch": lambda text: _hosted(text, "x.parquet", revision="main"),
    "hosted by a strange name": lambda text: _hosted(text, "x.parquet", repo_id="../../datasets"),
}  # fmt: skip


def _hosted(text: str, path: str, **changes: str) -> bytes:
    place = {"repo_id": "some/one", "revision": "1" * 40, "path": path} | changes
    return json.dumps(json.loads(text) | {"hosted": place}).encode()


@pytest.mark.parametrize("kind", WHOLE)
def test_files_that_are_hostile_as_a_whole(
    empty: Board, reader: Reader, honest: Path, kind: str
) -> None:
    text = honest.read_text(encoding="utf-8")
    try:
        honest.write_bytes(WHOLE[kind](text))
        refused(empty, reader, honest)
    finally:
        honest.write_text(text, encoding="utf-8")


NAMES = (
    "-rf.json", "a b.json", "a\nb.json", "::error::.json", "%0A::x.json", "<script>.json", "é.json",
    "a%2f..%2fb.json", "\u202enosj.json", "$(touch canary).json", "..json", "x" * 240 + ".json",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_that_are_hostile(made: Board, reader: Reader, name: str) -> None:
    """In the right folder, and as a folder."""
    path = submitted(made)
    moved = path.with_name(name)
    path.rename(moved)
    refused(made, reader, moved)
    folder = made.results / name.removesuffix(".json")
    if name != "..json":
        folder.mkdir()
        moved.rename(folder / "a.json")
        refused(made, reader, folder / "a.json")
        inert(made.check(reader))


FREE = ("architecture", "weights_source", "label_space")


@pytest.mark.parametrize("field", FREE)
def test_markup_that_is_in_both_files_alike_is_inert(
    made: Board, reader: Reader, field: str
) -> None:
    """Free texts are the submitter's: nothing keeps them out, and nothing takes them for markup."""
    hostile = [text for text in TEXTS.values() if len(text) < 500 and text.isprintable()]
    for text in hostile[:9]:
        path = submitted(made)
        _, predictions = predictions_of(path)
        model = predictions.provenance.model.model_copy(update={field: text})
        path = altered(made, path, lambda table: None, model=model)
        report = made.check(reader)
        inert(report)
        assert report.code == 0
        page = leaderboard([Result.model_validate_json(path.read_text(encoding="utf-8"))])
        assert text not in page.replace("`", "")
        for file in path.parent.glob(f"{path.stem}.*"):
            file.unlink()


def test_random_damage_of_either_file_is_never_a_traceback(
    empty: Board, reader: Reader, honest: Path
) -> None:
    draw = random.Random(0)
    beside, _ = predictions_of(honest)
    for file in (honest, beside):
        good = file.read_bytes()
        for _ in range(60):
            bad = bytearray(good)
            for _ in range(draw.choice((1, 1, 3, 40))):
                bad[draw.randrange(len(bad))] = draw.randrange(256)
            file.write_bytes(bytes(bad))
            report = empty.check(reader, honest)
            inert(report)
            assert report.code == (bytes(bad) != good), "damage that nobody sees"
        file.write_bytes(good)
    assert empty.check(reader, honest).code == 0


TRAP = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n"
MODULES = (
    "numpy",
    "pyarrow",
    "spurbench_leaderboard",
    "sitecustomize",
    "usercustomize",
    "conftest",
)


def test_nothing_that_a_submission_brings_is_imported(made: Board) -> None:
    """The command is called in a checkout that brings modules of well-known names, everywhere."""
    path = submitted(made)
    for folder in (made.root, made.results, path.parent):
        for name in MODULES:
            (folder / f"{name}.py").write_text(TRAP)
    spurbench = Path(sys.executable).with_name("spurbench")
    done = subprocess.run(
        [spurbench, "leaderboard", "check", path], cwd=made.root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(made.root.rglob("*.ran")) == []
    subprocess.run([sys.executable, "-c", "import conftest"], cwd=made.root, check=True)
    assert list(made.root.rglob("*.ran")), "the trap works"


def test_the_command_ends_with_one_and_without_a_traceback(made: Board) -> None:
    path = submitted(made)
    edited(path, lambda data: data["environment"].update(torch=TEXTS["lines"]))
    words = [sys.executable, "-m", "spurbench", "leaderboard", "check"]
    for form in ([], ["--json"], ["--github"]):
        done = subprocess.run(
            [*words, *form], cwd=made.root, capture_output=True, text=True, env=os.environ
        )
        assert done.returncode == 1 and done.stderr == "", done.stderr
        assert "Traceback" not in done.stdout and "\n::set-env" not in done.stdout
