"""What waits, and for how long: the oldest of each queue, found along its index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet

from papers.models import CommentReport, RejectedRecord, Source, Submission, Topic
from papers.ranking.charts import QUEUE_AGES, QueueChart

MAX_COUNTED = 1_000


def queue_age(
    name: str, rows: QuerySet[Any], waiting_since_column: str, *, now: datetime, view_name: str = ""
) -> QueueChart:
    """How `rows` have waited since the moment in that column. One query, over the oldest thousand.

    `rows` and the column must be those of an index, so that the oldest are found without reading the others.
    """
    oldest = rows.order_by(waiting_since_column)[: MAX_COUNTED + 1]
    edges = [now - limit for _, limit in QUEUE_AGES]
    younger = [Q(**{f"{waiting_since_column}__gt": edge}) for edge in edges]
    # Each with those of the edges before it.
    counts = {f"age{place}": Count("pk", filter=condition) for place, condition in enumerate(younger)}
    found = oldest.aggregate(all=Count("pk"), first=Min(waiting_since_column), **counts)
    upto = [found[f"age{place}"] for place in range(len(edges))] + [found["all"]]
    return QueueChart(
        name=name,
        ages=(upto[0], upto[1] - upto[0], upto[2] - upto[1], upto[3] - upto[2]),
        oldest=max(now - found["first"], timedelta()) if found["first"] else None,
        is_cut=found["all"] > MAX_COUNTED,
        view_name=view_name,
    )


class WaitingRows(NamedTuple):
    """Something that waits in rows, and the column that says since when."""

    name: str
    rows: QuerySet[Any]
    since: str
    view_name: str = ""


def waiting_around_papers(*, now: datetime) -> list[WaitingRows]:
    """What waits around papers: submissions, reports, rejected records, fetches and topics. No queries."""
    submissions = Submission.objects.all()
    rejected = RejectedRecord.objects.filter(resolved_at=None)
    return [
        WaitingRows("Submissions for a curator", submissions.filter(state=Submission.State.WAITING), "created_at"),
        WaitingRows("Submissions to fetch", submissions.due(now), "next_attempt_at"),
        WaitingRows("Reported comments", CommentReport.objects.filter(resolved_at=None), "created_at"),
        WaitingRows(
            "Records that could not be read", rejected, "last_seen_at", "admin:papers_rejectedrecord_changelist"
        ),
        WaitingRows("Sources to fetch", Source.objects.due(now), "next_fetch_at", "papers:status"),
        WaitingRows("Topics to match", Topic.objects.pending(), "pending_since"),
    ]


def paper_queues(*, now: datetime) -> list[QueueChart]:
    """The queues around papers. A query each."""
    return [
        queue_age(one.name, one.rows, one.since, now=now, view_name=one.view_name)
        for one in waiting_around_papers(now=now)
    ]


def counts_and_ages(waiting: Iterable[WaitingRows], *, now: datetime) -> list[tuple[int, timedelta]]:
    """Of each, in order: how many wait, up to a thousand, and how long the oldest has. One statement for all."""
    parts, values = list[str](), list[Any]()
    for place, one in enumerate(waiting):
        oldest = one.rows.order_by(one.since).values_list(one.since)[:MAX_COUNTED]
        sql, given = oldest.query.sql_with_params()
        parts.append(f"SELECT {place}, count(*), min(since) FROM ({sql}) AS waiting{place}(since)")  # noqa: S608  ours
        values += given
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) + " ORDER BY 1", values)
        rows = cursor.fetchall()
    return [(count, max(now - first, timedelta()) if first else timedelta()) for _, count, first in rows]
