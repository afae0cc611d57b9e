"""What Chromium tells a screen reader, how far it is by Tab, and what is said when papers load."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import Site

IN_CARD = "() => document.activeElement.closest('.card')?.id ?? ''"
MOST_STOPS = 4


@pytest.fixture
def page(open_context: Callable[..., BrowserContext], reader_cookies: Any) -> Page:
    """A reader's."""
    return open_context(storage_state=reader_cookies).new_page()


def heard(page: Page) -> list[tuple[str, str]]:
    """Role and name of everything in the browser's accessibility tree."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], " ".join(str(node.get("name", {}).get("value", "")).split()))
        for node in nodes
        if not node.get("ignored")
    ]


def letters(text: str) -> str:
    """Without white space and with plain letters: a formula is heard in pieces, in those of its alphabet."""
    return unicodedata.normalize("NFKC", "".join(text.split()))


def test_cards_and_buttons_are_heard_by_the_paper_s_title(site: Site, page: Page) -> None:
    page.goto(site.url)
    titles = [letters(title) for title in page.locator(".card .card-title").all_text_contents()]
    tree = heard(page)
    assert [letters(name) for role, name in tree if role == "article"] == titles
    votes = [name for role, name in tree if role == "button" and name.startswith("Vote for")]
    assert len(votes) == len(set(votes)) == len(titles)
    for vote, title in zip(votes, titles, strict=True):
        assert re.fullmatch(rf"Votefor{re.escape(title)}–nowat\d+", letters(vote))
    assert sum(role == "button" and name.startswith("Save to read:") for role, name in tree) == len(titles)
    assert ("StaticText", f"2 of {len(titles)}") in tree


def test_the_next_card_is_few_stops_of_tab_away(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.locator(".card .vote").first.focus()
    for _ in range(3):
        here, stops = page.evaluate(IN_CARD), 0
        while page.evaluate(IN_CARD) == here:
            page.keyboard.press("Tab")
            stops += 1
            assert stops <= MOST_STOPS
        assert page.evaluate(IN_CARD)


def test_with_its_abstract_open_all_links_of_a_card_are_reached(site: Site, page: Page) -> None:
    page.goto(site.url)
    card = page.locator(".card", has=page.locator("details")).first
    link = card.locator(".byline a").first
    card.locator(".card-title a").focus()
    expect(link).to_have_attribute("tabindex", "-1")
    page.keyboard.press("a")
    expect(link).not_to_have_attribute("tabindex", "-1")
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    card.locator("summary").click()
    expect(link).to_have_attribute("tabindex", "-1")


def test_each_key_is_a_button_also_for_who_turned_the_keys_off(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.evaluate("document.body.dataset.noKeys = ''")
    page.locator(".card .vote").first.focus()
    for _ in range(2):
        page.get_by_role("button", name="Keyboard shortcuts").click()
        page.get_by_role("button", name="j next paper", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".card").nth(2)).to_have_class(re.compile("current"))
    page.keyboard.press("j")
    expect(page.locator(".card").nth(2)).to_have_class(re.compile("current"))


def test_what_loads_is_said_and_focus_goes_on(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/papers/new")
    before = page.locator(".card").count()
    page.get_by_role("link", name="More papers").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#spoken")).to_have_text(re.compile(rf"Papers {before + 1} to \d+\."))
    expect(page.locator(".card").nth(before).locator(".card-title a")).to_be_focused()
