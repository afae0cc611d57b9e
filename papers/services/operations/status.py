"""What is known of the site's health: is each day complete, do the sources answer, are the workers alive.

Everything here is bounded: weeks of days, the last visit of each source, numbers that Postgres keeps anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from celery import current_app
from django.db import connection
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from kombu.exceptions import OperationalError

from papers import hooks
from papers.models import Edition, FetchRun, Source
from papers.services.embeddings.embedding_status import EmbeddingStatus, read_embedding_status
from papers.services.fetching.completeness import ANNOUNCEMENTS_KEPT
from papers.services.operations.heartbeat import is_alive, last_heartbeat

STATUS_DAYS = 14
# A fetch is late, not just waiting for its slot, when it is due for longer than this.
LATE_AFTER = timedelta(minutes=15)


class SourceState(StrEnum):
    OFF = "off"
    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    STALE = "stale"
    FAILING = "failing"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source as it stands."""

    source: Source
    run: FetchRun | None
    """The last visit, which may still be going on."""
    state: SourceState

    is_pending: bool
    """A visit is going on, or due at this moment."""

    trouble: SourceState | None = None
    """STALE, FAILING or LATE, also while it is asked anew; None where nothing is wrong with it."""

    trouble_since: datetime | None = None
    """The first fetch that failed or brought an old batch since the last good one; of a late one, when it was due."""

    is_unasked: bool = False
    """It is on, and no fetch has ended yet that says whether it answers."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """Whether beat, the broker and a worker are alive, all three at once."""

    alive: bool
    last_seen_at: datetime | None


class Verdict(StrEnum):
    """The site in a word; of several that hold, the first."""

    STOPPED = "stopped"
    """No worker runs any more, so nothing is fetched. Of those that just start nobody has heard yet."""
    NO_SOURCE = "no-source"
    STARTING = "starting"
    """No source has ever been asked to the end: not set up yet, or the first fetch is under way."""
    GAPS = "gaps"
    """Announced papers are missing."""
    ALL_FAILING = "all-failing"
    """No source that was ever asked answers."""
    SOME_FAILING = "some-failing"
    """A source fails, brings an old batch or is overdue."""
    MAIL = "mail"
    """Another part of the site reports a problem."""
    UNASKED = "unasked"
    """A source waits for its first fetch; the others answer."""
    FINE = "fine"
    """Nothing known to be wrong. It does not say that a day that was not compared is complete."""


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """What /status shows to everybody."""

    days: list[Edition]
    sources: list[SourceStatus]
    workers: WorkerStatus
    embeddings: EmbeddingStatus
    problems: list[str]
    """What other parts report, a sentence each."""

    @property
    def days_with_gaps(self) -> list[Edition]:
        return [day for day in self.days if day.missing]

    @property
    def troubled(self) -> list[SourceStatus]:
        """The sources that have trouble."""
        return [source for source in self.sources if source.trouble]

    @property
    def unasked(self) -> list[SourceStatus]:
        """The sources whose first fetch is still to come, or going on."""
        return [source for source in self.sources if source.is_unasked]

    @property
    def first_fetch_at(self) -> datetime | None:
        """When the first of the sources that were never asked is asked; None where none is planned."""
        return min((one.source.next_fetch_at for one in self.unasked if one.source.next_fetch_at), default=None)

    @property
    def next_check_at(self) -> datetime | None:
        """When the first of the sources with trouble is asked again; None where none is planned."""
        return min((one.source.next_fetch_at for one in self.troubled if one.source.next_fetch_at), default=None)

    @property
    def is_fetching(self) -> bool:
        """A source is being asked at this moment."""
        return any(source.state is SourceState.RUNNING for source in self.sources)

    @property
    def is_healthy(self) -> bool:
        """Nothing known to be wrong, and nothing unknown of whether sources answer."""
        return self.verdict is Verdict.FINE

    @property
    def verdict(self) -> Verdict:
        """How the site stands, as far as anybody knows."""
        asked = [source for source in self.sources if source.source.is_enabled and not source.is_unasked]
        found = (
            (Verdict.STOPPED, not self.workers.alive and (asked or self.workers.last_seen_at)),
            (Verdict.NO_SOURCE, not asked and not self.unasked),
            (Verdict.STARTING, not asked),
            (Verdict.GAPS, self.days_with_gaps),
            (Verdict.ALL_FAILING, all(source.trouble is SourceState.FAILING for source in asked)),
            (Verdict.SOME_FAILING, self.troubled),
            (Verdict.MAIL, self.problems),
            (Verdict.UNASKED, self.unasked),
        )
        return next((verdict for verdict, holds in found if holds), Verdict.FINE)


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """What /status shows to staff alone."""

    papers_about: int
    """As Postgres estimates it: counting a million rows would take longer than the page."""
    database_bytes: int
    queued: int | None
    """Tasks waiting in the broker; None when it doesn't answer."""


@dataclass(frozen=True, slots=True)
class FirstFetchStatus:
    """What happens after the first-run page was saved."""

    sources: list[SourceStatus]
    workers: WorkerStatus
    edition: Edition | None
    """The newest real one, when it is there."""

    @property
    def is_over(self) -> bool:
        """Each source was asked, and none has a fetch before it or in progress: there is nothing to watch any more."""
        return not any(source.is_pending or source.run is None for source in self.sources)

    @property
    def is_failing(self) -> bool:
        """Each source was asked, and none has answered."""
        return bool(self.sources) and all(source.trouble is SourceState.FAILING for source in self.sources)

    @property
    def begins_at(self) -> datetime | None:
        """When the first source is asked; None where none is planned."""
        return min((one.source.next_fetch_at for one in self.sources if one.source.next_fetch_at), default=None)

    @property
    def is_begun(self) -> bool:
        """A source was asked, is being asked, or is due."""
        return any(source.is_pending or source.run for source in self.sources)


