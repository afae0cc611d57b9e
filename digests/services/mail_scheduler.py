"""The minute's work for mail: plan, take over from the dead, tidy at night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache

from digests.content.fragments import forget_parts
from digests.models import Brake, Delivery
from digests.models.delivery import HISTORY_KEPT
from digests.services import outbox
from digests.services.delivery_statistics import ALL, count_days
from digests.services.merged_papers import forget_merges
from digests.services.planning import Planned, plan_due

# A mail is given up after a month at the latest; nothing is made of older parts.
PARTS_KEPT = timedelta(days=40)
_TIDY_EVERY_SECONDS = 60 * 60 * 20
_COUNT_EVERY_SECONDS = 60 * 5


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick found and did."""

    planned: Planned
    taken_over: int
    is_waiting: bool
    """There is something to send."""


def tick(*, now: datetime) -> Ticked:
    """Do it. Idempotent: twice at once, or not for an hour, does no harm."""
    taken_over = outbox.sweep(now=now, leaves_doubtful=settings.MAIL_IN_DOUBT == "skip")
    planned = plan_due(now=now)
    if cache.add("mail-tidied", now.timestamp(), _TIDY_EVERY_SECONDS):
        tidy(now=now)
    if cache.add("mail-counted", now.timestamp(), _COUNT_EVERY_SECONDS):
        count_days(now=now)
    return Ticked(planned, taken_over, is_waiting=outbox.count_waiting(now=now, at_most=1) > 0)


def tidy(*, now: datetime) -> None:
    """Forget what nobody asks for any more. Idempotent."""
    forget_merges(now=now)
    forget_parts(before=now - PARTS_KEPT)
    Delivery.objects.filter(planned_at__lt=now - HISTORY_KEPT - timedelta(days=7)).delete()
    Brake.objects.filter(until__lt=now).delete()
    count_days(now=now, back=ALL)
