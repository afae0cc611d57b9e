"""When arXiv announces, when its feeds and records follow, and why a day has no announcement. Pure.

What is submitted until 14:00 Eastern is announced at 20:00, Sunday to Thursday, under the date of the day after. On its
holidays arXiv announces nothing; feeds are asked on them all the same, since lists of holidays change.
https://info.arxiv.org/help/availability.html
"""

from __future__ import annotations

import random
from collections.abc import Mapping
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
MAX_DELAY = timedelta(days=14)
"""A paper that moderators held back for longer is taken to be announced in its own time, and changed later."""
# Records appear in OAI-PMH about 22:30. https://info.arxiv.org/help/oa/
_RECORDS_AT = time(23)
_DEADLINE = time(14)
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)
# Evenings without an announcement, as arXiv published them; other years go by the holidays of the United States.
_QUIET_EVENINGS: Mapping[int, frozenset[tuple[int, int]]] = {
    2025: frozenset({(1, 1), (1, 20), (6, 19), (7, 6), (9, 1), (11, 27), (12, 25), (12, 30)}),
    2026: frozenset({(1, 1), (1, 19), (6, 19), (7, 3), (9, 7), (11, 26), (12, 25), (12, 29), (12, 31)}),
}


def eastern_day(moment: datetime) -> date:
    """arXiv's date at a moment."""
    return moment.astimezone(EASTERN).date()


def has_feed(day: date) -> bool:
    """Whether feeds are asked for on a day: those of Sunday to Thursday evening are dated Monday to Friday.

    On holidays they are asked, too, and are empty.
    """
    return day.weekday() < _SATURDAY


def is_announced(day: date) -> bool:
    """Whether arXiv announces something under this date: from Monday to Friday, unless the evening before is one of
    its holidays."""
    return has_feed(day) and not _is_quiet_evening(day - _ONE_DAY)


def may_be_quiet(day: date) -> bool:
    """Whether nothing need be missing where a day has no announcements: a weekend, or a day at one of arXiv's holidays.

    The published lists do not say of each holiday whether it is the evening's or the day's announcement that is left
    out, so the day of the holiday and the next day with feeds both count.
    """
    if not is_announced(day) or _is_quiet_evening(day):
        return True
    before = day - _ONE_DAY
    while not has_feed(before):
        before -= _ONE_DAY
    return any(_is_quiet_evening(before + _ONE_DAY * step) for step in range((day - before).days))


def _is_quiet_evening(day: date) -> bool:
    known = _QUIET_EVENINGS.get(day.year)
    return (day.month, day.day) in (known if known is not None else _usual_holidays(day.year))


def _usual_holidays(year: int) -> frozenset[tuple[int, int]]:
    def monday(month: int, number: int) -> tuple[int, int]:
        return month, 1 + (0 - date(year, month, 1).weekday()) % 7 + 7 * (number - 1)

    thanksgiving = 1 + (3 - date(year, 11, 1).weekday()) % 7 + 21
    return frozenset({(1, 1), monday(1, 3), (6, 19), (7, 4), monday(9, 1), (11, thanksgiving), (12, 25), (12, 31)})


def last_feed_day(day: date) -> date:
    """The newest day with feeds that is not after `day`."""
    while not has_feed(day):
        day -= _ONE_DAY
    return day


def last_sure_day(before: date) -> date:
    """The newest day before another on which arXiv surely announced something."""
    day = before - _ONE_DAY
    while may_be_quiet(day):
        day -= _ONE_DAY
    return day


def announcement_day(submitted_at: datetime, *, replaced_at: datetime | None, changed_on: date | None) -> date:
    """The day under which arXiv most likely announced a paper, by its record alone.

    A record is dated anew whenever it changes, first of all when it is announced: so the date of a paper in its first
    version is the day of its announcement, unless only words of its record changed later. A paper with more versions
    was announced by the schedule of submissions, and before its second version came. It is a guess where moderators
    held a paper back, and where arXiv was late.

    Args:
        replaced_at: when the second version was submitted.
        changed_on: the record's own date.
    """
    earliest = _batch_day(submitted_at)
    if replaced_at is not None:
        return max(min(earliest, _last_announced(replaced_at)), eastern_day(submitted_at))
    if changed_on is None or changed_on < eastern_day(submitted_at):
        return earliest
    latest = last_feed_day(changed_on)
    return latest if latest - earliest <= MAX_DELAY else earliest


def _batch_day(submitted_at: datetime) -> date:
    """The day of the first announcement whose deadline a submission met."""
    local = submitted_at.astimezone(EASTERN)
    # The day of the deadline that it met. What comes on Friday after 14:00 or at the weekend meets Monday's.
    closed_on = local.date() if local.time() < _DEADLINE else local.date() + _ONE_DAY
    while not has_feed(closed_on):
        closed_on += _ONE_DAY
    day = closed_on + _ONE_DAY
    while not is_announced(day):
        day += _ONE_DAY
    return day


def _last_announced(moment: datetime) -> date:
    """The day of the newest announcement at a moment."""
    return eastern_day(last_announcement(moment)) + _ONE_DAY


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


def feed_time(day: date) -> datetime:
    """The midnight, Eastern, at which the feeds of a day begin."""
    return datetime.combine(day, time(), tzinfo=EASTERN).astimezone(UTC)


def edition_due(day: date) -> datetime | None:
    """By when the feeds of a day are asked for, which makes its edition; None where arXiv announces nothing."""
    return feed_time(day) + AFTER_MIDNIGHT + MAX_JITTER if is_announced(day) else None


def next_edition_due(day: date) -> datetime:
    """By when the next edition after `day` is asked for; arXiv's holidays are left out."""
    day += _ONE_DAY
    while (found := edition_due(day)) is None:
        day += _ONE_DAY
    return found


def is_overdue(day: date, now: datetime) -> bool:
    """Whether the feeds of a day should have been read long ago, so that its papers are taken from arXiv's records."""
    return now >= feed_time(day) + ANNOUNCEMENT_GRACE


class AbsenceReason(StrEnum):
    """Why today has no edition yet."""

    WEEKEND = "weekend"
    NOT_YET = "not-yet"
    """Its feeds are asked for later today."""
    FETCHING = "fetching"
    """It is announced, and may not have been read yet."""
    STALE = "stale"
    """The source still serves an older batch."""
    FAILING = "failing"
    """The source could not be read."""
    HOLIDAY = "holiday"
    """Long announced, the source answers, and there is nothing: most often a holiday."""
    UNASKED = "unasked"
    """arXiv was never asked, so nobody knows."""


def absence_reason(
    today: date, *, now: datetime, is_stale: bool, is_failing: bool, is_asked: bool = True
) -> AbsenceReason:
    """Why there is no edition of `today`, as far as that can be told. `today` is the group's date."""
    if not is_asked:
        return AbsenceReason.UNASKED
    due = edition_due(today)
    if due is None:
        return AbsenceReason.HOLIDAY if has_feed(today) else AbsenceReason.WEEKEND
    announced_at = datetime.combine(today - _ONE_DAY, ANNOUNCEMENT_TIME, tzinfo=EASTERN)
    if now < (announced_at if is_failing else due):
        return AbsenceReason.NOT_YET
    if is_failing:
        return AbsenceReason.FAILING
    if is_stale:
        return AbsenceReason.STALE
    return AbsenceReason.FETCHING if now < due + ANNOUNCEMENT_GRACE else AbsenceReason.HOLIDAY
