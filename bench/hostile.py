"""Hostile traffic on a running site, and two readers reading beside it: how long they wait, and what is lost.

    python -m bench.hostile --minutes 60 [--file PAPERS]

A Broadsheet of its own runs with the number of processes that it has by default. In another process, attackers upload
files that take long, submit pages that take long, drip bytes on many connections and leave others idle, guess
passwords side by side, and send bodies of 100 MB and headers made to mislead; feeds that take long are among the
sources. The readers' requests are timed, and one of them votes: in the end every vote that was answered must be
stored. Memory is the proportional set size of all processes together, each minute. Attackers come from another address
than the readers, where the machine lets them (Linux; elsewhere the readers share the attackers' limits, and get 429).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.e2e.running_site import ROOT, Site, running_site

ENTRY = "@misc{k, title={" + "\\'{e}{\\\"o}$\\alpha_{1}$ " * 40 + "}, author={" + "A B and " * 50 + "}}\n"
FEED = "<rss version='2.0'><channel>" + "<item><title>T</title><description>&lt;!--</description></item>" * 20_000
PAGE = "<meta name='citation_title' content='T'><meta name='citation_author' content='" + "a, " * 200_000 + "'>"
UPLOADERS, DRIPS, IDLE, GUESSERS = 7, 40, 300, 8
HUGE = 100_000_000
OF_ATTACKERS = "127.0.0.2"
_AS_BY_DEFAULT = {"BROADSHEET_WEB_PROCESSES": "2", "BROADSHEET_WORKERS": "2"}


class _HostileSite(BaseHTTPRequestHandler):
    """Pages and feeds that take long to read, that never end, and that lead in a circle."""

    def do_GET(self) -> None:
        kind = self.path.strip("/").split("/")[0]
        with suppress(OSError):
            if kind == "drip":
                self._head("text/html", None)
                while True:
                    self.wfile.write(b"a")
                    time.sleep(1)
            if kind == "circle":
                self.send_response(302)
                self.send_header("Location", self.path + "a")
                self.end_headers()
                return
            body = (FEED if kind == "feed" else PAGE).encode()
            self._head("application/rss+xml" if kind == "feed" else "text/html", len(body))
            self.wfile.write(body)

    def _head(self, content_type: str, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def attack(url: str, links: list[str], hostile: str, seconds: float) -> None:
    """All attackers, for so long; the body of a process."""
    until = time.monotonic() + seconds
    works: list[Callable[[], None]] = [lambda: _drip(url), lambda: _send_huge(url), lambda: _mislead(url)]
    works += [lambda link=link: _upload(url, link) for link in links[:UPLOADERS]]  # type: ignore[misc]
    works += [lambda link=link: _submit(url, link, hostile) for link in links[UPLOADERS:]]  # type: ignore[misc]
    works += [lambda: _guess(url)] * GUESSERS
    for work in works:
        threading.Thread(target=_again_and_again, args=(work, until), daemon=True).start()
    time.sleep(max(until - time.monotonic(), 0))


def _again_and_again(work: Callable[[], None], until: float) -> None:
    while time.monotonic() < until:
        with suppress(httpx.HTTPError, OSError, KeyError):
            work()
        time.sleep(0.2)


def browser_of(address: str, url: str = "") -> httpx.Client:
    """One that comes from that address of this machine."""
    return httpx.Client(base_url=url, timeout=60, transport=httpx.HTTPTransport(local_address=address))


def attackers_address() -> str:
    """Another than the readers' where the machine has all of 127.0.0.0/8."""
    with suppress(OSError), socket.socket() as probe:
        probe.bind((OF_ATTACKERS, 0))
        return OF_ATTACKERS
    return "127.0.0.1"


@contextmanager
def signed_in(url: str, link: str, address: str = "127.0.0.1") -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """A browser that came by a one-time link, or has come before; and the field that its forms need."""
    with browser_of(address, url) as browser:
        path = urlsplit(link).path
        browser.get(path)
        browser.post(path, data={"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"]})
        browser.get("/submit")
        yield browser, {"csrfmiddlewaretoken": browser.cookies["broadsheet_csrf"]}


