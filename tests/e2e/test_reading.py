"""Reading with mouse, with keys, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import Site

Open = Callable[..., BrowserContext]


def current_title(page: Page) -> str:
    return page.locator(".card.current .card-title").inner_text()


def test_from_day_to_day_by_mouse_and_by_key(site: Site, page: Page) -> None:
    page.goto(site.url)
    newest = page.locator(".dateline time").first.get_attribute("datetime")
    page.get_by_role("link", name="Previous edition").click()
    expect(page).to_have_url(re.compile(r"/papers/date/\d{4}-\d\d-\d\d$"))
    before = page.locator(".dateline time").first.get_attribute("datetime")
    assert before is not None
    assert newest is not None
    assert before < newest
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(f"{site.url}/papers/date/{newest}")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(f"{site.url}/papers/date/{before}")


def test_the_keys(site: Site, page: Page) -> None:
    page.goto(site.url)
    titles = page.locator(".card .card-title").all_inner_texts()
    for _ in range(3):
        page.keyboard.press("j")
    assert current_title(page) == titles[2]
    page.keyboard.press("k")
    assert current_title(page) == titles[1]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text(titles[1])


def test_a_visitor_who_votes_is_asked_to_sign_in(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.locator(".card .vote").first.click()
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))


def test_a_vote_by_key_stays_on_the_page_and_is_kept(site: Site, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(site.url)
    page.keyboard.press("j")
    vote = page.locator(".card.current .vote")
    before = int(re.sub(r"\D", "", vote.inner_text()) or 0)
    page.keyboard.press("v")
    expect(vote).to_have_attribute("aria-pressed", "true")
    expect(vote).to_contain_text(str(before + 1))
    title = current_title(page)
    page.reload()
    kept = page.locator(".card", has_text=title).locator(".vote")
    expect(kept).to_have_attribute("aria-pressed", "true")
    kept.click()
    expect(kept).to_have_attribute("aria-pressed", "false")


class TestWithoutJavaScript:
    @pytest.fixture
    def page(self, open_context: Open, reader_cookies: Any) -> Page:
        return open_context(java_script_enabled=False, storage_state=reader_cookies).new_page()

    def test_the_whole_abstract_opens(self, site: Site, page: Page) -> None:
        page.goto(site.url)
        card = page.locator(".card", has=page.locator("summary")).first
        card.locator("summary").click()
        expect(card.locator("details")).to_have_attribute("open", "")

    def test_a_vote_counts_and_leads_back_to_the_list(self, site: Site, page: Page) -> None:
        page.goto(site.url)
        card = page.locator(".card").nth(1)
        title = card.locator(".card-title").inner_text()
        card.locator(".vote").click()
        expect(page).to_have_url(re.compile(r"/(#.*)?$"))
        voted = page.locator(".card", has_text=title).locator(".vote")
        expect(voted).to_have_attribute("aria-pressed", "true")
        voted.click()
        expect(page.locator(".card", has_text=title).locator(".vote")).to_have_attribute("aria-pressed", "false")

    def test_days_weeks_and_months(self, site: Site, page: Page) -> None:
        page.goto(site.url)
        page.get_by_role("link", name="Previous edition").click()
        assert page.locator(".card").count() > 0
        for section in ("Week", "Month", "Trending", "New"):
            page.get_by_role("navigation", name="Sections").get_by_role("link", name=section).click()
            assert page.locator(".card").count() > 0, section

    def test_light_and_dark(self, site: Site, page: Page) -> None:
        page.goto(site.url)
        page.get_by_role("button", name="Light or dark theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_theme_is_kept(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.get_by_role("button", name="Light or dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state("networkidle")
    page.goto(f"{site.url}/papers/new")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Light or dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_first_run_page_can_be_answered_without_javascript(site: Site, open_context: Open) -> None:
    page = open_context(java_script_enabled=False).new_page()
    page.goto(site.link_for("admin@localhost"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_text("Economics", exact=True).click()
    page.get_by_role("checkbox", name="econ.TH").check()
    page.get_by_role("button", name="Fetch today’s papers").click()
    expect(page).to_have_url(re.compile("/setup/progress$"))
    page.get_by_role("link", name="Refresh").click()
    expect(page).to_have_url(re.compile("/setup/progress$"))


def test_from_paper_to_paper_of_the_list_and_back(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/papers/new")
    addresses = page.locator(".card-title a").evaluate_all("links => links.map(link => link.pathname)")
    page.locator(".card-title a").nth(1).click()
    expect(page).to_have_url(site.url + addresses[1])
    steps = page.get_by_role("navigation", name="The list you came from")
    steps.get_by_role("link", name="Previous paper").click()
    expect(page).to_have_url(site.url + addresses[0])
    expect(steps.get_by_role("link", name="Previous paper")).to_be_hidden()
    page.keyboard.press("j")
    expect(page).to_have_url(site.url + addresses[1])
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(site.url + addresses[2])
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(r"/papers/new#paper-"))
    page.goto(site.url + addresses[1])
    expect(steps).to_be_visible()
    page.evaluate("sessionStorage.clear()")
    page.reload()
    expect(steps).to_be_hidden()


def test_the_id_is_copied_with_a_press(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/papers/new")
    page.locator(".card-title a").first.click()
    name = page.locator(".paper-name").inner_text()
    page.get_by_role("button", name=f"Copy {name}").click()
    expect(page.locator("#notice")).to_have_text("Copied.")
    page.get_by_label("Search papers").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Search papers")).to_have_value(name)
