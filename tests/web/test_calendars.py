"""Calendars as other programs read them: by the library `icalendar`, and by the rules that Outlook's makers publish."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from papers.web.calendars import CalendarEvent, write_calendar

AT = datetime(2026, 3, 26, 15, tzinfo=UTC)


def event(zone: str = "Europe/Berlin", at: datetime = AT, **fields: Any) -> CalendarEvent:
    given: dict[str, Any] = {
        "uid": "a@papers.example.org",
        "sequence": 2,
        "title": "Reading group",
        "changed_at": AT,
    } | fields
    return CalendarEvent(starts_at=at, ends_at=at + timedelta(hours=1), time_zone=zone, **given)


def read(*events: CalendarEvent) -> tuple[str, list[Any]]:
    body = write_calendar("Clubs", events)
    return body.decode(), list(Calendar.from_ical(body).walk("VEVENT"))


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", "Asia/Gaza"],
)
def test_every_moment_of_a_year_is_read_back(zone: str) -> None:
    events = [event(zone, AT + timedelta(days=days, hours=days % 24)) for days in range(0, 400, 3)]
    text, found = read(*events)
    assert [one["DTSTART"].dt.astimezone(UTC) for one in found] == [one.starts_at for one in events]
    assert [one["DTEND"].dt.astimezone(UTC) for one in found] == [one.ends_at for one in events]
    assert text.count("BEGIN:VTIMEZONE") == (zone not in ("Africa/Casablanca", "UTC", "Asia/Gaza"))


def test_a_zone_has_what_outlook_reads_and_nothing_else() -> None:
    # [MS-OXCICAL] 2.1.3.1.1.19: one STANDARD, at most one DAYLIGHT, yearly, a single numbered weekday; no RDATE.
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo"):
        text, _ = read(event(zone))
        assert text.count("BEGIN:STANDARD") == 1
        assert text.count("BEGIN:DAYLIGHT") <= 1
        assert "RDATE" not in text
        for rule in re.findall(r"RRULE:(\S+)", text):
            assert re.fullmatch(r"FREQ=YEARLY;BYMONTH=\d{1,2};BYDAY=-?[1-4](MO|TU|WE|TH|FR|SA|SU)", rule)


def test_the_repeated_hour_is_told_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    text, found = read(event(at=first))
    assert "DTSTART;TZID=Europe/Berlin:20261025T023000" in text
    assert "DTEND:20261025T013000Z" in text, "the second 2:30 has no local name"
    assert found[0]["DTEND"].dt - found[0]["DTSTART"].dt.astimezone(UTC) == timedelta(hours=1)


def test_what_people_type_adds_no_line() -> None:
    nasty = "A\r\nBEGIN:VEVENT\nUID:x, y; z\\ \x00\x07\x0b“ü”" + "ß" * 200
    text, found = read(event(title=nasty, place=nasty, description=nasty))
    assert text.count("\r\nBEGIN:VEVENT\r\n") == 1
    assert str(found[0]["UID"]) == "a@papers.example.org"
    assert "x, y; z\\" in str(found[0]["LOCATION"])
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")


def test_a_cancelled_meeting_stays_and_says_so() -> None:
    _, found = read(event(is_cancelled=True))
    assert str(found[0]["STATUS"]) == "CANCELLED"
    assert str(found[0]["SUMMARY"]) == "Cancelled: Reading group"
    assert found[0]["SEQUENCE"] == 2


def test_the_same_events_give_the_same_bytes() -> None:
    assert write_calendar("Clubs", [event()]) == write_calendar("Clubs", [event()])
    assert Calendar.from_ical(write_calendar("Nobody’s", [])).walk("VEVENT") == []
    assert ZoneInfo("Europe/Berlin").key in write_calendar("Clubs", [event()]).decode()
