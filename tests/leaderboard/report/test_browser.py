"""The page in a real browser: how wide, how it reads, what it fetches, what foreign texts do in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spurbench_leaderboard.report.making import make_report
from tests.browsing import watched
from tests.conftest import ROOT
from tests.core.dataset.made_rows import HOSTILE
from tests.leaderboard.gate.made import Board

from .made import OTHER, PLAN, planned

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
AXE = ROOT / "tests" / "data" / "axe" / "axe.min.js"
LONG = "a_class_of_one_hundred_letters" * 4


@pytest.fixture(scope="module")
def pages(shared: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``whole.html`` has every part, ``bare.html`` no predictions, ``hostile.html`` foreign texts."""
    root = tmp_path_factory.mktemp("pages")
    board = replace(shared, root=root)
    path, other = planned(board), planned(board, OTHER, "made/two")
    make_report(path, root / "whole.html", pictures=shared.data.folder, against=other)
    text = " ".join(each for each in HOSTILE if each.isprintable()) + LONG
    evil = planned(board, PLAN, text[:150], text, data_name=text, environment={text: text})
    make_report(evil, root / "hostile.html", against=other)
    for predictions in other.parent.glob(f"{other.stem}.*.parquet"):
        predictions.unlink()
    make_report(other, root / "bare.html", against=path)
    return root


Open = Callable[..., AbstractContextManager["Page"]]
NAMES = ("whole.html", "bare.html", "hostile.html")


@pytest.fixture
def opened(browser: Browser, pages: Path) -> Open:
    """Opens a page; at its end it has asked for nothing else, and nothing was said or refused."""

    @contextmanager
    def open_page(name: str, **context: Any) -> Iterator[Page]:
        own = (pages / name).as_uri()
        with watched(browser, own, below=own, **context) as page:
            yield page

    return open_page


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [360, 1000])
def test_the_page_never_scrolls_sideways(opened: Open, name: str, width: int) -> None:
    with opened(name, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        wide = page.eval_on_selector_all(
            ".wide", "found => found.filter(e => e.scrollWidth > e.clientWidth).length"
        )
        assert wide or width > 360  # what is wider scrolls in its own place


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_serious(opened: Open, name: str, scheme: str) -> None:
    with opened(name, color_scheme=scheme, bypass_csp=True) as page:
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run(document)")
        assert len(found["passes"]) > 20  # it has looked
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious


def test_every_part_is_there_and_styled(opened: Open) -> None:
    with opened("whole.html") as page:
        for part in ("means", "classes", "confusion", "calibration", "worst", "against", "facts"):
            page.click(f"nav a[href='#{part}']")
            assert page.is_visible(f"#{part} h2")
        assert page.locator("img:visible").count() == 16
        loaded = "found => found.every(image => image.complete && image.naturalWidth > 0)"
        assert page.eval_on_selector_all("img", loaded)
        assert page.locator("svg.plot:visible").count() == 5
        assert page.locator("table:not(:has(caption))").count() == 0
        assert page.locator("th:not([scope])").count() == 0
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    with opened("whole.html", color_scheme="dark") as page:
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground, dark) == ("rgb(255, 255, 255)", "rgb(20, 22, 26)")


def test_points_stand_where_their_bins_say(opened: Open) -> None:
    """Generated pictures: a bin of mean 0.94, all taken for the class, and one of 0.05, none."""
    with opened("whole.html") as page:
        plot = page.locator("#calibration .plots > section").nth(2).locator(".point")
        places = [
            (float(p.get_attribute("cx") or 0), float(p.get_attribute("cy") or 0))
            for p in plot.all()
        ]
    # The drawing's square is 300 wide, from 44 to 344, and 300 high, from 310 up to 10.
    assert places[0] == pytest.approx((44 + 300 * 0.05, 310), abs=0.2)
    assert places[-1] == pytest.approx((44 + 300 * 0.94, 10), abs=0.2)
    assert len(places) == 5


def test_on_paper_it_is_light_and_whole(opened: Open) -> None:
    with opened("whole.html", color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert not page.is_visible("nav")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        styles = "found => new Set(found.map(e => getComputedStyle(e).overflowX)).size"
        assert page.eval_on_selector_all(".wide", styles) == 1


def test_attacks_are_shown_and_do_nothing(opened: Open) -> None:
    with opened("hostile.html") as page:
        assert page.locator("script, iframe, object, img, a:not([href^='#'])").count() == 0
        assert HOSTILE[0] in (page.text_content("h1") or "")
        assert HOSTILE[1] in page.inner_text("#facts")


def test_a_script_that_slips_in_is_refused(browser: Browser, pages: Path) -> None:
    """The policy alone holds as well: an inline script, a handler and a picture from elsewhere."""
    html = (pages / "whole.html").read_text(encoding="utf-8")
    evil = "<script>document.title = 'in'</script><img src='http://127.0.0.1:9/x' onerror='document.title = 1'>"
    spoiled = pages / "spoiled.html"
    spoiled.write_text(html.replace("<main>", f"<main>{evil}"), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(spoiled.as_uri())
        assert page.title() == "made/one - spurbench report"
        assert len([text for text in refused if "Content Security Policy" in text]) == 3
