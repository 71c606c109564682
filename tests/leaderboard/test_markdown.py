"""The leaderboard's table: ranked, versions apart, nothing escapes its cell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench.results import Result, Selection, Unreadable, ValidationRecord, write_result
from spurbench_leaderboard.command import render
from spurbench_leaderboard.markdown import BEGIN, END, leaderboard, replace_between
from tests.core.test_results import made_result


def test_least_reliant_first_with_intervals() -> None:
    table = leaderboard([made_result("micro/b", 0.9), made_result("micro/a", 0.4)])
    rows = [line for line in table.splitlines() if line.startswith("| ") and "`" in line]
    assert [row.partition("<br>")[0] for row in rows] == [
        "| 1 (1-2) | `micro/a`",
        "| 1 (1-2) | `micro/b`",
    ], "told by one class: a tie"
    assert ["40.0<br>[35.0, 45.0]" in row for row in rows] == [True, False]


def test_versions_are_never_mixed() -> None:
    text = leaderboard([made_result(version="c1"), made_result(version="c2")])
    assert text.count("| rank | model |") == 2


def test_older_versions_are_counted_and_not_shown() -> None:
    results = [made_result("micro/a", version="c1"), made_result("micro/b", version="c2")]
    text = leaderboard(results, old=lambda data: data.version == "c1")
    assert "`micro/b`" in text and "`micro/a`" not in text and text.count("| rank |") == 1
    assert text.endswith("\n\nNot shown: 1 results of older versions (`c1`).")


def of_data(result: Result, **changes: object) -> Result:
    return result.model_copy(update={"data": result.data.model_copy(update=changes)})


def test_a_part_of_the_data_is_not_ranked_beside_the_whole() -> None:
    part = of_data(made_result("micro/part", 0.1), selection=Selection(limit=3))
    text = leaderboard([made_result("micro/whole", 0.4), part])
    ranked, note = text.split("\n\nNot ranked, since only a part of the data was scored: ")
    assert "| 1 | `micro/whole`<br>" in ranked and "micro/part" not in ranked
    assert note == "`micro/part`."


def test_other_framings_and_validation_pictures_have_tables_of_their_own() -> None:
    own = made_result("micro/a")
    transform = {"framing": "shortest", "size": 64}
    si = own.model_copy(update={"model": own.model.model_copy(update={"transform": transform})})
    kaggle, torch = (
        of_data(own, validation=ValidationRecord(name=n, layout=n, fingerprint=f * 64))
        for n, f in (("kaggle", "a"), ("torchvision", "b"))
    )
    other = of_data(own, fingerprint="e" * 64)
    text = leaderboard([own, si, kaggle, torch, other])
    assert text.count("| rank | model |") == 5 and text.count("| 1 |") == 5
    assert "version `c123`, validation pictures `kaggle` (`aaaaaaaa`), framing" in text


def test_what_a_number_stands_on_is_a_footnote() -> None:
    gone = Unreadable(slug="k", split="si", index=1, origin="o", sha256="a" * 64, reason="cut")
    hurt = of_data(made_result("micro/a", 0.1), unreadable=[gone])
    half = made_result("micro/b", 0.2).model_copy(update={"environment": {"dtype": "bfloat16"}})
    both = of_data(half, unreadable=[gone]).model_copy(
        update={"model": half.model.model_copy(update={"spec": "micro/c"})}
    )
    text = leaderboard([hurt, half, both, made_result("micro/d", 0.9)])
    assert "| `micro/a` <sup>1</sup><br>" in text and "| `micro/b` <sup>2</sup><br>" in text
    assert "| `micro/c` <sup>1</sup> <sup>2</sup><br>" in text and "| `micro/d`<br>" in text
    assert text.endswith(
        "<sup>1</sup> 1 unreadable picture left out.  \n"
        "<sup>2</sup> Scored in bfloat16, not float32.  "
    )


HOSTILE = ("![x](http://e/x.png)", "<script>", "a | b", "`", "https://e", "a_b_", "*a*", "[/b]")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_result_says_is_markup(text: str) -> None:
    """What the renderer of GitHub's Markdown makes of it shows the text and nothing else."""
    from markdown_it import MarkdownIt

    hostile = made_result()
    transform = hostile.model.transform | {"framing": text, "size": text}
    model = hostile.model.model_copy(update={"framing": text, "transform": transform, "spec": text})
    data = hostile.data.model_copy(update={"name": text})
    environment = hostile.environment | {"dtype": text}
    changes = {"model": model, "data": data, "environment": environment}
    shown = leaderboard([hostile.model_copy(update=changes)])
    html = MarkdownIt("gfm-like", {"linkify": False}).render(shown)
    tags = set(re.findall(r"<(/?[a-z0-9]+)", html))
    known = {"p", "table", "thead", "tbody", "tr", "th", "td", "code", "sup", "sub", "br"}
    assert {tag.strip("/") for tag in tags} <= known
    assert html.count("<td>") == html.count("<th>")


def test_render_writes_between_the_markers_only(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    result = made_result()
    write_result(result, result.path_under(tmp_path / "results"))
    with pytest.raises(UserError, match="out of date"):
        render(tmp_path / "results", readme, check=True)
    render(tmp_path / "results", readme, check=False)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n") and text.endswith(f"{END}\nafter\n")
    assert "micro/vit" in text and "old" not in text
    render(tmp_path / "results", readme, check=True)


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, BEGIN + BEGIN + END])
def test_markers_must_be_there_once(text: str) -> None:
    with pytest.raises(UserError, match="needs the lines"):
        replace_between(text, "x", "README.md")
