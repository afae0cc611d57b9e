"""When arXiv announces, when its feeds and records follow, and why a day has no announcement. Pure.

Submissions are announced at 20:00 Eastern, Sunday to Thursday, under the date of the day after. Holidays are not known.
https://info.arxiv.org/help/availability.html
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
"""arXiv announces, and dates what it announces, by the clock of its home."""
ANNOUNCEMENT_TIME = time(20)
ANNOUNCEMENT_GRACE = timedelta(hours=6)
"""How long after an announcement feeds and records may take to have it."""
AFTER_MIDNIGHT = timedelta(minutes=10)
"""From midnight Eastern, when a new day's feeds begin, until they are asked for."""
MAX_JITTER = timedelta(minutes=20)
# Records appear in OAI-PMH about 22:30. https://info.arxiv.org/help/oa/
_RECORDS_AT = time(23)
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


def eastern_day(moment: datetime) -> date:
    """arXiv's date at a moment."""
    return moment.astimezone(EASTERN).date()


def has_feed(day: date) -> bool:
    """Whether feeds carry announcements on a day: those of Sunday to Thursday evening are dated Monday to Friday.

    Holidays are not known here: on them the feeds are empty.
    """
    return day.weekday() < _SATURDAY


def last_announcement(moment: datetime) -> datetime:
    """The newest announcement at or before a moment, holidays apart: 20:00 Eastern, Sunday to Thursday."""
    day = eastern_day(moment)
    while True:
        announced = datetime.combine(day, ANNOUNCEMENT_TIME, tzinfo=EASTERN)
        if announced <= moment and has_feed(day + _ONE_DAY):
            return announced.astimezone(UTC)
        day -= _ONE_DAY


def next_feed(moment: datetime) -> datetime:
    """The next midnight Eastern at which feeds turn to a new day's announcements."""
    day = eastern_day(moment) + _ONE_DAY
    while not has_feed(day):
        day += _ONE_DAY
    return datetime.combine(day, time(0), tzinfo=EASTERN).astimezone(UTC)


def next_oai_records(moment: datetime) -> datetime:
    """When the records of the next announcement can be had from OAI-PMH: 23:00 Eastern, Sunday to Thursday."""
    day = eastern_day(moment)
    while True:
        ready = datetime.combine(day, _RECORDS_AT, tzinfo=EASTERN)
        if ready > moment and has_feed(day + _ONE_DAY):
            return ready.astimezone(UTC)
        day += _ONE_DAY


def jitter() -> timedelta:
    """Up to twenty minutes by chance, so that many installations don't ask in one second."""
    return MAX_JITTER * random.random()  # noqa: S311


def announcement_time(day: date) -> datetime | None:
    """When arXiv announces what it dates `day`, None where it announces nothing: Saturdays and Sundays."""
    if not has_feed(day):
        return None
    return datetime.combine(day - _ONE_DAY, ANNOUNCEMENT_TIME, tzinfo=EASTERN)


def next_announcement(day: date) -> datetime:
    """When arXiv announces next for a day after `day`. Holidays are not known."""
    day += _ONE_DAY
    while (found := announcement_time(day)) is None:
        day += _ONE_DAY
    return found


class AbsenceReason(StrEnum):
    """Why today has no edition yet."""

    WEEKEND = "weekend"
    NOT_YET = "not-yet"
    """arXiv announces later today."""
    FETCHING = "fetching"
    """It is announced, and may not have been read yet."""
    STALE = "stale"
    """The source still serves an older batch."""
    FAILING = "failing"
    """The source could not be read."""
    HOLIDAY = "holiday"
    """Long announced, the source answers, and there is nothing: most often a holiday."""


def absence_reason(today: date, *, now: datetime, is_stale: bool, is_failing: bool) -> AbsenceReason:
    """Why there is no edition of `today`, as far as that can be told. `today` is the group's date."""
    due = announcement_time(today)
    if due is None:
        return AbsenceReason.WEEKEND
    if now < due:
        return AbsenceReason.NOT_YET
    if is_failing:
        return AbsenceReason.FAILING
    if is_stale:
        return AbsenceReason.STALE
    return AbsenceReason.FETCHING if now < due + ANNOUNCEMENT_GRACE else AbsenceReason.HOLIDAY
