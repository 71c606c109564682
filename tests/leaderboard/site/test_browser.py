"""The site in a real browser: what is shown, by which keys, how wide, how it reads, what it fetches."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spurbench.scores.statistics import wilson
from tests.browsing import watched
from tests.conftest import ROOT
from tests.leaderboard.site.conftest import BLIND, HOSTILE, PANEL, Shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
AXE = ROOT / "tests" / "data" / "axe" / "axe.min.js"
VIT = "timm/vit_small.augreg_in21k_ft_in1k"
FORMULA, GAP = "=cmd|calc", "made/gap"


Open = Callable[..., AbstractContextManager["Page"]]


@pytest.fixture
def opened(browser: Browser, shown: Shown) -> Open:
    """Opens the site; at its end nothing was asked of any network, no dialog came up, and no script
    failed or was refused."""

    @contextmanager
    def open_page(fragment: str = "", **context: Any) -> Iterator[Page]:
        own = (shown.folder / "index.html").as_uri() + fragment
        with watched(browser, own, below=shown.folder.as_uri(), width=1200, **context) as page:
            yield page

    return open_page


def models(page: Page) -> list[str]:
    """Specs that the table shows, in order."""
    found: list[str] = page.eval_on_selector_all(
        "#board a.model", "links => links.map(link => link.textContent)"
    )
    return found


def cell(page: Page, spec: str, column: str) -> str:
    """A cell's text, its lines with a space between them."""
    found = page.evaluate(
        """([spec, title]) => {
          const heads = [...document.querySelectorAll('#board thead th')].map(th => th.querySelector('.dt-column-title').textContent);
          const row = [...document.querySelectorAll('#board tbody tr')].find(tr => tr.querySelector('a.model').textContent === spec);
          return row.cells[heads.indexOf(title)].innerText;
        }""",
        [spec, column],
    )
    return " ".join(str(found).split())


def sort(page: Page, column: str) -> None:
    before = page.url
    page.locator("#board thead th", has_text=column).first.locator(".dt-column-order").click()
    page.wait_for_function("before => location.href !== before", arg=before)


def shares(shown: Shown, split: str) -> dict[str, float]:
    return {r.model.spec: r.means[split].restricted.top1.value for r in shown.results}  # type: ignore[union-attr]


def test_numbers_are_the_results(opened: Open, shown: Shown) -> None:
    with opened() as page:
        assert page.text_content("#count") == "6 of 6 models"
        for result in shown.results:
            for split, name in (("si", "SI"), ("generated", "generated"), ("val", "val. accuracy")):
                top1 = result.means[split].restricted.top1  # type: ignore[union-attr]
                value, low, high = (100 * (v or 0) for v in (top1.value, top1.low, top1.high))
                assert cell(page, result.model.spec, name) == f"{value:.1f} [{low:.1f}, {high:.1f}]"
        assert "Not ranked: accuracy on validation pictures" in cell(page, BLIND, "model")
        assert cell(page, BLIND, "rank") == "-" and cell(page, PANEL, "rank") == "1 (1-5)"
        assert "panel" in cell(page, PANEL, "model").split()


def test_sorting(opened: Open, shown: Shown) -> None:
    with opened() as page:
        for split, name in (("val", "val. accuracy"), ("si", "SI")):
            found = shares(shown, split)
            for backwards in (False, True):
                sort(page, name)
                order = [found[spec] for spec in models(page)]
                assert order == sorted(order, reverse=backwards), (name, backwards)
        assert page.url.endswith("#order=si+desc")


