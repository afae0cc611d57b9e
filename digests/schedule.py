"""When a mail is due: local wall-clock times through every change of the clocks. Pure; results are in UTC.

A slot is a local date that a mail is meant for, and the moment of it. The rules:

- a local time that is skipped when clocks go forward is moved on by the gap; one that comes twice is its first;
- a slot is named by the date it was meant for, also where moving on takes it past midnight (Nuuk, 30 March 2024,
  23:45);
- a date that does not exist (Apia, 30 December 2011) has no slot.

PostgreSQL takes the second of a repeated hour, Python the first. So this is worked out in Python only.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """When a schedule sends, by its reader's clock: the columns of a schedule that `RULE_FIELDS` names."""

    frequency: str
    """A name in `FREQUENCIES`."""
    time_zone: str
    local_time: time
    weekday: int = 0
    """0 is Monday."""
    month_day: int = 1
    """Where a month has fewer days, its last one."""
    skips_weekends: bool = False


RULE_FIELDS = tuple(field.name for field in fields(RecurrenceRule) if field.name != "frequency")


@dataclass(frozen=True, slots=True)
class Frequency:
    """All that is to be known of how often a mail comes. A new frequency is one more of these in `FREQUENCIES`."""

    name: str
    """One English word, as it is stored, shown to readers, and written into the headers of mails."""
    period: timedelta
    """The longest time between two mails. A mail that is half of it late leaves its papers to the next."""
    max_look_back: timedelta
    """How far back one mail may reach when earlier ones could not be made."""
    dates: Callable[[RecurrenceRule, date], Iterator[date]]
    """All local dates with a mail from a day on, in their order, without end."""
    looks_back_from: Callable[[RecurrenceRule, date], date]
    """The first local day that the mail for a date looks back on; that date itself is the first one it doesn't."""
    rule_fields: frozenset[str] = frozenset()
    """Which of the rule's weekday, month_day and skips_weekends it heeds."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One mail to be: the local date it is meant for, and when (UTC)."""

    on: date
    due_at: datetime


def next_slot(rule: RecurrenceRule, *, after: datetime, last_on: date | None = None) -> Slot:
    """The first slot that is due later than `after`, for a local date later than `last_on`.

    Moving to another time zone neither sends twice for one date nor leaves one out: dates only grow.
    """
    start = after.astimezone(_zone(rule.time_zone)).date() - _DAY
    if last_on is not None and last_on >= start:
        start = last_on + _DAY
    return next(slot for slot in _slots(rule, start) if slot.due_at > after)


def latest_slot(rule: RecurrenceRule, *, first: Slot, now: datetime) -> Slot:
    """The last slot from `first` on that is not in the future: the one that stands for all that were missed."""
    if now - first.due_at < _DAY / 4:  # no two slots are so near each other
        return first
    found = first
    start = max(first.on + _DAY, now.astimezone(_zone(rule.time_zone)).date() - _period(rule) - 5 * _DAY)
    for slot in _slots(rule, start):
        if slot.due_at > now:
            return found
        found = slot
    return found


def period_for(rule: RecurrenceRule, on: date) -> tuple[date, date]:
    """The local days that the mail meant for `on` looks back on: from the first, without the second."""
    return FREQUENCIES[rule.frequency].looks_back_from(rule, on), on


def is_too_late(rule: RecurrenceRule, slot: Slot, now: datetime) -> bool:
    """Whether half the period has passed: then the next mail brings these papers, too."""
    return now - slot.due_at > _period(rule) / 2


def due_on(rule: RecurrenceRule, on: date) -> datetime | None:
    """The moment of the mail that is meant for `on` (UTC); None where that date does not exist."""
    return _moment(rule.time_zone, rule.local_time, on)


def _slots(rule: RecurrenceRule, start: date) -> Iterator[Slot]:
    """Every slot for `start` or a later date."""
    for on in FREQUENCIES[rule.frequency].dates(rule, start):
        due_at = due_on(rule, on)
        if due_at is not None:
            yield Slot(on, due_at)


def _period(rule: RecurrenceRule) -> timedelta:
    return FREQUENCIES[rule.frequency].period


def _daily(rule: RecurrenceRule, start: date) -> Iterator[date]:
    while True:
        if not (rule.skips_weekends and start.weekday() >= 5):
            yield start
        start += _DAY


def _weekly(rule: RecurrenceRule, start: date) -> Iterator[date]:
    start += (rule.weekday - start.weekday()) % 7 * _DAY
    while True:
        yield start
        start += 7 * _DAY


def _monthly(rule: RecurrenceRule, start: date) -> Iterator[date]:
    year, month = start.year, start.month
    while True:
        on = _day_of_month(year, month, rule.month_day)
        if on >= start:
            yield on
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _same_day_last_month(rule: RecurrenceRule, on: date) -> date:
    last_month = on.replace(day=1) - _DAY
    return _day_of_month(last_month.year, last_month.month, rule.month_day)


def _day_of_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


DAILY = Frequency(
    name="daily",
    period=_DAY,
    max_look_back=7 * _DAY,
    dates=_daily,
    looks_back_from=lambda rule, on: on - _DAY,
    rule_fields=frozenset({"skips_weekends"}),
)
WEEKLY = Frequency(
    name="weekly",
    period=7 * _DAY,
    max_look_back=14 * _DAY,
    dates=_weekly,
    looks_back_from=lambda rule, on: on - 7 * _DAY,
    rule_fields=frozenset({"weekday"}),
)
MONTHLY = Frequency(
    name="monthly",
    period=31 * _DAY,
    max_look_back=62 * _DAY,
    dates=_monthly,
    looks_back_from=_same_day_last_month,
    rule_fields=frozenset({"month_day"}),
)
FREQUENCIES = {frequency.name: frequency for frequency in (DAILY, WEEKLY, MONTHLY)}
"""By name, the most frequent first: what a reader's daily mail brings, the weekly one of the same hour does not."""


@lru_cache(maxsize=4_096)
def _moment(time_zone: str, at: time, on: date) -> datetime | None:
    # fold=0 takes the first of a repeated hour, and the offset from before a gap, which moves a skipped time on by it.
    zone = _zone(time_zone)
    due_at = datetime.combine(on, at, zone).astimezone(UTC)
    if due_at.astimezone(zone).date() == on:
        return due_at
    midnight = datetime.combine(on, time(), zone).astimezone(UTC)
    last = datetime.combine(on, time.max, zone).astimezone(UTC)
    is_missing = midnight.astimezone(zone).date() != on and last.astimezone(zone).date() != on
    return None if is_missing else due_at


@lru_cache(maxsize=1_024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
