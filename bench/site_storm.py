"""A storm over a whole installation: is anything lost, how long do readers wait, is everything back?

    python -m bench.site_storm [--seconds 600] [--seed 1] [--json result.json]

`manage.py up` runs with its defaults. A reader votes, a visitor opens pages, papers are imported. Meanwhile each part
in turn is killed (`kill -9`), and so are single processes below them; Postgres is restarted; Valkey is stopped, emptied
and filled; messages that nobody can read or do are put into the queues. In the end every vote that was answered and
every paper must be stored, once; every part must run, and what the workers owe must be done within a minute.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import redis

from bench.hostile import manage, signed_in
from config.local.paths import DataDir
from tests.e2e import running_site as site_start
from tests.e2e.running_site import ROOT, Site, running_site

BACK_SECONDS, WORK_SECONDS = 10.0, 60.0
VOTED_PAPERS, IMPORTED_PAPERS = 600, 600
_QUEUES = ("default", "fetch", "mail")
_POISON = (b"{", b"[]", b"{}", b"\xff\xfe", b'{"body": "x", "headers": 1, "properties": 2}')


@dataclass(slots=True)
class Result:
    """What a storm left behind."""

    acts: dict[str, int] = field(default_factory=dict)
    pages: int = 0
    failed_pages: int = 0
    """What readers saw of it: answers that were errors, or none."""
    longest_away: float = 0.0
    """Seconds from an act to the next page that was well, at most."""
    votes: int = 0
    votes_lost: list[str] = field(default_factory=list)
    papers_missing: int = 0
    parts_missing: list[str] = field(default_factory=list)
    work_seconds: float = 0.0
    """From the end of the storm until nothing that was claimed is left undone, and the workers were heard of again."""

    def is_good(self, *, slowness: float = 1.0) -> bool:
        """Whether nothing was lost, and all was back in time; a busy machine may take `slowness` times as long."""
        return (
            not (self.votes_lost or self.papers_missing or self.parts_missing)
            and self.longest_away <= BACK_SECONDS * slowness
            and self.work_seconds <= WORK_SECONDS * slowness
        )


class Storm:
    """Does one thing after another to a running site."""

    def __init__(self, site: Site, dice: random.Random, result: Result) -> None:
        self.data = DataDir(site.environment["BROADSHEET_DATA_DIR"])
        self._url, self._dice, self._result = site.url, dice, result
        self._acts: list[Callable[[], str]] = [
            self.kill_below, self.kill_below, self.restart_postgres, self.stop_valkey, self.empty_valkey,
            self.fill_valkey, self.poison, self.poison,
        ]  # fmt: skip

    def blow(self, seconds: float) -> None:
        """For so long; after most acts the next one waits until a page is well again."""
        until = time.monotonic() + seconds
        for part in itertools.cycle(self._dice.sample(self.parts(), len(self.parts()))):
            for act in (lambda part=part: self.kill(part), self._dice.choice(self._acts)):
                began = time.monotonic()
                with suppress(OSError, redis.RedisError):  # it is away already
                    name = act()
                    self._result.acts[name] = self._result.acts.get(name, 0) + 1
                if self._dice.random() < 0.8:
                    self._await_page(began)
                time.sleep(self._dice.uniform(0.2, 2.0))
                if time.monotonic() > until:
                    return

    def parts(self) -> list[str]:
        return sorted(path.stem for path in self.data.run_dir.glob("*.pid"))

    def kill(self, part: str) -> str:
        text = (self.data.run_dir / f"{part}.pid").read_text(encoding="utf-8")
        os.kill(int(text.split()[0]), signal.SIGKILL)
        return f"killed {part[2:]}"

    def kill_below(self) -> str:
        """A process that a part has started: of the web server, the embedder or Postgres."""
        part = self._dice.choice([part for part in self.parts() if part[2:] in ("web", "embedder", "postgres")])
        pid = int((self.data.run_dir / f"{part}.pid").read_text(encoding="utf-8").split()[0])
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if below:
            os.kill(int(self._dice.choice(below)), signal.SIGKILL)
        return f"killed below {part[2:]}"

    def restart_postgres(self) -> str:
        text = (self.data.run_dir / "0-postgres.pid").read_text(encoding="utf-8")
        os.kill(int(text.split()[0]), signal.SIGINT)
        return "restarted postgres"

    def stop_valkey(self) -> str:
        with suppress(redis.ConnectionError):  # it goes without an answer
            self._valkey().shutdown(nosave=True)
        return "stopped valkey"

    def empty_valkey(self) -> str:
        self._valkey().flushall()
        return "emptied valkey"

    def fill_valkey(self) -> str:
        """Until it gives up what it kept."""
        valkey = self._valkey()
        evicted = int(valkey.info("stats")["evicted_keys"])
        for number in range(2_000):
            valkey.set(f"storm:{number}", b"x" * 500_000, ex=3600)
            if int(valkey.info("stats")["evicted_keys"]) > evicted:
                break
        return "filled valkey"

    def poison(self) -> str:
        """A message that cannot be read, and one for a task that there is not."""
        valkey = self._valkey()
        valkey.lpush(f"broadsheet-queue:{self._dice.choice(_QUEUES)}", self._dice.choice(_POISON))
        return "poisoned a queue"

    def _valkey(self) -> redis.Redis:
        return redis.Redis.from_url(self.data.redis_url, socket_timeout=10)

    def _await_page(self, began: float) -> None:
        while not is_well(self._url) and time.monotonic() < began + 120:
            time.sleep(0.05)
        self._result.longest_away = max(self._result.longest_away, time.monotonic() - began)


def is_well(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/papers", timeout=10).status_code == 200
    return False


def papers_file(folder: Path, first: int, count: int) -> Path:
    """JSON lines of made-up papers, numbered from `first` on."""
    from bench.catalogue import synthetic_papers

    path = folder / f"papers-{first}.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        for number, row in enumerate(itertools.islice(synthetic_papers(), count), first):
            lines.write(json.dumps(row | {"arxiv_id": arxiv_id(number)}) + "\n")
    return path


def arxiv_id(number: int) -> str:
    return f"{datetime.now(UTC):%y%m}.{10_000 + number:05}"


def import_papers(site: Site, path: Path) -> None:
    """Have the command store them; again, where the storm ended it."""
    command = [sys.executable, "manage.py", "import_papers", str(path), "--processes", "1"]
    for _ in range(50):
        if subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(1)
    raise RuntimeError("The import never came to its end.")


def vote(site: Site, link: str, until: threading.Event, answered: list[str], result: Result) -> None:
    """For one paper after the other; those whose vote was answered."""
    with signed_in(site.url, link) as (browser, fields):
        for number in range(VOTED_PAPERS):
            if until.wait(0.3):
                return
            paper = arxiv_id(number)
            result.pages += 1
            try:
                answer = browser.post(
                    f"/papers/{paper}/vote", data={**fields, "on": "1"}, headers={"HX-Request": "true"}, timeout=20
                )
            except httpx.HTTPError:
                result.failed_pages += 1
                continue
            if answer.is_success:
                answered.append(paper)
            elif answer.status_code >= 500:
                result.failed_pages += 1


@contextmanager
def readers(site: Site, result: Result) -> Iterator[list[str]]:
    """One who votes and one who reads, for as long as the block runs; the papers whose vote was answered."""
    (link,) = manage(
        site.environment,
        "from papers.services.accounts.login_links import create_login_link\n"
        "print(create_login_link('voter@example.org'))",
    )
    is_over, answered = threading.Event(), list[str]()

    def read() -> None:
        while not is_over.wait(0.3):
            result.pages += 1
            result.failed_pages += not is_well(site.url)

    threads = [
        threading.Thread(target=vote, args=(site, link, is_over, answered, result), daemon=True),
        threading.Thread(target=read, daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def storm(site: Site, *, seconds: float, seed: int) -> Result:
    """The storm, and what is left of everything after it."""
    result = Result()
    weather = Storm(site, random.Random(seed), result)
    expected = weather.parts()
    with tempfile.TemporaryDirectory() as folder:
        import_papers(site, papers_file(Path(folder), 0, VOTED_PAPERS))
        more = papers_file(Path(folder), VOTED_PAPERS, IMPORTED_PAPERS)
        importing = threading.Thread(target=import_papers, args=(site, more))
        with readers(site, result) as answered:
            importing.start()
            weather.blow(seconds)
        ended = time.monotonic()
        importing.join()
    _await_work(site, ended, result)
    result.parts_missing = sorted(set(expected) - set(weather.parts()))
    result.votes = len(answered)
    stored = manage(site.environment, _STORED)
    result.votes_lost = sorted(set(answered) - set(stored[1:]))
    result.papers_missing = VOTED_PAPERS + IMPORTED_PAPERS - int(stored[0])
    return result


_STORED = """
from papers.models import Paper, Vote
print(Paper.objects.filter(is_sample=False).count())
for paper in Vote.objects.filter(user__email="voter@example.org").values_list("paper__public_id", flat=True):
    print(paper)
