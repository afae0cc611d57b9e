"""Days, weeks and months as addresses write them. Pure; days are calendar dates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)
ONE_DAY = timedelta(days=1)
ONE_WEEK = timedelta(days=7)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


def parse_day(text: str) -> date | None:
    """The day that `2025-11-24` names; None where there is no such day, or where it is out of all proportion."""
    if not _DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def parse_week(text: str) -> date | None:
    """The Monday of the ISO week that `2025-W48` names; None where there is no such week."""
    match = _WEEK.fullmatch(text)
    if not match:
        return None
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError:
        return None
    return monday if FIRST_DAY <= monday <= LAST_DAY - ONE_WEEK else None


def parse_month(text: str) -> date | None:
    """The first day of the month that `2025-11` names; None where there is no such month."""
    match = _MONTH.fullmatch(text)
    return parse_day(f"{text}-01") if match else None


def start_of_day(day: date) -> datetime:
    """The midnight, UTC, with which a day begins."""
    return datetime.combine(day, time(), UTC)


def week_start(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def weekly_counts(last: date, counts: Iterable[tuple[date, int]], *, weeks: int = 53) -> list[tuple[date, int]]:
    """Each week by its Monday with its count, the last one that of `last`; weeks that are not among `counts` have 0."""
    known = dict(counts)
    first = week_start(last) - timedelta(weeks=weeks - 1)
    mondays = [first + timedelta(weeks=number) for number in range(weeks)]
    return [(monday, known.get(monday, 0)) for monday in mondays]


def month_start(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return month_start(first + timedelta(days=31))


def format_week(day: date) -> str:
    """`2025-W48`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def format_month(day: date) -> str:
    """`2025-11`."""
    return f"{day:%Y-%m}"
