"""When a club meets: local wall-clock times through every change of the clocks. Pure; moments are in UTC.

A meeting is named by its local date. Its time is that of the club's clock, in summer and in winter. A time that is
skipped when clocks go forward is moved on by the gap, one that comes twice is its first (as RFC 5545, 3.3.5 reads local
times), and a date that does not exist (Apia, 30 December 2011) has no meeting.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


class Repeats(StrEnum):
    """How often a club meets, as it is stored."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"

    @property
    def label(self) -> str:
        """What readers choose it by."""
        words = {"weekly": "Every week", "fortnightly": "Every second week"}
        return words.get(self.value, f"The {self.value} one of each month")


_PLACES = {Repeats.FIRST: 0, Repeats.SECOND: 1, Repeats.THIRD: 2, Repeats.FOURTH: 3, Repeats.LAST: -1}


@dataclass(frozen=True, slots=True)
class MeetingRule:
    """When a club meets."""

    repeats: Repeats
    weekday: int
    """0 is Monday."""
    local_time: time
    time_zone: str
    starts_on: date
    """No meeting before it."""


class MeetingSlot(NamedTuple):
    """A meeting to be: its local date, and when it begins (UTC)."""

    on: date
    starts_at: datetime


def meeting_slots(rule: MeetingRule, *, start: date) -> Iterator[MeetingSlot]:
    """All meetings for a local date from `start` on, in their order, without end."""
    for on in _dates(rule, max(start, rule.starts_on)):
        starts_at = local_moment(on, rule.local_time, rule.time_zone)
        if starts_at is not None:
            yield MeetingSlot(on, starts_at)


def local_moment(on: date, at: time, time_zone: str) -> datetime | None:
    """The moment of a local time (UTC), by the rules above; None where that date does not exist."""
    zone = ZoneInfo(time_zone)
    # fold=0 takes the first of a repeated hour, and the offset from before a gap, which moves a skipped time on by it.
    found = datetime.combine(on, at.replace(fold=0), zone).astimezone(UTC)
    if found.astimezone(zone).date() == on:
        return found
    midnight = datetime.combine(on, time(), zone).astimezone(UTC)
    last = datetime.combine(on, time.max, zone).astimezone(UTC)
    is_missing = midnight.astimezone(zone).date() != on and last.astimezone(zone).date() != on
    return None if is_missing else found


def _dates(rule: MeetingRule, start: date) -> Iterator[date]:
    if rule.repeats in _PLACES:
        yield from _monthly(rule, start)
        return
    step = _WEEK if rule.repeats is Repeats.WEEKLY else 2 * _WEEK
    on = rule.starts_on + (rule.weekday - rule.starts_on.weekday()) % 7 * _DAY
    on += -(-(start - on) // step) * step if start > on else timedelta()
    while True:
        yield on
        on += step


def _monthly(rule: MeetingRule, start: date) -> Iterator[date]:
    year, month = start.year, start.month
    while True:
        days = [week[rule.weekday] for week in calendar.monthcalendar(year, month) if week[rule.weekday]]
        on = date(year, month, days[_PLACES[rule.repeats]])
        if on >= start:
            yield on
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
