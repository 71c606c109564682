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
