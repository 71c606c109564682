"""The table's place in a Markdown file, and the command that writes it there."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench.results import write_result
from spurbench_leaderboard.command import render
from spurbench_leaderboard.markdown import BEGIN, END, leaderboard, replace_between
from tests.leaderboard.test_table import results


def test_text_around_the_markers_stays_as_it_is() -> None:
    text = f"a\n\n{BEGIN}\nold\n{END}\n\nz"
    assert replace_between(text, "new", "x") == f"a\n\n{BEGIN}\nnew\n{END}\n\nz"
    assert replace_between(f"{BEGIN}{END}", "new", "x") == f"{BEGIN}\nnew\n{END}"
    for broken in (f"{END}{BEGIN}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}", BEGIN, END):
        with pytest.raises(UserError) as error:
            replace_between(broken, "new", "here.md")
        assert str(error.value) == (
            "here.md: needs the lines <!-- spurbench:leaderboard:begin --> and "
            "<!-- spurbench:leaderboard:end -->, once each and in this order"
        )


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme, folder = tmp_path / "R.md", tmp_path / "results"
    readme.write_text(f"é\n{BEGIN}\n{END}\n", encoding="utf-8")
    for result in results():
        write_result(result, folder / f"{result.model.spec}.json")
    with pytest.raises(UserError) as error:
        render(folder, readme, check=True)
    assert str(error.value) == (
        f"{readme}: its leaderboard is out of date; run `spurbench leaderboard render`"
    )
    assert readme.read_text(encoding="utf-8") == f"é\n{BEGIN}\n{END}\n", "a check changes nothing"
    said = f"{readme}: table of 3 results"
    below = "(below '<!-- spurbench:leaderboard:begin -->')\n"
    render(folder, readme, check=False)
    assert capsys.readouterr().out == f"{said} written {below}"
    assert readme.read_text(encoding="utf-8") == f"é\n{BEGIN}\n{leaderboard(results())}\n{END}\n"
    for check in (True, False):
        render(folder, readme, check=check)
        assert capsys.readouterr().out == f"{said} is up to date {below}"
    with pytest.raises(UserError) as error:
        render(folder, tmp_path / "none.md", check=False)
    assert str(error.value) == (
        f"{tmp_path / 'none.md'}: no such file; name the Markdown file with --readme"
    )
    readme.write_text("no markers")
    with pytest.raises(UserError, match=rf"^{readme}: needs the lines"):
        render(folder, readme, check=False)


def test_the_command_line_has_its_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from spurbench_leaderboard.command import app

    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(f"{BEGIN}\n{END}\n")
    write_result(results()[0], tmp_path / "leaderboard" / "results" / "a.json")
    done = CliRunner().invoke(app, ["render"])
    assert done.exit_code == 0 and done.output.startswith("README.md: table of 1 results written")
    assert CliRunner().invoke(app, ["render", "--check"]).exit_code == 0
    other = CliRunner().invoke(app, ["render", "--results", "nowhere", "--check"])
    assert isinstance(other.exception, UserError)


def test_the_file_keeps_its_line_ends_mode_mark_and_link(tmp_path: Path) -> None:
    readme, folder = tmp_path / "R.md", tmp_path / "results"
    write_result(results()[0], folder / "a.json")
    real = tmp_path / "real.md"
    real.write_bytes(f"\ufeffé\r\n{BEGIN}\r\nold\r\n{END}\r\nz\n".encode())
    real.chmod(0o640)
    readme.symlink_to(real)
    render(folder, readme, check=False)
    assert readme.is_symlink() and real.stat().st_mode & 0o777 == 0o640
    table = leaderboard(results()[:1]).replace("\n", "\r\n")
    wanted = f"\ufeffé\r\n{BEGIN}\r\n{table}\r\n{END}\r\nz\n"
    assert real.read_bytes().decode() == wanted
    render(folder, readme, check=True)
    before = real.stat()
    render(folder, readme, check=False)
    assert real.stat().st_ino == before.st_ino, "what is up to date is not written"


def test_a_file_in_latin_1_is_refused_as_it_is(tmp_path: Path) -> None:
    readme, folder = tmp_path / "R.md", tmp_path / "results"
    write_result(results()[0], folder / "a.json")
    readme.write_bytes(f"caf\xe9 {BEGIN}{END}".encode("latin-1"))
    with pytest.raises(UserError, match=r"R\.md: not text in UTF-8 .byte 3 is 0xe9"):
        render(folder, readme, check=False)


def test_the_same_result_twice_is_named(tmp_path: Path) -> None:
    for name in ("a.json", "b/c.json"):
        write_result(results()[0], tmp_path / "results" / name)
    readme = tmp_path / "R.md"
    readme.write_text(f"{BEGIN}{END}")
    with pytest.raises(UserError) as error:
        render(tmp_path / "results", readme, check=False)
    folder = tmp_path / "results"
    said = f"{folder / 'a.json'} and {folder / 'b/c.json'} are results of the same run"
    assert str(error.value) == f"{said}; remove one of them"
