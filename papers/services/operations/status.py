"""What is known of the site's health: is each day complete, do the sources answer, are the workers alive.

Everything here is bounded: weeks of days, the last visit of each source, numbers that Postgres keeps anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from celery import current_app
from django.db import connection
from django.db.models import OuterRef, Q, Subquery
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


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """Whether beat, the broker and a worker are alive, all three at once."""

    alive: bool
    last_seen_at: datetime | None


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
    def is_healthy(self) -> bool:
        """Nothing known to be wrong. It does not say that a day of unknown count is complete."""
        troubled = (SourceState.STALE, SourceState.FAILING, SourceState.LATE)
        return (
            self.workers.alive
            and not self.days_with_gaps
            and not self.problems
            and not any(source.state in troubled for source in self.sources)
        )


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
        """No source has a visit before it or in progress: there is nothing to watch any more."""
        return not any(source.is_pending for source in self.sources)


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
    last_run = FetchRun.objects.filter(source=OuterRef("pk")).order_by("-started_at").values("pk")[:1]
    runs = FetchRun.objects.filter(pk__in=Source.objects.annotate(last_run=Subquery(last_run)).values("last_run"))
    run_of = {run.source_id: run for run in runs}
    return [_judge(source, run_of.get(source.pk), now=now) for source in Source.objects.order_by("pk")]


def _judge(source: Source, run: FetchRun | None, *, now: datetime) -> SourceStatus:
    state = _state(source, run, now=now)
    is_due = source.is_enabled and source.next_fetch_at is not None and source.next_fetch_at <= now
    return SourceStatus(source=source, run=run, state=state, is_pending=is_due or state is SourceState.RUNNING)


def _state(source: Source, run: FetchRun | None, *, now: datetime) -> SourceState:
    if run is not None and run.state == FetchRun.State.RUNNING:
        return SourceState.RUNNING
    if not source.is_enabled:
        return SourceState.OFF
    if source.next_fetch_at is not None and now - source.next_fetch_at > LATE_AFTER:
        return SourceState.LATE
    if source.error_count:
        return SourceState.FAILING
    if run is None:
        return SourceState.WAITING
    return SourceState.STALE if run.state == FetchRun.State.STALE else SourceState.OK


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
