"""A day, a week or a month as its page shows it: its editions, its neighbours, and why there is none today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from papers.dates import (
    ONE_DAY,
    ONE_WEEK,
    month_start,
    next_month,
    week_start,
)
from papers.models import Edition, FetchRun, Source
from papers.models.listing import Completeness
from papers.sources.arxiv_schedule import AbsenceReason, absence_reason, edition_due, next_edition_due


class DayShown(NamedTuple):
    """What stands above a day's papers, the same for everybody."""

    first: date
    """The day."""
    previous: date | None
    next: date | None
    listed_count: int
    completeness: Completeness | None


@dataclass(frozen=True, slots=True)
class Span:
    """One or more days, and the nearest days with papers before and after them."""

    first: date
    end: date
    """The day after the last one."""
    editions: tuple[Edition, ...]
    """Those inside, with papers or not, in the order of the calendar."""
    previous: date | None
    next: date | None

    @property
    def last(self) -> date:
        return self.end - ONE_DAY

    @property
    def edition(self) -> Edition | None:
        """The edition of a span of one day."""
        return self.editions[0] if self.editions else None

    @property
    def day(self) -> DayShown:
        """What the page of a span of one day says of it."""
        completeness = self.edition.completeness if self.edition else None
        return DayShown(self.first, self.previous, self.next, self.listed_count, completeness)

    @property
    def listed_count(self) -> int:
        """How often papers are listed; over several days a paper can be listed twice."""
        return sum(edition.listed_count for edition in self.editions)

    @property
    def with_papers(self) -> list[Edition]:
        return [edition for edition in self.editions if edition.listed_count]

    @property
    def is_weekend(self) -> bool:
        """Of a span of one day."""
        return self.first.weekday() >= 5

    @property
    def is_sample(self) -> bool:
        return any(edition.is_sample for edition in self.editions)


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The newest full edition, and what was listed on later days."""

    span: Span
    later: tuple[Edition, ...]
    """Days with papers after the full one, in the order of the calendar."""


@dataclass(frozen=True, slots=True)
class EditionAbsence:
    """Why the newest edition is not today's."""

    today: date
    absence: AbsenceReason | None
    """None where no source of the site follows arXiv's calendar, so that nobody can say."""
    due: datetime | None
    """By when arXiv is asked for the next edition."""
    next_fetch_at: datetime | None = None
    """When the first of the sources that follow arXiv's calendar is asked again; None where that time has come."""


def day_span(day: date) -> Span:
    """A day and its neighbours. One query."""
    return _span(day, day + ONE_DAY)


def week_span(day: date) -> Span:
    """The week of a day, and its neighbours. One query."""
    monday = week_start(day)
    return _span(monday, monday + ONE_WEEK)


def month_span(day: date) -> Span:
    """The month of a day, and its neighbours. One query."""
    first = month_start(day)
    return _span(first, next_month(first))


def newest_span(span_of: Callable[[date], Span], *, today: date) -> Span:
    """The span with the newest edition that has papers; with today, where there is none at all. Two queries."""
    newest = Edition.objects.newest(today).values_list("day", flat=True).first()
    return span_of(newest or today)


def front_page(*, today: date) -> FrontPage:
    """What the front page shows by `today`; the day itself, where no edition has papers. Two queries."""
    found = list(Edition.objects.since_full(today))
    return FrontPage(span=day_span(found[0].day if found else today), later=tuple(found[1:]))


def _span(first: date, end: date) -> Span:
    found = list(Edition.objects.around(first, end))
    inside = tuple(edition for edition in found if first <= edition.day < end)
    return Span(
        first=first,
        end=end,
        editions=inside,
        previous=max((edition.day for edition in found if edition.day < first), default=None),
        next=min((edition.day for edition in found if edition.day >= end), default=None),
    )


def explain_absence(edition: Edition | None, *, today: date, now: datetime) -> EditionAbsence | None:
    """Why an edition is not today's; None when it is today's or newer. Two queries where it isn't, else none."""
    if edition is not None and edition.day >= today:
        return None
    sources = list(Source.objects.announcing().exclude(lists="nothing"))
    if not sources:
        return EditionAbsence(today=today, absence=None, due=None)
    states = set(
        FetchRun.objects.filter(source__in=sources)
        .order_by("source_id", "-started_at")
        .distinct("source_id")
        .values_list("state", flat=True)
    )
    is_failing = any(source.error_count for source in sources)
    has_real = edition is not None and not edition.is_sample
    absence = absence_reason(
        today,
        now=now,
        is_stale=FetchRun.State.STALE in states,
        is_failing=is_failing,
        is_asked=has_real or is_failing or not states <= {FetchRun.State.RUNNING, FetchRun.State.ABANDONED},
    )
    due = edition_due(today) if absence is AbsenceReason.NOT_YET else next_edition_due(today)
    next_fetch_at = min((source.next_fetch_at for source in sources if source.next_fetch_at), default=None)
    return EditionAbsence(
        today=today,
        absence=absence,
        due=due,
        next_fetch_at=next_fetch_at if next_fetch_at and next_fetch_at > now else None,
    )


def explain_empty_day(day: date, *, today: date, now: datetime) -> EditionAbsence | None:
    """Why a day from today on has no papers; None for one in the past, and where nobody can say. Two queries."""
    if day < today:
        return None
    if day == today:
        why = explain_absence(None, today=today, now=now)
        return why if why and why.absence else None
    if not Source.objects.announcing().exclude(lists="nothing").exists():
        return None
    return EditionAbsence(today=day, absence=None, due=edition_due(day))
