"""The pages in a real browser: what is shown, by which keys, how wide, how it reads, what it fetches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spurbench_publishing.show.making import make_pages
from tests.browsing import watched
from tests.conftest import ROOT
from tests.core.dataset.made_rows import HOSTILE, put_hostile, put_koala, put_other

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
AXE = ROOT / "tests" / "data" / "axe" / "axe.min.js"
KOALA = [
    f"koala.{split}.{i}" for split, n in (("si", 3), ("generated", 4), ("val", 2)) for i in range(n)
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``koala.html``, ``two.html``, ``hostile.html`` and the folder ``many``."""
    root = tmp_path_factory.mktemp("pages")
    put_koala(root / "two")
    put_other(root / "two")
    put_hostile(root / "hostile")
    make_pages(root / "two", "koala", root / "koala.html")
    make_pages(root / "two", None, root / "two.html")
    make_pages(root / "two", None, root / "many")
    make_pages(root / "hostile", None, root / "hostile.html")
    return root


Open = Callable[..., AbstractContextManager["Page"]]


@pytest.fixture
def opened(browser: Browser, pages: Path) -> Open:
    """Opens a page of ``pages``; at its end nothing was asked of any network, no dialog came up, and no
    script failed or was refused."""

    @contextmanager
    def open_page(name: str, fragment: str = "", **context: Any) -> Iterator[Page]:
        own = (pages / name).as_uri() + fragment
        with watched(browser, own, below=pages.as_uri(), **context) as page:
            yield page

    return open_page


def cards(page: Page) -> list[str]:
    """Keys of the pictures that are shown, in order."""
    found: list[str] = page.eval_on_selector_all(
        ".card:not([hidden])", "cards => cards.map(card => card.dataset.key)"
    )
    return found


def counts(page: Page, name: str) -> dict[str, int]:
    """The numbers behind the boxes of that name."""
    found = page.eval_on_selector_all(
        f"input[name={name}]",
        "boxes => boxes.map(b => [b.value, Number(b.closest('label').querySelector('.n').textContent)])",
    )
    return dict(found)


def focused(page: Page) -> str:
    """Where the focus is: a picture's key or an element's id."""
    said: str = page.evaluate(
        "document.activeElement.closest('.card')?.dataset.key ?? document.activeElement.id"
    )
    return said


def test_filters_and_their_counts(opened: Open) -> None:
    with opened("koala.html") as page:
        assert cards(page) == KOALA
        assert page.text_content("#count") == "9 pictures"
        assert counts(page, "is") == {"all": 4, "object": 1, "copy": 1, "bad": 2, "trained": 1}
        assert counts(page, "fools") == {"made/one": 6, "made/two": 4}
        page.check("input[value=generated]")
        assert cards(page) == KOALA[3:7]
        assert counts(page, "split") == {"si": 3, "generated": 4, "val": 2}
        assert counts(page, "is") == {"all": 3, "object": 1, "copy": 1, "bad": 2, "trained": 0}
        page.check("input[value=si]")
        page.check("input[value=all]")
        assert cards(page) == ["koala.si.0", *(f"koala.generated.{i}" for i in (0, 1, 3))]
        assert page.text_content("#count") == "4 of 9 pictures"
        page.check("input[value=bad]")
        assert cards(page) == ["koala.generated.3"]
        page.check("input[value=trained]")
        assert cards(page) == [] and page.is_visible("#nothing")
        page.click("#clear")
        page.wait_for_function("document.getElementById('count').textContent === '9 pictures'")
        page.check("input[value='made/two']")
        assert cards(page) == ["koala.si.0", *(f"koala.generated.{i}" for i in (0, 1, 3))]


def test_the_bound_of_near_copies_is_the_readers(opened: Open) -> None:
    with opened("koala.html") as page:
        page.check("input[value=copy]")
        assert cards(page) == ["koala.generated.2"]
        page.fill("input[name=near]", "0.35")
        assert cards(page) == [f"koala.generated.{i}" for i in (0, 2, 3)]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("fooled", ["koala.si.0", "koala.generated.0", "koala.generated.1", "koala.generated.3"]),
        ("sure", ["koala.si.0", "koala.generated.0"]),
        ("unsure", ["koala.si.2", "koala.si.1", "koala.generated.2"]),
        ("closest", [f"koala.generated.{i}" for i in (2, 3, 0, 1)] + ["koala.si.0"]),
        ("object", [f"koala.generated.{i}" for i in (1, 2, 0)] + ["koala.si.0"]),
    ],
)
def test_orders(opened: Open, order: str, first: list[str]) -> None:
    """What is not known comes last, as stored."""
    with opened("koala.html") as page:
        page.select_option("select[name=sort]", order)
        assert cards(page)[: len(first)] == first
        assert sorted(cards(page)) == sorted(KOALA)
        page.select_option("select[name=sort]", "")
        assert cards(page) == KOALA


