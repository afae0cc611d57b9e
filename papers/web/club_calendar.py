"""Clubs as a calendar, and a meeting for one: with agendas, as `papers.web.calendars` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from papers.models import AgendaItem, Club, ClubMeeting
from papers.services.clubs.read_club import meetings_for_calendar
from papers.text.html import plain_text
from papers.web.calendars import CalendarEvent, write_calendar

LOOK_BACK = timedelta(days=365)
"""How long a meeting that is over stays in the calendar."""


def clubs_calendar(name: str, clubs: Sequence[Club], *, now: datetime) -> bytes:
    """The meetings of some clubs, to be subscribed to. Two queries."""
    meetings = meetings_for_calendar(clubs, now=now, back=LOOK_BACK)
    return write_calendar(name, [_event(one, one.papers_shown) for one in meetings])  # type: ignore[attr-defined]  # prefetched


def meeting_calendar(meeting: ClubMeeting, items: Sequence[AgendaItem]) -> bytes:
    """One meeting with its agenda, to be taken into a reader's own calendar; with its club. No query.

    The event is the one of `clubs_calendar`: whoever subscribes and takes it has it once.
    """
    return write_calendar("", [_event(meeting, items)])


def _event(meeting: ClubMeeting, items: Sequence[AgendaItem]) -> CalendarEvent:
    address = settings.SITE.origin + meeting.get_absolute_url()
    return CalendarEvent(
        uid=f"{meeting.uid}@{settings.SITE.host}",
        sequence=meeting.sequence,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        time_zone=meeting.club.time_zone,
        changed_at=meeting.changed_at,
        title=meeting.club.name,
        description="\n".join(filter(None, [meeting.note, *map(_line, items), meeting.link, address])),
        place=meeting.place or meeting.link,
        address=address,
        is_cancelled=meeting.cancelled_at is not None,
    )


def _line(item: AgendaItem) -> str:
    by = f" ({item.presenter.username})" if item.presenter is not None and item.presenter.is_active else ""
    return f"• {plain_text(item.paper.title)}{by}"
