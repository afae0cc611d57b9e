"""A journal club from its making to a paper that somebody presents, without a line of JavaScript of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import Site
from tests.e2e.test_accessibility import paper_path, staff_cookies

__all__ = ["paper_path", "staff_cookies"]  # fixtures

Open = Callable[..., BrowserContext]


def satisfies_axe(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_club_is_made_and_a_paper_presented(
    site: Site, open_context: Open, staff_cookies: Any, paper_path: str
) -> None:
    context = open_context(storage_state=staff_cookies, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{site.url}/clubs/new")
    satisfies_axe(page)
    page.get_by_label("Name", exact=True).fill("Thursday readers")
    page.get_by_label("Place", exact=True).fill("Room 12")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thursday readers")
    expect(page.get_by_role("heading", name="Next meeting")).to_be_visible()

    page.goto(f"{site.url}{paper_path}")
    page.get_by_role("button", name="Nominate for Thursday readers").click()
    expect(page.locator("#notice")).to_contain_text("Nominated for Thursday readers.")
    page.locator(".topics-of a").first.click()
    expect(page.get_by_text("Nobody presents it yet")).to_be_visible()
    page.get_by_role("button", name="I’ll present it").click()
    expect(page.locator("#notice")).to_contain_text("You present this paper.")
    satisfies_axe(page)
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nobody presents it yet")).to_be_visible()

    page.goto(f"{site.url}/clubs/thursday-readers")
    satisfies_axe(page)
    calendar = page.request.get(f"{site.url}{page.get_by_role('link', name='Calendar').get_attribute('href')}")
    assert calendar.headers["content-type"].startswith("text/calendar")
    assert "SUMMARY:Thursday readers" in calendar.text()
