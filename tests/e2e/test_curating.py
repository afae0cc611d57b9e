"""The desk by keyboard: a key or two a decision, the focus on the next, no page loaded anew; and without JavaScript.

`E2E_DECISIONS=200` decides on as many and says how long each took.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.running_site import ROOT, Site, running_site

Open = Callable[..., BrowserContext]

DECISIONS = int(os.environ.get("E2E_DECISIONS", "30"))
P95_MS = 150.0
# Two thirds candidates, one third submissions, which are rejected with a reason.
_FILL = f"""
import time
from django.utils import timezone
from papers.models import Candidate, EmbeddingBacklog, Paper, Submission, Topic, TopicBacklog, User
from papers.services.ingest.paper_store import store_papers
from papers.sources.base import RawAuthor, RawPaper
now = timezone.now()
User.objects.filter(email="carl@example.org").update(is_curator=True)
raws = [RawPaper(source="arxiv_oai_raw", arxiv_id=f"2602.{{n:05}}", title=f"A study of ice, part {{n}}",
    abstract="What is known of ice, and what is not. " * 12,
    authors=(RawAuthor("Ada Lovelace"), RawAuthor("Émilie du Châtelet")), categories=("cs.CL",))
    for n in range(1, {DECISIONS} + 11)]
store_papers(raws, now=now, kind="arxiv_oai")
topic = Topic.objects.filter(owner=None).first()
rita = User.objects.create_user("rita@example.org", "rita")
for place, paper in enumerate(Paper.objects.filter(public_id__startswith="2602.").order_by("pk")):
    if place % 3:
        Candidate.objects.create(paper=paper, topic=topic, score=0.8, found_at=now)
    else:
        Submission.objects.create(user=rita, reference=paper.public_id, scheme="arxiv", value=paper.public_id,
            paper=paper, state="waiting")
# The workers are to be done with these papers before presses are timed.
end = time.monotonic() + 60
while time.monotonic() < end and (EmbeddingBacklog.objects.exists() or TopicBacklog.objects.exists()):
    time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def site(new_data_folder: Callable[[], Path]) -> Iterator[Site]:
    with running_site(new_data_folder()) as running:
        running.link_for("carl@example.org")
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", _FILL]
        subprocess.run(command, cwd=ROOT, env=running.environment, check=True, capture_output=True)
        yield running


@pytest.fixture(scope="module")
def curator_cookies(chromium: Browser, site: Site) -> Any:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.link_for("carl@example.org"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def carl(open_context: Open, curator_cookies: Any) -> Page:
    return open_context(storage_state=curator_cookies).new_page()


# From the press until the line of the decision stands in the item's place and the next item has the focus.
_WATCH = """
() => {
  window.times = [];
  let since = 0, name = null;
  addEventListener("keydown", (event) => {
    if (!"ax1".includes(event.key)) return;
    const item = document.activeElement.closest(".queue-item");
    if (event.key === "x" && item?.dataset.kind === "submission") return;
    since = performance.now();
    name = item?.id;
  }, true);
  new MutationObserver(() => {
    const done = name && document.getElementById(name);
    if (!done?.matches(".queue-done")) return;
    const next = document.activeElement.closest(".queue-item");
    if (next && next.id !== name) { times.push(performance.now() - since); name = null; }
  }).observe(document.querySelector("[data-queue]"), { childList: true, subtree: true });
}
"""


def test_decided_by_keyboard(site: Site, carl: Page, record_property: Callable[[str, object], None]) -> None:
    loads: list[str] = []
    carl.goto(f"{site.url}/curate")
    carl.on("framenavigated", lambda frame: loads.append(frame.url))
    carl.evaluate(_WATCH)
    carl.keyboard.press("j")
    for number in range(DECISIONS):
        item = carl.locator(".queue-item:focus")
        expect(item).to_have_count(1)
        name = item.get_attribute("id")
        if item.get_attribute("data-kind") == "submission":
            keys = "x1" if number % 2 else "a"
        else:
            keys = "x" if number % 2 else "a"
        for key in keys:
            carl.keyboard.press(key)
        expect(carl.locator(f"#{name}.queue-done")).to_have_count(1)
    times: list[float] = carl.evaluate("times")
    assert len(times) == DECISIONS
    p95 = statistics.quantiles(times, n=20)[-1]
    record_property("milliseconds", f"median {statistics.median(times):.0f}, p95 {p95:.0f}, most {max(times):.0f}")
    assert loads == []
    assert p95 < P95_MS
    carl.keyboard.press("u")
    expect(carl.locator(f"#{name}.queue-item")).to_be_focused()
    carl.keyboard.press("a")
    expect(carl.locator(f"#{name}.queue-done")).to_contain_text("Undo")
    carl.keyboard.press("u")
    expect(carl.locator(f"#{name}.queue-item")).to_be_focused()
    for key in "au":  # before the answer is there
        carl.keyboard.press(key)
    expect(carl.locator(f"#{name}.queue-item:not(.deciding)")).to_be_focused()
    expect(carl.locator(".queue-done")).to_have_count(DECISIONS - 1)


def test_a_decision_without_javascript(site: Site, open_context: Open, curator_cookies: Any) -> None:
    page = open_context(storage_state=curator_cookies, java_script_enabled=False).new_page()
    page.goto(f"{site.url}/curate?kind=candidate")
    title = page.locator(".queue-item h2").first.inner_text()
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator(".queue-item h2", has_text=title)).to_have_count(0)
    page.get_by_text("Your recent actions").click()
    page.get_by_role("button", name="Undo").first.click()
    page.goto(f"{site.url}/curate?kind=candidate")
    expect(page.locator(".queue-item h2", has_text=title)).to_have_count(1)


PAGES = ["/curate", "/curate/days", "/curate/log", "/curate/papers/{paper}"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_phone_and_satisfies_axe(
    site: Site, open_context: Open, curator_cookies: Any, path: str, scheme: str
) -> None:
    page = open_context(
        storage_state=curator_cookies, color_scheme=scheme, viewport={"width": 390, "height": 844}
    ).new_page()
    if "{" in path:
        page.goto(f"{site.url}/curate/days")
        path = str(page.locator(".day-title a").first.get_attribute("href"))
    page.goto(site.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if folder := os.environ.get("E2E_PICTURES"):
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{path.strip('/').replace('/', '-')}-{width}-{scheme}.png")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
