"""A browser, and a running site for each module. Without a Chromium these tests are skipped, and say so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.running_site import Site, running_site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here (Debian: apt install chromium)"))


@pytest.fixture(scope="package")  # Django refuses its database to the tests after these while Playwright's loop runs
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # As root, and in most containers, Chromium has no sandbox of its own. It is shown nothing but our pages.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(new_data_folder: Callable[[], Path]) -> Iterator[Site]:
    """A fresh one that reaches no source: it shows the sample edition."""
    with running_site(new_data_folder()) as running:
        yield running


@pytest.fixture
def open_context(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes a browser window of its own: no cookies, settings as given. What a page complains of fails the test.

    Without service workers, which would go on with what a test before began; `test_offline.py` has them.
    """
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def make(**settings: Any) -> BrowserContext:
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "service_workers": "block", **settings}
        )
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    """A visitor's page."""
    return open_context().new_page()


@pytest.fixture(scope="module")
def reader_cookies(chromium: Browser, site: Site) -> Any:
    """What a reader's browser holds after the one-time link was used."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.link_for("rita@example.org"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/")
    state = context.storage_state()
    context.close()
    return state
