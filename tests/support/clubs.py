"""Journal clubs for tests."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from papers.models import Club, ClubMeeting, ClubMember, User
from papers.services.accounts.email_addresses import reset_to_account_address
from papers.services.clubs.clubs import create_club, join_club
from tests.support.factories import NOW
from tests.support.people import reader


def club(by: User, *members: User, now: datetime = NOW, **fields: Any) -> Club:
    """A club that meets every Thursday at 16:00 in Berlin, unless said otherwise; `by` organizes it."""
    given = {
        "name": "Reading group",
        "repeats": "weekly",
        "weekday": 3,
        "local_time": time(16),
        "time_zone": "Europe/Berlin",
        "duration": 60,
        "starts_on": date(2026, 1, 1),
        "place": "Room 12",
    }
    made = create_club(by=by, fields=given | fields, now=now)
    for member in members:
        join_club(club=made, user=member)
    return made


def mailable(name: str, **fields: Any) -> User:
    """A reader whose address is confirmed."""
    user = reader(name, **fields)
    reset_to_account_address(user)
    return user


def meeting_on(of: Club, day: date) -> ClubMeeting:
    return ClubMeeting.objects.select_related("club").get(club=of, slot_on=day)


def organizer(of: Club, user: User) -> None:
    ClubMember.objects.update_or_create(club=of, user=user, defaults={"is_organizer": True})
