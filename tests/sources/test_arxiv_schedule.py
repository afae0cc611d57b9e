"""When arXiv announces, and why there is nothing today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from papers.sources.arxiv_schedule import (
    AbsenceReason,
    absence_reason,
    announcement_day,
    eastern_day,
    edition_due,
    has_feed,
    is_announced,
    last_announcement,
    last_sure_day,
    may_be_quiet,
    next_edition_due,
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
    def test_a_day_s_edition_is_due_once_its_feeds_were_asked_for(self) -> None:
        # From midnight in New York, ten minutes and up to twenty more: when `next_fetch` of the announcements is.
        assert edition_due(MONDAY) == datetime(2026, 3, 2, 5, 30, tzinfo=UTC)

    def test_summer_time_is_new_york_s(self) -> None:
        assert edition_due(date(2026, 3, 10)) == datetime(2026, 3, 10, 4, 30, tzinfo=UTC)

    def test_nothing_is_announced_for_a_weekend(self) -> None:
        assert edition_due(date(2026, 3, 7)) is None
        assert edition_due(date(2026, 3, 8)) is None

    def test_after_a_friday_comes_monday(self) -> None:
        assert next_edition_due(date(2026, 3, 6)) == edition_due(date(2026, 3, 9))


class TestHolidays:
    def test_the_day_after_a_quiet_evening_is_not_announced(self) -> None:
        # Thanksgiving 2026: nothing in the evening of Thursday, so nothing is dated Friday.
        assert [is_announced(date(2026, 11, day)) for day in (25, 26, 27, 30)] == [True, True, False, True]
        assert has_feed(date(2026, 11, 27)), "feeds are asked for all the same"
        assert edition_due(date(2026, 11, 27)) is None
        assert next_edition_due(date(2026, 11, 26)) == edition_due(date(2026, 11, 30))

    def test_days_at_a_holiday_need_not_have_anything(self) -> None:
        assert [may_be_quiet(date(2026, 11, day)) for day in range(24, 32 - 1)] == [
            *(False, False, True, True, True, True, False),
        ]
        assert may_be_quiet(date(2026, 7, 6)), "a holiday on a Friday may leave out Monday's"

    def test_the_last_day_that_is_sure(self) -> None:
        assert last_sure_day(date(2026, 11, 29)) == date(2026, 11, 25)
        assert last_sure_day(date(2026, 3, 2)) == date(2026, 2, 27)

    @pytest.mark.parametrize(
        "day", [date(2027, 1, 1), date(2027, 1, 18), date(2027, 9, 6), date(2027, 11, 25), date(2028, 11, 23)]
    )
    def test_years_that_are_not_published_yet_have_the_usual_holidays(self, day: date) -> None:
        assert may_be_quiet(day)
        assert not is_announced(day + timedelta(days=1))


class TestTheDayOfAnnouncementByARecord:
    """The records are arXiv's own: an id, when it was submitted, its date in OAI-PMH."""

    @pytest.mark.parametrize(
        ("submitted_at", "expected"),
        [
            (utc(2026, 11, 16, 18, 59), date(2026, 11, 17)),  # Monday before 14:00
            (utc(2026, 11, 16, 19, 0), date(2026, 11, 18)),  # Monday, on the stroke of 14:00
            (utc(2026, 11, 13, 18, 0), date(2026, 11, 16)),  # Friday before: on Sunday evening
            (utc(2026, 11, 13, 20, 0), date(2026, 11, 17)),  # Friday after, and the weekend: on Monday evening
            (utc(2026, 11, 15, 12, 0), date(2026, 11, 17)),
            (utc(2026, 7, 23, 17, 59), date(2026, 7, 24)),  # in summer
            (utc(2026, 11, 26, 12, 0), date(2026, 11, 30)),  # Thanksgiving: no announcement that evening
        ],
    )
    def test_by_the_deadlines_where_nothing_else_is_known(self, submitted_at: datetime, expected: date) -> None:
        assert announcement_day(submitted_at, replaced_at=None, changed_on=None) == expected

    @pytest.mark.parametrize(
        ("submitted_at", "changed_on"),
        [
            (utc(2016, 7, 4, 12), date(2016, 7, 5)),
            (utc(2016, 3, 3, 12), date(2016, 3, 4)),
            (utc(2016, 6, 14, 12), date(2016, 6, 15)),
            (utc(2016, 6, 22, 20), date(2016, 6, 24)),
        ],
    )
    def test_by_the_date_of_a_record_that_was_announced_and_not_changed(
        self, submitted_at: datetime, changed_on: date
    ) -> None:
        assert announcement_day(submitted_at, replaced_at=None, changed_on=changed_on) == changed_on

    def test_a_paper_that_was_held_back(self) -> None:
        held = announcement_day(utc(2026, 11, 9, 12), replaced_at=None, changed_on=date(2026, 11, 18))
        assert held == date(2026, 11, 18)

    def test_a_record_that_was_changed_much_later(self) -> None:
        changed = announcement_day(utc(2026, 9, 14, 12), replaced_at=None, changed_on=date(2026, 11, 18))
        assert changed == date(2026, 9, 15)

    def test_a_record_that_was_changed_at_the_weekend(self) -> None:
        assert announcement_day(utc(2026, 11, 19, 12), replaced_at=None, changed_on=date(2026, 11, 22)) == date(
            2026, 11, 20
        )

    def test_a_paper_with_two_versions_was_announced_before_the_second(self) -> None:
        day = announcement_day(utc(2026, 11, 15, 14), replaced_at=utc(2026, 11, 16, 14), changed_on=date(2026, 11, 17))
        assert day == date(2026, 11, 16)
        day = announcement_day(utc(2026, 11, 12, 14), replaced_at=utc(2026, 11, 18, 14), changed_on=date(2026, 11, 19))
        assert day == date(2026, 11, 13)

    def test_a_date_before_the_submission_tells_nothing(self) -> None:
        assert announcement_day(utc(2026, 11, 18, 12), replaced_at=None, changed_on=date(1970, 1, 1)) == date(
            2026, 11, 19
        )


