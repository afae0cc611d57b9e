"""The site as an app: the kept edition without a connection, and that it is gone when its reader is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.running_site import Site, running_site

IS_KEPT = "async () => Boolean(await caches.match('/offline'))"


@pytest.fixture(scope="module")
def members_site(new_data_folder: Callable[[], Path]) -> Iterator[Site]:
    """A site that nobody reads who has not signed in."""
    with running_site(new_data_folder(), settings={"BROADSHEET_ACCESS": "members"}) as running:
        yield running


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """With service workers. What the browser writes to its console about a lost connection is no complaint."""
    made = chromium.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(15_000)
    yield made
    made.close()


def until(page: Page, condition: str, *, is_so: bool = True) -> None:
    ends = time.monotonic() + 15
    while page.evaluate(condition) is not is_so:
        assert time.monotonic() < ends, condition
        time.sleep(0.1)


def test_the_edition_is_there_without_a_connection_and_gone_after_signing_out(
    members_site: Site, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f"{members_site.url}/sign-in")
    until(page, IS_KEPT, is_so=False)
    page.goto(members_site.link_for("rita@example.org"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(members_site.url + "/")
    titles = page.locator(".card-title").all_inner_texts()[:3]
    until(page, "() => navigator.serviceWorker.ready.then(Boolean)")
    page.goto(f"{members_site.url}/papers/trending")  # through the worker
    until(page, IS_KEPT)

    context.set_offline(True)
    page.goto(f"{members_site.url}/library")
    expect(page.locator(".offline-word")).to_contain_text("You are offline")
    assert page.locator(".card-title").all_inner_texts()[:3] == titles
    assert "rita" not in page.content()
    assert page.evaluate("[...document.styleSheets].every((sheet) => sheet.cssRules.length)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".bar-end summary")).to_contain_text("rita")
    page.locator(".bar-end summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in"))
    until(page, IS_KEPT, is_so=False)
    assert page.evaluate("async () => (await caches.keys()).length") == 0
    page.go_back()
    assert "rita" not in page.content()

    page.goto(f"{members_site.url}/sign-in")
    until(page, "() => navigator.serviceWorker.ready.then(Boolean)")
    context.set_offline(True)
    page.goto(members_site.url)
    expect(page.get_by_text("no edition is kept")).to_be_visible()


def test_what_is_sent_goes_past_the_worker(
    site: Site, context: BrowserContext, open_context: Callable[..., BrowserContext]
) -> None:
    page = context.new_page()
    page.goto(site.url)
    until(page, IS_KEPT)
    page.reload()
    until(page, "() => Boolean(navigator.serviceWorker.controller)")
    with page.expect_response(lambda answer: answer.url.endswith("/theme")) as answered:
        page.get_by_role("button", name="Light or dark theme").click()
    assert not answered.value.from_service_worker
    with page.expect_response(lambda answer: "/sign-in?" in answer.url) as answered:
        page.get_by_role("link", name="Sign in", exact=True).click()
    assert not answered.value.from_service_worker