def test_filters_and_search(opened: Open) -> None:
    with opened() as page:
        page.fill("#search", "VIT  small")
        page.wait_for_function(
            "() => document.getElementById('count').textContent === '1 of 6 models'"
        )
        assert models(page) == [VIT]
        page.fill("#search", "no such")
        page.wait_for_function(
            "() => document.getElementById('count').textContent === '0 of 6 models'"
        )
        assert "no model fits" in page.inner_text("#board")
        page.click("#reset")
        for name, value, left in (
            ("family", "resnet", {FORMULA}),
            ("pretraining", "ImageNet-21k", {VIT}),
            ("labels", "imagenet-1k", {FORMULA}),
        ):
            page.select_option(f"#{name}", value)
            assert set(models(page)) == left, name
            page.click("#reset")
        page.fill("#least", "4")
        page.fill("#most", "7")
        page.wait_for_function(
            "() => document.getElementById('count').textContent === '1 of 6 models'"
        )
        assert models(page) == [HOSTILE]
        page.click("#reset")
        page.uncheck("#panel")
        assert PANEL not in models(page) and len(models(page)) == 5
        assert cell(page, VIT, "rank") == "1 (1-4)"
        page.uncheck("#unranked")
        assert set(models(page)) == {HOSTILE, VIT, FORMULA, GAP}


def test_a_link_leads_to_the_same_view(opened: Open) -> None:
    with opened() as page:
        page.select_option("#class", "koala")
        page.uncheck("#panel")
        page.uncheck("input[name=column-family]")
        sort(page, "val. accuracy")
        page.click(f"#board a.model >> text={VIT}")
        address, seen = page.url, page.inner_text("main")
    assert "model=" in address
    with opened(address.partition("index.html")[2]) as page:
        assert page.inner_text("main") == seen
        assert "family" not in page.inner_text("#board thead")
        assert page.inner_text("#model-title") == VIT


def test_what_an_address_says_is_inert(opened: Open) -> None:
    hostile = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
    said = "&".join(f"{key}={hostile}" for key in ("table", "class", "search", "model", "order", "hidden", "against", "__proto__"))  # fmt: skip
    with opened(f"#{said}") as page:
        assert page.text_content("#count") == "1 of 6 models", "it is part of a name"
        assert page.locator("img").count() == 0


def test_a_class_and_its_pictures(opened: Open, shown: Shown) -> None:
    """One class's numbers, its pictures, what all said of them, and what one said."""
    with opened() as page:
        page.select_option("#class", "koala")
        page.wait_for_selector("#gallery img")
        result = shown.of(VIT)
        (score,) = [s for s in result.scores if (s.slug, s.split) == ("koala", "si")]
        assert score.restricted
        found = wilson(score.restricted.hits, score.n)
        text = f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"
        assert cell(page, VIT, "SI") == text
        assert "rank" not in page.inner_text("#board thead").split()
        assert page.locator("#gallery img").count() == 12
        assert page.eval_on_selector_all("#gallery h3", "hs => hs.map(h => h.textContent)") == ["SI", "generated", "validation"]  # fmt: skip
        for image in page.locator("#gallery img").all():
            image.scroll_into_view_if_needed()
            page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())
        (file,) = shown.folder.glob("answers/*/koala.js")
        told = json.loads(file.read_text().split(",", 2)[2][:-3])
        said = page.eval_on_selector_all("#gallery .card", "cards => cards.map(c => [c.children[1].textContent, c.lastElementChild.textContent])")  # fmt: skip
        names = {"si": "SI", "generated": "generated", "val": "validation"}
        hits = {
            f"{names[split]} {index}": [s["hits"][i] for s in told["said"].values()]
            for i, (split, index, _) in enumerate(told["pictures"])
        }
        for place, text in said:
            given = [hit for hit in hits[place] if hit >= 0]
            assert text == f"{given.count(1)} of {len(given)}"
        page.click(f"#board a.model >> text={VIT}")
        own = told["said"][result.slug]
        first = told["pictures"].index(next(p for p in told["pictures"] if p[0] == "si"))
        expected = f"{told['names'][own['names'][first]]}, p\u00a0{own['percent'][first]}\u00a0%"
        assert page.locator("#gallery .card").first.locator("div").last.text_content() == expected


