"""What the contract's requests may ask, read from the query string. Whatever comes, it is a value or a 400 in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from papers.dates import parse_day, parse_month, parse_week
from papers.services.operations.installation import group_today

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
DEFAULT_RESULTS = 20
MAX_RESULTS = 120
MAX_NAME = 200
LIST_PARAMETERS = frozenset({"date", "week", "month", "sort", "p", "limit"})
"""Those of a list of days that anybody can ask for; a submitter's name can be made up, so such answers aren't kept."""
_SORTS = ("publishedAt", "trending")
_DIGITS = 9
_PARSERS: Mapping[str, tuple[Callable[[str], date | None], str]] = {
    "date": (parse_day, "date must be a day such as 2026-03-04."),
    "week": (parse_week, "week must be an ISO week such as 2026-W10."),
    "month": (parse_month, "month must be a month such as 2026-03."),
}


class ParameterError(Exception):
    """A request that can't be answered. The message is for who sent it; nothing of the request is in it."""


@dataclass(frozen=True, slots=True)
class DailyRequest:
    """What `/api/daily_papers` is asked for."""

    span: str
    """`date`, `week` or `month`; empty: the newest days."""
    first: date | None
    """The first day of the span; None without one."""
    submitter: str
    is_trending: bool
    page: int
    limit: int

    @property
    def start(self) -> int:
        """How many entries stand before the page."""
        return self.page * self.limit


def daily_request(asked: Mapping[str, str], *, now: datetime) -> DailyRequest:
    """The request in these parameters; an empty one counts as absent.

    Raises:
        ParameterError: one is malformed, two spans are named, or the span has not begun: by the group's clock and by
            UTC, in which another site's day may have begun earlier.
    """
    named = [name for name in _PARSERS if asked.get(name)]
    if len(named) > 1:
        raise ParameterError("Use one of date, week and month.")
    span = named[0] if named else ""
    first = _first_day(span, asked[span], now=now) if span else None
    sort = asked.get("sort") or _SORTS[0]
    if sort not in _SORTS:
        raise ParameterError("sort must be publishedAt or trending.")
    return DailyRequest(
        span=span,
        first=first,
        submitter=_name(asked.get("submitter", "")),
        is_trending=sort == "trending",
        page=_number(asked.get("p"), name="p", least=0, default=0),
        limit=results_limit(asked, default=DEFAULT_LIMIT, most=MAX_LIMIT),
    )


def results_limit(asked: Mapping[str, str], *, default: int, most: int) -> int:
    """How many entries are wanted: `most` where it is more.

    Raises:
        ParameterError: it is no whole number from 1.
    """
    return min(_number(asked.get("limit"), name="limit", least=1, default=default), most)


def _first_day(span: str, text: str, *, now: datetime) -> date:
    parse, message = _PARSERS[span]
    first = parse(text)
    if first is None:
        raise ParameterError(message)
    if first > max(now.astimezone(UTC).date(), group_today(now)):
        raise ParameterError(f"This {'day' if span == 'date' else span} has not begun.")
    return first


def _number(text: str | None, *, name: str, least: int, default: int) -> int:
    """A whole number; one with too many digits to be looked at is the greatest that is."""
    if not text:
        return default
    if text.isascii() and text.isdigit():
        value = int(text) if len(text) <= _DIGITS else 10**_DIGITS
        if value >= least:
            return value
    raise ParameterError(f"{name} must be a whole number from {least}.")


def _name(text: str) -> str:
    if "\0" in text or len(text) > MAX_NAME:
        raise ParameterError(f"submitter must be a name of at most {MAX_NAME} characters.")
    return text.strip()
