"""Two clubs through a month of simulated weeks: a cancelled week, the night when clocks change, a presenter who leaves,
workers that are killed. Each mail comes once, and the calendar that programs read says the same."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default as modern
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from digests.models import ClubMail
from digests.services import club_mail
from digests.services.club_mail import send_due_club_mail
from digests.services.club_mail_plan import plan_club_mail
from digests.wire.smtp import SmtpConnectionLostError
from papers.models import AgendaItem, Club, User
from papers.services.accounts.deletion import delete_account
from papers.services.clubs.agenda import nominate, set_presenter
from papers.services.clubs.clubs import leave_club
from papers.services.clubs.meetings import cancel_meeting, plan_all_meetings, restore_meeting
from papers.web.club_calendar import clubs_calendar
from tests.support import factories
from tests.support.clubs import club, mailable, meeting_on
from tests.support.mail import RecordingTransport, set_up_mail
from tests.support.people import anonymous_client

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
END = datetime(2026, 4, 6, 0, 0, tzinfo=UTC)
STEP = timedelta(hours=3)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


class DyingTransport(RecordingTransport):
    """Its worker is killed at every third mail: before the body, before the end of data, or with the reply unread."""

    count = 0

    def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
        DyingTransport.count += 1
        if DyingTransport.count % 9 == 3:
            raise KilledError
        super().send_body(recipient=recipient, message=message, name=name)

    def end_data(self) -> None:
        if DyingTransport.count % 9 == 6:
            raise KilledError

    def read_reply(self) -> None:
        super().read_reply()
        if DyingTransport.count % 9 == 0:
            raise KilledError


class KilledError(BaseException):
    """Stands for kill -9: nothing after it runs."""


@pytest.fixture(autouse=True)
def _mail(settings: Any) -> None:
    set_up_mail(settings)
    DyingTransport.count = 0


@pytest.fixture
def people() -> dict[str, User]:
    return {name: mailable(name) for name in ("olga", "ben", "cleo", "dan")}


def some_minutes(now: datetime, taken: list[tuple[str, bytes]]) -> None:
    """What the worker does, three times over, some of them killed; the next takes over."""
    plan_all_meetings(now=now)
    for later in (0, 15, 30):
        now += timedelta(minutes=later)
        plan_club_mail(now=now)
        transport = DyingTransport()
        with suppress(KilledError):
            send_due_club_mail(now=now, transport=transport)
        taken += transport.taken


def subject_of(message: bytes) -> str:
    return str(message_from_bytes(message, policy=modern)["Subject"])


def text_of(message: bytes) -> str:
    return str(message_from_bytes(message, policy=modern).get_body(("plain",)).get_content())  # type: ignore[union-attr]


def test_a_month_of_two_clubs(people: dict[str, User]) -> None:
    olga, ben, cleo, dan = people.values()
    weekly = club(olga, ben, cleo, now=BEGIN)
    # By night, every Sunday at 2:30: on 29 March that time does not exist in Berlin.
    nightly = club(
        dan, ben, name="Night club", weekday=6, local_time=time(2, 30), reminder_hours=6, place="", now=BEGIN
    )
    paper = factories.paper(title="On thin ice", abstract="We walk on it. It holds.", sentence_roles=None)
    taken: list[tuple[str, bytes]] = []
    now = BEGIN
    while now < END:
        if now == datetime(2026, 3, 10, 9, tzinfo=UTC):
            item = nominate(club=weekly, paper_id=paper.pk, user=ben, now=now)
            set_presenter(item=item, presenter=cleo, now=now)
        if now == datetime(2026, 3, 11, 18, tzinfo=UTC):  # a day before: the reminder has left
            cancel_meeting(meeting=meeting_on(weekly, date(2026, 3, 12)), note="Strike", now=now)
        if now == datetime(2026, 3, 16, 9, tzinfo=UTC):
            leave_club(club=weekly, user=cleo, now=now)
            delete_account(cleo)
        some_minutes(now, taken)
        now += STEP
    subjects = Counter((to, subject_of(message)) for to, message in taken)
    # What was handed over twice is the same mail for every program: the same bytes.
    assert len(set(taken)) == len({(to, subject) for to, subject in subjects})
    assert {to for to, _ in subjects} == {f"{name}@example.org" for name in ("olga", "ben", "cleo", "dan")}
    assert not ClubMail.objects.exclude(state="sent").exclude(state="cancelled").exists()

    def of(name: str, words: str) -> list[str]:
        return sorted(subject for (to, subject) in subjects if to == f"{name}@example.org" and words in subject)

    assert of("olga", "Reading group") == sorted(
        [
            "Reading group: Thursday 12 March 2026, 16:00–17:00",
            "Reading group: cancelled, Thursday 12 March 2026, 16:00–17:00",
            "Reading group: Thursday 19 March 2026, 16:00–17:00",
            "Reading group: Thursday 26 March 2026, 16:00–17:00",
            "Reading group: Thursday 2 April 2026, 16:00–17:00",
        ]
    )
    assert len(of("cleo", "Reading group")) == 2, "the reminder and the cancellation; then she left"
    assert of("dan", "Night club") == of("ben", "Night club")
    assert of("dan", "Night club") == sorted(
        [
            "Night club: Sunday 15 March 2026, 02:30–03:30",
            "Night club: Sunday 22 March 2026, 02:30–03:30",
            "Night club: Sunday 29 March 2026, 03:30–04:30",
            "Night club: Sunday 5 April 2026, 02:30–03:30",
        ]
    )
    nineteenth = {to: text_of(message) for to, message in taken if "19 March" in subject_of(message)}
    assert set(nineteenth) == {"olga@example.org", "ben@example.org"}
    for text in nineteenth.values():
        assert "On thin ice" in text
        assert "Nobody presents it yet" in text
    assert "please find somebody" in nineteenth["olga@example.org"]
    assert "please find somebody" not in nineteenth["ben@example.org"]
    check_calendar([weekly, nightly])


def check_calendar(clubs: list[Club]) -> None:
    events = read_back(clubs)
    by_day = {event["DTSTART"].dt: event for event in events if "Reading" in str(event["SUMMARY"])}
    cancelled = by_day[datetime(2026, 3, 12, 16, tzinfo=BERLIN)]
    assert str(cancelled["STATUS"]) == "CANCELLED"
    assert int(cancelled["SEQUENCE"]) == 1
    assert by_day[datetime(2026, 3, 26, 16, tzinfo=BERLIN)]["DTSTART"].dt.astimezone(UTC).hour == 15
    assert by_day[datetime(2026, 4, 2, 16, tzinfo=BERLIN)]["DTSTART"].dt.astimezone(UTC).hour == 14
    assert "On thin ice" in str(by_day[datetime(2026, 3, 19, 16, tzinfo=BERLIN)]["DESCRIPTION"])
    nights = [event["DTSTART"].dt.astimezone(UTC) for event in events if "Night" in str(event["SUMMARY"])]
    assert datetime(2026, 3, 29, 1, 30, tzinfo=UTC) in nights, "skipped: moved on by the gap"
    assert datetime(2026, 4, 5, 0, 30, tzinfo=UTC) in nights


def read_back(clubs: list[Club], now: datetime = END) -> list[Any]:
    found = Calendar.from_ical(clubs_calendar("Clubs", clubs, now=now))
    return list(found.walk("VEVENT"))


def test_names_of_meetings_last(people: dict[str, User]) -> None:
    made = club(people["olga"], now=BEGIN)
    before = {event["DTSTART"].dt: str(event["UID"]) for event in read_back([made], BEGIN)}
    for week in range(4):
        plan_all_meetings(now=BEGIN + timedelta(weeks=week))
    after = {event["DTSTART"].dt: str(event["UID"]) for event in read_back([made], BEGIN + timedelta(weeks=3))}
    assert len(set(after.values())) == len(after) > len(before)
    assert before.items() <= after.items()


def test_a_worker_whose_lease_ran_out_sends_nothing(people: dict[str, User]) -> None:
    club(people["olga"], now=BEGIN)
    now = datetime(2026, 3, 11, 16, tzinfo=UTC)
    plan_club_mail(now=now)

    class Overtaken(RecordingTransport):
        def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
            super().send_body(recipient=recipient, message=message, name=name)
            ClubMail.objects.update(lease="another's")

    transport = Overtaken()
    assert send_due_club_mail(now=now, transport=transport) == 0
    assert transport.taken == []


@pytest.mark.parametrize(("policy", "state", "copies"), [("resend", "sent", 2), ("skip", "unknown", 1)])
def test_a_mail_in_doubt(people: dict[str, User], settings: Any, policy: str, state: str, copies: int) -> None:
    settings.MAIL_IN_DOUBT = policy
    club(people["olga"], now=BEGIN)
    now = datetime(2026, 3, 11, 16, tzinfo=UTC)
    plan_club_mail(now=now)

    class Silent(RecordingTransport):
        def read_reply(self) -> None:
            super().read_reply()
            raise SmtpConnectionLostError("gone", in_doubt=True)

    silent, well = Silent(), RecordingTransport()
    send_due_club_mail(now=now, transport=silent)
    send_due_club_mail(now=now + timedelta(hours=1), transport=well)
    assert [mail.state for mail in ClubMail.objects.all()] == [state]
    assert len({*silent.taken, *well.taken}) == 1, "the same to the byte"
    assert len([*silent.taken, *well.taken]) == copies


def test_a_change_that_is_undone_is_told_to_nobody(people: dict[str, User]) -> None:
    made = club(people["olga"], now=BEGIN)
    now = datetime(2026, 3, 11, 16, tzinfo=UTC)
    plan_club_mail(now=now)
    send_due_club_mail(now=now, transport=RecordingTransport())
    meeting = meeting_on(made, date(2026, 3, 12))
    cancel_meeting(meeting=meeting, note="", now=now + timedelta(minutes=1))
    plan_club_mail(now=now + timedelta(minutes=2))
    restore_meeting(meeting=meeting, now=now + timedelta(minutes=3))
    assert plan_club_mail(now=now + timedelta(minutes=30)) == 0
    assert ClubMail.objects.count() == 1


def test_who_left_is_not_mailed(people: dict[str, User]) -> None:
    made = club(people["olga"], people["ben"], now=BEGIN)
    now = datetime(2026, 3, 11, 16, tzinfo=UTC)
    plan_club_mail(now=now)
    made.members.filter(user=people["ben"]).update(wants_mail=False)
    User.objects.filter(pk=people["olga"].pk).update(is_active=False)
    transport = RecordingTransport()
    assert send_due_club_mail(now=now, transport=transport) == 0
    assert set(ClubMail.objects.values_list("state", flat=True)) == {"cancelled"}


def test_the_link_in_a_mail_ends_them(people: dict[str, User]) -> None:
    club(people["olga"], people["ben"], now=BEGIN)
    now, transport = datetime(2026, 3, 11, 16, tzinfo=UTC), RecordingTransport()
    plan_club_mail(now=now)
    send_due_club_mail(now=now, transport=transport)
    message = next(message for to, message in transport.taken if to == "ben@example.org")
    path = "/u/" + str(message_from_bytes(message, policy=modern)["List-Unsubscribe"]).rstrip(">").rpartition("/")[2]
    client = anonymous_client()
    assert "Unsubscribe from Reading group" in client.get(path).content.decode()
    assert people["ben"].clubs.get().wants_mail, "a mail program that follows links changes nothing"
    client.post(path, {"List-Unsubscribe": "One-Click"})
    assert not people["ben"].clubs.get().wants_mail
    assert people["olga"].clubs.get().wants_mail
    client.post(path, {"undo": "1"})
    assert people["ben"].clubs.get().wants_mail


def test_both_halves_say_the_same(people: dict[str, User]) -> None:
    made = club(people["olga"], now=BEGIN)
    paper = factories.paper(title="On <thin> ice & $x$")
    item = nominate(club=made, paper_id=paper.pk, user=None, now=BEGIN)
    set_presenter(item=item, presenter=people["olga"], now=BEGIN)
    assert AgendaItem.objects.count() == 1
    now, transport = datetime(2026, 3, 11, 16, tzinfo=UTC), RecordingTransport()
    plan_club_mail(now=now)
    send_due_club_mail(now=now, transport=transport)
    ((_, message),) = transport.taken
    parsed = message_from_bytes(message, policy=modern)
    text, html = (str(parsed.get_body((kind,)).get_content()) for kind in ("plain", "html"))  # type: ignore[union-attr]
    for words in ("Reading group", "Room 12", "Presented by olga", "16:00–17:00", "Unsubscribe"):
        assert words in text
        assert words in html
    assert parsed["List-Unsubscribe"].startswith("<https://papers.example.org/u/")
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert club_mail.BUDGET_SECONDS > 0


def test_a_mail_brings_its_meeting_for_the_reader_s_calendar(people: dict[str, User]) -> None:
    """The same event as the calendar that programs subscribe to: a UID that stays, a SEQUENCE that grows."""
    made = club(people["olga"], now=BEGIN)
    nominate(club=made, paper_id=factories.paper(title="On thin ice, twice").pk, user=None, now=BEGIN)
    now, transport = datetime(2026, 3, 11, 16, tzinfo=UTC), RecordingTransport()
    plan_club_mail(now=now)
    send_due_club_mail(now=now, transport=transport)
    cancel_meeting(meeting=meeting_on(made, date(2026, 3, 12)), note="Strike", now=now + timedelta(minutes=10))
    plan_club_mail(now=now + timedelta(hours=1))
    send_due_club_mail(now=now + timedelta(hours=1), transport=transport)
    reminder, cancelled = (one_event_in(message) for _, message in transport.taken)
    assert reminder["UID"] == cancelled["UID"]
    assert int(cancelled["SEQUENCE"]) > int(reminder["SEQUENCE"])
    assert (reminder["STATUS"], cancelled["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert reminder["DTSTART"].dt == datetime(2026, 3, 12, 16, tzinfo=BERLIN)
    assert "On thin ice, twice" in reminder["DESCRIPTION"]
    (subscribed,) = (one for one in read_back([made]) if one["DTSTART"].dt == cancelled["DTSTART"].dt)
    assert dict(subscribed) == dict(cancelled)


def one_event_in(message: bytes) -> Any:
    """The one event in the one file of a mail, which no program takes for another calendar, or an invitation."""
    parsed = message_from_bytes(message, policy=modern)
    (file,) = parsed.iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "meeting.ics")
    assert (file.get_param("method"), file.get_param("name")) == ("PUBLISH", "meeting.ics")
    read = Calendar.from_ical(file.get_content())
    assert read["METHOD"] == "PUBLISH"
    assert "X-WR-CALNAME" not in read
    (event,) = read.walk("VEVENT")
    return event


def test_each_link_of_a_reminder_can_be_read(people: dict[str, User]) -> None:
    """No words in the colour of what they stand on: rules are inlined, and the more exact one wins."""
    weekly = club(people["olga"], now=BEGIN)
    nominate(club=weekly, paper_id=factories.paper(title="On thin ice").pk, user=people["olga"], now=BEGIN)
    taken: list[tuple[str, bytes]] = []
    some_minutes(datetime(2026, 3, 11, 18, tzinfo=UTC), taken)
    (_, message), *_ = taken
    html = str(message_from_bytes(message, policy=modern).get_body(("html",)).get_content())  # type: ignore[union-attr]
    styles = [dict(re.findall(r"([\w-]+):\s*([^;]+)", style)) for style in re.findall(r'style="([^"]*)"', html)]
    assert any("color" in style for style in styles)
    assert not [style for style in styles if "color" in style and style.get("background-color") == style["color"]]
    assert re.search(r"<a [^>]*>Agenda</a>", html)