def test_one_picture_beside_its_nearest_reference(opened: Open) -> None:
    with opened("koala.html") as page:
        page.click("[data-key='koala.generated.2'] button")
        assert page.text_content("#view-title") == "koala, generated 2 (6 of 9)"
        captions = page.locator("#view figcaption").all_text_contents()
        assert captions == ["generated 2", "nearest reference: si 1, at a distance of 0.050"]
        shown = page.eval_on_selector_all("#view img", "found => found.map(image => image.src)")
        of_card = "key => document.querySelector(`[data-key='${key}'] img`).src"
        keys = ["koala.generated.2", "koala.si.1"]
        assert shown == [page.evaluate(of_card, key) for key in keys]
        text = page.inner_text("#view-body")
        assert "a near copy" in text and "a photo of a sks leaf" in text and "seed 2" in text
        rows = page.locator("#view tbody tr").all_inner_texts()
        assert [" ".join(each.split()) for each in rows] == [
            "made/one koala 0.650 yes",
            "made/two ashcan 0.300 no",  # label 7 of the micro world
        ]


def test_by_keys_alone(opened: Open) -> None:
    with opened("koala.html") as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # skips to the pictures
        assert focused(page) == "koala.si.0"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert focused(page) == "koala.si.2"
        page.keyboard.press("End")
        assert focused(page) == "koala.val.1"
        page.keyboard.press("ArrowRight")  # there is none
        assert focused(page) == "koala.val.1"
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        below = page.evaluate(
            "() => { const [first, ...rest] = [...document.querySelectorAll('.card')];"
            "return rest.find(c => c.offsetTop > first.offsetTop)?.dataset.key ?? first.dataset.key }"
        )
        assert focused(page) == below
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        assert page.is_visible("#view") and focused(page) == "close"
        page.keyboard.press("ArrowRight")
        assert page.text_content("#view-title") == "koala, si 1 (2 of 9)"
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")  # there is none
        assert page.text_content("#view-title") == "koala, si 0 (1 of 9)"
        page.keyboard.press("End")
        assert page.text_content("#view-title") == "koala, val 1 (9 of 9)"
        page.keyboard.press("Escape")
        assert not page.is_visible("#view") and focused(page) == "koala.val.1"
        page.keyboard.press("?")
        assert page.is_visible("#help")
        page.keyboard.press("Escape")
        assert not page.is_visible("#help")
        page.keyboard.press("/")
        page.keyboard.press("Space")
        assert page.is_checked("input[value=si]") and len(cards(page)) == 3


def test_the_pictures_are_one_stop_of_the_tab_key(opened: Open) -> None:
    with opened("koala.html") as page:
        stops = page.eval_on_selector_all(
            ".card button", "found => found.filter(button => button.tabIndex === 0).length"
        )
        assert stops == 1
        page.check("input[value=val]")
        page.focus(".card:not([hidden]) button[tabindex='0']")
        assert focused(page) == "koala.val.0"


def test_the_address_keeps_what_is_shown(opened: Open) -> None:
    with opened("koala.html") as page:
        page.check("input[value=generated]")
        page.check("input[value='made/one']")
        page.select_option("select[name=sort]", "closest")
        page.fill("input[name=near]", "0.25")
        page.click("[data-key='koala.generated.3'] button")
        fragment = page.evaluate("location.hash")
    with opened("koala.html", fragment) as page:
        assert cards(page) == [f"koala.generated.{i}" for i in (2, 3, 0, 1)]
        assert page.text_content("#view-title") == "koala, generated 3 (2 of 4)"
        assert counts(page, "is")["copy"] == 2
        page.keyboard.press("Escape")
        page.click("button[type=reset]")
        page.wait_for_function("location.hash === ''")
        assert cards(page) == KOALA
        page.evaluate("location.hash = '#split=val'")
        page.wait_for_function("document.getElementById('count').textContent.startsWith('2 of')")


@pytest.mark.parametrize(
    "fragment",
    [
        "#split=nowhere&is=__proto__&sort=constructor&near=NaN&picture=__proto__",
        "#%E0%A4%A",
        "#near=9e9",
    ],
)
def test_an_odd_address_shows_everything(opened: Open, fragment: str) -> None:
    with opened("koala.html", fragment) as page:
        assert cards(page) == KOALA and not page.is_visible("#view")
        assert page.input_value("input[name=near]") == "0.1"


def test_several_classes(opened: Open) -> None:
    with opened("two.html") as page:
        assert len(cards(page)) == 12
        page.check("input[name=class][value=freight_car]")
        assert cards(page) == [f"freight_car.si.{i}" for i in range(3)]
        assert counts(page, "class") == {"freight_car": 3, "koala": 9}
    with opened("many/index.html") as page:
        page.click("text=freight car")
        assert len(cards(page)) == 3
        page.click("text=All classes")
        assert page.text_content("h1") == "made"


