"""When a source is visited next. Pure but for the jitter, which keeps many installations from asking in one second."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from papers.models import Source
from papers.sources.arxiv import parse_datetime
from papers.sources.arxiv_schedule import eastern_day, has_feed, next_feed, next_oai_records

# After the first failure in a row, the second, …, where the answer does not say when to come again.
RETRY_PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
# Once the day's announcements are there, they are read a few times more: for items that came late.
REREAD_AFTER = timedelta(hours=4)
AFTER_MIDNIGHT = timedelta(minutes=10)
JITTER = timedelta(minutes=20)
SHORTEST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """What of a visit the next one depends on."""

    is_stale: bool = False
    has_todays_announcements: bool = False
    """The day's announcements are there, and all of them are stored."""


def next_fetch_time(source: Source, outcome: FetchOutcome, *, now: datetime) -> datetime:
    """After a visit that went well."""
    regular = now + timedelta(seconds=source.interval_seconds) * random.uniform(1.0, 1.1)  # noqa: S311
    if source.kind == Source.Kind.ARXIV_RSS:
        return _next_feed_visit(regular, outcome, now)
    if source.kind == Source.Kind.ARXIV_OAI:
        return max(next_oai_records(now), now + timedelta(hours=1)) + _jitter()
    if source.kind == Source.Kind.ARXIV_API:
        # Its answers change once a day, and arXiv asks not to repeat a question within one.
        return max(next_feed(now) + AFTER_MIDNIGHT, regular) + _jitter()
    not_before = parse_datetime(source.cursor.get("not_before"))
    return max(regular, not_before) if not_before else regular


def next_retry_time(error_count: int, retry_after_seconds: float | None, *, now: datetime) -> datetime:
    """After a visit that failed, `error_count` of them in a row."""
    if retry_after_seconds is not None:
        return now + max(timedelta(seconds=retry_after_seconds), SHORTEST) * random.uniform(1.0, 1.05)  # noqa: S311
    step = RETRY_PAUSES[min(max(error_count, 1), len(RETRY_PAUSES)) - 1]
    return now + step * random.uniform(1.0, 1.2)  # noqa: S311


def _next_feed_visit(regular: datetime, outcome: FetchOutcome, now: datetime) -> datetime:
    """Every hour until the day's batch has come, then less often; soon after the feeds have turned to a new day."""
    turns_at = next_feed(now) + AFTER_MIDNIGHT + _jitter()
    is_quiet = not has_feed(eastern_day(now)) and not outcome.is_stale
    if is_quiet:
        return turns_at
    return min(max(regular, now + REREAD_AFTER) if outcome.has_todays_announcements else regular, turns_at)


def _jitter() -> timedelta:
    return JITTER * random.random()  # noqa: S311
