"""How meetings and agendas are written on pages. No queries."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django import template
from django.contrib.auth.models import AnonymousUser

from papers.models import AgendaItem, Club, ClubMeeting, User
from papers.models.club import ClubRights
from papers.services.clubs.read_club import AgendaRow
from papers.text.counts import counted

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
    votes = f"{counted(row.votes, 'vote')} {row.period.words}" if row.votes and row.period else ""
    carried = f"from {item.carried_from.day} {item.carried_from:%B}" if item.carried_from else ""
    nominated = f"nominated by {item.nominated_by.username}" if item.nominated_by else ""
    by = f"Presented by {presenter.username}" if presenter else "Nobody presents it yet"
    return " · ".join(filter(None, [by, nominated, votes, carried]))


@register.simple_tag
def agenda_acts(
    item: AgendaItem,
    user: User | AnonymousUser,
    rights: ClubRights,
    is_open: bool,
    *,
    is_first: bool = False,
    is_last: bool = False,
) -> list[tuple[str, str]]:
    """What the reader may press beside a paper on an agenda, as `papers.views.club_agenda` allows it: name and label.

    Of a meeting that is over or cancelled, a paper can only be carried over.
    """
    has_presenter = item.presenter is not None and item.presenter.is_active
    presents, nominated, organizes = item.presenter_id == user.pk, item.nominated_by_id == user.pk, rights.may_organize
    acts = [
        ("present", "I’ll present it", rights.may_nominate and not has_presenter and is_open),
        ("withdraw", "I can no longer present it", presents and is_open),
        ("withdraw", "Take off presenter", organizes and has_presenter and not presents and is_open),
        ("up", "Up", organizes and is_open and not is_first),
        ("down", "Down", organizes and is_open and not is_last),
        ("later", "Next time", organizes and item.meeting.cancelled_at is None),
        ("remove", "Remove", (organizes or (nominated and rights.may_nominate)) and is_open),
    ]
    return [(name, label) for name, label, may in acts if may]
