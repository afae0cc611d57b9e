"""What a site in a storm is put through beside kills, one after the other, each with what has to be so afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import redis

from bench.hostile import manage
from bench.storm_clock import SetClock
from bench.storm_crowd import crowd
from bench.storm_readers import Seen, is_well
from config.local.paths import DataDir
from tests.e2e.running_site import Site
from tests.support.fake_upstream import Behaviour, FakeUpstream

BACK_SECONDS, WORK_SECONDS = 10.0, 60.0
HOLD_SECONDS = 15.0
"""How long a state lasts before it is mended."""
FEED = "/feeds/blog.rss"
ANOTHERS_ID = "0704.00001"
_ALWAYS = 9_999
DEADLINE_SECONDS = 180.0
"""How long one answer of a source may take; it is asked for twice, and nothing else of that host meanwhile."""
HOUR, DAY = 3_600, 86_400


@dataclass(slots=True)
class Place:
    """Where a storm is: the site, what it asks, its clock and disk as far as this machine lets them be had."""

    site: Site
    seen: Seen
    upstream: FakeUpstream | None = None
    clock: SetClock | None = None
    disk: Path | None = None
    """A folder on the small disk of the data folder, and of nothing else."""
    slowness: float = 1.0
    wrong: list[str] = field(default_factory=list)
    """What was not as it has to be; sentences."""
    skipped: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def run(self, names: list[str]) -> None:
        """Each of these, in their order."""
        for name in names:
            ORDEALS[name](self)

    def valkey(self) -> redis.Redis:
        data = DataDir(self.site.environment["BROADSHEET_DATA_DIR"])
        return redis.Redis.from_url(data.redis_url, socket_timeout=10)

    def wait(self, seconds: float, what: str, is_so: Callable[[], object]) -> None:
        """Until something is so; noted as wrong where that takes longer."""
        began = time.monotonic()
        while time.monotonic() < began + 3 * seconds * self.slowness:
            with suppress(subprocess.CalledProcessError, redis.RedisError):
                if is_so():
                    break
            time.sleep(0.5)
        took = time.monotonic() - began
        self.say(f"{what}: {took:.0f} s")
        if took > seconds * self.slowness:
            self.wrong.append(f"{what} took {took:.0f} s")

    def say(self, line: str) -> None:
        """What was seen, for the result, and at once for whoever waits."""
        self.said.append(line)
        print(line, file=sys.stderr, flush=True)

    def await_page(self, what: str) -> None:
        self.wait(BACK_SECONDS, f"a good page {what}", lambda: is_well(self.site.url))

    def await_work(self, what: str) -> None:
        """Workers are heard of again, by their own clock; a source that is due is fetched; it is due again in time."""
        heard = lambda: manage(self.site.environment, _HEARD) == ["True"]  # noqa: E731
        self.wait(WORK_SECONDS, f"the workers' work {what}", heard)
        if upstream := self.upstream:
            before = len(upstream.log(FEED))
            manage(self.site.environment, _FEED_DUE)
            self.wait(WORK_SECONDS, f"a fetch {what}", lambda: len(upstream.log(FEED)) > before)
            planned = lambda: manage(self.site.environment, _PLANNED) == ["True"]  # noqa: E731
            self.wait(WORK_SECONDS, f"a plan {what}", planned)


_HEARD = """
from django.utils import timezone
from papers.models import Heartbeat
from papers.services.operations.heartbeat import WORKERS
since = (timezone.now() - Heartbeat.objects.get(name=WORKERS).at).total_seconds()
print(-5 < since < 40)
"""
_FEED_DUE = """
from django.utils import timezone
from papers.models import Source
Source.objects.filter(name="each hour").update(next_fetch_at=timezone.now())
"""
_PLANNED = """
from django.utils import timezone
from papers.models import HostSlot, Source
wait = (Source.objects.get(name="each hour").next_fetch_at - timezone.now()).total_seconds()
slots = [(at - timezone.now()).total_seconds() for at in HostSlot.objects.values_list("not_before", flat=True)]
print(0 < wait < 4_000 and max([0, *slots]) < 60)
"""
FIRST_SOURCE = """
from django.utils import timezone
from papers.models import Source
Source.objects.create(kind="feed", name="each hour", base_url="{url}", interval_seconds=3_600,
                      next_fetch_at=timezone.now())
