"""No page is wider than its window: ten pages at three widths, and by hand (make e2e-all) all at every width."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.e2e.running_site import Site
from tests.e2e.test_accessibility import PUBLIC, READER, STAFF, open_everything, paper_path, staff_cookies

__all__ = ["paper_path", "staff_cookies"]  # fixtures

FEW = (
    *("/", "", "/papers/week", "/papers?q=model", "/papers/for-you", "/library", "/account/reading", "/subscriptions"),
    *("/curate", "/status"),
)
"""Ten kinds of pages; the empty one is a paper's."""
MORE = (
    *(
        "/papers/for-you",
        "/following",
        "/submit",
        "/clubs",
        "/clubs/new",
        "/library/import",
        "/account",
        "/account/address",
        "/account/sessions",
    ),
    *(
        "/account/two-factor",
        "/account/security",
        "/account/delete",
        "/invitations",
        "/sign-up",
        "/forgotten",
        "/style",
    ),
    *("/curate", "/curate/log", "/curate/days", "/curate/sources/new", "/curate/security", "/curate/rules"),
    *("/curate/rules/new", "/curate/figures", "/curate/people", "/curate/channels", "/curate/channels/new"),
    *("/admin/", "/admin/papers/paper/", "/admin/papers/source/"),
)
WIDTHS = (320, 360, 390, 480, 600, 736, 737, 768, 834, 900, 1000, 1024, 1025, 1280, 1440, 1920)
# What stands out of the window on the right, but for what scrolls by itself; empty where all of it is in sight.
_OUTSIDE = """() => {
    const out = document.documentElement.scrollWidth - innerWidth;
    if (out <= 0) return "";
    const isFar = (one) => one.getBoundingClientRect().right > innerWidth + 1;
    const far = [...document.querySelectorAll("body *")].filter(isFar);
    return `${out} px: ` + far.slice(0, 3).map((one) => one.outerHTML.slice(0, 90)).join(" | ");
}"""

# The menus that stand out of the window on the left when they are opened, where nobody can scroll to.
_LEFT_OF_IT = """() => [...document.querySelectorAll("details[name=popup]")].flatMap((popup) => {
    popup.open = true;
    const items = popup.querySelector(":scope > :not(summary)");
    const box = items.getBoundingClientRect();
    popup.open = false;
    return box.width && box.left < 0 ? [items.outerHTML.slice(0, 90)] : [];
})"""

# What is pressed in cards, two by two, of which one covers a part of the other.
_OVER_EACH_OTHER = """() => [...document.querySelectorAll(".card")].flatMap((card) => {
    const all = [...card.querySelectorAll("button, summary, .facts a, .facts-more")];
    const shown = all.map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width && box.height);
    const over = ([, a], [, b]) =>
        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    return shown.flatMap((one, at) => shown.slice(at + 1).filter((other) => over(one, other)).map((other) =>
        one[0].outerHTML.slice(0, 60) + " | " + other[0].outerHTML.slice(0, 60)));
})"""

# Of each card the heights at which its last fact and what opens the others begin, and whether both fit into one line.
_LAST_LINES = """() => [...document.querySelectorAll(".card")].map((card) => {
    const line = card.querySelector(".facts-line").getBoundingClientRect();
    const facts = [...card.querySelectorAll(".facts li")].filter((one) => one.getClientRects().length);
    const [fact, more] = [facts.at(-1), card.querySelector(".facts-more")].map((one) => one.getBoundingClientRect());
    return { fact: fact.top, more: more.top, has_room: line.right - 88 - fact.right > more.width + 14 };
})"""


def outside(page: Page, address: str) -> str:
    """What is wider than the window on a page, also once all that folds is open."""
    page.goto(address, wait_until="domcontentloaded")
    shut = page.evaluate(_OUTSIDE)
    open_everything(page)
    return str(shut or page.evaluate(_OUTSIDE))


def cut_off(
    chromium: Browser, cookies: Any, site: Site, paths: list[str], widths: tuple[int, ...], **settings: Any
) -> dict[tuple[str, int], str]:
    """The pages that are wider than their window, by path and width."""
    found: dict[tuple[str, int], str] = {}
    context = chromium.new_context(storage_state=cookies, **settings)
    page = context.new_page()
    for width in widths:
        size: ViewportSize = {"width": width, "height": 800}
        page.set_viewport_size(size)
        found |= {(path, width): wrong for path in paths if (wrong := outside(page, site.url + path))}
    context.close()
    return found


def test_ten_pages_fit_a_phone_a_tablet_and_a_desk(
    chromium: Browser, site: Site, staff_cookies: Any, paper_path: str
) -> None:
    paths = [path or paper_path for path in FEW]
    assert cut_off(chromium, staff_cookies, site, paths, (320, 768, 1280)) == {}


def test_no_menu_opens_out_of_the_window(chromium: Browser, site: Site, staff_cookies: Any) -> None:
    for cookies in (None, staff_cookies):
        for width in (320, 1280):
            context = chromium.new_context(viewport={"width": width, "height": 800}, storage_state=cookies)
            page = context.new_page()
            for path in ("/papers", "/papers/week", "/papers/new", "/topics/agents"):
                page.goto(site.url + path)
                assert page.evaluate(_LEFT_OF_IT) == [], (path, width)
            context.close()