"""
# What is claimed and due is taken up; a lease of the embedder's may last five minutes, and is not due before.
_OWED = """
from django.utils import timezone
from datetime import timedelta
from papers.models import EmbeddingBacklog, Heartbeat, TopicBacklog
from papers.services.operations.heartbeat import WORKERS
now = timezone.now()
heard = Heartbeat.objects.filter(name=WORKERS, at__gt=now - timedelta(seconds=40)).exists()
print(TopicBacklog.objects.count() + (not heard))
"""


def _await_work(site: Site, ended: float, result: Result) -> None:
    while time.monotonic() < ended + 10 * WORK_SECONDS:
        with suppress(subprocess.CalledProcessError):
            if manage(site.environment, _OWED) == ["0"]:
                break
        time.sleep(1)
    result.work_seconds = round(time.monotonic() - ended, 1)
    result.longest_away = round(result.longest_away, 1)


@contextmanager
def site_by_default(data: str = "") -> Iterator[Site]:
    """One with as many processes as it has by default, however long it takes to start; on a data folder of its own."""
    site_start.START_SECONDS = 600
    settings = {"BROADSHEET_WEB_PROCESSES": "2", "BROADSHEET_WORKERS": "2"}
    with (
        tempfile.TemporaryDirectory(prefix="broadsheet-storm-") as folder,
        running_site(Path(data or folder), settings=settings) as site,
    ):
        yield site


def main() -> None:
    """Print what was measured, as JSON; ends with 1 where it is not as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m bench.site_storm", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default="", help="on this data folder, which is kept; must have no such papers yet")
    parser.add_argument("--json", default="", help="also write the result there")
    options = parser.parse_args()
    with site_by_default(options.folder) as site:
        result = storm(site, seconds=options.seconds, seed=options.seed)
    text = json.dumps(asdict(result), indent=1)
    print(text)
    if options.json:
        Path(options.json).write_text(text, encoding="utf-8")
    sys.exit(0 if result.is_good() else 1)


if __name__ == "__main__":
    main()
