"""Searching: from the box, by example, without JavaScript, and with what nobody understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.running_site import Site

Open = Callable[..., BrowserContext]
# The embedding process loads its model and embeds the sample meanwhile.
EMBEDDED_SECONDS = 60


@pytest.fixture(scope="module")
def word(site: Site, chromium: Browser) -> str:
    """A long word of the first paper's title, so that at least one paper has it."""
    page = chromium.new_page()
    page.goto(site.url)
    title = page.locator(".card-title").first.inner_text()
    page.close()
    return str(max(re.findall(r"[A-Za-z]+", title), key=len))


def wait_for_meaning(page: Page, address: str) -> None:
    """Until search goes by meaning too."""
    for _ in range(EMBEDDED_SECONDS):
        page.goto(address)
        if page.get_by_text(re.compile("close in meaning|loosely related")).count():
            return
        page.wait_for_timeout(1000)
    pytest.fail("No paper was found by its meaning.")


def test_a_search_from_the_keyboard_says_why_each_paper_was_found(site: Site, page: Page, word: str) -> None:
    page.goto(site.url)
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/papers\?q="))
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")
    expect(page.locator(".card").first.locator(".reasons")).to_contain_text("words in title")
    expect(page.locator("mark").first).to_have_text(re.compile(word[:4], re.IGNORECASE))
    page.get_by_role("link", name="Newest", exact=True).click()
    expect(page.get_by_role("link", name="Newest", exact=True)).to_have_attribute("aria-current", "true")
    assert page.locator(".card").count() >= 1


def test_papers_are_found_by_meaning_and_by_example(site: Site, page: Page) -> None:
    wait_for_meaning(page, f"{site.url}/papers?q=machines+that+answer+questions")
    for chosen in range(1, 4):
        page.locator(".card").nth(0).get_by_role("link", name="more like this").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Papers like these")
        expect(page.locator(".examples li")).to_have_count(chosen)
    shown = page.locator(".card .card-title a").evaluate_all("links => links.map(link => link.pathname)")
    examples = page.locator(".examples .chip a:first-child").evaluate_all("links => links.map(link => link.pathname)")
    assert shown
    assert not set(shown) & set(examples)
    page.get_by_text("without this example").first.locator("..").click()
    expect(page.locator(".examples li")).to_have_count(2)


def test_similar_papers_stand_on_a_paper_and_are_others(site: Site, page: Page) -> None:
    wait_for_meaning(page, f"{site.url}/papers?q=machines+that+answer+questions")
    page.locator(".card-title a").first.click()
    own = page.url.removeprefix(site.url)
    expect(page.get_by_role("heading", name="Similar papers")).to_be_visible()
    similar = page.locator(".similar a").evaluate_all("links => links.map(link => link.pathname)")
    assert similar
    assert own not in similar


@pytest.mark.parametrize(
    "typed", ['"', "((((", "author:", "cat:nothing OR", "\u202e\x00%", "a" * 3000, "-", "votes:>>"]
)
def test_whatever_is_typed_there_is_a_page_with_the_box(site: Site, page: Page, typed: str) -> None:
    answer = page.goto(f"{site.url}/papers?q={quote(typed)}")
    assert answer is not None
    assert answer.status == 200
    expect(page.get_by_label("Search papers").last).to_be_visible()


def test_it_works_without_javascript(site: Site, open_context: Open, word: str) -> None:
    page = open_context(java_script_enabled=False).new_page()
    page.goto(site.url)
    page.get_by_label("Search papers").last.fill(word)
    page.get_by_label("Search papers").last.press("Enter")
    assert page.locator(".card .reasons").count() >= 1


def test_the_box_proposes_and_is_worked_by_keys(site: Site, page: Page) -> None:
    page.goto(site.url)
    box = page.get_by_label("Search papers")
    box.press_sequentially("cs.L")
    proposals = page.get_by_role("listbox", name="Suggestions")
    expect(proposals.get_by_role("option").first).to_contain_text("cs.LG")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    chosen = proposals.get_by_role("option", selected=True)
    expect(chosen).to_have_count(1)
    expect(box).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    box.press("Escape")
    expect(proposals).to_be_hidden()
    expect(box).to_have_value("cs.L")
    box.fill("autho")
    expect(proposals.get_by_role("option").first).to_contain_text("author:")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("author:")  # goes on, and is not sent
    box.fill("cs.LG")
    expect(proposals.get_by_role("option").first).to_contain_text("cs.LG")
    box.press("ArrowDown")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"q=cat%3Acs\.LG"))
    expect(page.get_by_label("Search papers").last).to_have_value("cat:cs.LG")