"""


def clock(place: Place) -> None:
    """An hour and a day ahead, and back each time."""
    if place.clock is None:
        place.skipped.append("clock")
        return
    for name, seconds in (("an hour", HOUR), ("a day", DAY)):
        for what, shift in ((f"clock {name} ahead", seconds), (f"clock back from {name} ahead", 0)):
            place.seen.happens(what)
            place.clock.set(shift)
            place.await_page(f"with the {what}")
            place.await_work(f"with the {what}")


def lying(place: Place) -> None:
    """Sources that are slow and lie; afterwards the truth of the day is stored, whole, and nothing else."""
    if place.upstream is None:
        place.skipped.append("upstream")
        return
    today, log = datetime.now(UTC).date(), place.upstream.log
    is_asked = lambda: log()  # noqa: E731
    ids = sorted(place.upstream.catalogue.new_ids(today))
    for what, lie in lies(ids).items():
        place.seen.happens(f"upstream {what}")
        place.upstream.clear_script()
        place.upstream.clear_log()
        for path in ("/atom", "/oai", "/api", "/feeds", "/doi"):
            place.upstream.script(path, lie)
        manage(place.site.environment, _DUE)
        place.wait(WORK_SECONDS, f"being asked while upstream {what}", is_asked)
        time.sleep(HOLD_SECONDS / 3)
        if not is_well(place.site.url, timeout=BACK_SECONDS * place.slowness):
            place.wrong.append(f"no page while upstream {what}")
    place.seen.happens("upstream says the truth again")
    place.upstream.clear_script()
    stored = _DUE + _STORED.format(day=today.isoformat())
    is_whole = lambda: set(manage(place.site.environment, stored)) >= set(ids)  # noqa: E731
    place.wait(2 * DEADLINE_SECONDS + WORK_SECONDS, "the whole day stored after lies", is_whole)
    titles = {paper.arxiv_id: paper.versions[-1].title for paper in place.upstream.catalogue.papers.values()}
    place.wrong += stored_wrongly(place.site, titles)


def lies(ids: list[str]) -> dict[str, Behaviour]:
    """What upstream does, in words, and how."""
    return {
        "says a length too long": Behaviour(headers={"Content-Length": "9999999"}, times=_ALWAYS),
        "says a length too short": Behaviour(headers={"Content-Length": "300"}, times=_ALWAYS),
        "has an error page with status 200": Behaviour(
            status=200, body="<html><title>Sorry</title><p>Try again later.", times=_ALWAYS
        ),
        "cuts a gzip stream": Behaviour(is_gzipped=True, cut=0.6, times=_ALWAYS),
        "names another paper": Behaviour(replaced=(ids[0], ANOTHERS_ID), times=_ALWAYS),
        "has yesterday's answers": Behaviour(is_stale=True, times=_ALWAYS),
        "drips": Behaviour(drip_seconds=0.5, times=_ALWAYS),  # the last: who asks is held until the deadline
    }


def stored_wrongly(site: Site, titles: dict[str, str]) -> list[str]:
    """Papers of the catalogue that are stored under another title than theirs, or twice."""
    rows = manage(site.environment, _TITLES.format(ids=sorted(titles)))
    stored = [row.partition("=") for row in rows]
    expected = {number: title.replace(" ", "_") for number, title in titles.items()}
    wrong = [f"{number} is stored as {title}" for number, _, title in stored if not _same(expected[number], title)]
    numbers = [number for number, _, _ in stored]
    return wrong + [f"{number} is stored twice" for number in set(numbers) if numbers.count(number) > 1]


def _same(expected: str, stored: str) -> bool:
    """A first version's title may be that of a later one, which adds words."""
    return expected.startswith(stored) or stored.startswith(expected)


