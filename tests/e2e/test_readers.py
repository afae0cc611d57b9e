"""What readers do, by key and without JavaScript: save, tag, comment, be done with a day, mute; and a second reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.running_site import Site

Open = Callable[..., BrowserContext]


@pytest.fixture
def rita(open_context: Open, reader_cookies: Any) -> Page:
    return open_context(storage_state=reader_cookies).new_page()


@pytest.fixture
def plain(open_context: Open, reader_cookies: Any) -> Page:
    """A reader's page in a browser without JavaScript."""
    return open_context(storage_state=reader_cookies, java_script_enabled=False).new_page()


def paper_address(page: Page, number: int) -> str:
    address = page.locator(".card-title a").nth(number).get_attribute("href")
    assert address
    return address


def test_save_read_put_aside_and_tag_by_key(site: Site, rita: Page) -> None:
    rita.goto(site.url)
    rita.keyboard.press("j")
    card = rita.locator(".card.current")
    expect(card.locator(".card-title a")).to_be_focused()
    save = card.locator(".save")
    rita.keyboard.press("s")
    expect(save).to_have_attribute("data-state", "to_read")
    rita.keyboard.press("r")
    expect(save).to_have_attribute("data-state", "read")
    rita.keyboard.press("x")
    expect(save).to_have_attribute("data-state", "not_interested")
    rita.keyboard.press("x")
    expect(save).to_have_attribute("data-state", "")
    rita.keyboard.press("t")
    tags = card.get_by_label("Tags", exact=True)
    expect(tags).to_be_focused()
    rita.keyboard.type("deep learning, jk")  # keys are letters here
    rita.keyboard.press("Enter")
    expect(card.locator(".tag")).to_have_text(["deep learning", "jk"])
    card.get_by_role("link", name="jk").click()
    expect(rita.get_by_role("heading", level=1)).to_have_text("jk")
    assert rita.locator(".card").count() == 1


def test_go_by_two_keys_and_turn_them_off(site: Site, rita: Page) -> None:
    rita.goto(f"{site.url}/papers/new")
    rita.keyboard.press("g")
    rita.keyboard.press("l")
    expect(rita).to_have_url(f"{site.url}/library")
    rita.keyboard.press("g")
    rita.keyboard.press("d")
    expect(rita).to_have_url(f"{site.url}/")
    rita.goto(f"{site.url}/account/reading")
    rita.get_by_role("checkbox", name="Keyboard shortcuts").uncheck()
    rita.get_by_role("button", name="Save", exact=True).click()
    rita.goto(site.url)
    rita.keyboard.press("j")
    expect(rita.locator(".card.current")).to_have_count(0)
    rita.goto(f"{site.url}/account/reading")
    rita.get_by_role("checkbox", name="Keyboard shortcuts").check()
    rita.get_by_role("button", name="Save", exact=True).click()


def test_done_with_a_day_by_key_and_undone(site: Site, rita: Page) -> None:
    rita.goto(site.url)
    rita.keyboard.press("A")
    done = rita.get_by_role("button", name="Done with this day")
    expect(done).to_have_attribute("aria-pressed", "true")
    rita.get_by_role("button", name="Hide seen").click()
    expect(rita.get_by_role("heading", name="You have seen everything here")).to_be_visible()
    rita.get_by_role("button", name="Show seen papers").click()
    expect(done).to_have_attribute("aria-pressed", "true")  # the page before has nothing to undo
    rita.keyboard.press("A")
    expect(done).to_have_attribute("aria-pressed", "false")


def test_a_menu_goes_with_escape_and_with_a_press_beside_it(site: Site, rita: Page) -> None:
    rita.goto(site.url)
    button, items = rita.locator(".export > summary"), rita.locator(".export .menu-items")
    button.click()
    expect(items).to_be_visible()
    rita.keyboard.press("Escape")
    expect(items).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    rita.get_by_role("heading", level=1).click()
    expect(items).to_be_hidden()
    button.click()
    with rita.expect_download() as saved:
        items.get_by_role("link", name="BibTeX").click()
    assert saved.value.suggested_filename.endswith(".bib")


def test_a_citation_is_copied(site: Site, rita: Page) -> None:
    rita.goto(site.url)
    rita.goto(site.url + paper_address(rita, 0))
    rita.get_by_role("button", name="Copy BibTeX").click()
    expect(rita.locator("#notice")).to_have_text("Copied.")
    field = rita.get_by_label("Add a comment")
    field.focus()
    rita.keyboard.press("Control+V")
    expect(field).to_have_value(re.compile(r"^@misc\{"))


