"""What waits, and for how long: the oldest of each queue, found along its index."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse

from papers.models import CommentReport, RejectedRecord, Source, Submission, Topic
from papers.ranking.charts import QUEUE_AGES, QueueChart

MAX_COUNTED = 1_000


def queue_age(name: str, rows: QuerySet[Any], since: str, *, now: datetime, address: str = "") -> QueueChart:
    """How `rows` have waited since the moment in their column `since`. One query, over the oldest thousand.

    `rows` and `since` must be those of an index, so that the oldest are found without reading the others.
    """
    oldest = rows.order_by(since)[: MAX_COUNTED + 1]
    edges = [now - limit for _, limit in QUEUE_AGES]
    counts = {
        f"age{place}": Count("pk", filter=Q(**{f"{since}__gt": edge})) for place, edge in enumerate(edges)
    }  # each with those of the edges before it
    found = oldest.aggregate(all=Count("pk"), first=Min(since), **counts)
    upto = [found[f"age{place}"] for place in range(len(edges))] + [found["all"]]
    return QueueChart(
        name=name,
        ages=(upto[0], upto[1] - upto[0], upto[2] - upto[1], upto[3] - upto[2]),
        oldest=max(now - found["first"], timedelta()) if found["first"] else None,
        is_cut=found["all"] > MAX_COUNTED,
        address=address,
    )


def paper_queues(*, now: datetime) -> list[QueueChart]:
    """Those of papers: submissions, reports, broken records, visits and topics. A query each."""
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
            address=reverse("admin:papers_rejectedrecord_changelist"),
        ),
        queue_age(
            "Visits to sources", Source.objects.due(now), "next_fetch_at", now=now, address=reverse("papers:status")
        ),
        queue_age("Topics to match", Topic.objects.pending(), "pending_since", now=now),
    ]