def test_a_model_and_back(opened: Open, shown: Shown) -> None:
    with opened() as page:
        page.click(f"#board a.model >> text={VIT}")
        assert page.evaluate("document.activeElement.id") == "model-title"
        facts = page.inner_text("#model-facts")
        result = shown.of(VIT)
        assert result.model.weights_sha256 in facts and result.predictions_sha256 in facts
        assert result.path_under(Path()).as_posix() in facts and "9,000,000" in facts
        page.click("#model-facts a >> text=gondola")
        assert page.input_value("#class") == "gondola"
        page.click("#close")
        assert page.locator("#model").is_hidden()
        assert page.evaluate("document.activeElement.textContent") == VIT


def test_the_way_back_closes_a_model_and_leaves_a_class(opened: Open) -> None:
    with opened() as page:
        page.click(f"#board a.model >> text={VIT}")
        page.click("#model-facts a >> text=gondola")
        assert page.input_value("#class") == "gondola"
        page.go_back()
        page.wait_for_function("() => document.getElementById('class').value === ''")
        assert page.inner_text("#model-title") == VIT
        page.go_back()
        page.wait_for_function("() => document.getElementById('model').hidden")


def test_the_chart_shows_who_has_both_numbers(opened: Open) -> None:
    with opened() as page:
        dots = "#chart [data-label=dot] > *"
        assert page.locator(dots).count() == 6
        page.uncheck("#unranked")
        assert page.locator(dots).count() == 5
        names = page.eval_on_selector_all(dots, "dots => dots.map(d => d.dataset.label)")
        assert HOSTILE in names and BLIND not in names
        page.select_option("#against", "si")
        assert "spurious accuracy (SI)" in str(page.text_content("#chart"))


def test_what_is_shown_can_be_taken_along(opened: Open, tmp_path: Path) -> None:
    with opened() as page:
        page.uncheck("#panel")
        page.uncheck("input[name=column-rank]")
        with page.expect_download() as got:
            page.click("#csv")
        assert got.value.suggested_filename.endswith("-mean.csv")
        got.value.save_as(tmp_path / "x.csv")
        order = models(page)
        numbers = {spec: cell(page, spec, "generated") for spec in order}
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()))
    assert "rank" not in rows[0]
    assert [row["model"] for row in rows] == [f"'{s}" if s == FORMULA else s for s in order]
    assert {row["model"]: row["parameters"] for row in rows}[VIT] == "9000000"
    for spec, row in zip(order, rows, strict=True):
        value, low, high = (float(row[f"generated{end}"]) * 100 for end in ("", " low", " high"))
        assert f"{value:.1f} [{low:.1f}, {high:.1f}]" == numbers[spec]


def test_by_keyboard_alone(opened: Open) -> None:
    with opened() as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "board-title"
        seen = []
        for _ in range(14):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))  # fmt: skip
            if str(seen[-1]).startswith("val. accuracy"):
                break
        before = models(page)
        page.keyboard.press("Enter")
        page.wait_for_function("() => location.hash === '#order=val+asc'")
        page.keyboard.press("Enter")
        page.wait_for_function("() => location.hash === '#order=val+desc'")
        assert models(page) != before
        page.locator("#board a.model").first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "model-title"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "close"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.className") == "model"


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_it_reads_well_and_fits(opened: Open, colours: str, width: int) -> None:
    viewport = {"width": width, "height": 800}
    # The page's own policy forbids the script of the check.
    with opened(viewport=viewport, color_scheme=colours, bypass_csp=True) as page:
        page.select_option("#class", "koala")
        page.wait_for_selector("#gallery img")
        page.click(f"#board a.model >> text={VIT}")
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("axe.run()")
        serious = [
            (v["id"], [n["html"][:200] for n in v["nodes"]])
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert len(found["passes"]) > 20
        assert page.evaluate("document.documentElement.scrollWidth") == width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (colours == "light")


def test_on_paper_all_rows_are_shown(opened: Open) -> None:
    with opened() as page:
        page.select_option(".dt-length select", "10")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("shown.page.len()") == -1
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("shown.page.len()") == 10
        page.emulate_media(media="print")
        assert page.locator("#filters").is_hidden() and page.locator("#board").is_visible()


def test_without_scripts_it_says_where_the_numbers_are(opened: Open) -> None:
    with opened(java_script_enabled=False) as page:
        assert "board.csv" in page.inner_text("noscript")
