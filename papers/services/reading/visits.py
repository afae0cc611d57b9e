"""When a reader was here last, so that what was listed since can be told.

A visit is a row of requests with no gap of hours between them. What was listed after its end is what the reader missed;
it is told by releases, which grow in the order of commits, so nothing that came meanwhile is lost between two clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max
from django.utils import timezone

from papers.models import Edition, Listing, User

# A page asked for after so long a gap begins a new visit.
GAP = timedelta(hours=3)
# The row of a reader is written at most so often.
EVERY = timedelta(minutes=5)

# What was missed is not looked for further back; and days that long before the last visit are filled in late, and old.
LOOK_BACK = timedelta(days=31)
LATE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Missed:
    """What a reader has missed: listings above `release`, from a day on."""

    first_day: date
    release: int
    left_at: datetime | None
    """When the last visit ended; None where a day was asked for, or this is the first visit."""


def missed_since(user: User, *, from_day: date | None, today: date) -> Missed:
    """Since the last visit; or from `from_day` on, whatever was seen. A first visit has missed a week. No queries."""
    earliest = today - LOOK_BACK
    if from_day is not None:
        return Missed(first_day=max(from_day, earliest), release=0, left_at=None)
    if user.left_at is None:
        return Missed(first_day=today - LATE, release=0, left_at=None)
    left_on = timezone.localdate(user.left_at)
    return Missed(first_day=max(left_on - LATE, earliest), release=user.left_release or 0, left_at=user.left_at)


def has_missed_editions(user: User | AnonymousUser, *, before: date) -> bool:
    """Whether there are editions between the last visit and the one of `before`. One query for who was away."""
    if not user.is_authenticated or user.left_at is None:
        return False
    return Edition.objects.between(timezone.localdate(user.left_at), before).exists()


def note_visit(user: User | AnonymousUser, *, now: datetime) -> None:
    """Note that a reader looks at a list. Two statements every five minutes, else none."""
    if not user.is_authenticated or (user.visited_at is not None and now - user.visited_at < EVERY):
        return
    change: dict[str, datetime | int | None] = {
        "visited_at": now,
        "visited_release": Listing.objects.aggregate(newest=Max("release"))["newest"] or 0,
    }
    if user.visited_at is not None and now - user.visited_at >= GAP:
        change |= {"left_at": user.visited_at, "left_release": user.visited_release}
    User.objects.filter(pk=user.pk, visited_at=user.visited_at).update(**change)
    for name, value in change.items():
        setattr(user, name, value)
