"""Readers of a site in a storm: what they see, by what happened meanwhile, and what was answered to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import httpx

from bench.hostile import manage, signed_in
from tests.e2e.running_site import Site

VOTER = "voter@example.org"
VOTED_PAPERS = 600
PAGE_SECONDS = 30.0
"""How long a reader waits for a page."""


@dataclass(slots=True)
class Sight:
    """What readers saw while one thing happened."""

    times: int = 0
    pages: int = 0
    failed: int = 0
    """Answers that were errors (500 and above), or none."""
    longest: float = 0.0
    """Seconds that a page took, at most, well or not."""
    away: float = 0.0
    """Seconds in which no page was well, at most."""


@dataclass(slots=True)
class Seen:
    """What readers saw, by what happened last."""

    sights: dict[str, Sight] = field(default_factory=dict)
    _label: str = "nothing yet"
    _well_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def happens(self, what: str) -> None:
        """From now on pages are seen under this."""
        with self._lock:
            self._label = what
            self._well_at = time.monotonic()
            self.sights.setdefault(what, Sight()).times += 1

    @contextmanager
    def page(self) -> Iterator[list[bool]]:
        """Around the request of one page; who asks says whether it was well by adding to the list."""
        answers, label, began = list[bool](), self._label, time.monotonic()
        try:
            yield answers
        finally:
            with self._lock:
                now = time.monotonic()
                sight = self.sights.setdefault(label, Sight())
                sight.pages += 1
                sight.longest = max(sight.longest, now - began)
                is_well = all(answers) and bool(answers)
                sight.failed += not is_well
                if label == self._label:
                    sight.away = max(sight.away, now - self._well_at)
                    self._well_at = now if is_well else self._well_at

    def rows(self) -> dict[str, dict[str, float]]:
        return {what: {name: round(value, 1) for name, value in asdict(one).items()} for what, one in self._by_pages()}

    def table(self) -> str:
        """What readers saw, as Markdown."""
        head = ("while", "times", "pages", "errors", "longest page, s", "longest without a good page, s")
        lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
        for what, one in self._by_pages():
            lines.append(f"| {what} | {one.times} | {one.pages} | {one.failed} | {one.longest:.1f} | {one.away:.1f} |")
        return "\n".join(lines)

    def _by_pages(self) -> list[tuple[str, Sight]]:
        return sorted((what, one) for what, one in self.sights.items() if one.pages or one.times)


def arxiv_id(number: int) -> str:
    """Of the paper of this number, this month."""
    return f"{datetime.now(UTC):%y%m}.{10_000 + number:05}"


def is_well(url: str, *, timeout: float = 10) -> bool:
    """Whether the list of papers can be read."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/papers", timeout=timeout).status_code == 200
    return False


def vote(site: Site, link: str, is_over: threading.Event, answered: list[str], seen: Seen) -> None:
    """For one paper after the other; those whose vote was answered."""
    with signed_in(site.url, link) as (browser, fields):
        for number in range(VOTED_PAPERS):
            if is_over.wait(1.1):  # as often as one person may
                return
            paper = arxiv_id(number)
            with seen.page() as answers, suppress(httpx.HTTPError):
                answer = browser.post(
                    f"/papers/{paper}/vote",
                    data={**fields, "on": "1"},
                    headers={"HX-Request": "true"},
                    timeout=PAGE_SECONDS,
                )
                answers.append(answer.status_code < 500)
                if answer.is_success:
                    answered.append(paper)


def read(site: Site, is_over: threading.Event, seen: Seen) -> None:
    """One page after the other."""
    while not is_over.wait(0.3):
        with seen.page() as answers:
            answers.append(is_well(site.url, timeout=PAGE_SECONDS))


@contextmanager
def readers(site: Site, seen: Seen) -> Iterator[list[str]]:
    """One who votes and one who reads, for as long as the block runs; the papers whose vote was answered."""
    (link,) = manage(
        site.environment,
        f"from papers.services.accounts.login_links import create_login_link\nprint(create_login_link('{VOTER}'))",
    )
    is_over, answered = threading.Event(), list[str]()
    threads = [
        threading.Thread(target=vote, args=(site, link, is_over, answered, seen), daemon=True),
        threading.Thread(target=read, args=(site, is_over, seen), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
