"""Papers get the roles of their sentences after they were stored, the newest first; so do those of an older release.

A paper waits where `sentence_roles` is null: new ones, those whose abstract changed (a trigger empties it), and all
that were there before. What is done stays done; a worker that is killed loses its batch, and nothing else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from papers.locks import AdvisoryLock, try_lock_transaction
from papers.models import Paper

BATCH_SIZE = 100
TURN_SECONDS = 20.0
"""A worker does so much at a time, and takes it up again with the scheduler's next run."""

# In the order in which all writers lock papers. An abstract that was changed meanwhile is left to the next batch.
_LOCK = "SELECT id FROM papers_paper WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_WRITE = """
    UPDATE papers_paper paper SET
        sentence_roles = found.roles,
        changed_at = CASE WHEN found.roles ~ '[A-Z]' THEN %s ELSE changed_at END
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS found (id, roles, digest)
    WHERE paper.id = found.id AND md5(paper.abstract) = found.digest
"""


def is_role_filling_due() -> bool:
    """Whether papers wait for the roles of their sentences. One query of an index that holds only these."""
    return Paper.objects.filter(sentence_roles=None).exists()


def fill_roles(*, now: datetime, seconds: float = TURN_SECONDS) -> int:
    """Classify the sentences of waiting papers for about so long; how many papers. Idempotent, also for two at once."""
    end = time.monotonic() + seconds
    done = 0
    while (papers := fill_batch(now=now)) and time.monotonic() < end:
        done += papers
    return done + papers


def fill_batch(*, now: datetime, size: int = BATCH_SIZE) -> int:
    """The next papers, in one transaction; 0 where none wait, or another worker is at it."""
    with transaction.atomic():
        if not try_lock_transaction(AdvisoryLock.SENTENCE_ROLES):
            return 0
        waiting = Paper.objects.filter(sentence_roles=None).order_by("-listed_at", "-pk")
        rows = list(waiting.values_list("pk", "abstract")[:size])
        if rows:
            _store(rows, now=now)
    return len(rows)


def _store(rows: Sequence[tuple[int, str]], *, now: datetime) -> None:
    from papers.services.roles.classifier import classify_abstract  # numpy, which only workers need

    ids = [pk for pk, _ in rows]
    roles = [classify_abstract(abstract) for _, abstract in rows]
    digests = [hashlib.md5(abstract.encode(), usedforsecurity=False).hexdigest() for _, abstract in rows]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
        cursor.execute(_WRITE, [now, ids, roles, digests])
