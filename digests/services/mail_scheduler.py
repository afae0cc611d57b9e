"""The minute's work for mail: plan what is due, reclaim what dead workers held, clean up once a night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache

from digests.content.fragments import delete_expired_fragments
from digests.models import Delivery, SendingPause
from digests.models.delivery import DELIVERY_RETENTION
from digests.services import outbox
from digests.services.delivery_statistics import RECOUNT_SPAN, count_days
from digests.services.mail_keys import delete_expired_mail_keys
from digests.services.merged_papers import delete_expired_merges
from digests.services.planning import PlanningResult, plan_due

# A mail is given up after a month at the latest; nothing is made of older parts.
FRAGMENT_RETENTION = timedelta(days=40)
_CLEANUP_SECONDS = 60 * 60 * 20
_COUNT_SECONDS = 60 * 5


@dataclass(frozen=True, slots=True)
class ScheduledWorkResult:
    """What one minute's run found and did."""

    planned: PlanningResult
    reclaimed: int
    is_waiting: bool
    """There is something to send."""


def run_scheduled_work(*, now: datetime) -> ScheduledWorkResult:
    """Reclaim expired leases, plan what is due at `now` (UTC), and now and then clean up and count.

    Idempotent: twice at once, or not for an hour, does no harm.
    """
    reclaimed = outbox.reclaim_expired_leases(now=now, mark_unknown=settings.MAIL_IN_DOUBT == "skip")
    planned = plan_due(now=now)
    if cache.add("mail-cleanup", now.timestamp(), _CLEANUP_SECONDS):
        cleanup(now=now)
    if cache.add("mail-counted", now.timestamp(), _COUNT_SECONDS):
        count_days(now=now)
    return ScheduledWorkResult(planned, reclaimed, is_waiting=outbox.count_waiting(now=now, at_most=1) > 0)


def cleanup(*, now: datetime) -> None:
    """Delete merges, fragments, mails and pauses that are past their retention, and recount days. Idempotent."""
    delete_expired_merges(now=now)
    delete_expired_fragments(before=now - FRAGMENT_RETENTION)
    Delivery.objects.filter(planned_at__lt=now - DELIVERY_RETENTION).delete()
    delete_expired_mail_keys(now=now)
    SendingPause.objects.filter(until__lt=now).delete()
    count_days(now=now, span=RECOUNT_SPAN)
