"""The papers that wait for a vector: found from rows, leased to one worker at a time, never lost with it.

A lease is taken and given back in moments; no transaction is open and no row locked while a model works. A newer text
that comes in between takes the lease away, and the vector of the old text is thrown away.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from pgvector import HalfVector

from papers.models import EmbeddingBacklog, Paper
from papers.retry import RetrySchedule

LEASE = timedelta(minutes=5)
"""After this the papers of a worker that was killed go to another. Longer than any batch takes."""

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
REFUSED_SCHEDULE = RetrySchedule(tuple(timedelta(days=number) for number in range(1, 31)), gives_up=False)
"""When a paper is tried again that a model refused: after a day, then after two, …, and at last once a month."""


@dataclass(frozen=True, slots=True)
class LeasedPapers:
    """Papers that are ours for a while: title and abstract by key, the newest first."""

    lease: uuid.UUID
    texts: Mapping[int, tuple[str, str]]


def enqueue_papers(cursor: CursorWrapper, papers: Iterable[tuple[int, datetime]]) -> None:
    """Have papers (key, `listed_at`) embedded, because they or their texts are new, in the transaction of that.

    Takes away the lease of a worker that is at an older text.
    """
    rows = sorted(papers)
    if rows:
        cursor.execute(
            """
            INSERT INTO papers_embeddingbacklog (paper_id, listed_at, lease, not_before, failures)
            SELECT paper_id, listed_at, NULL, to_timestamp(0), 0
            FROM unnest(%s::bigint[], %s::timestamptz[]) AS changed (paper_id, listed_at)
            ON CONFLICT (paper_id) DO UPDATE
            SET lease = NULL, not_before = to_timestamp(0), failures = 0, listed_at = excluded.listed_at
            """,
            [[paper_id for paper_id, _ in rows], [listed_at for _, listed_at in rows]],
        )


def enqueue_missing(model: str, *, all_papers: bool = False) -> int:
    """Have every paper without a vector of `model` embedded, or with `all_papers` every one.

    Returns how many were added to what waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_embeddingbacklog (paper_id, listed_at, not_before, failures)
            SELECT id, listed_at, to_timestamp(0), 0 FROM papers_paper paper
            WHERE %s OR NOT EXISTS (
                SELECT FROM papers_papervector known WHERE known.paper_id = paper.id AND known.model = %s)
            ON CONFLICT DO NOTHING
            """,
            [all_papers, model],
        )
        return int(cursor.rowcount)


def lease_papers(limit: int, *, now: datetime) -> LeasedPapers | None:
    """The newest papers that wait, for this caller alone; None when there are none."""
    lease = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE papers_embeddingbacklog waiting SET lease = %s, not_before = %s FROM (
                SELECT paper_id FROM papers_embeddingbacklog WHERE not_before <= %s
                ORDER BY listed_at DESC, paper_id DESC LIMIT %s FOR UPDATE SKIP LOCKED) newest
            WHERE waiting.paper_id = newest.paper_id RETURNING waiting.paper_id
            """,
            [lease, now + LEASE, now, limit],
        )
        ids = [row[0] for row in cursor.fetchall()]
    # Read after the lease is there: a text that changes from here on takes it away.
    rows = Paper.objects.filter(pk__in=ids).order_by("-listed_at", "-pk").values_list("pk", "title", "abstract")
    return LeasedPapers(lease, {pk: (title, abstract) for pk, title, abstract in rows}) if ids else None


def store_vectors(leased: LeasedPapers, model: str, vectors: Mapping[int, Sequence[float]]) -> int:
    """Store vectors of papers that are still leased to this caller, which wait no more; returns how many.

    One transaction.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Papers that are deleted at this moment are waited for, and left out.
        cursor.execute("SELECT id FROM papers_paper WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [list(vectors)])
        there = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "SELECT paper_id FROM papers_embeddingbacklog WHERE paper_id = ANY(%s) AND lease = %s "
            "ORDER BY paper_id FOR UPDATE",
            [there, leased.lease],
        )
        ours = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            """
            INSERT INTO papers_papervector (paper_id, model, vector)
            SELECT paper_id, %s, vector::halfvec FROM unnest(%s::bigint[], %s::text[]) AS made (paper_id, vector)
            ON CONFLICT (paper_id, model) DO UPDATE SET vector = excluded.vector
            """,
            [model, ours, [HalfVector(list(vectors[paper_id])).to_text() for paper_id in ours]],
        )
        cursor.execute("DELETE FROM papers_embeddingbacklog WHERE paper_id = ANY(%s)", [ours])
    return len(ours)


def release_lease(leased: LeasedPapers) -> None:
    """Give back the papers that are still leased to this caller, so that others may take them."""
    EmbeddingBacklog.objects.filter(lease=leased.lease).update(lease=None, not_before=_AT_ONCE)


def defer_paper(leased: LeasedPapers, paper_id: int, *, now: datetime) -> None:
    """Let a paper wait whose text the model refuses: a day or more from `now`."""
    row = EmbeddingBacklog.objects.filter(lease=leased.lease, paper_id=paper_id).first()
    if row is not None:
        failures = row.failures + 1
        pause = REFUSED_SCHEDULE.pause_after(failures) or timedelta()
        EmbeddingBacklog.objects.filter(lease=leased.lease, paper_id=paper_id).update(
            lease=None, failures=failures, not_before=now + pause
        )


def count_waiting(*, limit: int) -> int:
    """How many papers wait; `limit` where there are as many or more. One bounded query."""
    return EmbeddingBacklog.objects.all()[:limit].count()
