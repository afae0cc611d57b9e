"""What is due now, found in the database: sources to fetch, other work of the workers, and the nightly cleanup."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from papers import hooks
from papers.enqueue import TaskName
from papers.models import Heartbeat
from papers.services.fetching.fetch_runner import due_source_ids, end_abandoned_runs
from papers.services.fetching.thumbnails import is_thumbnail_due
from papers.services.fetching.wanted_records import is_record_due
from papers.services.library_import.row_fetcher import due_import_ids
from papers.services.library_import.upload_reader import is_upload_waiting
from papers.services.operations.clock_steps import mend_clock_step
from papers.services.operations.heartbeat import record_heartbeat
from papers.services.operations.installation import group_settings
from papers.services.recommend.staleness import has_stale_readers
from papers.services.roles.fill_roles import is_role_filling_due
from papers.services.search.reindexing import is_reindexing
from papers.services.submissions.submission_fetcher import due_submission_ids
from papers.services.topics.pending_work import has_pending_work

logger = logging.getLogger(__name__)

_CLEANUP = "cleanup"
# In the group's time zone; after a night's pause of the machine it is done when it is back.
_CLEANUP_FROM_HOUR = 3
_CLEANUP_EVERY = timedelta(hours=20)
# The queue may be long: what is enqueued is not enqueued again at once. Lost with the cache, at no harm. A message may
# be lost with the worker that took it, and what it was about is to be taken up again within a minute: so it is short,
# and ends when the work begins.
_ENQUEUED_SECONDS = 45
# How often it is found out whether words are to be counted anew; they are when there are enough new papers.
_COUNT_EVERY_SECONDS = 600
# How often rules that list papers are applied.
_RULES_EVERY_SECONDS = 240
_DESK_EVERY_SECONDS = 60
# How often days are looked for whose announcement was not read in time.
_DAYS_EVERY_SECONDS = 600
# How often it is looked whether papers that are about the same are to be found anew on a day; mostly they are not.
_CLUSTERS_EVERY_SECONDS = 120
# A task asks for a hundred; an import of many thousands leaves arXiv time for others.
_RECORDS_EVERY_SECONDS = 25
# Reading a month of papers takes seconds; what readers do in a minute is taken up at once.
_RECOMMENDED_EVERY_SECONDS = 45


@dataclass(frozen=True, slots=True)
class DueWork:
    """What is to be enqueued for the workers: ids of rows, and whether other work is due."""

    source_ids: tuple[int, ...]
    cleanup: bool
    counting: bool = False
    submission_ids: tuple[int, ...] = ()
    import_ids: tuple[int, ...] = ()
    topics: bool = False
    rules: bool = False
    desk: bool = False
    days: bool = False
    suggestions: bool = False
    records: bool = False
    uploads: bool = False
    reindexing: bool = False
    roles: bool = False
    clusters: bool = False
    thumbnail: bool = False
    others: tuple[TaskName, ...] = ()
    """Of other parts."""


def collect_due_work(*, now: datetime) -> DueWork:
    """What is due at `now`. Records the workers' heartbeat, ends fetches whose process died, and mends what was written
    by a clock that was ahead."""
    mend_clock_step()
    record_heartbeat(now=now)
    if ended := end_abandoned_runs(now=now):
        logger.warning("Ended %d fetches whose process had died", ended)
    return DueWork(
        source_ids=_not_enqueued(TaskName.FETCH_SOURCE, due_source_ids(now=now), now),
        submission_ids=_not_enqueued(TaskName.FETCH_SUBMISSION, due_submission_ids(now=now), now),
        import_ids=_not_enqueued(TaskName.FETCH_IMPORT, due_import_ids(now=now), now),
        cleanup=_claim_cleanup(now),
        counting=_claim("count-words", now, _COUNT_EVERY_SECONDS),
        topics=has_pending_work(),
        rules=_claim("rules", now, _RULES_EVERY_SECONDS),
        desk=_claim("desk", now, _DESK_EVERY_SECONDS),
        days=_claim("days", now, _DAYS_EVERY_SECONDS),
        suggestions=has_stale_readers(now=now) and _claim("suggestions", now, _RECOMMENDED_EVERY_SECONDS),
        records=is_record_due(now=now) and _claim("records", now, _RECORDS_EVERY_SECONDS),
        uploads=is_upload_waiting(),
        reindexing=is_reindexing(),
        roles=is_role_filling_due(),
        clusters=_claim("clusters", now, _CLUSTERS_EVERY_SECONDS),
        thumbnail=is_thumbnail_due(now=now) and _claim("thumbnail", now, _RECORDS_EVERY_SECONDS),
        others=tuple(task for task in hooks.due_tasks.all(now) if _claim(task, now, _ENQUEUED_SECONDS)),
    )


def note_begun(task: TaskName, pk: int) -> None:
    """A worker has the message: should it be killed, the work is enqueued again with the scheduler's next run."""
    cache.delete(f"enqueued:{task}-{pk}")


def _not_enqueued(task: TaskName, ids: Iterable[int], now: datetime) -> tuple[int, ...]:
    """Those ids that were not enqueued a moment ago."""
    return tuple(pk for pk in ids if _claim(f"{task}-{pk}", now, _ENQUEUED_SECONDS))


def _claim(name: str, now: datetime, seconds: int) -> bool:
    """Whether nothing of this name was enqueued for so many seconds; by this call it is."""
    return cache.add(f"enqueued:{name}", now.timestamp(), seconds)


def _claim_cleanup(now: datetime) -> bool:
    """Whether it is time for the nightly cleanup; by this call it is taken."""
    if now.astimezone(group_settings().zone).hour < _CLEANUP_FROM_HOUR:
        return False
    with transaction.atomic():
        last = Heartbeat.objects.select_for_update().filter(name=_CLEANUP).first()
        if last is not None and now - last.at < _CLEANUP_EVERY:
            return False
        record_heartbeat(now=now, name=_CLEANUP)
    return True
