"""The newcomer's way in: a sample at once, the one-time link, four questions, and the group's own first edition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from papers.sources.arxiv_schedule import EASTERN
from tests.e2e.running_site import Site, running_site
from tests.support.fake_upstream import UpstreamDriver, fake_upstream_process

# arXiv is asked once in three seconds, also when it is a stand-in.
FETCHED_WITHIN_MS = 90_000
SATURDAY = 5


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamDriver]:
    """All sources, with a batch for the day that it is now in arXiv's part of the world, unless it is a weekend's."""
    today = datetime.now(UTC).astimezone(EASTERN).date()
    with fake_upstream_process("--today", today.isoformat(), "--days", "3", "--per-day", "30") as driver:
        yield driver


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, upstream: UpstreamDriver) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("newcomer"), upstream) as running:
        yield running


def test_from_the_first_page_to_the_groups_own_edition(site: Site, page: Page) -> None:
    page.goto(site.url)
    expect(page.get_by_text("sample", exact=False).first).to_be_visible()
    assert page.locator(".card").count() >= 20
    sampled_day = page.locator(".calendar time").get_attribute("datetime")

    page.goto(site.admin_link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome to Broadsheet")

    page.get_by_label("Group name").fill("Language Lab")
    page.get_by_label("Time zone").fill("Berlin")
    page.get_by_label("Search categories").fill("computation language")
    expect(page.get_by_role("checkbox", name="cs.CL")).to_be_visible()
    expect(page.get_by_role("checkbox", name="math.AG")).to_be_hidden()
    page.get_by_label("Search categories").fill("")
    page.get_by_role("button", name="cs.CV").click()  # a chip: takes it away
    expect(page.get_by_role("checkbox", name="cs.CV")).not_to_be_checked()
    page.get_by_role("button", name="Fetch today’s papers").click()

    expect(page).to_have_url(re.compile("/setup/progress$"))
    expect(page.get_by_text("arXiv announcements")).to_be_visible()
    expect(page.get_by_role("heading", name="Your first edition is ready")).to_be_visible(timeout=FETCHED_WITHIN_MS)
    page.get_by_role("link", name="Read the edition").click()

    expect(page.locator(".card").first).to_be_visible()
    expect(page.get_by_role("link", name="Language Lab")).to_be_visible()
    page.goto(site.url)
    expect(page.locator(".card").first).to_be_visible()
    assert "sample" not in page.locator("main").inner_text().lower()
    # At a weekend no feed carries an announcement: then the last day's edition is made of arXiv's records.
    is_quiet = datetime.now(UTC).astimezone(EASTERN).weekday() >= SATURDAY
    said = "by arXiv's records; the announcement itself was not read" if is_quiet else "announced by arXiv"
    expect(page.get_by_text(said)).to_be_visible()
    page.goto(f"{site.url}/papers/date/{sampled_day}")
    assert page.locator(".card").count() == 0


def test_the_link_was_good_for_once(site: Site, page: Page) -> None:
    answer = page.request.get(site.admin_link)
    assert answer.status == 410
