"""Files that are made to take long, many at once: nobody else waits for them. Run by itself, for it measures."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.running_site import ROOT, Site, running_site
from tests.support.fake_upstream import UpstreamDriver, fake_upstream_process


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamDriver]:
    with fake_upstream_process("--days", "2", "--per-day", "5") as driver:
        yield driver


@pytest.fixture(scope="module")
def site(new_data_folder: Callable[[], Path], upstream: UpstreamDriver) -> Iterator[Site]:
    with running_site(new_data_folder(), upstream) as running:
        yield running


def links_for(site: Site, emails: list[str]) -> list[str]:
    """One-time sign-in links, all by one process."""
    code = f"from papers.services.accounts.login_links import create_login_link as c; [print(c(e)) for e in {emails!r}]"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@contextmanager
def browser_with(site: Site, link: str) -> Iterator[httpx.Client]:
    """A client that came by a one-time link."""
    with httpx.Client(base_url=site.url, timeout=60) as browser:
        path = urlsplit(link).path
        browser.get(path)
        fields = {"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"]}
        assert browser.post(path, data=fields).status_code == 302
        yield browser


def test_twenty_uploads_that_take_long_hold_up_neither_pages_nor_a_submission(site: Site) -> None:
    # So much TeX that reading it takes about as long as it may.
    entry = "@misc{k, title={" + "\\'{e}{\\\"o}$\\alpha_{1}$ " * 40 + "}, author={" + "A B and " * 50 + "}}\n"
    file = (entry * (6_000_000 // len(entry))).encode()

    *bringers, submitter = links_for(site, [f"reader{number}@example.org" for number in range(8)])

    def upload(link: str) -> list[int]:
        """The statuses of three uploads by a reader of their own."""
        with browser_with(site, link) as browser:
            browser.get("/library/import")
            fields = {"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"]}
            return [
                browser.post("/library/import", data=fields, files={"file": ("a.bib", file)}).status_code
                for _ in range(3)
            ]

    with browser_with(site, submitter) as browser, httpx.Client() as pulse, ThreadPoolExecutor(7) as readers:
        browser.get("/submit")
        uploads = [readers.submit(upload, link) for link in bringers]
        while not any(each.done() for each in uploads):
            time.sleep(0.1)
        started = time.monotonic()
        said = {"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"], "given": "10.1000/page-only"}
        page = browser.post("/submit", data=said).headers["Location"]
        taken: list[float] = []
        fetched_after = None
        while not all(each.done() for each in uploads) or fetched_after is None:
            asked = time.monotonic()
            assert pulse.get(f"{site.url}/health/live").status_code == 200
            taken.append(time.monotonic() - asked)
            if fetched_after is None and 'id="submission" hx-get' not in browser.get(page).text:
                fetched_after = time.monotonic() - started
            assert time.monotonic() - started < 60
            time.sleep(0.05)
        assert {status for each in uploads for status in each.result()} <= {302, 303, 422}
    assert fetched_after < 10
    assert sorted(taken)[int(len(taken) * 0.95)] < 0.2
