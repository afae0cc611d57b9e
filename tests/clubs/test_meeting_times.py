"""When clubs meet: by their own clock, through every change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import islice

import pytest

from papers.meeting_times import MeetingRule, Repeats, local_moment, meeting_slots


def rule(repeats: str = "weekly", *, weekday: int = 3, starts_on: date = date(2026, 1, 1)) -> MeetingRule:
    return MeetingRule(Repeats(repeats), weekday, time(16), "Europe/Berlin", starts_on)


def days(of: MeetingRule, start: date, count: int = 4) -> list[date]:
    return [slot.on for slot in islice(meeting_slots(of, start=start), count)]


def test_a_week_is_a_week_of_the_local_clock() -> None:
    slots = list(islice(meeting_slots(rule(), start=date(2026, 3, 26)), 2))
    assert [slot.starts_at for slot in slots] == [
        datetime(2026, 3, 26, 15, tzinfo=UTC),
        datetime(2026, 4, 2, 14, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("repeats", "found"),
    [
        ("weekly", [(3, 5), (3, 12), (3, 19), (3, 26)]),
        ("fortnightly", [(3, 12), (3, 26), (4, 9), (4, 23)]),
        ("first", [(3, 5), (4, 2), (5, 7), (6, 4)]),
        ("second", [(3, 12), (4, 9), (5, 14), (6, 11)]),
        ("third", [(3, 19), (4, 16), (5, 21), (6, 18)]),
        ("fourth", [(3, 26), (4, 23), (5, 28), (6, 25)]),
        ("last", [(3, 26), (4, 30), (5, 28), (6, 25)]),
    ],
)
def test_each_rhythm(repeats: str, found: list[tuple[int, int]]) -> None:
    assert days(rule(repeats), date(2026, 3, 1)) == [date(2026, month, day) for month, day in found]


def test_every_second_week_is_counted_from_the_first_whenever_one_asks() -> None:
    of = rule("fortnightly", starts_on=date(2026, 1, 7))
    first = days(of, date(2026, 1, 1), 20)
    assert first[0] == date(2026, 1, 8)
    for start in first:
        assert days(of, start, 1) == [start]


def test_nobody_meets_before_the_first_day() -> None:
    assert days(rule(starts_on=date(2026, 5, 1)), date(2026, 1, 1), 1) == [date(2026, 5, 7)]


@pytest.mark.parametrize(
    ("on", "at", "zone", "found"),
    [
        # Skipped: moved on by the gap.
        (date(2026, 3, 29), time(2, 30), "Europe/Berlin", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # Twice: the first.
        (date(2026, 10, 25), time(2, 30), "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2026, 11, 1), time(1, 30), "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        # A date that does not exist.
        (date(2011, 12, 30), time(16), "Pacific/Apia", None),
    ],
)
def test_nights_when_clocks_change(on: date, at: time, zone: str, found: datetime | None) -> None:
    assert local_moment(on, at, zone) == found
