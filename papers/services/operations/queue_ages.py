"""What waits, and for how long: the oldest of each queue, found along its index."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

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


def paper_queues(*, now: datetime) -> list[QueueChart]:
    """The queues around papers: submissions, reports, rejected records, fetches and topics. A query each."""
    submissions = Submission.objects.all()
    return [
        queue_age(
            "Submissions for a curator",
            submissions.filter(state=Submission.State.WAITING),
            "created_at",
            now=now,
        ),
        queue_age("Submissions to fetch", submissions.due(now), "next_attempt_at", now=now),
        queue_age("Reported comments", CommentReport.objects.filter(resolved_at=None), "created_at", now=now),
        queue_age(
            "Records that could not be read",
            RejectedRecord.objects.filter(resolved_at=None),
            "last_seen_at",
            now=now,
            view_name="admin:papers_rejectedrecord_changelist",
        ),
        queue_age("Sources to fetch", Source.objects.due(now), "next_fetch_at", now=now, view_name="papers:status"),
        queue_age("Topics to match", Topic.objects.pending(), "pending_since", now=now),
    ]
