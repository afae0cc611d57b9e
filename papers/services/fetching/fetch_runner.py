"""Fetches of sources: claimed in Postgres, stored batch by batch, ended with the outcome and the time of the next.

A fetch may be killed at any moment. What it stored stays, the cursor is where the last stored batch left it, and a run
whose process is gone, or gives no sign of life, is ended by the next process, which fetches anew.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from papers.locks import AdvisoryLock, try_session_lock
from papers.models import FetchRun, Source
from papers.outbound.client import Client
from papers.outbound.errors import DeadlineError, HostBusyError, HttpStatusError, SourceError
from papers.outbound.request import FetchRequest, FetchResponse, RequestReport
from papers.retry import RetrySchedule, minutes
from papers.services.fetching.completeness import check_day, days_with_gaps, record_list_counts
from papers.services.fetching.gap_backfill import fill_gaps
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.fetching.source_config import base_url_of
from papers.services.fetching.unread_days import fill_unread_days
from papers.services.ingest.batches import RunLostError, progress_line, store_batch
from papers.services.operations.installation import site_mark
from papers.services.operations.sample import remove_superseded_sample
from papers.sources.arxiv_schedule import eastern_day
from papers.sources.base import FetchBatch, FetchContext, FetchOutcome
from papers.sources.registry import adapter_of, catch_up_kinds

logger = logging.getLogger(__name__)

ClientFactory = Callable[..., Client]

ABANDONED_AFTER = timedelta(minutes=10)
"""A run without a sign of life for longer is over, also where its process is still connected to the database. A request
with all its waits takes five minutes at most."""
HEARTBEAT_SECONDS = 10.0
REQUESTS_KEPT = 300
SHORTEST_REQUEST_SECONDS = 0.2
"""With less time than this left nothing is asked."""
RETRIES = RetrySchedule(minutes(1, 5, 30, 120), gives_up=False, jitter=(1.0, 1.2))
"""After failures in a row, where the answer does not say when to come again."""
MIN_RETRY_AFTER = timedelta(seconds=30)
SHORT_WAITS = 2
"""So often a server is believed that wants to be asked again at once, and then by `RETRIES`."""
CATCH_UP_AFTER = timedelta(hours=6)
"""How old arXiv's records may be when its announcements are stale or fail, before they are fetched early."""


def fetch_source(
    source_id: int,
    *,
    now: datetime,
    since: date | None = None,
    only_if_due: bool = False,
    report_progress: Callable[[str], None] | None = None,
    make_client: ClientFactory = build_outbound_client,
) -> FetchRun | None:
    """Fetch from a source now, and return the run as it ended; None where another run is open, it isn't due, or its
    hosts may not be asked yet and nothing was sent.

    A source that fails is no error here: its run says so, and its row when it is fetched again.

    Raises:
        Source.DoesNotExist: there is no such source.
    """
    source = Source.objects.get(pk=source_id)
    if only_if_due and not (source.is_enabled and source.next_fetch_at and source.next_fetch_at <= now):
        return None
    # Held for as long as this process lives and is connected: whoever gets it knows that a run was abandoned.
    with try_session_lock(AdvisoryLock.SOURCE_FETCH, str(source_id)) as is_alone:
        run = _open_run(source, now, is_alone=is_alone)
        if run is None:
            return None
        fetch = _Fetch(source, run, now=now, since=since, report_progress=report_progress)
        client = make_client(report=fetch.note_request, priority=adapter_of(source.kind).fetch_priority)
        fetch.execute(client)
    return FetchRun.objects.filter(pk=run.pk).first()


def end_abandoned_runs(*, now: datetime) -> int:
    """End runs whose process has died, and return how many. Their sources are still due, and are fetched anew."""
    running = FetchRun.objects.filter(state=FetchRun.State.RUNNING)
    ended = _abandon(running.filter(heartbeat_at__lt=now - ABANDONED_AFTER), now)
    for source_id in running.values_list("source_id", flat=True):
        with try_session_lock(AdvisoryLock.SOURCE_FETCH, str(source_id)) as is_alone:
            if is_alone:
                ended += _abandon(running.filter(source=source_id), now)
    return ended


def _abandon(runs: QuerySet[FetchRun], now: datetime) -> int:
    return runs.update(
        state=FetchRun.State.ABANDONED, ended_at=now, error="Its process ended in the middle; it was done anew."
    )


