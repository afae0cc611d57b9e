"""A storm over a whole installation: is anything lost, how long do readers wait, is everything back?

    python -m bench.site_storm [--seconds 600] [--seed 1] [--ordeals …] [--json result.json]

`manage.py up` runs with its defaults. A reader votes, a visitor opens pages, papers are imported. Meanwhile each part
in turn is killed (`kill -9`), and so are single processes below them; Postgres is restarted; Valkey is stopped, emptied
and filled; messages that nobody can read or do are put into the queues. Then come the ordeals (bench/storm_ordeals.py):
the clock set ahead and back, sources that are slow and lie, a thousand sign-ins at once, Redis full, poisoned tasks,
the disk full. In the end every vote that was answered and every paper must be stored, once; every part must run, and
what the workers owe must be done within a minute. A table says what readers saw meanwhile.
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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import redis

from bench.hostile import manage
from bench.storm_clock import SetClock
from bench.storm_ordeals import BACK_SECONDS, FEED, FIRST_SOURCE, ORDEALS, WORK_SECONDS, Place
from bench.storm_readers import VOTED_PAPERS, VOTER, Seen, arxiv_id, is_well, readers
from config.local.paths import DataDir
from tests.e2e import running_site as site_start
from tests.e2e.running_site import ROOT, Site, running_site
from tests.support.fake_upstream import fake_upstream, make_catalogue, weekdays

IMPORTED_PAPERS = 600
DISK_MEGABYTES = 300
_QUEUES = ("default", "fetch", "mail")
_POISON = (b"{", b"[]", b"{}", b"\xff\xfe", b'{"body": "x", "headers": 1, "properties": 2}')


@dataclass(slots=True)
class Result:
    """What a storm left behind."""

    acts: dict[str, int] = field(default_factory=dict)
    seen: dict[str, dict[str, float]] = field(default_factory=dict)
    """What readers saw, by what happened."""
    longest_away: float = 0.0
    """Seconds from an act to the next page that was well, at most."""
    votes: int = 0
    votes_lost: list[str] = field(default_factory=list)
    papers_missing: int = 0
    parts_missing: list[str] = field(default_factory=list)
    work_seconds: float = 0.0
    """From the end of the storm until nothing that was claimed is left undone, and the workers were heard of again."""
    wrong: list[str] = field(default_factory=list)
    """What was not as it has to be after an ordeal."""
    skipped: list[str] = field(default_factory=list)
    """What this machine or account does not let be tried."""
    said: list[str] = field(default_factory=list)

    def is_good(self, *, slowness: float = 1.0) -> bool:
        """Whether nothing was lost, and all was back in time; a busy machine may take `slowness` times as long."""
        return (
            not (self.votes_lost or self.papers_missing or self.parts_missing or self.wrong)
            and self.longest_away <= BACK_SECONDS * slowness
            and self.work_seconds <= WORK_SECONDS * slowness
        )


class Storm:
    """Does one thing after another to a running site."""

    def __init__(self, site: Site, dice: random.Random, result: Result, seen: Seen) -> None:
        self.data = DataDir(site.environment["BROADSHEET_DATA_DIR"])
        self._url, self._dice, self._result, self._seen = site.url, dice, result, seen
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
                    self._seen.happens(name)
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


def papers_file(folder: Path, first: int, count: int) -> Path:
    """JSON lines of made-up papers, numbered from `first` on."""
    from bench.catalogue import synthetic_papers

    path = folder / f"papers-{first}.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        for number, row in enumerate(itertools.islice(synthetic_papers(), count), first):
            lines.write(json.dumps(row | {"arxiv_id": arxiv_id(number)}) + "\n")
    return path


def import_papers(site: Site, path: Path) -> None:
    """Have the command store them; again, where the storm ended it."""
    command = [sys.executable, "manage.py", "import_papers", str(path), "--processes", "1"]
    for _ in range(50):
        if subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(1)
    raise RuntimeError("The import never came to its end.")


def storm(place: Place, *, seconds: float, seed: int, ordeals: Iterable[str] = ()) -> Result:
    """The storm, so many seconds of kills and each of the ordeals, and what is left of everything after it."""
    site, seen = place.site, place.seen
    result = Result()
    weather = Storm(site, random.Random(seed), result, seen)
    expected = weather.parts()
    if place.upstream:
        manage(site.environment, FIRST_SOURCE.format(url=place.upstream.url + FEED))
    with tempfile.TemporaryDirectory() as folder:
        import_papers(site, papers_file(Path(folder), 0, VOTED_PAPERS))
        more = papers_file(Path(folder), VOTED_PAPERS, IMPORTED_PAPERS)
        importing = threading.Thread(target=import_papers, args=(site, more))
        with readers(site, seen) as answered:
            seen.happens("nothing yet")
            time.sleep(5)
            importing.start()
            weather.blow(seconds)
            place.await_page("after the kills")
            place.run(list(ordeals))
        ended = time.monotonic()
        importing.join()
    _await_work(site, ended, result)
    result.parts_missing = sorted(set(expected) - set(weather.parts()))
    result.votes = len(answered)
    stored = manage(site.environment, _STORED)
    result.votes_lost = sorted(set(answered) - set(stored[1:]))
    result.papers_missing = VOTED_PAPERS + IMPORTED_PAPERS - int(stored[0])
    result.wrong, result.skipped, result.said, result.seen = place.wrong, place.skipped, place.said, seen.rows()
    return result


_STORED = f"""
from papers.models import Paper, Vote
print(Paper.objects.filter(public_id__gte="{arxiv_id(0)}", public_id__lt="{arxiv_id(10_000)}").count())
for paper in Vote.objects.filter(user__email="{VOTER}").values_list("paper__public_id", flat=True):
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
def place_by_default(data: str = "", *, slowness: float = 1.0) -> Iterator[Place]:
    """A site with as many processes as it has by default, however long it takes to start, with sources that do as they
    are told; on a small disk and with a clock of its own, where this machine and account let it have them. `data`: on
    this folder instead, which is kept."""
    site_start.START_SECONDS = 600
    settings = {"BROADSHEET_WEB_PROCESSES": "2", "BROADSHEET_WORKERS": "2"}
    catalogue = make_catalogue(weekdays(datetime.now(UTC).date(), 5), 10)
    with (
        tempfile.TemporaryDirectory(prefix="broadsheet-storm-") as folder,
        small_disk(Path(folder) / "disk") as disk,
        fake_upstream(catalogue, today=datetime.now(UTC).date()) as upstream,
    ):
        Path(folder).chmod(0o755)  # the embedded servers may have an account of their own
        clock = None
        with suppress(OSError):
            clock = SetClock(_new_folder(Path(folder) / "clock"))
        where = Path(data) if data else (disk or Path(folder)) / "data"
        if clock:
            settings |= clock.environment
        with running_site(where, upstream, settings, prefix=clock.prefix if clock else ()) as site:
            yield Place(site, Seen(), upstream, clock, None if data else disk, slowness)


def _new_folder(path: Path) -> Path:
    path.mkdir()
    return path


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of its own, of 300 MB, in this folder; None where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=755", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def main() -> None:
    """Print what readers saw and what was measured; ends with 1 where it is not as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m bench.site_storm", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=600, help="of kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ordeals", nargs="*", default=list(ORDEALS), choices=list(ORDEALS), help="after the kills")
    parser.add_argument("--slowness", type=float, default=1.0, help="a busy machine may take so many times as long")
    parser.add_argument("--folder", default="", help="on this data folder, which is kept; must have no such papers yet")
    parser.add_argument("--json", default="", help="also write the result there")
    options = parser.parse_args()
    with place_by_default(options.folder, slowness=options.slowness) as place:
        try:
            result = storm(place, seconds=options.seconds, seed=options.seed, ordeals=options.ordeals)
        finally:  # also of one that is stopped
            print(place.seen.table(), flush=True)
    rest = {name: value for name, value in asdict(result).items() if name != "seen"}
    print("", json.dumps(rest, indent=1), sep="\n")
    if options.json:
        Path(options.json).write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
    sys.exit(0 if result.is_good(slowness=options.slowness) else 1)


if __name__ == "__main__":
    main()
