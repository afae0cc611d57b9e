"""How meetings and agendas are written on pages. No queries."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django import template
from django.contrib.auth.models import AnonymousUser

from papers.models import AgendaItem, Club, ClubMeeting, User
from papers.services.clubs.read_club import AgendaRow

register = template.Library()

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@register.filter
def meeting_time(meeting: ClubMeeting, zone_name: str = "") -> str:
    """`Thursday 3 December 2026, 16:00–17:00`, by the club's clock or that of another zone."""
    zone = ZoneInfo(zone_name) if zone_name else meeting.club.zone
    start, end = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    return f"{start:%A} {start.day} {start:%B} {start.year}, {start:%H:%M}–{end:%H:%M}"


@register.filter
def club_rhythm(club: Club) -> str:
    """`Every week on Thursday at 16:00 (Europe/Berlin)`."""
    day = _WEEKDAYS[club.weekday]
    if club.repeats in ("weekly", "fortnightly"):
        often = f"Every {'' if club.repeats == 'weekly' else 'second '}{day}"
    else:
        often = f"The {club.repeats} {day} of each month"
    return f"{often} at {club.local_time:%H:%M} ({club.time_zone})"


@register.filter
def agenda_facts(row: AgendaRow) -> str:
    """`Presented by ada · nominated by ben · 5 votes since the last meeting`."""
    item = row.item
    presenter = item.presenter if item.presenter is not None and item.presenter.is_active else None
    votes = f"{row.votes} vote{'' if row.votes == 1 else 's'} since the last meeting" if row.votes else ""
    carried = f"from {item.carried_from.day} {item.carried_from:%B}" if item.carried_from else ""
    nominated = f"nominated by {item.nominated_by.username}" if item.nominated_by else ""
    by = f"Presented by {presenter.username}" if presenter else "Nobody presents it yet"
    return " · ".join(filter(None, [by, nominated, votes, carried]))


@dataclass(frozen=True, slots=True)
class AgendaAct:
    """Something that may be pressed beside a paper on an agenda."""

    name: str
    label: str
    for_organizers: bool = False
    for_members: bool = False
    is_own: bool = False
    """It takes back what the reader did."""


@register.filter
def agenda_acts(item: AgendaItem, user: User | AnonymousUser) -> list[AgendaAct]:
    """What may be pressed, whoever presses it; the page shows each to those who may."""
    has_presenter = item.presenter is not None and item.presenter.is_active
    presents, nominated = item.presenter_id == user.pk, item.nominated_by_id == user.pk
    acts = [
        AgendaAct("present", "I’ll present it", for_members=True) if not has_presenter else None,
        AgendaAct("withdraw", "I can no longer present it", is_own=True) if presents else None,
        AgendaAct("withdraw", "Take off presenter", for_organizers=True) if has_presenter and not presents else None,
        AgendaAct("up", "Up", for_organizers=True),
        AgendaAct("down", "Down", for_organizers=True),
        AgendaAct("later", "Next time", for_organizers=True),
        AgendaAct("remove", "Remove", for_organizers=True, is_own=nominated),
    ]
    return [act for act in acts if act is not None]
