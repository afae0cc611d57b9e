"""When mail is due: clocks that go forward and back, dates that are missing, readers who travel."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from digests.schedule import RecurrenceRule, Slot, due_on, is_too_late, latest_slot, next_slot, period_for

DAY = timedelta(days=1)


def daily(time_zone: str = "UTC", hour: int = 7, minute: int = 30, **more: object) -> RecurrenceRule:
    return RecurrenceRule(frequency="daily", time_zone=time_zone, local_time=time(hour, minute), **more)  # type: ignore[arg-type]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "on", "due"),
    [
        pytest.param("America/New_York", 2, 30, date(2026, 3, 8), utc(2026, 3, 8, 7, 30), id="skipped: moved on"),
        pytest.param("America/New_York", 1, 30, date(2026, 11, 1), utc(2026, 11, 1, 5, 30), id="twice: the first"),
        pytest.param("Europe/Berlin", 2, 30, date(2026, 3, 29), utc(2026, 3, 29, 1, 30), id="Berlin forward"),
        pytest.param("Europe/Berlin", 2, 30, date(2026, 10, 25), utc(2026, 10, 25, 0, 30), id="Berlin back"),
        pytest.param("Africa/Cairo", 0, 0, date(2026, 4, 24), utc(2026, 4, 23, 22, 0), id="midnight skipped"),
        pytest.param("Australia/Lord_Howe", 2, 15, date(2026, 10, 4), utc(2026, 10, 3, 15, 45), id="half an hour"),
        pytest.param("America/Nuuk", 23, 45, date(2024, 3, 30), utc(2024, 3, 31, 1, 45), id="past midnight"),
    ],
)
def test_the_moment_of_a_local_time(zone, hour, minute, on, due):
    assert due_on(daily(zone, hour, minute), on) == due


def test_a_date_that_does_not_exist_has_no_mail():
    apia = daily("Pacific/Apia")
    assert due_on(apia, date(2011, 12, 30)) is None
    before = next_slot(apia, after=utc(2011, 12, 29, 0, 0))
    after = next_slot(apia, after=before.due_at, last_on=before.on)
    assert (before.on, after.on) == (date(2011, 12, 29), date(2011, 12, 31))


def test_a_reader_who_flies_east_over_the_date_line_gets_one_mail_a_date():
    auckland, los_angeles = daily("Pacific/Auckland"), daily("America/Los_Angeles")
    first = next_slot(auckland, after=utc(2026, 11, 9, 0, 0))
    assert first.on == date(2026, 11, 10)
    # It is still the 9th in Los Angeles when the reader says so there.
    second = next_slot(los_angeles, after=first.due_at + timedelta(hours=10), last_on=first.on)
    assert second.on == date(2026, 11, 11)
    back = next_slot(auckland, after=second.due_at + timedelta(hours=1), last_on=second.on)
    assert back.on == date(2026, 11, 12), "and none is left out on the way back"
    assert back.due_at - second.due_at < DAY


@pytest.mark.parametrize(
    ("rule", "after", "on"),
    [
        (RecurrenceRule("weekly", "Europe/Berlin", time(7, 30), weekday=4), utc(2026, 11, 24), date(2026, 11, 27)),
        (
            RecurrenceRule("weekly", "Europe/Berlin", time(7, 30), weekday=1),
            utc(2026, 11, 24, 6, 30),
            date(2026, 12, 1),
        ),
        (RecurrenceRule("monthly", "UTC", time(7, 30), month_day=31), utc(2026, 2, 1), date(2026, 2, 28)),
        (RecurrenceRule("monthly", "UTC", time(7, 30), month_day=31), utc(2026, 2, 28, 8), date(2026, 3, 31)),
        (RecurrenceRule("monthly", "UTC", time(7, 30), month_day=1), utc(2026, 12, 1, 8), date(2027, 1, 1)),
        (daily(skips_weekends=True), utc(2026, 11, 27, 8), date(2026, 11, 30)),
        (daily(), utc(2026, 11, 27, 8), date(2026, 11, 28)),
    ],
)
def test_the_next_date(rule, after, on):
    assert next_slot(rule, after=after).on == on
    assert next_slot(rule, after=after).due_at > after


def test_one_slot_stands_for_all_that_were_missed():
    rule = daily()
    first = next_slot(rule, after=utc(2026, 11, 10))
    assert latest_slot(rule, first=first, now=first.due_at) == first
    assert latest_slot(rule, first=first, now=utc(2026, 11, 14, 7, 29)) == Slot(
        date(2026, 11, 13), utc(2026, 11, 13, 7, 30)
    )
    monthly = RecurrenceRule("monthly", "UTC", time(7, 30), month_day=5)
    first = next_slot(monthly, after=utc(2026, 1, 1))
    assert latest_slot(monthly, first=first, now=utc(2026, 11, 14)).on == date(2026, 11, 5)


def test_a_mail_that_is_half_a_period_late_leaves_its_papers_to_the_next():
    slot = Slot(date(2026, 11, 13), utc(2026, 11, 13, 7, 30))
    assert not is_too_late(daily(), slot, utc(2026, 11, 13, 19, 30))
    assert is_too_late(daily(), slot, utc(2026, 11, 13, 19, 31))
    assert not is_too_late(RecurrenceRule("weekly", "UTC", time(7, 30)), slot, utc(2026, 11, 16))


def test_what_a_mail_looks_back_on():
    assert period_for(daily(), date(2026, 3, 1)) == (date(2026, 2, 28), date(2026, 3, 1))
    assert period_for(RecurrenceRule("weekly", "UTC", time(7)), date(2026, 3, 2)) == (
        date(2026, 2, 23),
        date(2026, 3, 2),
    )
    monthly = RecurrenceRule("monthly", "UTC", time(7), month_day=31)
    assert period_for(monthly, date(2026, 3, 31)) == (date(2026, 2, 28), date(2026, 3, 31))


TIMES = [time(7, 30), time(2, 30), time(0, 0), time(23, 45)]


@pytest.mark.parametrize("part", range(4))
def test_every_zone_has_one_mail_for_every_date_near_every_change_of_its_clocks(part):
    """From 2010 to 2030; the days within two of a change, and an ordinary week of each year."""
    zones = sorted(available_timezones())[part::4]
    assert len(zones) > 100
    for name in zones:
        for start, end in _stretches(ZoneInfo(name)):
            for at in TIMES:
                _check(RecurrenceRule("daily", name, at), start, end)


def _stretches(zone: ZoneInfo) -> list[tuple[date, date]]:
    """Where to look: around each day on which the offset changes, found month by month, then day by day."""
    found = [(date(year, 8, 10), date(year, 8, 17)) for year in range(2010, 2031)]
    month = datetime(2010, 1, 1, tzinfo=UTC)
    while month.year < 2031:
        following = (month + 32 * DAY).replace(day=1)
        offsets = [(month + part * (following - month) / 3).astimezone(zone).utcoffset() for part in range(4)]
        if len(set(offsets)) > 1:
            days = [month + count * DAY for count in range((following - month).days + 1)]
            for day, after in pairwise(days):
                if day.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
                    found.append((day.date() - 2 * DAY, day.date() + 3 * DAY))
        month = following
    return found


def _check(rule: RecurrenceRule, start: date, end: date) -> None:
    zone = ZoneInfo(rule.time_zone)
    before: datetime | None = None
    on = start
    while on <= end:
        due_at = due_on(rule, on)
        if due_at is None:
            assert (rule.time_zone, on) in MISSING, (rule, on)
        else:
            local = due_at.astimezone(zone)
            late = local.replace(tzinfo=None) - datetime.combine(on, rule.local_time)
            assert timedelta(0) <= late <= LARGEST_GAP, (rule, on)
            assert before is None or before < due_at <= before + timedelta(hours=48), (rule, on)
            before = due_at
        on += DAY


LARGEST_GAP = timedelta(hours=3)  # Casey, in Antarctica
MISSING = {
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Fakaofo", date(2011, 12, 30)),
}