_DUE = """
from django.utils import timezone
from papers.models import HostSlot, Source
HostSlot.objects.update(not_before=timezone.now())  # closed for half a day after what was told to us here
Source.objects.filter(is_enabled=True).exclude(next_fetch_at__lte=timezone.now()).update(next_fetch_at=timezone.now())
"""
_STORED = """
from papers.models import Announcement, Paper
for number in sorted(Paper.objects.filter(announced_on="{day}").values_list("public_id", flat=True)):
    print(number)
"""
_TITLES = """
from papers.models import Paper
for number, title in Paper.objects.filter(public_id__in={ids}).values_list("public_id", "title"):
    print(number + "=" + title.replace(" ", "_"))
"""


def sign_ins(place: Place) -> None:
    """A thousand at once."""
    name = "1,000 sign-ins at once"
    place.seen.happens(name)
    result = crowd(place.site)
    place.seen.happens("after the sign-ins")
    if (away := place.seen.sights[name].away) > BACK_SECONDS * place.slowness:
        place.wrong.append(f"no page for {away:.0f} s during the sign-ins")
    place.say(f"sign-ins: {result}")
    place.wrong += result.wrong()
    place.await_page("after 1,000 sign-ins")


def full_redis(place: Place) -> None:
    """With what may not be thrown away, so that it refuses to be written to."""
    place.seen.happens("Redis full")
    valkey = place.valkey()
    with suppress(redis.ResponseError):  # OOM
        for number in range(2_000):
            valkey.set(f"storm-stays:{number}", b"x" * 500_000)
    with suppress(redis.ResponseError):
        for number in range(100_000):
            valkey.set(f"storm-crumb:{number}", b"x" * 900)
    place.await_page("with Redis full")
    time.sleep(HOLD_SECONDS)
    place.seen.happens("Redis has room again")
    for pattern in ("storm-stays:*", "storm-crumb:*"):
        for key in valkey.scan_iter(pattern, count=1_000):
            valkey.delete(key)
    place.await_page("after Redis was full")
    place.await_work("after Redis was full")


def poisoned_tasks(place: Place) -> None:
    """Each task with arguments that it has never had; one whose time comes in a year."""
    place.seen.happens("poisoned tasks")
    manage(place.site.environment, _POISON)
    place.await_page("with poisoned tasks")
    place.await_work("with poisoned tasks")


_POISON = """
from celery import current_app
from papers.enqueue import TaskName
for name in TaskName:
    for args in ([None], [-1], [10**30], ["NaN"], [[]], [{"a": 1}], [1, 2, 3], ["x" * 100_000]):
        current_app.send_task(name, args)
    current_app.send_task(name, [1], countdown=365 * 86_400)
    current_app.send_task(name, kwargs={"pk": 1, "now": "never"})
"""


def full_disk(place: Place) -> None:
    """Of the data folder, until room is made."""
    if place.disk is None:
        place.skipped.append("disk")
        return
    place.seen.happens("disk full")
    ballast = place.disk / "ballast"
    fill(ballast)
    time.sleep(HOLD_SECONDS)
    fill(ballast)  # what was given back meanwhile
    time.sleep(HOLD_SECONDS / 3)
    ballast.unlink()
    place.seen.happens("the disk has room again")
    place.await_page("after the disk was full")
    place.await_work("after the disk was full")


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65_536) == 65_536:
            pass


ORDEALS: dict[str, Callable[[Place], None]] = {
    "clock": clock,
    "upstream": lying,
    "sign-ins": sign_ins,
    "redis": full_redis,
    "tasks": poisoned_tasks,
    "disk": full_disk,
}
"""By the names under which they are asked for."""
