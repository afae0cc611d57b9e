"""What readers say of recommendations: more like this, less like this, what counts, and "forget all of it"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from papers.enqueue import TaskName, enqueue
from papers.models import (
    Paper,
    Recommendation,
    RecommendationFeedback,
    RecommendationProfile,
    RecommendationState,
    User,
)
from papers.models.recommendation import FeedbackKind
from papers.services.reading.seen import mark_seen
from papers.services.recommend.reader_signals import MAX_FEEDBACK
from papers.services.recommend.staleness import DEBOUNCE, mark_recommendations_stale

COUNTED = ("votes", "saves", "imports", "tags", "follows")
"""What a reader may let count or not: columns of RecommendationProfile."""
MAX_BY_MAIL_A_DAY = 60
"""Who was forwarded a mail can press its links; a reader presses those of a day's papers."""
FORGOTTEN_AFTER = timedelta(days=1)
"""What was said of papers is deleted so long after "forget all of it", which can be taken back for an hour."""


class FeedbackError(Exception):
    """It can't be noted; the words are for the reader."""


_SAY = """
    INSERT INTO papers_recommendationfeedback (user_id, paper_id, kind, by_mail, created_at)
    SELECT %(user)s, paper.id, %(kind)s, %(by_mail)s, %(now)s
    FROM papers_paper paper WHERE paper.id = %(paper)s AND paper.hidden_at IS NULL FOR KEY SHARE
    ON CONFLICT (user_id, paper_id) DO UPDATE
        SET kind = excluded.kind, by_mail = excluded.by_mail, created_at = excluded.created_at
"""


def feedback_on(*, user: User, paper_id: int) -> str:
    """What the reader said of a paper: a `FeedbackKind`, or nothing. One query."""
    found = RecommendationFeedback.objects.filter(user=user, paper=paper_id).values_list("kind", flat=True).first()
    return found or ""


def set_feedback(*, user: User, paper_id: int, kind: str, now: datetime, by_mail: bool = False) -> None:
    """Note "more like this", "less like this" or "does not count" of a paper; `""` takes it back. Idempotent.

    Of which more or less is wanted counts as seen, so that it makes room. The oldest word makes room for a new one.

    Raises:
        FeedbackError: too much came by the links of mails today.
        Paper.DoesNotExist: it is gone, or hidden.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        mark_recommendations_stale(user)
        own = RecommendationFeedback.objects.filter(user=user)
        if not kind:
            own.filter(paper=paper_id).delete()
            return
        before = own.filter(paper=paper_id).values_list("kind", flat=True).first()
        if before == kind:
            return
        if by_mail and own.filter(by_mail=True, created_at__gt=now - timedelta(days=1)).count() >= MAX_BY_MAIL_A_DAY:
            raise FeedbackError("That is enough for today. You can say more on the page For you.")
        if before is None:
            kept = own.order_by("-created_at", "-paper_id").values_list("paper_id", flat=True)
            own.filter(paper__in=list(kept[MAX_FEEDBACK - 1 :])).delete()
        values: dict[str, Any] = {
            "user": user.pk,
            "paper": paper_id,
            "kind": FeedbackKind(kind).value,
            "by_mail": by_mail,
            "now": now,
        }
        cursor.execute(_SAY, values)
        if not cursor.rowcount:
            raise Paper.DoesNotExist
        if kind != FeedbackKind.IGNORED:
            mark_seen(user=user, paper_ids=[paper_id])


def read_profile(user: User) -> RecommendationProfile:
    """What counts for a reader; one that is not stored where nothing was chosen. One query."""
    return RecommendationProfile.objects.filter(user=user).first() or RecommendationProfile(user=user)


def save_profile(*, user: User, counts: Mapping[str, bool]) -> None:
    """Let these count, and those not, from now on; computed at once. Idempotent. Names are of `COUNTED`."""
    with transaction.atomic():
        recompute_soon(user)
        RecommendationProfile.objects.update_or_create(user=user, defaults={name: counts[name] for name in COUNTED})


def forget_profile(*, user: User, now: datetime) -> None:
    """Let nothing count that was done until now. The library, votes and tags stay. `set_forgotten` takes it back."""
    set_forgotten(user=user, at=now)
    Recommendation.objects.filter(user=user, tag=None).delete()


def set_forgotten(*, user: User, at: datetime | None) -> None:
    """Let only what was done after `at` count; None: all. Computed at once."""
    with transaction.atomic():
        recompute_soon(user)
        RecommendationProfile.objects.update_or_create(user=user, defaults={"forgotten_at": at})


def recompute_soon(user: User) -> None:
    """Have a worker compute what is recommended to a reader without the wait in which other acts may follow."""
    mark_recommendations_stale(user)
    due = timezone.now() - DEBOUNCE - timedelta(seconds=1)
    RecommendationState.objects.filter(user=user).update(stale_at=due)
    enqueue(TaskName.COMPUTE_RECOMMENDATIONS)


_FORGOTTEN = """
    DELETE FROM papers_recommendationfeedback said USING papers_recommendationprofile profile
    WHERE profile.user_id = said.user_id AND said.created_at <= profile.forgotten_at
      AND profile.forgotten_at < %(before)s
"""


def delete_forgotten_feedback(*, now: datetime) -> int:
    """Delete what was said before a reader had it forgotten; how many rows. Idempotent."""
    values: dict[str, Any] = {"before": now - FORGOTTEN_AFTER}
    with connection.cursor() as cursor:
        cursor.execute(_FORGOTTEN, values)
        return int(cursor.rowcount)