def due_source_ids(*, now: datetime) -> list[int]:
    """The ids of sources that are due and have no open run. Two queries."""
    busy = FetchRun.objects.filter(state=FetchRun.State.RUNNING).values("source")
    return list(Source.objects.due(now).exclude(pk__in=busy).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class FetchPreview:
    """What a fetch would bring, without storing it."""

    batches: tuple[FetchBatch, ...]
    requests: tuple[dict[str, Any], ...]
    error: str = ""

    @property
    def paper_count(self) -> int:
        return sum(len(batch.papers) for batch in self.batches)


def preview_source(
    source: Source,
    *,
    now: datetime,
    since: date | None = None,
    timeout_seconds: float | None = None,
    total_seconds: float | None = None,
    max_batches: int | None = None,
    report_progress: Callable[[str], None] | None = None,
    make_client: ClientFactory = build_outbound_client,
) -> FetchPreview:
    """What a source, stored or not, would bring now. Nothing is stored; the host rate limits hold.

    Args:
        timeout_seconds: how long each request may wait for its slot, and again for its answer; None: as its adapter
            says.
        total_seconds: how long all requests together may take, with their waits.
        max_batches: stop after this number of batches with papers.
    """
    requests: list[dict[str, Any]] = []
    client = make_client(report=lambda report: requests.append(asdict(report)))
    context = _context(source, client, now=now, since=since, timeout_seconds=timeout_seconds)
    if total_seconds is not None:
        context = replace(context, send=_within(client, total_seconds))
    batches: list[FetchBatch] = []
    error = ""
    try:
        for batch in adapter_of(source.kind).fetch(context):
            batches.append(batch)
            if report_progress:
                report_progress(progress_line(batch))
            if max_batches is not None and sum(1 for each in batches if each.papers) >= max_batches:
                break
    except SourceError as failure:
        error = str(failure)
    return FetchPreview(tuple(batches), tuple(requests), error)


def _open_run(source: Source, now: datetime, *, is_alone: bool) -> FetchRun | None:
    """Claim the source: a unique index lets one run at a time be open, and one that died is ended first."""
    running = FetchRun.objects.filter(state=FetchRun.State.RUNNING, source=source)
    _abandon(running if is_alone else running.filter(heartbeat_at__lt=now - ABANDONED_AFTER), now)
    try:
        with transaction.atomic():
            return FetchRun.objects.create(source=source, started_at=now, heartbeat_at=now)
    except IntegrityError:
        return None


def _context(
    source: Source, client: Client, *, now: datetime, since: date | None, timeout_seconds: float | None = None
) -> FetchContext:
    def send(request: FetchRequest) -> FetchResponse:
        if timeout_seconds is not None:
            request = replace(request, wait_seconds=timeout_seconds, deadline_seconds=timeout_seconds)
        return client.fetch(request)

    return FetchContext(
        send=send,
        base_url=base_url_of(source),
        now=now,
        categories=tuple(source.categories),
        query=source.query,
        cursor=source.cursor,
        since=since,
        etag=source.etag,
        last_modified=source.last_modified,
        api_key=source.api_key,
        own_mark=site_mark(),
    )


def _within(client: Client, total_seconds: float) -> Callable[[FetchRequest], FetchResponse]:
    """Sends requests that take no longer than so many seconds together, counted from now."""
    ends_at = time.monotonic() + total_seconds
    too_slow = (
        f"It does not answer within the {total_seconds:.0f} seconds that are waited here. The workers wait longer."
    )

    def send(request: FetchRequest) -> FetchResponse:
        left = ends_at - time.monotonic()
        if left < SHORTEST_REQUEST_SECONDS:
            raise SourceError(too_slow)
        try:
            return client.fetch(replace(request, wait_seconds=left / 4, deadline_seconds=left * 3 / 4))
        except DeadlineError as error:
            raise SourceError(too_slow) from error

    return send


class _Fetch:
    """One fetch from its claim to its end."""

    def __init__(
        self,
        source: Source,
        run: FetchRun,
        *,
        now: datetime,
        since: date | None,
        report_progress: Callable[[str], None] | None,
    ) -> None:
        self.source = source
        self.adapter = adapter_of(source.kind)
        self.run = run
        self.since = since
        self.report_progress = report_progress
        self.was_due_at = source.next_fetch_at
        self.requests: list[dict[str, Any]] = []
        self.announced: dict[date, set[str]] = {}
        self.lists: defaultdict[date, Counter[str]] = defaultdict(Counter)
        self.is_filled: dict[date, bool] = {}
        self.is_complete: dict[date, bool | None] = {}
        self.is_stale = False
        self.note = ""
        self._began_at = now
        self._began = time.monotonic()
        self._last_beat = self._began

    def moment(self) -> datetime:
        """The time now, counted from the `now` at which the fetch began."""
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def execute(self, client: Client) -> None:
        failure: SourceError | None = None
        try:
            try:
                self._store_all(client)
            except SourceError as error:
                failure = error
            self._complete(client, is_cut_short=failure is not None)
        except RunLostError:
            logger.warning("The fetch was given up: another one has begun", extra={"run": self.run.pk})
        except Exception as error:
            self._end_failed(SourceError(f"An error of Broadsheet itself, the log has it all: {error!r}"))
            raise
        except BaseException:  # Ctrl-C, or the worker stops
            self._end(FetchRun.State.ABANDONED, "Stopped in the middle.", next_fetch_at=self.moment())
            raise
        else:
            self._end_with(failure)

    def note_request(self, report: RequestReport) -> None:
        """Record what a request cost, and move the heartbeat on."""
        self.requests = [*self.requests, asdict(report)][-REQUESTS_KEPT:]
        if time.monotonic() - self._last_beat >= HEARTBEAT_SECONDS:
            self._last_beat = time.monotonic()
            self._running().update(heartbeat_at=self.moment(), requests=self.requests)

    def _store_all(self, client: Client) -> None:
        context = _context(self.source, client, now=self._began_at, since=self.since)
        for batch in self.adapter.fetch(context):
            stored = store_batch(self.source, self.run, batch, self.moment())
            if batch.list_day is not None:
                self.lists[batch.list_day] += Counter(
                    record_count=len(batch.papers) + len(batch.rejected), stored=len(batch.papers) - stored.rejected
                )
            self.is_stale = self.is_stale or batch.is_stale
            for announced in batch.announced:
                self.announced.setdefault(announced.day, set()).update(announced.ids)
            if self.report_progress:
                self.report_progress(progress_line(batch))

    def _complete(self, client: Client, *, is_cut_short: bool) -> None:
        """Compare what was announced with what is stored, and fill what is missing."""
        days = set(self.announced)
        if self.adapter.fills_gaps:
            days |= {edition.day for edition in days_with_gaps(self.moment())}
        self._check(days)
        has_gaps = not all(self.is_filled.values()) or "gaps" in self.source.cursor
        if self.adapter.announces and not is_cut_short and has_gaps:
            try:
                filled = fill_gaps(client.fetch, self.source, now=self.moment(), report_progress=self.report_progress)
            except SourceError as error:
                self.note = f"The gaps could not be filled now: {error}"
            else:
                self._check(days if filled else set())
        if self.adapter.fills_gaps:
            fill_unread_days(self.moment())
        # At every fetch: one that was killed after it had listed its papers left this to the next.
        remove_superseded_sample()

    def _check(self, days: set[date]) -> None:
        """Write down how these days stand."""
        for day in sorted(days):
            check = check_day(day, self.moment())
            self.is_filled[day] = not check.missing
            self.is_complete[day] = check.is_complete
            if check.listed:
                self._running().update(listed=F("listed") + check.listed)

    def _end_with(self, failure: SourceError | None) -> None:
        if failure is None:
            self._end_well()
        elif isinstance(failure, HostBusyError):
            self._put_off(failure)
        else:
            self._end_failed(failure)

    def _put_off(self, error: HostBusyError) -> None:
        """No slot is free for a while, which is no failure. A fetch that sent nothing leaves no run behind."""
        again_at = next_retry_time(1, error.retry_after_seconds, now=self.moment())
        if self.requests:
            self._end(FetchRun.State.ABANDONED, f"Put off: {error}", next_fetch_at=again_at)
            return
        with transaction.atomic():
            self._running().delete()
            self._reschedule(again_at)

    def _end_failed(self, error: SourceError) -> None:
        now = self.moment()
        errors = self.source.error_count + 1
        changes: dict[str, Any] = {"error_count": errors, "last_error": str(error)}
        if isinstance(error, HttpStatusError) and error.status == HTTPStatus.GONE:
            changes["is_enabled"] = False
        well_at = self.source.last_success_at or self.source.created_at
        limit = self.adapter.disable_after
        if limit is not None and now - well_at > limit:
            reason = f"Turned off after {limit.days} days without success. {error}"
            changes |= {"is_enabled": False, "last_error": reason}
        logger.error("Fetching %s failed: %s", self.source, error, extra={"run": self.run.pk})
        if self.adapter.announces:
            self._catch_up(now)
        again_at = next_retry_time(errors, error.retry_after_seconds, now=now)
        self._end(FetchRun.State.FAILED, str(error), next_fetch_at=again_at, **changes)

    def _end_well(self) -> None:
        now = self.moment()
        outcome = FetchOutcome(
            now=now,
            interval=timedelta(seconds=self.source.interval_seconds),
            cursor=self.source.cursor,
            is_stale=self.is_stale,
            has_todays_announcements=not self.is_stale and self.is_complete.get(eastern_day(now)) is True,
        )
        changes: dict[str, Any] = {"error_count": 0, "last_error": "", **self._moved()}
        if not self.is_stale:
            changes["last_success_at"] = now
        failed = FetchRun.objects.filter(pk=self.run.pk, failed__gt=0).exists()
        state = FetchRun.State.PARTIAL if failed else FetchRun.State.DONE
        if self.is_stale:
            state = FetchRun.State.STALE
            self._catch_up(now)
        record_list_counts(self.source, self.lists, now=now)
        self._end(state, self.note, next_fetch_at=self.adapter.next_fetch(outcome), **changes)

    def _moved(self) -> dict[str, Any]:
        """The new address of a source that was led there often enough in a row."""
        cursor, redirects = self.source.cursor, self.adapter.redirects_before_move
        if redirects is None or cursor.get("moved_times", 0) < redirects:
            return {}
        logger.warning("The source %s has moved to %s", self.source, cursor["moved_to"])
        kept = {name: value for name, value in cursor.items() if not name.startswith("moved_")}
        return {"base_url": cursor["moved_to"], "cursor": kept}

    def _catch_up(self, now: datetime) -> None:
        """Ask for arXiv's records out of turn when its announcements are stale or fail."""
        records = Source.objects.filter(kind__in=catch_up_kinds(), is_enabled=True, next_fetch_at__gt=now)
        records.exclude(last_success_at__gt=now - CATCH_UP_AFTER).update(next_fetch_at=now)

    def _end(self, state: FetchRun.State, message: str, *, next_fetch_at: datetime, **changes: Any) -> None:
        """Close the run, if it is still ours, and write down when the next fetch is."""
        now = self.moment()
        fields: dict[str, Any] = {
            "state": state,
            "ended_at": now,
            "heartbeat_at": now,
            "error": message,
            "progress": "",
        }
        if self.announced:  # a paper that two feeds announced counts once
            fields["announced"] = len(set().union(*self.announced.values()))
        with transaction.atomic():
            if not self._running().update(requests=self.requests, **fields):
                return
            Source.objects.filter(pk=self.source.pk).update(**changes)
            self._reschedule(next_fetch_at)
        logger.info("Fetched %s: %s", self.source, state, extra={"run": self.run.pk})

    def _reschedule(self, next_fetch_at: datetime) -> None:
        """Unless somebody asked for another fetch, or changed what is asked, while this one was going on."""
        Source.objects.filter(pk=self.source.pk, next_fetch_at=self.was_due_at).update(next_fetch_at=next_fetch_at)

    def _running(self) -> Any:
        return FetchRun.objects.filter(pk=self.run.pk, state=FetchRun.State.RUNNING)


def next_retry_time(failures: int, retry_after_seconds: float | None, *, now: datetime) -> datetime:
    """When to fetch again after a fetch that failed: what the answer asked for, else by `RETRIES`.

    Args:
        failures: in a row, this one included.
    """
    if retry_after_seconds is not None:
        wait = max(timedelta(seconds=retry_after_seconds), MIN_RETRY_AFTER)
        if (
            failures > SHORT_WAITS
            and wait <= MIN_RETRY_AFTER
            and (pause := RETRIES.pause_after(failures - SHORT_WAITS))
        ):
            wait = pause
        return now + wait * random.uniform(1.0, 1.05)  # noqa: S311
    pause = RETRIES.pause_after(failures, spread=random.random())  # noqa: S311
    return now + (pause or MIN_RETRY_AFTER)
