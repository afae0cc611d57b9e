"""When a reader was here last, and what was listed since.

A visit is a series of requests with less than `VISIT_GAP` between them. What was listed after its end is what the
reader missed. It is found by releases, which grow in the order of commits, so that nothing is lost between two clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max
from django.utils import timezone

from papers.models import Edition, Listing, User

# A page asked for after this gap begins a new visit.
VISIT_GAP = timedelta(hours=3)
# The row of a reader is written once in this time at most.
WRITE_INTERVAL = timedelta(minutes=5)

# What was missed is not looked for further back than this; editions this long before the last visit may still fill up.
MAX_LOOK_BACK = timedelta(days=31)
LATE_LISTING_WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MissedListings:
    """What a reader has missed: listings above `release`, from a day on."""

    first_day: date
    release: int
    previous_visit_at: datetime | None
    """When the last visit ended; None where a day was asked for, or this is the first visit."""


def missed_since(user: User, *, from_day: date | None, today: date) -> MissedListings:
    """What a reader missed since the last visit, or from `from_day` on. A first visit has missed a week. No queries."""
    earliest = today - MAX_LOOK_BACK
    if from_day is not None:
        return MissedListings(first_day=max(from_day, earliest), release=0, previous_visit_at=None)
    if user.previous_visit_at is None:
        return MissedListings(first_day=today - LATE_LISTING_WINDOW, release=0, previous_visit_at=None)
    left_on = timezone.localdate(user.previous_visit_at)
    return MissedListings(
        first_day=max(left_on - LATE_LISTING_WINDOW, earliest),
        release=user.previous_visit_release or 0,
        previous_visit_at=user.previous_visit_at,
    )


def has_missed_editions(user: User | AnonymousUser, *, before: date) -> bool:
    """Whether there are editions between the last visit and the day `before`. One query, none on a first visit."""
    if not user.is_authenticated or user.previous_visit_at is None:
        return False
    return Edition.objects.between(timezone.localdate(user.previous_visit_at), before).exists()


def record_visit(user: User | AnonymousUser, *, now: datetime) -> None:
    """Note that a reader asked for a list. Two statements every `WRITE_INTERVAL`, else none."""
    if not user.is_authenticated or (user.visited_at is not None and now - user.visited_at < WRITE_INTERVAL):
        return
    change: dict[str, datetime | int | None] = {
        "visited_at": now,
        "visited_release": Listing.objects.aggregate(newest=Max("release"))["newest"] or 0,
    }
    if user.visited_at is not None and now - user.visited_at >= VISIT_GAP:
        change |= {"previous_visit_at": user.visited_at, "previous_visit_release": user.visited_release}
    User.objects.filter(pk=user.pk, visited_at=user.visited_at).update(**change)
    for name, value in change.items():
        setattr(user, name, value)
