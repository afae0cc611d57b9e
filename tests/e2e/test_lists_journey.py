"""A shared list as people make one: filled from a card, ordered, noted, undone; read by somebody else, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import Site
from tests.e2e.test_topic_journey import satisfies_axe

Open = Callable[..., BrowserContext]


def titles(page: Page) -> list[str]:
    return page.locator(".card-title").all_inner_texts()


def edit(page: Page, place: int, button: str) -> None:
    card = page.get_by_role("article").nth(place)
    card.get_by_text("Edit entry").click()
    card.get_by_role("button", name=button, exact=True).click()


def test_a_list_is_filled_ordered_and_shared(site: Site, open_context: Open, reader_cookies: Any) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/lists/new")
    page.get_by_label("Name").fill("Papers for the course")
    page.get_by_label("Description").fill("One a *week*.")
    page.get_by_label("Who can see it").select_option("everybody")
    satisfies_axe(page)
    page.get_by_role("button", name="Make the list").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Papers for the course")
    satisfies_axe(page)

    page.goto(site.url)
    for place in (0, 1):
        card = page.get_by_role("article").nth(place)
        card.hover()
        card.get_by_role("link", name="Tags, state and note").click()
        card.get_by_role("link", name="Add to a list").click()
        card.get_by_label("Papers for the course").check()
        card.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#notice")).to_contain_text("Added to “Papers for the course”.")
    page.goto(f"{site.url}/lists")
    page.get_by_role("link", name="Papers for the course").click()
    expect(page.get_by_role("article")).to_have_count(2)
    first, second = titles(page)
    edit(page, 1, "Up")
    expect(page.locator(".card-title").first).to_have_text(second)
    page.get_by_role("article").first.get_by_text("Edit entry").click()
    satisfies_axe(page)
    page.get_by_role("link", name="Add note").click()
    page.get_by_label("Why it is here").fill("Read *section 3* first.")
    satisfies_axe(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("article").first).to_contain_text("Read section 3 first.")
    edit(page, 0, "Remove")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("article")).to_have_count(2)
    assert titles(page) == [second, first]
    for name in ("People", "History"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Papers for the course")
        satisfies_axe(page)
        page.get_by_role("link", name="Back to the list").click()

    visitor = open_context(viewport={"width": 320, "height": 640}).new_page()
    visitor.goto(f"{site.url}/lists/papers-for-the-course")
    assert titles(visitor) == [second, first]
    expect(visitor.get_by_text("Read section 3 first.")).to_be_visible()
    expect(visitor.get_by_text("Edit entry")).to_have_count(0)
    satisfies_axe(visitor)


def test_without_javascript(site: Site, open_context: Open, reader_cookies: Any) -> None:
    page = open_context(storage_state=reader_cookies, java_script_enabled=False).new_page()
    page.goto(site.url)
    page.locator(".card-title a").nth(2).click()
    page.get_by_text("State, tags, note").click()
    page.get_by_role("link", name="Add to a list").click()
    page.get_by_label("New list").fill("By hand")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#notice")).to_contain_text("Added to “By hand”.")
    page.get_by_role("link", name="By hand").click()
    expect(page.get_by_role("article")).to_have_count(1)
    edit(page, 0, "Remove")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("article")).to_have_count(1)
