"""Submitting a paper, and bringing a library: seen at once, fetched by a worker; without JavaScript, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from tests.e2e.running_site import Site, running_site
from tests.support.fake_upstream import UpstreamDriver, fake_upstream_process

Open = Callable[..., BrowserContext]
# The queue of fetches may be busy with the sources' first visit.
FETCHED_WITHIN_MS = 90_000


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamDriver]:
    with fake_upstream_process("--days", "2", "--per-day", "5") as driver:
        yield driver


@pytest.fixture(scope="module")
def site(new_data_folder: Callable[[], Path], upstream: UpstreamDriver) -> Iterator[Site]:
    with running_site(new_data_folder(), upstream) as running:
        yield running


def test_from_the_field_to_the_page_of_the_day(site: Site, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/submit")
    page.get_by_label("arXiv id, DOI or address").press_sequentially("https://doi.org/10.1000/ICE", delay=5)
    expect(page.locator("#recognised")).to_contain_text("10.1000/ice")
    page.get_by_label("Save to my library").check()
    page.get_by_label("Tags", exact=True).fill("cold, songs")
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"/submit/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("The paper is available", timeout=FETCHED_WITHIN_MS)
    day = page.get_by_text("It is listed in the daily papers of").get_by_role("link").get_attribute("href")
    page.get_by_role("link", name="Open paper").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ice that sings")
    for tag in ("cold", "songs"):
        expect(page.locator(".own").get_by_role("link", name=tag)).to_be_visible()
    page.goto(f"{site.url}{day}")
    expect(page.get_by_text("submitted by rita")).to_be_visible()


def test_without_javascript(site: Site, upstream: UpstreamDriver, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies, java_script_enabled=False).new_page()
    page.goto(f"{site.url}/submit?url={upstream.url}/pages/snow")
    expect(page.locator("#recognised")).to_contain_text("/pages/snow")
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"/submit/\d+$"))
    for _ in range(FETCHED_WITHIN_MS // 1_000):
        if page.get_by_role("link", name="Refresh").count() == 0:
            break
        page.wait_for_timeout(1_000)
        page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Snow that hums")


def test_what_failed_says_what_to_do(site: Site, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/submit?given=10.1000/unknown")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("There is no such DOI")).to_be_visible(timeout=FETCHED_WITHIN_MS)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


BIBTEX = b"""@article{ice, title={Ice}, doi={10.1000/ice}, keywords={cold}}
@article{none, title={Nothing}, doi={10.1000/unknown}}
@book{knuth, title={The {\\TeX}book}}
"""


def test_a_library_is_brought_along(site: Site, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/library/import")
    page.get_by_label("A file").set_input_files({"name": "mine.bib", "mimeType": "text/plain", "buffer": BIBTEX})
    page.get_by_role("button", name="Preview import").click()
    expect(page.locator(".row")).to_have_count(3)
    expect(page.get_by_role("link", name="Not recognised 1")).to_be_visible()
    page.get_by_label("Tags for all papers").fill("brought")
    page.get_by_label("Use the file’s keywords as tags").check()
    page.get_by_role("button", name="Add to library").click()
    expect(page.locator("#progress")).to_contain_text("Done.", timeout=FETCHED_WITHIN_MS)
    page.goto(page.url)
    expect(page.locator(".row.is-failed")).to_contain_text("There is no such DOI")
    page.get_by_role("link", name="Ice that sings").click()
    expect(page.get_by_text("brought", exact=False).first).to_be_visible()
    for path in ("/library/import", "/library/import/1"):
        page.goto(site.url + path)
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


def test_an_author_is_followed_without_javascript(site: Site, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies, java_script_enabled=False).new_page()
    page.goto(f"{site.url}/papers/doi/10.1000/ice")
    name = page.locator(".author a").first
    called = name.inner_text()
    name.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(called)
    page.get_by_role("button", name="Follow", exact=True).click()
    page.get_by_role("link", name="Everyone you follow").click()
    expect(page.get_by_role("heading", name="Ice that sings")).to_be_visible()
    page.get_by_text("You follow 1").click()
    page.get_by_role("button", name="Unfollow").click()
    expect(page.get_by_role("heading", name="You don’t follow anyone yet")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone_and_satisfy_axe(
    scheme: str, site: Site, reader_cookies: Any, open_context: Open
) -> None:
    phone = {"width": 390, "height": 800}
    page = open_context(storage_state=reader_cookies, color_scheme=scheme, viewport=phone).new_page()
    for path in ("/submit", "/submit?given=10.1000/ice", "/submit?given=nonsense", "/submit/1"):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


def test_the_bookmarklet_is_a_link_to_drag(site: Site, reader_cookies: Any, open_context: Open) -> None:
    page = open_context(storage_state=reader_cookies).new_page()
    page.goto(f"{site.url}/submit")
    link = page.get_by_text("Submit paper", exact=True)
    expect(link).to_be_visible()
    assert (link.get_attribute("href") or "").startswith("javascript:void(open(")
    link.click()
    expect(page.locator("#notice")).to_have_text("Drag it to your bookmarks bar.")
    expect(page).to_have_url(f"{site.url}/submit")
