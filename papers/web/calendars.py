"""How meetings become a calendar that programs subscribe to or take events from, iCalendar (RFC 5545). Pure.

Each meeting is an event of its own with a name that lasts, so every program reads it the same, whatever it makes of
rules of recurrence and their exceptions. Times are those of the club's clock, beside a definition of its time zone. Of
such a definition Outlook reads one yearly rule for each of summer and winter time and nothing else ([MS-STANOICAL],
2.2.47): a zone that has no such rules, as Morocco's, is not defined, and its meetings stand in UTC, which is right
everywhere. A meeting that was cancelled stays, and says so.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from papers.text.cleaning import safe_text

CALENDAR_TYPE = "text/calendar; charset=utf-8"
_LINE_BYTES = 75
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """A meeting. Times are aware; texts as people wrote them."""

    uid: str
    """The same for ever, whatever becomes of the meeting."""
    sequence: int
    """Grows with each change of time, place or state."""
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    changed_at: datetime
    title: str
    description: str = ""
    place: str = ""
    address: str = ""
    """Of its page."""
    is_cancelled: bool = False


def write_calendar(name: str, events: Sequence[CalendarEvent]) -> bytes:
    """The calendar: the same bytes for the same events, lines ended by CR LF and folded.

    Without a name it is no calendar to subscribe to: programs take its events into the calendar that their reader has.
    With one, Outlook would open another calendar for them.
    """
    subscribed = [
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        # How often programs may look (RFC 7986, 5.7), and the older word for it.
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    zones = {zone: _definition(zone, *_years(events, zone)) for zone in sorted({one.time_zone for one in events})}
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Broadsheet//Journal clubs//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        *(subscribed if name else ()),
        *(line for definition in zones.values() for line in definition),
        *(line for one in events for line in _event(one, has_zone=bool(zones[one.time_zone]))),
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line)).encode()


def _event(event: CalendarEvent, *, has_zone: bool) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}"
    yield f"DTSTAMP:{_utc(event.changed_at)}"
    yield f"LAST-MODIFIED:{_utc(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTART{_moment(event.starts_at, event.time_zone, has_zone=has_zone)}"
    yield f"DTEND{_moment(event.ends_at, event.time_zone, has_zone=has_zone)}"
    yield f"STATUS:{'CANCELLED' if event.is_cancelled else 'CONFIRMED'}"
    # Programs that show a cancelled event like any other show at least this.
    yield f"SUMMARY:{_text(f'Cancelled: {event.title}' if event.is_cancelled else event.title)}"
    if event.description:
        yield f"DESCRIPTION:{_text(event.description)}"
    if event.place:
        yield f"LOCATION:{_text(event.place)}"
    if event.address:
        yield f"URL:{safe_text(event.address)}"
    yield f"TRANSP:{'TRANSPARENT' if event.is_cancelled else 'OPAQUE'}"
    yield "END:VEVENT"


def _moment(at: datetime, time_zone: str, *, has_zone: bool) -> str:
    """A time with its zone. In UTC where the zone has no definition, and for the second of a repeated hour: a local
    time that comes twice is its first (RFC 5545, 3.3.5)."""
    local = at.astimezone(ZoneInfo(time_zone))
    if not has_zone or local.fold:
        return f":{_utc(at)}"
    return f";TZID={time_zone}:{local:%Y%m%dT%H%M%S}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    """A text value: no control character in it ends a line or begins another property (RFC 5545, 3.3.11)."""
    clean = safe_text(text).replace("\r\n", "\n").replace("\r", "\n")
    clean = "".join(one for one in clean if one in "\n\t" or one >= " ")
    return clean.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """A line in pieces of at most 75 bytes, none of which ends inside a character (RFC 5545, 3.1)."""
    data, start, room = line.encode("utf-8", "replace"), 0, _LINE_BYTES
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:
            end -= 1
        yield (" " if start else "") + data[start:end].decode()
        start, room = end, _LINE_BYTES - 1
    yield (" " if start else "") + data[start:].decode()


# --- Time zones ------------------------------------------------------------------------------------------------------


class _Onset(NamedTuple):
    """A change of the clocks: when by the clock before it, from and to which offset."""

    local: datetime
    before: timedelta
    after: timedelta


class _YearlyRule(NamedTuple):
    """When it comes each year."""

    month: int
    place: int
    """The first, second, … of its weekday in the month; -1: the last."""
    weekday: int


def _years(events: Sequence[CalendarEvent], zone: str) -> tuple[int, int]:
    years = [at.year for one in events if one.time_zone == zone for at in (one.starts_at, one.ends_at)]
    return min(years), max(years)


@lru_cache(maxsize=200)
def _definition(zone_name: str, first: int, last: int) -> tuple[str, ...]:
    """The lines that define a zone for these years; none where it is UTC, or has no rule that programs understand."""
    zone = ZoneInfo(zone_name)
    if zone_name == "UTC":
        return ()
    years = [_onsets(zone, year) for year in range(first - 1, last + 2)]
    head, end = ("BEGIN:VTIMEZONE", f"TZID:{zone_name}"), ("END:VTIMEZONE",)
    if not any(years):
        offset = datetime(first, 1, 1, tzinfo=zone).utcoffset() or timedelta()
        fixed = _Onset(datetime.combine(date(first - 1, 1, 1), time()), offset, offset)
        return (*head, *_observance(fixed, "STANDARD", None), *end)
    if any(len(onsets) != 2 for onsets in years):
        return ()
    pairs = [[onsets[place] for onsets in years] for place in (0, 1)]
    rules = [_rule(pair) for pair in pairs]
    if any(rule is None for rule in rules):
        return ()
    parts = [
        _observance(pair[0], "DAYLIGHT" if pair[0].after > pair[0].before else "STANDARD", rule)
        for pair, rule in zip(pairs, rules, strict=True)
    ]
    return (*head, *(line for part in parts for line in part), *end)


def _observance(onset: _Onset, kind: str, rule: _YearlyRule | None) -> Iterator[str]:
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{onset.local:%Y%m%dT%H%M%S}"
    if rule is not None:
        yield f"RRULE:FREQ=YEARLY;BYMONTH={rule.month};BYDAY={rule.place}{_WEEKDAYS[rule.weekday]}"
    yield f"TZOFFSETFROM:{_offset(onset.before)}"
    yield f"TZOFFSETTO:{_offset(onset.after)}"
    yield f"END:{kind}"


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _onsets(zone: ZoneInfo, year: int) -> list[_Onset]:
    """All changes of a year, to the minute."""
    found = []
    at = datetime(year, 1, 1, tzinfo=UTC)
    while at.year == year:
        before, after = _offset_at(at, zone), _offset_at(at + _DAY, zone)
        if before != after:
            low, high = at, at + _DAY
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset_at(middle, zone) == before else (low, middle)
            moment = high.replace(second=0, microsecond=0)
            found.append(_Onset((moment + before).replace(tzinfo=None), before, after))
        at += _DAY
    return found


def _offset_at(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _rule(onsets: Sequence[_Onset]) -> _YearlyRule | None:
    """The rule that gives all of them; None where none does, or they differ in their offsets or hours."""
    if len({(one.before, one.after, one.local.time()) for one in onsets}) != 1:
        return None
    first = onsets[0].local
    for place in ((first.day - 1) // 7 + 1, -1):
        rule = _YearlyRule(first.month, place, first.weekday())
        if all(one.local.date() == _day_of(rule, one.local.year) for one in onsets):
            return rule
    return None


def _day_of(rule: _YearlyRule, year: int) -> date | None:
    days = [week[rule.weekday] for week in calendar.monthcalendar(year, rule.month) if week[rule.weekday]]
    place = rule.place if rule.place < 0 else rule.place - 1
    return date(year, rule.month, days[place]) if place < len(days) else None