class TestWhyThereIsNothingToday:
    def why(self, today: date = MONDAY, *, after: timedelta = HOUR, **trouble: bool) -> AbsenceReason:
        due = edition_due(today) or datetime(2026, 3, 7, 12, tzinfo=UTC)
        states = {"is_stale": False, "is_failing": False} | trouble
        return absence_reason(today, now=due + after, **states)

    @pytest.mark.parametrize("after", [-6 * HOUR, HOUR, 12 * HOUR])
    def test_nobody_asked_yet(self, after: timedelta) -> None:
        assert self.why(after=after, is_asked=False) is AbsenceReason.UNASKED

    def test_weekend(self) -> None:
        assert self.why(date(2026, 3, 7), is_failing=True) is AbsenceReason.WEEKEND

    def test_not_announced_yet(self) -> None:
        assert self.why(after=-HOUR) is AbsenceReason.NOT_YET
        assert self.why(after=-6 * HOUR, is_failing=True) is AbsenceReason.NOT_YET, "nothing can have failed"

    def test_a_known_holiday_is_one_at_once(self) -> None:
        assert self.why(date(2026, 11, 27), after=-12 * HOUR) is AbsenceReason.HOLIDAY

    def test_announced_a_moment_ago(self) -> None:
        assert self.why() is AbsenceReason.FETCHING

    def test_trouble(self) -> None:
        assert self.why(is_stale=True) is AbsenceReason.STALE
        assert self.why(is_failing=True, is_stale=True) is AbsenceReason.FAILING

    def test_long_announced_and_all_is_well(self) -> None:
        assert self.why(after=12 * HOUR) is AbsenceReason.HOLIDAY
