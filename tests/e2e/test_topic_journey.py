"""Topics as a reader makes them: tried while they are typed, saved, read as a feed, changed; and as a visitor does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import Site

Open = Callable[..., BrowserContext]


def satisfies_axe(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def reload_until_papers(page: Page) -> None:
    """On a site that was just started, a topic's papers are still being added."""
    for _ in range(30):
        if page.get_by_role("article").count():
            return
        page.wait_for_timeout(1_000)
        page.reload()
    raise AssertionError("the topic has no papers")


def test_a_search_is_saved_tried_and_changed(site: Site, open_context: Open, reader_cookies: Any) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/papers?q=language+model")
    page.get_by_role("link", name="Save this search").click()
    page.wait_for_load_state()  # what is typed before the scripts are there tries nothing
    expect(page.locator("#id_query")).to_have_value("language model")
    expect(page.locator("#preview")).to_contain_text("last week")

    # Tried while it is typed; nothing but a browser shows that.
    page.locator("#id_query").fill("")
    expect(page.locator("#preview")).to_contain_text("The search is empty")
    page.locator("#id_query").fill('title:model -"no such phrase"')
    expect(page.locator("#preview")).to_contain_text("It would have matched")
    page.locator("#id_name").fill("Models, mine")
    satisfies_axe(page)
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Models, mine")
    satisfies_axe(page)
    feed = page.get_by_role("link", name="Atom").get_attribute("href")
    answer = page.request.get(f"{site.url}{feed}")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert "Models, mine" in answer.text()

    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator("#id_name").fill("Models of mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models of mine")
    page.goto(f"{site.url}/topics")
    expect(page.get_by_role("link", name="Models of mine")).to_be_visible()
    satisfies_axe(page)

    stranger = open_context().new_page()
    answer = stranger.request.get(f"{site.url}{feed}")
    assert answer.status == 404


def test_a_topic_is_made_without_javascript(site: Site, open_context: Open, reader_cookies: Any) -> None:
    page = open_context(storage_state=reader_cookies, java_script_enabled=False).new_page()
    page.goto(f"{site.url}/topics/new")
    page.locator("#id_name").fill("By hand")
    page.locator("#id_query").fill("title:reasoning")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("It would have matched")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("By hand")


def test_a_visitor_finds_a_topic_its_papers_and_its_feed(site: Site, open_context: Open) -> None:
    phone: Any = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    page = open_context(**phone).new_page()
    page.goto(f"{site.url}/topics")
    page.get_by_role("link", name="Language models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Language models")
    expect(page.get_by_role("complementary", name="Follow")).to_be_visible()
    found = page.locator("link[rel=alternate][type='application/atom+xml']").get_attribute("href")
    assert found == re.sub(r"^https?://[^/]+", "", page.url) + ".atom"
    reload_until_papers(page)
    page.locator(".order summary").click()
    page.get_by_role("link", name="Most voted").click()
    page.locator(".order summary").click()
    expect(page.get_by_role("link", name="Most voted")).to_have_attribute("aria-current", "true")
