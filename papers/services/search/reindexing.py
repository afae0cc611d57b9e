"""Papers that were stored by an older version get the words that the search index has today, the newest first.

A trigger writes the search vector: writing a title anew makes it anew. That is done some papers at a time, so that
nobody waits, and can be stopped anywhere. Meanwhile what is asked finds papers of both kinds: a text's rows have the
words of before, too (`TextForms.unsplit`).
"""

from __future__ import annotations

import time
from datetime import datetime

from django.db import connection, transaction

from papers.locks import AdvisoryLock, try_lock_transaction
from papers.models import SearchReindex, Topic

BATCH_SIZE = 200
TURN_SECONDS = 20.0
"""A worker does so much at a time, and takes it up again with the scheduler's next run."""

# In the order in which all writers lock papers.
_LOCK = """
    SELECT count(*), min(id) FROM (
        SELECT id FROM papers_paper
        WHERE id IN (SELECT id FROM papers_paper WHERE id < %s ORDER BY id DESC LIMIT %s)
        ORDER BY id FOR NO KEY UPDATE
    ) AS locked
"""
_WRITE = "UPDATE papers_paper SET title = title WHERE id >= %s AND id < %s"


def is_reindexing() -> bool:
    """Whether papers wait for their new words. One query."""
    return SearchReindex.objects.exists()


def reindex_some(*, now: datetime, seconds: float = TURN_SECONDS) -> int:
    """Make the words of waiting papers anew for about so long; how many papers. Idempotent, also for two at once."""
    end = time.monotonic() + seconds
    done = 0
    while (papers := reindex_batch(now=now)) and time.monotonic() < end:
        done += papers
    return done + papers


def reindex_batch(*, now: datetime, size: int = BATCH_SIZE) -> int:
    """The next papers, in one transaction; 0 where none wait, or another worker is at it.

    With the last, all topics are asked again, as words of before may have kept papers from them.
    """
    with transaction.atomic():
        if not try_lock_transaction(AdvisoryLock.SEARCH_REINDEX):
            return 0
        waiting = SearchReindex.objects.first()
        if waiting is None:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [waiting.below, size])
            papers, first = cursor.fetchone()
            if papers:
                cursor.execute(_WRITE, [first, waiting.below])
                SearchReindex.objects.update(below=first)
            else:
                SearchReindex.objects.all().delete()
                Topic.objects.filter(pending_since=None).update(pending_since=now)
    return int(papers)
