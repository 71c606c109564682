"""The site's folder: what lies in it, what is refused, and what is left where it fails."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
import urllib.error
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from spurbench.errors import UserError
from spurbench.scores.predictions import decode
from spurbench.scores.stored import predictions_path, read_stored
from spurbench_leaderboard.site import making
from spurbench_leaderboard.site.answers import answers
from spurbench_leaderboard.site.making import make_site
from spurbench_leaderboard.site.serve import serve
from tests.conftest import make_class
from tests.evaluators.test_cli import call
from tests.leaderboard.site.conftest import HOSTILE, PANEL, Shown


def told(folder: Path, slug: str) -> dict[str, Any]:
    """What a file of answers hands the page."""
    (file,) = folder.glob(f"answers/*/{slug}.js")
    found = re.fullmatch(r'spurbench\.take\("([^"]+)","([^"]+)",(.*)\);\n', file.read_text())
    assert found and (found[1], found[2]) == (file.parent.name, slug)
    return dict(json.loads(found[3]))


def below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_it_holds_all_that_it_shows(shown: Shown) -> None:
    names = set(below(shown.folder))
    pictures = {name for name in names if name.startswith("pictures/")}
    assert len(pictures) == 24 and all(name.endswith(".webp") for name in pictures)
    assert {name for name in names - pictures if "/" not in name} == {
        "index.html", "board.csv", "board.json", "spurbench-files.json",
    }  # fmt: skip
    assert len(names - pictures) == 4 + 2
    assert {place for slug in ("koala", "gondola") for _, _, place in told(shown.folder, slug)["pictures"]} == pictures  # fmt: skip


def test_answers_are_those_of_the_predictions(shown: Shown) -> None:
    found = told(shown.folder, "koala")
    result = shown.of(PANEL)
    path = result.path_under(shown.board.results)
    rows = {
        (row["split"], row["index"]): row
        for row in read_stored(path).predictions.table.to_pylist()
        if row["slug"] == "koala"
    }
    said = found["said"][result.slug]
    assert len(found["pictures"]) == len(rows) == 12
    for (split, index, _), name, hit, percent in zip(
        found["pictures"], said["names"], said["hits"], said["percent"], strict=True
    ):
        row = rows[split, index]
        assert found["names"][name] == row["restricted_predicted_name"]
        assert hit == (row["restricted_predicted"] == row["label"])
        odds = 2.718281828459045 ** row["restricted_class_log_odds"]
        assert percent == round(100 * odds / (1 + odds))
    assert len({*said["percent"]}) > 4 and {*said["hits"]} == {0, 1}
    gap = found["said"][shown.of("made/gap").slug]
    other = told(shown.folder, "gondola")["said"][shown.of("made/gap").slug]
    assert [*gap["names"], *other["names"]].count(-1) == 1


def test_predictions_that_are_not_the_results_are_not_shown(shown: Shown, tmp_path: Path) -> None:
    results = shutil.copytree(shown.board.results, tmp_path / "results")
    result, other = shown.of(PANEL), shown.of(HOSTILE)
    path = predictions_path(result.path_under(results), result)
    assert set(answers(result, results, decode)) == {"koala", "gondola"}
    theirs = predictions_path(other.path_under(results), other).read_bytes()
    for data in (theirs, b"no parquet"):
        path.write_bytes(data)
        assert answers(result, results, decode) == {}
    path.unlink()
    assert answers(result, results, decode) == {}


def test_the_same_results_give_the_same_bytes_and_no_text_is_markup(
    shown: Shown, tmp_path: Path
) -> None:
    make_site(
        shown.board.results, shown.results[::-1], shown.know, [shown.board.data.folder], tmp_path / "s", decode
    )  # fmt: skip
    assert below(tmp_path / "s") == below(shown.folder)
    html = (tmp_path / "s" / "index.html").read_text()
    assert HOSTILE not in html and "\\u003c/script\\u003e\\u003cimg" in html
    assert html.count("</script>") == 1 + 3 + 1, "the data, the libraries, ours"


def test_a_data_set_that_no_result_is_of_is_refused(shown: Shown, tmp_path: Path) -> None:
    make_class(tmp_path / "other", tmp_path / "aside")
    with pytest.raises(UserError, match="other: no result is of this data set"):
        make_site(
            shown.board.results, shown.results, shown.know, [tmp_path / "other"], tmp_path / "s", decode
        )  # fmt: skip
    assert not (tmp_path / "s").exists()


def test_what_is_not_ours_stays_and_a_failure_leaves_the_old_site(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "s"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    words: Any = (shown.board.results, shown.results, shown.know, [], out, decode)
    with pytest.raises(UserError, match="name an empty or new folder with --site"):
        make_site(*words)
    assert below(out) == {"thesis.txt": b"mine"}
    (out / "thesis.txt").unlink()
    make_site(*words)
    before = below(out)

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "as_csv", full)
    with pytest.raises(UserError, match="No space left on device|disk is full"):
        make_site(*words)
    assert below(out) == before and [p.name for p in tmp_path.iterdir()] == ["s"]


def test_the_command(
    shown: Shown,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- spurbench:leaderboard:begin -->\n<!-- spurbench:leaderboard:end -->\n")
    words = ["leaderboard", "render", "--readme", readme, "--results", shown.board.results]
    words += ["--data", shown.board.known]
    data = ["--pictures", shown.board.data.folder]
    assert call(monkeypatch, *words, "--site", tmp_path / "s", *data) == 0
    assert f"{tmp_path / 's' / 'index.html'}: a page of 6 models, 0." in capsys.readouterr().out
    assert set(below(tmp_path / "s")) == set(below(shown.folder))
    for wrong, said in (
        (data, "say where with --site DIR"),
        (["--serve"], "say where with --site DIR"),
        (["--site", tmp_path / "t", "--check"], "leave --site out"),
        (["--site", tmp_path / "t", "--without-panel"], "leave --site out"),
    ):
        assert call(monkeypatch, *words, *wrong) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "t").exists()


def test_where_the_page_is_refused_the_table_stays_as_it_is(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    text = "<!-- spurbench:leaderboard:begin -->\n<!-- spurbench:leaderboard:end -->\n"
    readme.write_text(text)
    words = ["--readme", readme, "--results", shown.board.results, "--data", shown.board.known]
    (tmp_path / "s").touch()
    assert call(monkeypatch, "leaderboard", "render", *words, "--site", tmp_path / "s") == 2
    assert readme.read_text() == text


def test_it_is_served_to_this_machine_alone(shown: Shown) -> None:
    said: list[str] = []
    ready = threading.Event()

    def heard(address: str) -> None:
        said.append(address)
        ready.set()

    threading.Thread(target=serve, args=(shown.folder, 0, heard), daemon=True).start()
    assert ready.wait(10)
    (address,) = said
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == (shown.folder / "index.html").read_bytes()
        assert answer.headers["Cache-Control"] == "no-store"
    beside = f"../{shown.board.data.folder.name}/manifest.json"
    assert (shown.folder / beside).is_file()
    for path in (beside, beside.replace("..", "%2e%2e")):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + path, timeout=10)
    with pytest.raises(OSError, match="in use"):
        serve(shown.folder, int(address.rsplit(":", 1)[1].strip("/")), heard)


def test_a_port_that_is_taken_is_one_line(
    shown: Shown,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from http.server import HTTPServer, SimpleHTTPRequestHandler

    readme = tmp_path / "README.md"
    readme.write_text("<!-- spurbench:leaderboard:begin -->\n<!-- spurbench:leaderboard:end -->\n")
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other:
        port = other.server_address[1]
        words = ["--readme", readme, "--results", shown.board.results, "--data", shown.board.known]
        words += ["--site", tmp_path / "s", "--serve", "--port", port]
        assert call(monkeypatch, "leaderboard", "render", *words) == 2
    assert re.search(rf"--port {port}: cannot be served at \(.*in use\)", capsys.readouterr().err)


def test_libraries_are_those_that_are_named() -> None:
    folder = files("spurbench_leaderboard.site").joinpath("vendored")
    named = yaml.safe_load(folder.joinpath("versions.yaml").read_text(encoding="utf-8"))
    for each in named:
        data = folder.joinpath(each["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == each["sha256"]
        assert each["version"] in data[:200].decode()
        licence = folder.joinpath(f"{each['file'].split('.')[0]}.LICENSE").read_text()
        assert "Permission" in licence
    assert len(named) == 3