def test_nothing_to_press_lies_over_another_on_a_phone_s_card(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    for path in ("/", "/papers/new"):
        page.goto(site.url + path)
        assert page.evaluate(_OVER_EACH_OTHER) == []
    context.close()


def test_a_formula_wider_than_a_phone_scrolls_by_itself(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.goto(site.url + "/papers/new")
    wide = "<math><mrow>" + "<mi>x</mi><mo>+</mo>" * 40 + "<mi>y</mi></mrow></math>"
    page.eval_on_selector(".excerpt", f"one => one.innerHTML = `It holds that {wide} always.`")
    assert page.evaluate(_OUTSIDE) == ""
    context.close()


def test_a_phone_s_card_names_one_topic_until_more_is_asked_for(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.goto(site.url + "/papers/new")
    page.evaluate("""() => {
        const topics = document.querySelector(".card .facts .topics") ?? document.createElement("li");
        topics.className = "topics";
        topics.innerHTML = '<a href="/topics">Agents</a><a href="/topics">Language models</a>';
        document.querySelector(".card .facts").prepend(topics);
    }""")
    second = page.locator(".card .facts .topics a").nth(1)
    assert not second.is_visible()
    page.locator(".card .facts-more").first.check()
    assert second.is_visible()
    context.close()


def test_what_opens_the_other_facts_stands_in_the_line_that_they_end_in(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(site.url + "/papers/new")
    lines = page.evaluate(_LAST_LINES)
    assert len(lines) > 10
    assert [line for line in lines if line["has_room"] and line["more"] != line["fact"]] == []
    context.close()


def test_what_stands_over_a_list_begins_where_the_list_does(chromium: Browser, site: Site, staff_cookies: Any) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, storage_state=staff_cookies)
    page = context.new_page()
    page.goto(site.url)
    author = page.locator(".byline a").first.get_attribute("href")
    edge = page.locator(".card").first.evaluate("(card) => card.getBoundingClientRect().left")
    for path, first in ((author, ".papers-head"), ("/library", ".filters label")):
        page.goto(f"{site.url}{path}")
        text = page.locator(first).first
        begins = """(one) => { const range = document.createRange(); range.selectNodeContents(one);
            return range.getBoundingClientRect().left }"""
        assert text.evaluate(begins) == edge, path
    context.close()


def test_saving_preferences_is_never_behind_the_tabs_of_a_phone(
    chromium: Browser, site: Site, staff_cookies: Any
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, storage_state=staff_cookies)
    page = context.new_page()
    page.goto(f"{site.url}/subscriptions")
    save = page.locator(".save-bar button")
    is_on_top = """(one) => { const at = one.getBoundingClientRect();
        return one === document.elementFromPoint(at.x + 9, at.bottom - 2) }"""
    assert save.evaluate(is_on_top)
    page.keyboard.press("End")
    assert save.evaluate(is_on_top)
    context.close()


@pytest.mark.e2e_all
@pytest.mark.parametrize(
    ("who", "scheme"), list(itertools.product(("visitor", "staff"), ("light", "dark"))), ids=lambda value: value
)
def test_every_page_fits_every_width(
    who: str, scheme: str, chromium: Browser, site: Site, staff_cookies: Any, paper_path: str
) -> None:
    of_staff = {*STAFF.values(), *READER.values(), *MORE}
    paths = sorted({*PUBLIC.values(), *(of_staff if who == "staff" else ())})
    paths = [(path or paper_path).format(paper=paper_path) for path in paths]
    cookies = staff_cookies if who == "staff" else None
    assert cut_off(chromium, cookies, site, paths, WIDTHS, color_scheme=scheme) == {}


@pytest.mark.e2e_all
def test_every_page_fits_a_small_phone_with_larger_text(
    chromium: Browser, site: Site, staff_cookies: Any, paper_path: str
) -> None:
    """The largest of what a reader may choose, on the smallest width; what is wider scrolls by itself."""
    paths = sorted(
        {*PUBLIC.values(), *STAFF.values(), *READER.values(), *MORE} - {path for path in MORE if "/admin" in path}
    )
    context = chromium.new_context(storage_state=staff_cookies, viewport={"width": 320, "height": 800})
    page = context.new_page()
    found = {}
    for path in ((path or paper_path).format(paper=paper_path) for path in paths):
        page.goto(site.url + path, wait_until="domcontentloaded")
        page.evaluate("document.documentElement.dataset.text = 'larger'")
        open_everything(page)
        if wrong := page.evaluate(_OUTSIDE):
            found[path] = wrong
    context.close()
    assert found == {}


@pytest.mark.e2e_all
def test_every_page_fits_at_twice_the_size(chromium: Browser, site: Site, staff_cookies: Any, paper_path: str) -> None:
    """What a browser does at 200 %: half as many of the pixels that a style sheet counts, each drawn by four."""
    paths = sorted({*PUBLIC.values(), *STAFF.values(), *READER.values(), *MORE})
    paths = [(path or paper_path).format(paper=paper_path) for path in paths]
    widths = (320, 384, 512, 640, 960)  # of windows of 640 to 1,920 pixels
    assert cut_off(chromium, staff_cookies, site, paths, widths, device_scale_factor=2) == {}
