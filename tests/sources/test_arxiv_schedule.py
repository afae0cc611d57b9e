"""When arXiv announces, and why there is nothing today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from papers.sources.arxiv_schedule import (
    AbsenceReason,
    absence_reason,
    announcement_time,
    eastern_day,
    has_feed,
    last_announcement,
    next_announcement,
    next_feed,
    next_oai_records,
)

MONDAY = date(2026, 3, 2)
HOUR = timedelta(hours=1)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_the_day_is_that_of_new_york() -> None:
    assert eastern_day(utc(2026, 11, 24, 4, 59)) == date(2026, 11, 23)
    assert eastern_day(utc(2026, 7, 24, 4, 0)) == date(2026, 7, 24)


def test_feeds_carry_announcements_from_monday_to_friday() -> None:
    assert [has_feed(date(2026, 11, day)) for day in range(16, 23)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 24, 12), utc(2026, 11, 24, 1)),  # Tuesday morning: Monday evening
        (utc(2026, 11, 24, 0, 59), utc(2026, 11, 23, 1)),  # Monday before eight: Sunday evening
        (utc(2026, 11, 21, 12), utc(2026, 11, 20, 1)),  # Saturday: Thursday evening
        (utc(2026, 11, 23, 1), utc(2026, 11, 23, 1)),  # Sunday, on the stroke of eight
    ],
)
def test_the_last_announcement(moment: datetime, expected: datetime) -> None:
    assert last_announcement(moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 24, 12), utc(2026, 11, 25, 5)),
        (utc(2026, 11, 21, 3), utc(2026, 11, 23, 5)),  # Friday evening: Monday
        (utc(2026, 3, 8, 12), utc(2026, 3, 9, 4)),  # the clocks went forward this Sunday
    ],
)
def test_the_next_feed_starts_at_midnight(moment: datetime, expected: datetime) -> None:
    assert next_feed(moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 24, 3, 59), utc(2026, 11, 24, 4)),
        (utc(2026, 11, 24, 4), utc(2026, 11, 25, 4)),
        (utc(2026, 11, 20, 12), utc(2026, 11, 23, 4)),  # Friday: Sunday evening
    ],
)
def test_records_are_there_at_eleven_in_the_evening(moment: datetime, expected: datetime) -> None:
    assert next_oai_records(moment) == expected


class TestAnnouncements:
    def test_a_day_is_announced_the_evening_before_in_new_york(self) -> None:
        assert announcement_time(MONDAY) == datetime(2026, 3, 2, 1, tzinfo=UTC)  # Sunday, 20:00

    def test_summer_time_is_new_york_s(self) -> None:
        assert announcement_time(date(2026, 3, 10)) == datetime(2026, 3, 10, 0, tzinfo=UTC)

    def test_nothing_is_announced_for_a_weekend(self) -> None:
        assert announcement_time(date(2026, 3, 7)) is None
        assert announcement_time(date(2026, 3, 8)) is None

    def test_after_a_friday_comes_monday(self) -> None:
        assert next_announcement(date(2026, 3, 6)) == announcement_time(date(2026, 3, 9))


class TestWhyThereIsNothingToday:
    def why(self, today: date = MONDAY, *, after: timedelta = HOUR, **trouble: bool) -> AbsenceReason:
        due = announcement_time(today) or datetime(2026, 3, 7, 12, tzinfo=UTC)
        states = {"is_stale": False, "is_failing": False} | trouble
        return absence_reason(today, now=due + after, **states)

    def test_weekend(self) -> None:
        assert self.why(date(2026, 3, 7), is_failing=True) is AbsenceReason.WEEKEND

    def test_not_announced_yet(self) -> None:
        assert self.why(after=-HOUR, is_failing=True) is AbsenceReason.NOT_YET

    def test_announced_a_moment_ago(self) -> None:
        assert self.why() is AbsenceReason.FETCHING

    def test_trouble(self) -> None:
        assert self.why(is_stale=True) is AbsenceReason.STALE
        assert self.why(is_failing=True, is_stale=True) is AbsenceReason.FAILING

    def test_long_announced_and_all_is_well(self) -> None:
        assert self.why(after=12 * HOUR) is AbsenceReason.HOLIDAY
