"""The daily loop: a day of 197 papers cleared by keyboard, and every act taken back; with and without JavaScript."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.running_site import ROOT, Site

Open = Callable[..., BrowserContext]

PAPERS, OPENED, SAVED = 197, 10, 5
DAY = "/papers/date/2026-05-12"


@pytest.fixture(scope="module", autouse=True)
def _long_day(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A day of 197 papers in five categories, in the order of their numbers."""
    file = tmp_path_factory.mktemp("papers") / "day.jsonl"
    rows = [
        {
            "arxiv_id": f"2605.{number:05}",
            "title": f"Paper number {number}",
            "abstract": "What is said of it in a sentence of some length. " * 12,
            "authors": ["Ada Lovelace", "Carl Gauss"],
            "categories": [("cs.CL", "cs.LG", "cs.CV", "stat.ML", "math.ST")[number % 5]],
            "announced_on": "2026-05-12",
        }
        for number in range(1, PAPERS + 1)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    command = [sys.executable, "manage.py", "import_papers", str(file), "--list", "arxiv"]
    subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, check=True)


@pytest.fixture
def reading(site: Site, reader_cookies: Any, open_context: Open) -> Page:
    """The long day, as a reader has it."""
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(site.url + DAY)
    return page


def notice(page: Page) -> Any:
    return page.locator("#notice")


def seen_count(page: Page) -> Any:
    return page.locator("#seen-count")


def test_every_act_can_be_taken_back_by_key_and_by_button(reading: Page) -> None:
    reading.keyboard.press("j")
    for key, said, selector in (("v", "Voted.", ".vote"), ("s", "Saved to read.", ".save")):
        reading.keyboard.press(key)
        expect(notice(reading)).to_contain_text(said)
        expect(seen_count(reading)).to_have_text(re.compile(r"1\s+of\s+197 seen"))
        reading.keyboard.press("z")
        expect(notice(reading)).to_contain_text("Undone.")
        expect(reading.locator(f".card.current {selector}")).to_have_attribute("aria-pressed", "false")
        expect(reading.locator(".card.current")).not_to_have_class(re.compile(r"\bseen\b"))
    reading.keyboard.press("x")
    expect(notice(reading)).to_contain_text("not interested")
    reading.get_by_role("button", name="Undo").click()
    expect(seen_count(reading)).to_have_text(re.compile(r"0\s+of\s+197 seen"))
    reading.keyboard.press("Escape")
    expect(notice(reading)).to_be_hidden()


def test_escape_closes_what_is_open_and_the_focus_goes_back(reading: Page) -> None:
    reading.keyboard.press("j")
    reading.keyboard.press("t")
    expect(reading.locator(".card.current input[name=tags]")).to_be_focused()
    reading.keyboard.press("Escape")
    expect(reading.locator(".card.current .mine")).to_have_count(0)
    expect(reading.locator(".card.current .own-link")).to_be_focused()
    for opener in (reading.locator(".order summary"), reading.locator(".calendar summary")):
        opener.click()
        reading.keyboard.press("Tab")
        reading.keyboard.press("Escape")
        expect(opener).to_be_focused()


def test_a_visitor_s_vote_survives_the_sign_in(site: Site, open_context: Open) -> None:
    page = open_context().new_page()
    page.goto(f"{site.url}{DAY}?category=cs.CV")
    vote = page.locator(".card .vote").nth(3)
    place = vote.get_attribute("id")
    vote.click()
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    link = site.link_for("vera@example.org")
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(notice(page)).to_contain_text("Voted.")
    page.goto(f"{site.url}{DAY}?category=cs.CV")
    expect(page.locator(f"#{place}")).to_have_attribute("aria-pressed", "true")
    page.locator(f"#{place}").click()


def test_a_day_is_done_with_and_not_after_all_without_javascript(
    site: Site, reader_cookies: Any, open_context: Open
) -> None:
    page = open_context(java_script_enabled=False, storage_state=reader_cookies).new_page()
    page.goto(site.url + DAY)
    page.get_by_role("button", name="Done with this day").click()
    expect(notice(page)).to_contain_text("papers of this day marked as seen.")
    expect(seen_count(page)).to_have_text(re.compile(r"197\s+of\s+197 seen"))
    page.get_by_role("button", name="Undo").click()
    expect(seen_count(page)).to_have_text(re.compile(r"\b0\s+of\s+197 seen"))
    page.locator(".card").nth(7).get_by_role("button", name="Seen").click()
    expect(page).to_have_url(re.compile(r"#paper-\d+$"))
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Undo").click()


def test_what_is_pressed_at_the_edge_of_what_is_loaded_waits_for_the_next_papers(reading: Page) -> None:
    """In its order: the vote is for the paper that was gone to, not for the one before the edge."""
    for _ in range(38):
        reading.keyboard.press("j")  # more are loaded from here on, and come late

    def come_late(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    reading.route("**/*after=*", come_late)
    for key in "jjjjjjjjjjjj" + "jvjns":
        reading.keyboard.press(key)
    place = reading.locator(".card").nth
    expect(place(53)).to_be_visible()
    expect(place(50).locator(".vote")).to_have_attribute("aria-pressed", "true")
    expect(place(51).locator(".mark-seen")).to_have_attribute("aria-pressed", "true")
    expect(place(52).locator(".save")).to_have_attribute("aria-pressed", "true")
    expect(place(52)).to_have_class(re.compile(r"\bcurrent\b"))
    expect(place(49).locator(".vote")).to_have_attribute("aria-pressed", "false")
    expect(reading.locator(".card [aria-pressed=true]")).to_have_count(5)  # a vote and a save mark as seen, too
    for number, selector in ((50, ".vote"), (52, ".save")):
        place(number).locator(selector).click()
        expect(place(number).locator(selector)).to_have_attribute("aria-pressed", "false")
    for number in (50, 51, 52):
        place(number).locator(".mark-seen").click()
        expect(place(number).locator(".mark-seen")).to_have_attribute("aria-pressed", "false")
    expect(seen_count(reading)).to_have_text(re.compile(r"\b0\s+of\s+197 seen"))


def test_a_day_of_197_is_cleared_by_keyboard(reading: Page, record_property: Callable[[str, object], None]) -> None:
    """Ten papers opened, five saved, all others passed over with one key each; and none is ever missed."""
    waited, titles = 0.0, []
    reading.keyboard.press("j")
    for number in range(PAPERS):
        titles.append(reading.locator(".card.current .card-title").inner_text())
        if number % 20 == 3 and number // 20 < OPENED:
            began = time.monotonic()
            reading.keyboard.press("o")
            expect(reading.get_by_role("heading", level=1)).to_have_text(titles[-1])
            reading.go_back(wait_until="commit")
            expect(reading.locator(".card.current .card-title")).to_have_text(titles[-1])
            waited += time.monotonic() - began
        elif number % 39 == 7:
            reading.keyboard.press("s")
        began = time.monotonic()
        reading.keyboard.press("n")
        if number < PAPERS - 1:
            expect(reading.locator(".card.current .card-title")).not_to_have_text(titles[-1])
        waited += time.monotonic() - began
    assert len(set(titles)) == PAPERS
    expect(seen_count(reading)).to_have_text(re.compile(r"197\s+of\s+197 seen"))
    expect(reading.locator("#shown-count")).to_have_text(re.compile(r"197\s+of\s+197 shown"))
    reading.keyboard.press("A")
    expect(notice(reading)).to_contain_text("of this day marked as seen")
    record_property("seconds_waited", round(waited, 1))
    assert waited < 120  # of a machine that does much else; alone it is a tenth
