"""What is due now, found in the database: sources to visit, and the housekeeping of the night."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from papers.models import Heartbeat
from papers.services.fetching.fetch_runner import due_source_ids, end_abandoned_runs
from papers.services.fetching.wanted_records import is_record_due
from papers.services.library_import.row_fetcher import due_import_ids
from papers.services.operations.heartbeat import record_heartbeat
from papers.services.operations.installation import group_settings
from papers.services.recommend.staleness import has_stale_readers
from papers.services.submissions.submission_fetcher import due_submission_ids
from papers.services.topics.pending_work import has_pending_work

logger = logging.getLogger(__name__)

_TIDIED = "tidied"
# In the group's time zone; after a night's pause of the machine it is done when it is back.
_TIDY_FROM_HOUR = 3
_TIDY_EVERY = timedelta(hours=20)
# The queue may be long: what was handed on is not handed on again at every tick. Lost with the cache, at no harm.
_HANDED_ON_SECONDS = 120
# Whether words are counted anew is looked at so often; it is done when there are enough new papers.
_COUNT_EVERY_SECONDS = 600
# Rules that list papers are asked so often.
_RULES_EVERY_SECONDS = 240
_DESK_EVERY_SECONDS = 60
# A turn asks for a hundred; an import of many thousands leaves arXiv time for others.
_RECORDS_EVERY_SECONDS = 25
# Reading a month of papers takes seconds; what readers do in a minute is taken up at once.
_SUGGESTED_EVERY_SECONDS = 45


@dataclass(frozen=True, slots=True)
class DueWork:
    """What to hand on to the workers."""

    source_ids: tuple[int, ...]
    cleanup: bool
    counting: bool = False
    submission_ids: tuple[int, ...] = ()
    import_ids: tuple[int, ...] = ()
    topics: bool = False
    rules: bool = False
    desk: bool = False
    suggestions: bool = False
    records: bool = False


def collect_due_work(*, now: datetime) -> DueWork:
    """Say that the workers are alive, end visits that died, and tell what is due."""
    record_heartbeat(now=now)
    if ended := end_abandoned_runs(now=now):
        logger.warning("Ended %d visits whose process had died", ended)
    return DueWork(
        source_ids=_not_handed_on("", due_source_ids(now=now), now),
        submission_ids=_not_handed_on("submission-", due_submission_ids(now=now), now),
        import_ids=_not_handed_on("import-", due_import_ids(now=now), now),
        cleanup=_claim_tidying(now),
        counting=cache.add("handed-on:count-words", now.timestamp(), _COUNT_EVERY_SECONDS),
        topics=has_pending_work(),
        rules=cache.add("handed-on:rules", now.timestamp(), _RULES_EVERY_SECONDS),
        desk=cache.add("handed-on:desk", now.timestamp(), _DESK_EVERY_SECONDS),
        suggestions=has_stale_readers(now=now)
        and cache.add("handed-on:suggestions", now.timestamp(), _SUGGESTED_EVERY_SECONDS),
        records=is_record_due(now=now) and cache.add("handed-on:records", now.timestamp(), _RECORDS_EVERY_SECONDS),
    )


def _not_handed_on(kind: str, ids: Iterable[int], now: datetime) -> tuple[int, ...]:
    return tuple(pk for pk in ids if cache.add(f"handed-on:{kind}{pk}", now.timestamp(), _HANDED_ON_SECONDS))


def _claim_tidying(now: datetime) -> bool:
    """Whether it is time for the night's work, and nobody has taken it on."""
    if now.astimezone(group_settings().zone).hour < _TIDY_FROM_HOUR:
        return False
    with transaction.atomic():
        last = Heartbeat.objects.select_for_update().filter(name=_TIDIED).first()
        if last is not None and now - last.at < _TIDY_EVERY:
            return False
        record_heartbeat(now=now, name=_TIDIED)
    return True
