"""Every kind of page: no sideways scroll on a phone, nothing that axe finds, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.e2e.running_site import Site

PUBLIC = {
    "today": "/",
    "week": "/papers/week",
    "month": "/papers/month",
    "trending": "/papers/trending",
    "new": "/papers/new",
    "one category": "/papers/new?category=cs.CL",
    "no such category": "/papers/new?category=cats",
    "search": "/papers?q=model",
    "search without results": "/papers?q=qqxxyy",
    "search not understood": "/papers?q=%28%22author%3A",
    "day without papers": "/papers/date/2001-01-01",
    "paper": "",  # the first one on the front page
    "status": "/status",
    "privacy": "/privacy",
    "topics": "/topics",
    "topic": "/topics/language-models",
    "topic, most voted": "/topics/language-models?sort=votes",
    "confirmation that is too old": "/subscribe/confirm/none",
    "leaving": "/u/none",
    "sign-in": "/sign-in",
    "used link": "/sign-in/link/used",
    "nothing here": "/no-such-page",
}
STAFF = {"settings": "/setup", "progress": "/setup/progress", "password": "/account/password", "inside": "/status"}
READER = {
    "front page": "/",
    "choosing several": "/papers/new?pick=1",
    "the paper": "",
    "own words": "{paper}/mine",
    "comment": "{paper}/comments",
    "library": "/library",
    "tags": "/tags",
    "lists": "/lists",
    "new list": "/lists/new",
    "lists of a paper": "{paper}/lists",
    "since": "/papers/since",
    "mentions": "/mentions",
    "muted": "/account/muted?q=model",
    "clubs": "/clubs",
    "new club": "/clubs/new",
    "reading": "/account/reading",
    "saved searches": "/topics",
    "new search": "/topics/new?q=language+model",
    "mail": "/subscriptions",
    "mail that was sent": "/subscriptions/sent",
    "mail set up": "/setup/mail",
    "outbox": "/outbox",
}
AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def staff_cookies(chromium: Browser, site: Site) -> Any:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.admin_link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="module")
def paper_path(chromium: Browser, site: Site) -> str:
    page = chromium.new_page()
    page.goto(site.url)
    path = page.locator(".card-title a").first.get_attribute("href")
    page.close()
    assert path
    return path


@pytest.fixture(scope="module")
def windows(chromium: Browser, staff_cookies: Any) -> dict[str, BrowserContext]:
    """A visitor's and an administrator's phone."""
    phone: ViewportSize = {"width": 390, "height": 844}
    return {
        "visitor": chromium.new_context(viewport=phone),
        "staff": chromium.new_context(viewport=phone, storage_state=staff_cookies),
    }


MENU = "main details.menu"
CASES = [pytest.param("visitor", path, id=name) for name, path in PUBLIC.items()] + [
    pytest.param("staff", path, id=f"{name} (staff)") for name, path in (STAFF | READER).items()
]


@pytest.mark.parametrize(("who", "path"), CASES)
def test_a_page_fits_a_phone_and_satisfies_axe(
    who: str, path: str, site: Site, windows: dict[str, BrowserContext], paper_path: str
) -> None:
    page = windows[who].new_page()
    try:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(site.url + (path or paper_path).format(paper=paper_path))
            open_everything(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            if page.locator(MENU).count():  # by itself: it lies over what is below, and hides a part of some of it
                found = Axe().run(page, context=MENU, options=AXE_OPTIONS)
                assert found.violations_count == 0, found.generate_report()
                page.evaluate(f"for (const menu of document.querySelectorAll('{MENU}')) menu.open = false")
            found = Axe().run(page, options=AXE_OPTIONS)
            assert found.violations_count == 0, found.generate_report()
    finally:
        page.close()


@pytest.mark.parametrize("path", ["/", "/papers/new", "/status"])
def test_a_wide_window_satisfies_axe_too(path: str, site: Site, page: Page) -> None:
    page.goto(site.url + path)
    found = Axe().run(page, options=AXE_OPTIONS)
    assert found.violations_count == 0, found.generate_report()


def open_everything(page: Page) -> None:
    """What is folded must fit and be readable as well."""
    page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")


def test_a_page_can_be_printed(site: Site, page: Page, open_context: Callable[..., BrowserContext]) -> None:
    page.goto(site.url)
    page.emulate_media(media="print")
    assert page.locator(".bar").is_hidden()
    assert page.locator(".card").first.is_visible()


@pytest.mark.parametrize("width", [320, 390, 700, 737, 768, 800, 900, 1024, 1025, 1280])
def test_a_reader_s_bar_fits_every_width(
    width: int, site: Site, staff_cookies: Any, open_context: Callable[..., BrowserContext]
) -> None:
    page = open_context(storage_state=staff_cookies, viewport={"width": width, "height": 600}).new_page()
    page.goto(site.url)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 737:
        page.get_by_role("link", name="Search", exact=True).click()  # the box comes when it is called, without a script
        expect(page.locator("#search")).to_be_focused()
    for part in (".wordmark", ".sections" if width > 1024 else ".tabs", "#search", ".bar-end"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["width"] > 60, part
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width, part


@pytest.mark.parametrize("width", [320, 900])
@pytest.mark.parametrize("scripts", [True, False])
def test_the_folded_sections_open_and_lie_in_sight(
    width: int, scripts: bool, site: Site, staff_cookies: Any, open_context: Callable[..., BrowserContext]
) -> None:
    size = {"width": width, "height": 640}
    page = open_context(storage_state=staff_cookies, viewport=size, java_script_enabled=scripts).new_page()
    page.goto(site.url)
    opener = page.locator(".more-sections > summary")
    opener.focus()
    page.keyboard.press("Enter")
    for name in ("Week", "Month", "Trending", "New", "Topics"):
        box = page.locator(".tabs").get_by_role("link", name=name, exact=True).bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= size["height"]
        assert width > 737 or box["height"] >= 44
    if scripts:
        page.keyboard.press("Escape")
        expect(page.locator(".tabs .menu-items")).to_be_hidden()
        expect(opener).to_be_focused()


def test_a_phone_s_tabs_are_as_high_as_a_finger(
    site: Site, staff_cookies: Any, open_context: Callable[..., BrowserContext]
) -> None:
    page = open_context(storage_state=staff_cookies, viewport={"width": 320, "height": 640}).new_page()
    page.goto(site.url)
    for part in page.locator(".tabs > a, .tabs summary, .bar-end .quiet:visible, .wordmark").all():
        box = part.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
