"""The mails of journal clubs as bytes: the same text in both halves, the papers each with what it does, and the meeting
as a file for calendars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string

from digests.content import rendering, urls
from digests.models import ClubMail
from digests.models.mail_keys import KeyPurpose, derive_key
from digests.wire.mime import (
    Attachment,
    ascii_address,
    assemble,
    header,
    mailbox,
    parse_sender,
    quoted_printable,
    with_display_name,
)
from papers.models import AgendaItem, ClubMeeting, ClubMember
from papers.services.clubs.read_club import items_of
from papers.services.operations.installation import group_settings
from papers.web.calendars import CALENDAR_TYPE
from papers.web.club_calendar import meeting_calendar

# PUBLISH: what holds is told, and no answer is asked for (RFC 5546, 1.4); the file says the same.
_CALENDAR_TYPE = f'{CALENDAR_TYPE}; method=PUBLISH; name="meeting.ics"'


def club_key(mail: ClubMail) -> str:
    """What opens the way out that stands in a mail; derived, so it need not be stored. No query."""
    return derive_key(KeyPurpose.CLUB, mail.pk, nonce=mail.uid)


def build_club_message(mail: ClubMail, *, told: Mapping[str, Any], key: str, now: datetime) -> bytes:
    """A mail of what holds of a meeting now. Few queries; none a paper.

    Args:
        mail: with its user, its meeting and the meeting's club.
        told: the facts that the mail before told; empty for the first.
        key: what opens the way out.
        now: says which year needs no naming.

    Raises:
        ValueError: the address cannot be written to.
    """
    items = list(items_of([mail.meeting]))
    context = _context(mail, items, told, key, now)
    text = render_to_string("emails/club.txt", context)
    html = rendering.inline_styles(render_to_string("emails/club.html", context))
    return assemble(
        _headers(mail, str(context["title"]), key),
        text=quoted_printable(text),
        html=quoted_printable(html),
        boundary=f"=_{mail.uid.hex}",
        attachment=Attachment("meeting.ics", _CALENDAR_TYPE, meeting_calendar(mail.meeting, items)),
    )


def _context(
    mail: ClubMail, items: Sequence[AgendaItem], told: Mapping[str, Any], key: str, now: datetime
) -> dict[str, Any]:
    meeting, club = mail.meeting, mail.meeting.club
    rows = [_row(item) for item in items]
    organizes = ClubMember.objects.filter(club=club, user=mail.user_id, is_organizer=True).exists()
    news = _news(meeting, told)
    when = in_words(meeting, club.zone)
    return {
        "club": club,
        "meeting": meeting,
        "news": news,
        "title": f"{club.name}: {news[:1].lower()}{news[1:]}, {when}" if news else f"{club.name}: {when}",
        "when": f"{when} ({club.time_zone})",
        "reader_when": _for_reader(meeting, mail.user.zone() or group_settings().zone),
        "was": _was(meeting, told),
        "rows": rows,
        "lost": [row for row in rows if row["lost"]] if organizes else [],
        "url": settings.SITE.origin + meeting.get_absolute_url(),
        "unsubscribe_url": urls.unsubscribe_url(key),
        "privacy_url": urls.privacy_url(),
        "site_url": settings.SITE_URL,
        "group_name": group_settings().name,
        "this_year": now.year,
    }


def _row(item: AgendaItem) -> dict[str, Any]:
    lost = item.needs_presenter
    presenter = item.presenter.username if item.presenter is not None and not lost else ""
    return {
        "paper": item.paper,
        "url": settings.SITE.origin + item.paper.get_absolute_url(),
        "presenter": presenter,
        "lost": lost,
    }


def in_words(meeting: ClubMeeting, zone: ZoneInfo) -> str:
    """`Thursday 3 December 2026, 16:00–17:00`, by the clock of `zone`."""
    start, end = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    return f"{start:%A} {start.day} {start:%B} {start.year}, {start:%H:%M}–{end:%H:%M}"


def _for_reader(meeting: ClubMeeting, zone: ZoneInfo) -> str:
    """The same by the reader's own clock; empty where that shows the same."""
    club = meeting.club.zone
    if meeting.starts_at.astimezone(zone).replace(tzinfo=None) == meeting.starts_at.astimezone(club).replace(
        tzinfo=None
    ):
        return ""
    return f"{in_words(meeting, zone)} ({zone.key})"


def _news(meeting: ClubMeeting, told: Mapping[str, Any]) -> str:
    """What the mail says first where it is no plain reminder."""
    if meeting.cancelled_at is not None:
        return "Cancelled"
    if not told:
        return ""
    if told.get("cancelled"):
        return "Takes place after all"
    is_moved = told.get("starts") != meeting.starts_at.isoformat() or told.get("ends") != meeting.ends_at.isoformat()
    return "New time" if is_moved else "New place" if (meeting.place, meeting.link) != _place(told) else ""


def _place(told: Mapping[str, Any]) -> tuple[str, str]:
    return str(told.get("place", "")), str(told.get("link", ""))


def _was(meeting: ClubMeeting, told: Mapping[str, Any]) -> str:
    """When the meeting was to be before it was moved; empty where it was not."""
    if not told or told.get("starts") == meeting.starts_at.isoformat():
        return ""
    before = ClubMeeting(
        club=meeting.club,
        starts_at=datetime.fromisoformat(str(told["starts"])),
        ends_at=datetime.fromisoformat(str(told["ends"])),
    )
    return in_words(before, meeting.club.zone)


def _headers(mail: ClubMail, title: str, key: str) -> str:
    """Whole header lines. List-Unsubscribe-Post only with https, as RFC 8058 has it."""
    site, club = settings.SITE, mail.meeting.club
    name, sender = parse_sender(settings.DEFAULT_FROM_EMAIL)
    host = str(site.host).strip("[]").replace(":", ".")
    lines = [
        header("From", mailbox(name or group_settings().name or "Daily Papers", sender)),
        f"To: {ascii_address(mail.user.email)}\r\n",
        header("Subject", title),
        f"Date: {format_datetime(mail.planned_at)}\r\n",
        f"Message-ID: <club.{mail.uid.hex}@{sender.rpartition('@')[2]}>\r\n",
        header("Reply-To", sender),
        header("List-Id", with_display_name(club.name, f"{club.slug}.clubs.{host}")),
        f"List-Unsubscribe: <{urls.unsubscribe_url(key)}>\r\n",
        header("Auto-Submitted", "auto-generated"),
        header("Precedence", "bulk"),
        header("X-Auto-Response-Suppress", "All"),
    ]
    if site.is_https:
        lines.append(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return "".join(lines)
