"""A security key as a second factor, in a browser that has one: added, shown at the sign-in, lost, taken off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from tests.e2e.running_site import Site

Open = Callable[..., BrowserContext]
PASSWORD = "correct-horse-battery"
EMAIL = "kim@example.org"


@pytest.fixture
def there(site: Site) -> str:
    """The site by its name: keys belong to no number."""
    return site.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def kim(open_context: Open, site: Site, there: str) -> Page:
    """A reader who has just set a password."""
    page = open_context().new_page()
    page.goto(site.link_for(EMAIL).replace("127.0.0.1", "localhost"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(there + "/")
    page.goto(f"{there}/account/password")
    for field in page.get_by_label("assword").all():
        field.fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{there}/account")
    return page


def plug_in(page: Page) -> tuple[CDPSession, str]:
    """A key in the browser's port, which its owner touches when it is asked for."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, str(made["authenticatorId"])


def confirm_password(page: Page) -> None:
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def sign_in(page: Page, there: str) -> None:
    """As far as the second factor."""
    page.context.clear_cookies()
    page.goto(f"{there}/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Use your security key")


def test_a_key_from_the_first_to_the_last(site: Site, there: str, kim: Page) -> None:
    cdp, key = plug_in(kim)
    kim.goto(f"{there}/account/two-factor")
    kim.get_by_role("link", name="Add a security key").click()
    confirm_password(kim)
    kim.get_by_label("Name").fill("Ring")
    kim.get_by_role("button", name="Add it").click()
    expect(kim.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    codes = kim.locator(".codes").inner_text().split()

    sign_in(kim, there)
    kim.get_by_role("button", name="Use security key").click()
    kim.wait_for_url(there + "/")

    kim.goto(f"{there}/account/two-factor")
    expect(kim.get_by_role("link", name="Remove Ring")).to_be_visible()
    kim.get_by_role("link", name="Add a security key").click()
    confirm_password(kim)
    kim.get_by_role("button", name="Add it").click()
    expect(kim.get_by_text("This key is already added.")).to_be_visible()

    cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": key})  # it is lost
    plug_in(kim)  # and another one is none of this account's
    sign_in(kim, there)
    kim.get_by_role("button", name="Use security key").click()
    expect(kim.locator("[data-said]")).to_be_visible()
    kim.get_by_label("Code").fill(codes[0])
    kim.locator("main").get_by_role("button", name="Sign in").click()
    kim.wait_for_url(there + "/")

    kim.goto(f"{there}/account/two-factor")
    kim.get_by_role("link", name="Remove Ring").click()
    confirm_password(kim)
    kim.get_by_role("button", name="Remove it").click()
    kim.wait_for_url(f"{there}/account/two-factor")
    expect(kim.get_by_role("link", name="Remove Ring")).to_have_count(0)
    expect(kim.get_by_role("link", name="Recovery codes")).to_have_count(0)


def test_an_address_of_numbers_leads_to_the_one_with_a_name(
    site: Site, there: str, open_context: Open, reader_cookies: Any
) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/account/two-factor")
    expect(page.get_by_role("link", name="Add a security key")).to_have_count(0)
    page.get_by_role("link", name=there).click()
    expect(page).to_have_url(f"{there}/")
