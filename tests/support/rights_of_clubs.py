"""Who gets what of journal clubs: rows of the table in tests/web/test_rights.py.

In `lunch`, rita is a member and paul organizes; `secret` is private, and rita is in it; `own` is organized by rita.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from papers.models import AgendaItem, Club, ClubMeeting, ClubMember, Paper, User
from tests.support.rights import WAY_IN, Row, everybody, members, office

_AT = datetime(2199, 1, 3, 15, tzinfo=UTC)
_DAY = "2199-01-03"

CLUBS: dict[str, list[Row]] = {
    "papers:clubs": [everybody("/clubs")],
    "papers:club-new": [office("/clubs/new"), office("/clubs/new", 422, method="POST")],
    "papers:club": [
        everybody("/clubs/lunch"),
        Row("/clubs/secret", 404, 200, 404, 200, 200),
        everybody("/clubs/none", 404),
    ],
    "papers:club-calendar": [
        everybody("/clubs/lunch.ics"),
        Row("/clubs/secret.ics", 404, 200, 404, 200, 200),
    ],
    "papers:club-edit": [
        office("/clubs/lunch/edit"),
        office("/clubs/lunch/edit", 422, method="POST"),
        office("/clubs/own/edit"),  # organizers don't
    ],
    "papers:club-membership": [
        members("/clubs/lunch/membership", 404, method="POST"),  # nothing is asked for
        Row("/clubs/secret/membership", WAY_IN, 404, 404, 404, 404, method="POST"),
    ],
    "papers:club-people": [
        Row("/clubs/lunch/people", WAY_IN, 404, 404, 200, 200),
        Row("/clubs/own/people", WAY_IN, 200, 404, 200, 200),
        Row("/clubs/own/people", WAY_IN, 302, 404, 302, 302, method="POST"),
    ],
    "papers:club-archive": [
        everybody("/clubs/lunch/archive?q=ice"),
        Row("/clubs/secret/archive", 404, 200, 404, 200, 200),
    ],
    "papers:club-meeting": [
        everybody(f"/clubs/lunch/{_DAY}"),
        everybody("/clubs/lunch/2199-02-30", 404, on_members_site=404),  # no such day, no such address
        Row(f"/clubs/secret/{_DAY}", 404, 200, 404, 200, 200),
    ],
    "papers:meeting-cancel": [
        Row(f"/clubs/lunch/{_DAY}/cancel", WAY_IN, 404, 404, 302, 302, method="POST"),
        Row(f"/clubs/own/{_DAY}/cancel", WAY_IN, 302, 404, 302, 302, method="POST"),
    ],
    "papers:meeting-move": [
        Row(f"/clubs/lunch/{_DAY}/move", WAY_IN, 404, 404, 200, 200),
        Row(f"/clubs/own/{_DAY}/move", WAY_IN, 422, 404, 422, 422, method="POST"),
    ],
    "papers:meeting-minutes": [
        Row(f"/clubs/lunch/{_DAY}/minutes", WAY_IN, 404, 404, 200, 200),
        Row(f"/clubs/own/{_DAY}/minutes", WAY_IN, 302, 404, 302, 302, method="POST"),
    ],
    "papers:agenda-act": [
        # In lunch, rita volunteers; the order is not hers. Curators and administrators order without being members.
        Row("/clubs/agenda/990001/present", WAY_IN, 302, 404, 404, 404, method="POST"),
        Row("/clubs/agenda/990001/up", WAY_IN, 404, 404, 302, 302, method="POST"),
        Row("/clubs/agenda/990001/later", WAY_IN, 404, 404, 302, 302, method="POST"),
        Row("/clubs/agenda/990001/remove", WAY_IN, 404, 404, 302, 302, method="POST"),
        Row("/clubs/agenda/990002/remove", WAY_IN, 302, 404, 302, 302, method="POST"),
        Row("/clubs/agenda/990002/none", WAY_IN, 404, 404, 404, 404, method="POST"),
    ],
    "papers:nominate": [
        members("/papers/2603.99001/nominate"),
        members("/papers/2603.99001/nominate", 404, method="POST"),  # no club is named
        Row("/papers/2603.99002/nominate", WAY_IN, 404, 404, 200, 200),
    ],
}


def clubs_for_rights(rita: User, paper: Paper) -> None:
    """The clubs that the rows speak of."""
    paul = User.objects.get(username="paul")
    for number, (slug, organizer) in enumerate((("lunch", paul), ("secret", paul), ("own", rita)), 990001):
        club = Club.objects.create(
            name=slug, slug=slug, weekday=3, time_zone="UTC", starts_on=date(2199, 1, 1), is_private=slug == "secret"
        )
        for person in {organizer, rita}:
            ClubMember.objects.create(club=club, user=person, is_organizer=person == organizer)
        for week in (0, 1):
            at = _AT + timedelta(weeks=week)
            meeting = ClubMeeting.objects.create(
                club=club, slot_on=at.date(), starts_at=at, ends_at=at + timedelta(hours=1), changed_at=_AT
            )
            if week == 0:
                by = rita if slug == "secret" else paul
                AgendaItem.objects.create(pk=number, meeting=meeting, paper=paper, nominated_by=by, nominated_at=_AT)
