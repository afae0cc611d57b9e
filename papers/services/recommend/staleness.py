"""Whose recommendations are out of date: recorded when a reader does something, found again from rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from papers.models import EmbeddingModel, Paper, RecommendationState, User

DEBOUNCE = timedelta(seconds=20)
"""Readers do several things in a row; all of them are taken up at once."""
REFRESH_INTERVAL = timedelta(minutes=30)
"""How often new papers and new vectors are looked through for a reader who does nothing."""
MAX_AGE = timedelta(hours=20)
"""Without new papers, too, older ones fall behind."""

_NOTE = """
    INSERT INTO papers_recommendationstate (user_id, stale_at, computed_at, liked_count)
    SELECT id, %(now)s, NULL, 0 FROM papers_user WHERE id = %(user)s
    ON CONFLICT (user_id) DO UPDATE SET stale_at = excluded.stale_at
"""


def mark_recommendations_stale(user: User) -> None:
    """Record that what is recommended to a reader is out of date, in the transaction of what the reader did.

    It comes before the reader's own rows are written: of two buttons pressed at once the second waits here, and the
    two never wait for each other's rows. Idempotent; one statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"user": user.pk, "now": timezone.now()})


def stale_readers(*, now: datetime) -> QuerySet[RecommendationState]:
    """Readers who did something, the longest waiting first, then those for whom there are new papers. One query.

    Readers whose account is suspended are left out.
    """
    stale = Q(stale_at__lte=now - DEBOUNCE)
    behind = Q(computed_at__lt=now - MAX_AGE)
    if newest := _newest_change():
        behind |= Q(computed_at__lt=min(newest, now - REFRESH_INTERVAL))
    return RecommendationState.objects.filter(stale | behind, user__is_active=True).order_by(
        "stale_at", "computed_at", "pk"
    )


def has_stale_readers(*, now: datetime) -> bool:
    """Whether any reader's recommendations are out of date at `now`. Three queries."""
    return stale_readers(now=now).exists()


def _newest_change() -> datetime | None:
    """When the last paper or vector came. Two queries, each of one row."""
    moments = [
        Paper.objects.order_by("-pk").values_list("created_at", flat=True).first(),
        EmbeddingModel.objects.filter(serves=True).values_list("last_embedded_at", flat=True).first(),
    ]
    return max((moment for moment in moments if moment is not None), default=None)