@pytest.mark.parametrize("name", ["koala.html", "two.html", "hostile.html", "many/index.html"])
def test_on_a_narrow_screen(opened: Open, name: str) -> None:
    """Nothing but tables scrolls sideways, closed or with everything open; what is touched is large."""
    size = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with opened(name, **size) as page:
        page.eval_on_selector_all("details", "found => found.forEach(each => each.open = true)")
        wide = "document.documentElement.scrollWidth"
        assert page.evaluate(wide) == 360
        if page.locator(".card").count():
            page.locator(".card button").first.tap()
            assert page.is_visible("#view") and page.evaluate(wide) == 360
            box = page.locator("#view").bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
            inner = page.evaluate(
                "[document.getElementById('view').scrollWidth, document.getElementById('view').clientWidth]"
            )
            assert inner[0] <= inner[1]
            for id_ in ("previous", "next", "close"):
                button = page.locator(f"#{id_}").bounding_box()
                assert button and min(button["width"], button["height"]) >= 44
            page.locator("#close").tap()
            assert not page.is_visible("#view")


def test_a_swipe_turns_the_page(opened: Open) -> None:
    size = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    swipe = """x => {
      const view = document.getElementById('view');
      const touch = at => new Touch({identifier: 1, target: view, clientX: at, clientY: 300});
      view.dispatchEvent(new TouchEvent('touchstart', {touches: [touch(200)], changedTouches: [touch(200)]}));
      view.dispatchEvent(new TouchEvent('touchend', {touches: [], changedTouches: [touch(200 + x)]}));
    }"""
    with opened("koala.html", "#picture=koala.si.1", **size) as page:
        page.evaluate(swipe, -90)
        assert page.text_content("#view-title") == "koala, si 2 (3 of 9)"
        page.evaluate(swipe, 90)
        page.evaluate(swipe, 20)  # no more than a tap
        assert page.text_content("#view-title") == "koala, si 1 (2 of 9)"


def test_dark_where_that_is_wished(opened: Open) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with opened("koala.html", color_scheme=scheme) as page:
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 22, 26)"]


def test_on_paper_pictures_without_controls(opened: Open) -> None:
    with opened("koala.html", "#split=si") as page:
        page.emulate_media(media="print")
        assert not page.is_visible("#filters") and page.is_visible("#pictures")
        assert page.locator(".card:visible").count() == 3


def test_without_scripts_all_is_there(opened: Open) -> None:
    with opened("koala.html", java_script_enabled=False) as page:
        assert page.locator(".card:visible").count() == 9
        assert not page.is_visible("#filters")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("koala.html", ""),
        ("koala.html", "#picture=koala.generated.2"),
        ("two.html", "#is=all&is=trained"),
        ("hostile.html", ""),
        ("many/index.html", ""),
    ],
)
def test_axe_finds_nothing_serious(opened: Open, name: str, fragment: str, scheme: str) -> None:
    with opened(name, fragment, color_scheme=scheme, bypass_csp=True) as page:
        page.eval_on_selector_all("details", "found => found.forEach(each => each.open = true)")
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run(document)")
        assert len(found["passes"]) > 20  # it has looked
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious


def test_attacks_are_shown_and_do_nothing(opened: Open) -> None:
    """As text, all of it: no element, dialog or script comes of it (``opened`` looks)."""
    with opened("hostile.html", "#picture=hostile.generated.0") as page:
        assert page.locator("script").count() == 2
        assert page.locator("svg, iframe, object, img:not([src^='data:image/'])").count() == 0
        assert HOSTILE[0] in (page.text_content("h1") or "")
        page.eval_on_selector_all("details", "found => found.forEach(each => each.open = true)")
        assert HOSTILE[1] in page.inner_text("details")
        for i, text in enumerate(HOSTILE):
            assert page.text_content("#view-title") == (
                f"{HOSTILE[0]}, generated {i} ({i + 1} of {len(HOSTILE)})"
            )
            if text.isprintable():
                assert page.inner_text("#view .told >> nth=1").count(text) == 8
            page.keyboard.press("ArrowRight")
        assert page.locator("#view a, #view script").count() == 0


def test_a_script_that_slips_in_is_refused(browser: Browser, pages: Path) -> None:
    """The policy alone holds as well: an inline script, a handler and a picture from elsewhere."""
    html = (pages / "koala.html").read_text(encoding="utf-8")
    evil = "<script>document.title = 'in'</script><img src='http://127.0.0.1:9/x' onerror='document.title = 1'>"
    spoiled = pages / "spoiled.html"
    spoiled.write_text(html.replace("<main>", f"<main>{evil}"), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(spoiled.as_uri())
        assert page.title() == "koala - spurbench show"
        assert len([text for text in refused if "Content Security Policy" in text]) == 3