def first_fetch_status(*, now: datetime) -> FirstFetchStatus:
    """How far the sources that are on have come. Four queries."""
    return FirstFetchStatus(
        sources=[source for source in source_states(now=now) if source.source.is_enabled],
        workers=worker_status(now=now),
        edition=Edition.objects.newest(now.date()).filter(is_sample=False).first(),
    )


def site_status(*, today: date, now: datetime) -> SiteStatus:
    """What /status shows now. Eight queries, whatever the number of papers."""
    return SiteStatus(
        days=recent_days(today=today),
        sources=source_states(now=now),
        workers=worker_status(now=now),
        embeddings=read_embedding_status(now=now),
        problems=hooks.problems.all(now),
    )


def recent_days(*, today: date) -> list[Edition]:
    """The real editions of the last two weeks, and older ones that still miss papers; newest first. One query."""
    recent = Q(day__gt=today - timedelta(days=STATUS_DAYS))
    gaps = Q(day__gt=today - ANNOUNCEMENTS_KEPT) & ~Q(missing=[])
    return list(Edition.objects.filter(recent | gaps, is_sample=False).order_by("-day"))


def source_states(*, now: datetime) -> list[SourceStatus]:
    """Every source with its last visit. Two queries."""
    fetches = FetchRun.objects.filter(source=OuterRef("pk"))
    newest_first = fetches.order_by("-started_at")
    ended = newest_first.exclude(state__in=(FetchRun.State.RUNNING, FetchRun.State.ABANDONED))
    good = newest_first.filter(state__in=(FetchRun.State.DONE, FetchRun.State.PARTIAL))
    bad = fetches.filter(state__in=(FetchRun.State.FAILED, FetchRun.State.STALE)).order_by("started_at")
    sources = Source.objects.annotate(
        last_outcome=Subquery(ended.values("state")[:1]),
        good_at=Coalesce(Subquery(good.values("started_at")[:1]), Value(datetime.min.replace(tzinfo=UTC))),
    ).annotate(
        bad_since=Subquery(bad.filter(started_at__gt=OuterRef("good_at")).values("started_at")[:1]),
    )
    runs = FetchRun.objects.filter(
        pk__in=Source.objects.annotate(last_run=Subquery(newest_first.values("pk")[:1])).values("last_run")
    )
    run_of = {run.source_id: run for run in runs}
    return [_judge(source, run_of.get(source.pk), now=now) for source in sources.order_by("pk")]


def _judge(source: Any, run: FetchRun | None, *, now: datetime) -> SourceStatus:
    """How one stands. `source` comes with what `source_states` adds to it."""
    is_running = run is not None and run.state == FetchRun.State.RUNNING
    trouble = _trouble(source, is_running=is_running, now=now)
    state = SourceState.OK if _was_asked(source) else SourceState.WAITING
    if is_running:
        state = SourceState.RUNNING
    elif not source.is_enabled:
        state = SourceState.OFF
    elif trouble:
        state = trouble
    is_due = source.is_enabled and source.next_fetch_at is not None and source.next_fetch_at <= now
    since: datetime | None = source.next_fetch_at if trouble is SourceState.LATE else source.bad_since
    return SourceStatus(
        source=source,
        run=run,
        state=state,
        is_pending=is_due or is_running,
        trouble=trouble,
        trouble_since=since if trouble else None,
        is_unasked=source.is_enabled and trouble is None and not _was_asked(source),
    )


def _trouble(source: Any, *, is_running: bool, now: datetime) -> SourceState | None:
    """What is wrong with a source, also while it is being asked anew."""
    if not source.is_enabled:
        return None
    if not is_running and source.next_fetch_at is not None and now - source.next_fetch_at > LATE_AFTER:
        return SourceState.LATE
    if source.error_count:
        return SourceState.FAILING
    return SourceState.STALE if source.last_outcome == FetchRun.State.STALE else None


def _was_asked(source: Any) -> bool:
    """Whether a fetch showed that it answers. A failure that no longer counts was that of another address."""
    return source.last_outcome not in {None, FetchRun.State.FAILED}


def worker_status(*, now: datetime) -> WorkerStatus:
    """Whether what runs in the background runs. One query."""
    seen = last_heartbeat()
    return WorkerStatus(alive=is_alive(seen, now=now), last_seen_at=seen)


def server_statistics() -> ServerStatistics:
    """Figures for the staff. Two queries of the catalogue, and one question to the broker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'papers_paper'::regclass")
        papers_about = int(cursor.fetchone()[0])
        cursor.execute("SELECT pg_database_size(current_database())")
        database_bytes = int(cursor.fetchone()[0])
    return ServerStatistics(papers_about=papers_about, database_bytes=database_bytes, queued=_queued())


def _queued() -> int | None:
    try:
        with current_app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0)
            channel: Any = broker.default_channel
            return sum(
                int(channel.queue_declare(queue=queue.name).message_count) for queue in current_app.amqp.queues.values()
            )
    except OperationalError:
        return None