def test_comment_with_a_preview_answered_by_another_reader(site: Site, rita: Page, open_context: Open) -> None:
    rita.goto(site.url)
    address = site.url + paper_address(rita, 2)
    rita.goto(address)
    rita.get_by_label("Add a comment").fill("So $x^2$ is **bold**.")
    rita.get_by_role("button", name="Preview").click()
    expect(rita.locator(".preview strong")).to_have_text("bold")
    rita.get_by_role("button", name="Comment", exact=True).click()
    expect(rita.locator(".comment math")).to_be_visible()

    bob = open_context().new_page()
    bob.goto(site.link_for("bob@example.org"))
    bob.get_by_role("button", name="Sign in").click()
    bob.wait_for_url(site.url + "/")
    bob.goto(address)
    bob.get_by_role("link", name="Reply").click()
    bob.get_by_label("Your reply").fill("Indeed, @rita")
    bob.get_by_role("button", name="Reply").click()
    expect(bob.locator(".comment.deep-1 .mention")).to_have_text("@rita")
    bob.locator(".vote").click()
    expect(bob.locator("#voters")).to_contain_text("Voted for by bob")
    bob.get_by_role("button", name="Hide my name on my vote").click()
    expect(bob.locator("#voters")).to_contain_text("1 anonymous vote")

    rita.goto(f"{site.url}/mentions")
    expect(rita.locator(".comment.unread")).to_contain_text("Indeed")
    stranger = open_context().new_page()
    stranger.goto(address)
    expect(stranger.get_by_text("Sign in to comment.")).to_be_visible()
    assert "Voted for" not in stranger.locator("main").inner_text()


class TestWithoutJavaScript:
    def test_save_and_tag(self, site: Site, plain: Page) -> None:
        plain.goto(f"{site.url}/papers/new")
        card = plain.locator(".card").nth(3)
        title = card.locator(".card-title").inner_text()
        card.hover()
        card.locator(".save").click()
        expect(plain).to_have_url(re.compile(r"/papers/new"))
        plain.locator(".card", has_text=title).locator(".own-link").click()
        plain.get_by_label("reading", exact=True).check()
        plain.get_by_label("Tags", exact=True).fill("plain")
        plain.get_by_label("Note", exact=True).fill("Without a script")
        plain.get_by_role("button", name="Save", exact=True).click()
        expect(plain).to_have_url(re.compile(r"/papers/new"))
        plain.goto(f"{site.url}/library?state=reading")
        kept = plain.locator(".card", has_text=title)
        expect(kept.locator(".tag")).to_have_text("plain")
        expect(kept.locator(".note")).to_have_text("Without a script")

    def test_many_at_once(self, site: Site, plain: Page) -> None:
        plain.goto(f"{site.url}/papers/new")
        plain.get_by_role("link", name="Select", exact=True).click()
        for number in (5, 6):
            plain.get_by_role("checkbox", name="Select this paper").nth(number).check()
        plain.get_by_label("Add tags").fill("two")
        plain.get_by_role("button", name="Apply to selected").click()
        expect(plain.get_by_text("Done, for 2 papers.")).to_be_visible()

    def test_comment(self, site: Site, plain: Page) -> None:
        plain.goto(site.url)
        plain.goto(site.url + paper_address(plain, 4))
        plain.get_by_label("Add a comment").fill("*Plain*")
        plain.get_by_role("button", name="Preview").click()
        expect(plain.locator(".preview em")).to_have_text("Plain")
        plain.get_by_role("button", name="Comment", exact=True).click()
        expect(plain.locator(".comment .said")).to_have_text("Plain")
        plain.get_by_role("link", name="Delete").click()
        plain.get_by_role("button", name="Delete").click()
        expect(plain.locator(".comment")).to_have_text("[deleted]")

    def test_done_with_a_day_and_undo(self, site: Site, plain: Page) -> None:
        plain.goto(site.url)
        plain.get_by_role("button", name="Done with this day").click()
        plain.get_by_role("button", name="Undo").click()
        expect(plain.get_by_role("button", name="Done with this day")).to_be_visible()

    def test_mute_after_a_look_at_it(self, site: Site, plain: Page) -> None:
        plain.goto(site.url)
        before = plain.locator(".card").count()
        plain.goto(f"{site.url}/account/muted")
        plain.get_by_label("Search to mute").fill("cat:cs.CV")
        plain.get_by_role("button", name="Preview").click()
        plain.get_by_role("button", name="Mute cat:cs.CV").click()
        plain.goto(site.url)
        fold = plain.locator(".muted-fold")
        expect(fold.locator("> summary")).to_contain_text("muted (show)")
        assert plain.locator(".card").count() == before
        expect(fold.locator(".card").first).to_be_hidden()
        fold.locator("> summary").click()
        expect(fold.locator(".card").first).to_be_visible()
        plain.goto(f"{site.url}/account/muted")
        plain.get_by_role("button", name=re.compile("Unmute")).click()
        plain.goto(site.url)
        expect(plain.locator(".muted-fold")).to_have_count(0)