def _upload(url: str, link: str) -> None:
    file = (ENTRY * (6_000_000 // len(ENTRY))).encode()
    with signed_in(url, link, attackers_address()) as (browser, fields):
        while browser.post("/library/import", data=fields, files={"file": ("a.bib", file)}).status_code != 401:
            time.sleep(1)


def _submit(url: str, link: str, hostile: str) -> None:
    with signed_in(url, link, attackers_address()) as (browser, fields):
        while True:
            page = f"{hostile}/{random.choice(('page', 'drip', 'circle', 'feed'))}/{random.random()}"
            browser.post("/submit", data={**fields, "given": page})
            time.sleep(2)


def _drip(url: str) -> None:
    place = (urlsplit(url).hostname or "", urlsplit(url).port or 80)
    for _ in range(IDLE):
        threading.Thread(target=_hold, args=(place, b""), daemon=True).start()
    for _ in range(DRIPS):
        threading.Thread(target=_hold, args=(place, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: "), daemon=True).start()
    time.sleep(60)


def _hold(place: tuple[str, int], begin: bytes) -> None:
    with suppress(OSError), socket.create_connection(place, 10, (attackers_address(), 0)) as connection:
        for byte in begin or b"\0" * 20:
            if begin:
                connection.sendall(bytes([byte]))
            time.sleep(3)


def _send_huge(url: str) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(HUGE // 1_000_000):
            yield b"x" * 1_000_000

    with browser_of(attackers_address()) as client:
        for path in ("/", "/library/import", "/sign-in"):
            client.post(url + path, content=body(), headers={"Content-Length": str(HUGE)})


def _guess(url: str) -> None:
    with browser_of(attackers_address(), url) as client:
        client.get("/sign-in")
        fields = {"csrfmiddlewaretoken": client.cookies["broadsheet_csrf"], "login": "admin@localhost"}
        client.post("/sign-in", data={**fields, "password": str(random.random())})


def _mislead(url: str) -> None:
    with browser_of(attackers_address(), url) as client:
        for headers in (
            {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Prefix": "//evil.example"},
            {"SCRIPT_NAME": "//evil.example"}, {"X-Forwarded-For": "1.2.3.4, " * 500}, {"Cookie": "a=" + "b" * 7_000},
        ):  # fmt: skip
            client.get("/", headers=headers)
            client.get("/papers?q=" + "a OR " * 500, headers=headers)


class Reader:
    """One who reads, and may vote; keeps how long each answer took, and the statuses."""

    def __init__(self, browser: httpx.Client, fields: dict[str, str]) -> None:
        self.browser, self.fields = browser, fields
        self.taken: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.votes: dict[str, str] = {}

    def read(self, until: float) -> None:
        """Page after page, with a pause as people make them, only shorter."""
        papers = ["/"]
        while time.monotonic() < until:
            page = random.choice(("/", "/", random.choice(papers), "/papers?q=language+model", "/papers/trending"))
            text = self._ask("GET", page)
            papers = re.findall(r'href="(/papers/[0-9]{4}\.[0-9]{5})"', text)[:50] or papers
            if self.fields and len(papers) > 1:
                self._vote(random.choice(papers))
            if "evil.example" in text:
                self.statuses["another's address on a page"] += 1
            time.sleep(0.5)

    def _vote(self, paper: str) -> None:
        on = random.choice("01")
        before = self.statuses["2xx"]
        self._ask("POST", f"{paper}/vote", data={**self.fields, "on": on}, headers={"HX-Request": "true"})
        if self.statuses["2xx"] > before:
            self.votes[paper.removeprefix("/papers/")] = on

    def _ask(self, method: str, path: str, **options: Any) -> str:
        start = time.monotonic()
        try:
            answer = self.browser.request(method, path, **options)
        except httpx.HTTPError as error:
            self.statuses[type(error).__name__] += 1
            return ""
        finally:
            self.taken.append(time.monotonic() - start)
        self.statuses[f"{answer.status_code // 100}xx" if answer.status_code != 429 else "429"] += 1
        return answer.text


def proportional_memory(root: int) -> int:
    """Bytes of a process and all that descend from it, shared pages counted once among those that share them."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    wanted, size = {root}, 0
    while len(wanted) != size:
        size = len(wanted)
        wanted |= {pid for pid, parent in parents.items() if parent in wanted}
    total = 0
    for pid in wanted:
        with suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) * 1024 if found else 0
    return total


def manage(environment: Mapping[str, str], code: str) -> list[str]:
    """What some code prints in the site's shell, in words."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def prepare(site: Site, hostile: str, file: str) -> list[str]:
    """Papers, accounts, and feeds that take long; one-time links of the accounts."""
    if file:
        command = [sys.executable, "manage.py", "import_papers", file, "--list", "arxiv"]
        subprocess.run(command, cwd=ROOT, env=site.environment, check=True, stdout=subprocess.DEVNULL)
    return manage(
        site.environment,
        f"""
from datetime import timedelta
from django.utils import timezone
from papers.models import Source
from papers.services.accounts.login_links import create_login_link
for number in range(3):
    Source.objects.create(kind="feed", name=f"hostile {{number}}", base_url=f"{hostile}/feed/{{number}}",
                          interval_seconds=60, next_fetch_at=timezone.now())
for number in range({UPLOADERS + 4}):
    print(create_login_link(f"reader{{number}}@example.org"))
""",
    )


def run(site: Site, hostile: str, *, minutes: float, file: str) -> dict[str, Any]:
    """The hour itself; what was measured."""
    *links, last = prepare(site, hostile, file)
    memory: list[int] = []
    with signed_in(site.url, last) as (browser, fields), browser_of("127.0.0.1", site.url) as visitor:
        readers = [Reader(browser, fields), Reader(visitor, {})]
        quiet = _read(site, readers, 30, memory)
        attackers = multiprocessing.get_context("spawn").Process(
            target=attack, args=(site.url, links, hostile, minutes * 60)
        )
        attackers.start()
        under_attack = _read(site, readers, minutes * 60, memory)
        attackers.join(30)
        attackers.kill()
    stored = dict(word.split("=") for word in manage(site.environment, _VOTES))
    acknowledged = {paper for paper, on in readers[0].votes.items() if on == "1"}
    return {
        "quiet": quiet,
        "under attack": under_attack,
        "memory, MB": [size // 1024**2 for size in memory],
        "votes acknowledged": len(acknowledged),
        "votes lost": sorted(acknowledged - stored.keys()),
        "votes that came back": sorted(stored.keys() - acknowledged),
    }


_VOTES = f"""
from papers.models import Vote
for vote in Vote.objects.filter(user__email="reader{UPLOADERS + 3}@example.org").select_related("paper"):
    print(f"{{vote.paper.public_id}}={{vote.pk}}")
"""


def _read(site: Site, readers: list[Reader], seconds: float, memory: list[int]) -> dict[str, Any]:
    for reader in readers:
        reader.taken, reader.statuses = [], Counter()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=reader.read, args=(until,)) for reader in readers]
    for thread in threads:
        thread.start()
    while time.monotonic() < until:
        memory.append(proportional_memory(site.pid))
        time.sleep(min(60, max(until - time.monotonic(), 0.1)))
    for thread in threads:
        thread.join()
    taken = sorted(second for reader in readers for second in reader.taken)
    return {
        "requests": len(taken),
        "p50, ms": round(1000 * taken[len(taken) // 2]),
        "p99, ms": round(1000 * taken[int(len(taken) * 0.99)]),
        "longest, ms": round(1000 * taken[-1]),
        "statuses": dict(sum((reader.statuses for reader in readers), Counter())),
    }


def main() -> None:
    """Print what was measured, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--file", default="", help="papers to import first")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _HostileSite)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="broadsheet-hostile-") as folder:
        # The attackers' own site is let in, or nothing of it would be read.
        settings = {"BROADSHEET_FETCH_ALLOW": f"127.0.0.1:{server.server_port}", **_AS_BY_DEFAULT}
        with running_site(Path(folder), settings=settings) as site:
            result = run(site, f"http://127.0.0.1:{server.server_port}", minutes=options.minutes, file=options.file)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
