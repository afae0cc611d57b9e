"""What comes of a few days on which upstream lies: a table of lies, each run through the real fetch code by a clock;
`make storm` has them all fetched by running workers, which beat's own task tells what is due.

Each row: papers announced, stored, on their day's edition, named as missing or of unknown count, not named, twice, on a
wrong day. The last three must be 0. `pytest -s` prints the table.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from papers.enqueue import TaskName
from papers.models import Edition, HostSlot, Listing, Source
from papers.services.fetching.fetch_runner import fetch_source
from papers.services.fetching.unread_days import fill_unread_days
from papers.sources.arxiv_schedule import EASTERN
from tests.support.clock_worker import WorkerDriver, running_workers
from tests.support.fake_upstream import Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import ask_upstream, create_source, disable_rate_limits, stored_ids

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

FRIDAY = date(2026, 11, 20)
WEDNESDAY, THURSDAY = FRIDAY - timedelta(days=2), FRIDAY - timedelta(days=1)
CATEGORIES = ["cs.CL", "stat.ML"]


def utc(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


BEGIN, END = utc(WEDNESDAY, 20), utc(FRIDAY, 12)
LIE_BEGINS, LIE_ENDS = utc(THURSDAY, 4), utc(FRIDAY, 4, 30)
BROKEN = "<title>&"
MAX_VISITS = 120


@dataclass(frozen=True)
class Lie:
    """What upstream does wrong: answers at paths, between two moments; or the time in which the machine is off."""

    answers: tuple[tuple[str, Behaviour], ...] = ()
    begins: datetime = LIE_BEGINS
    ends: datetime = LIE_ENDS
    off: tuple[datetime, datetime] | None = None
    first: datetime = BEGIN
    page_size: int = 50
    is_once: bool = False
    """Only at the first visit in its time."""


def rss(**fields: Any) -> tuple[str, Behaviour]:
    return "/atom", Behaviour(**{"times": 999, **fields})


def oai(**fields: Any) -> tuple[str, Behaviour]:
    return "/oai", Behaviour(**{"times": 999, **fields})


def hugging_face(**fields: Any) -> tuple[str, Behaviour]:
    return "/api/daily_papers", Behaviour(**{"times": 999, **fields})


TOKEN = {"resumptionToken": "*"}
LISTS = {"verb": "ListRecords"}
ENDLESS = "</ListRecords>", "<resumptionToken>verb=ListRecords&amp;skip=0&amp;n={}</resumptionToken></ListRecords>"
LIES = {
    "none": Lie(),
    "feeds 503 all day": Lie((rss(status=503),)),
    "feeds 403 once, closed for 12 hours": Lie((rss(status=403),), begins=utc(THURSDAY, 5), is_once=True),
    "feeds and records 403": Lie((rss(status=403), oai(status=403)), ends=utc(THURSDAY, 12)),
    "feeds 429, Retry-After: 0": Lie((rss(status=429, headers={"Retry-After": "0"}),), ends=utc(THURSDAY, 7)),
    "feeds 429 without a word": Lie((rss(status=429),)),
    "feeds 406": Lie((rss(status=406),), ends=utc(THURSDAY, 12)),
    "one archive's feed 500 all day": Lie((("/atom/stat.ML", Behaviour(status=500, times=999)),)),
    "one archive's feed is no XML": Lie((("/atom/cs.CL", Behaviour(status=200, body="<html>busy", times=999)),)),
    "yesterday's batch till noon": Lie((rss(is_stale=True),), ends=utc(THURSDAY, 17)),
    "yesterday's batch all day": Lie((rss(is_stale=True),)),
    "empty feeds all day": Lie((rss(is_empty=True),)),
    "one archive's feed empty": Lie((("/atom/stat.ML", Behaviour(is_empty=True, times=999)),)),
    "an ill-formed item": Lie((rss(replaced=("<title>", BROKEN)),), begins=utc(THURSDAY, 5)),
    "cut answers till noon": Lie((rss(cut=0.5),), ends=utc(THURSDAY, 17)),
    "cut answers all day": Lie((rss(cut=0.6),)),
    "feeds dated 2099": Lie((rss(replaced=(f"<published>{THURSDAY}", "<published>2099-01-01")),)),
    "feeds dated 1970": Lie((rss(replaced=(f"<published>{THURSDAY}", "<published>1970-01-01")),)),
    "items twice": Lie((rss(repeat=5),)),
    "feeds in another charset": Lie((rss(charset="latin-1"),)),
    "unpacked without end": Lie((rss(bomb_bytes=60_000_000),), ends=utc(THURSDAY, 9)),
    "the records of a set fail": Lie((oai(error="badArgument", query={"set": "cs:cs:CL"}),)),
    "a broken record in each page": Lie((oai(replaced=("<title>", BROKEN), query=LISTS),)),
    "records: noRecordsMatch to tokens": Lie((oai(error="noRecordsMatch", query=TOKEN),), page_size=6),
    "records: tokens expire at once": Lie((oai(error="badResumptionToken", query=TOKEN),), page_size=6),
    "records: the token never ends": Lie((oai(replaced=ENDLESS, query=LISTS),)),
    "records shift while they are listed": Lie((oai(repeat=3),), page_size=6),
    "another site's day 500": Lie((hugging_face(status=500, query={"date": str(THURSDAY)}),)),
    "another site's day is no JSON": Lie((hugging_face(status=200, body="[{", query={"date": str(THURSDAY)}),)),
    "the machine off from Wednesday to Friday": Lie(off=(utc(WEDNESDAY, 21), utc(FRIDAY, 10))),
    "off, and feeds 503 afterwards": Lie(
        (rss(status=503),), begins=utc(FRIDAY, 10), ends=utc(FRIDAY, 12), off=(utc(WEDNESDAY, 21), utc(FRIDAY, 10))
    ),
    "begun on a Saturday": Lie(first=utc(FRIDAY + timedelta(days=1), 12)),
}


@dataclass
class Row:
    """What came of one lie."""

    announced: int = 0
    stored: int = 0
    listed: int = 0
    named: int = 0
    unnamed: list[str] = field(default_factory=list)
    twice: int = 0
    wrong_day: int = 0

    def __str__(self) -> str:
        numbers = (self.announced, self.stored, self.listed, self.named, len(self.unnamed), self.twice, self.wrong_day)
        return "  ".join(f"{number:>9}" for number in numbers)


@pytest.fixture
def upstream(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeUpstream]:
    disable_rate_limits(monkeypatch)
    with make_upstream() as running:
        ask_upstream(settings, running)
        yield running


def make_upstream() -> AbstractContextManager[FakeUpstream]:
    return fake_upstream(make_catalogue(weekdays(FRIDAY, 5), 9), today=WEDNESDAY)


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[tuple[FakeUpstream, WorkerDriver]]:
    """Workers that stay for all lies, and the upstream that they know."""
    with make_upstream() as running:
        addresses = {
            "BROADSHEET_FETCH_ALLOW": running.host,
            "BROADSHEET_ARXIV_OAI_URL": f"{running.url}/oai",
            "BROADSHEET_ARXIV_API_URL": f"{running.url}/api/query",
        }
        with running_workers(addresses) as driver:
            yield running, driver


Visit = Callable[[Source, datetime], None]


def visit_here(source: Source, now: datetime) -> None:
    """In this process, without workers."""
    fetch_source(source.pk, now=now)
    fill_unread_days(now)


def run_clock(upstream: FakeUpstream, lie: Lie, visit: Visit = visit_here) -> None:
    """Fetch whatever is due, as the scheduler would, from the first moment to the last."""
    upstream.set(page_size=lie.page_size)
    sources = [create_source(kind, upstream, next_fetch_at=lie.first) for kind in ("arxiv_rss", "arxiv_oai")]
    Source.objects.update(categories=CATEGORIES, created_at=lie.first)
    if any(path == "/api/daily_papers" for path, _ in lie.answers):
        sources.append(create_source("huggingface", upstream, next_fetch_at=lie.first, interval_seconds=43_200))
    now, end = lie.first, max(END, lie.first + timedelta(hours=1))
    is_told = False
    for _ in range(MAX_VISITS):
        due = Source.objects.filter(is_enabled=True).order_by("next_fetch_at", "pk").first()
        if due is None or due.next_fetch_at is None or due.next_fetch_at > end:
            fill_unread_days(end)
            return
        moment = max(now, due.next_fetch_at)
        if lie.off and lie.off[0] <= moment < lie.off[1]:
            moment = lie.off[1]
        HostSlot.objects.update(not_before=F("not_before") - (moment - now))
        now = moment
        if lie.begins <= now < lie.ends and lie.is_once:
            if is_told:
                lie = replace(lie, answers=())
            is_told = True
        _set_upstream(upstream, lie, due.kind, now)
        before = due.next_fetch_at
        visit(due, now)
        due.refresh_from_db()
        assert due.next_fetch_at is None or due.next_fetch_at > before, "it would be asked for ever"


def _set_upstream(upstream: FakeUpstream, lie: Lie, kind: str, now: datetime) -> None:
    """Feeds turn at midnight in New York; records appear in the evening before, at half past three in UTC."""
    today = now.astimezone(EASTERN).date() if kind == "arxiv_rss" else (now - timedelta(hours=3, minutes=30)).date()
    upstream.set(today=today)
    upstream.clear_script()
    if lie.begins <= now < lie.ends:
        for path, behaviour in lie.answers:
            if behaviour.replaced and "{}" in behaviour.replaced[1]:
                old, new = behaviour.replaced
                many = [replace(behaviour, times=1, replaced=(old, new.format(number))) for number in range(60)]
                upstream.script(path, *many)
            else:
                upstream.script(path, behaviour)


def result(upstream: FakeUpstream, first: date) -> Row:
    row, stored = Row(), stored_ids()
    listings = list(Listing.objects.values_list("paper__public_id", "day"))
    row.twice = sum(count - 1 for count in Counter(paper for paper, _ in listings).values())
    announced_on = {paper.arxiv_id: paper.announced_on for paper in upstream.catalogue.papers.values()}
    row.wrong_day = sum(announced_on[paper] != day for paper, day in listings)
    for day in upstream.catalogue.days:
        if not first <= day <= FRIDAY:
            continue
        ids = upstream.catalogue.new_ids(day, CATEGORIES)
        edition = Edition.objects.filter(day=day).first()
        on_edition = {paper for paper, on in listings if on == day}
        row.announced += len(ids)
        row.stored += len(ids & stored)
        row.listed += len(ids & on_edition)
        for missing in sorted(ids - on_edition):
            is_named = edition is not None and (missing in edition.missing or edition.announced_count is None)
            row.named += is_named
            row.unnamed += [] if is_named else [missing]
    return row


# One of each kind; all of them by the workers: make storm.
USUAL = (
    "none", "feeds 503 all day", "one archive's feed 500 all day", "yesterday's batch all day", "an ill-formed item",
    "records: the token never ends", "the machine off from Wednesday to Friday", "begun on a Saturday",
)  # fmt: skip


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, Row]]:
    rows: dict[str, Row] = {}
    yield rows
    head = ("announced", "stored", "on day", "named", "not named", "twice", "wrong day")
    lines = [" " * 44 + "  ".join(f"{word:>9}" for word in head), *(f"{name:<44}{row}" for name, row in rows.items())]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", USUAL)
def test_upstream_lies(upstream: FakeUpstream, table: dict[str, Row], name: str) -> None:
    run_clock(upstream, LIES[name])
    check(upstream, table, name)


@pytest.mark.long
@pytest.mark.xdist_group("workers")
@pytest.mark.parametrize("name", LIES)
def test_upstream_lies_to_the_workers(
    workers: tuple[FakeUpstream, WorkerDriver], table: dict[str, Row], name: str
) -> None:
    upstream, driver = workers
    upstream.clear_script()
    driver.forget()

    def visit(source: Source, now: datetime) -> None:
        """As beat has it done: the scheduler finds what is due, a worker fetches it."""
        driver.set_time(now)
        driver.run(TaskName.ENQUEUE_DUE_WORK)
        driver.run(TaskName.FILL_UNREAD_DAYS)

    run_clock(upstream, LIES[name], visit)
    check(upstream, table, name)


def check(upstream: FakeUpstream, table: dict[str, Row], name: str) -> None:
    row = table[name] = result(upstream, min(LIES[name].first.date(), FRIDAY))
    assert row.announced
    assert (row.twice, row.wrong_day, row.unnamed) == (0, 0, [])
    assert row.listed == row.announced
