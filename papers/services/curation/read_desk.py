"""What the desk shows of one paper and of one day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from papers.models import CurationEvent, Edition, Listing, Paper, PaperEdit, PlannedListing, Topic, TopicPick
from papers.models.listing import DayCursor
from papers.services.curation.audit_actions import describe
from papers.services.curation.plan_listings import planned_listings_of
from papers.services.curation.subjects import day_subject, paper_subject

MAX_EVENTS_SHOWN = 20
PER_PAGE = 50
MAX_PINNED = 100
MAX_HIDDEN = 100


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An event of the log, and what was done in words."""

    event: CurationEvent
    description: str


@dataclass(frozen=True, slots=True)
class EditedField:
    """A field that curators changed."""

    edit: PaperEdit
    source: str
    """What the sources say, as a line."""


@dataclass(frozen=True, slots=True)
class PaperDesk:
    """A paper as its curators see it."""

    paper: Paper
    last_event_id: int
    """The newest event about it: goes back with a decision."""
    listings: list[Listing]
    """Its days, the newest first; those that it was taken off, too."""
    events: list[AuditLine]
    planned: list[PlannedListing]
    topics: list[Topic]
    """Those for all."""
    picks: list[TopicPick]
    edits: list[EditedField]
    """What curators changed, beside what the sources say."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """A paper on a day's desk."""

    listing: Listing
    last_event_id: int
    up: list[int]
    """The order of what is pinned if it goes up one place; empty where it can't."""
    down: list[int]


@dataclass(frozen=True, slots=True)
class DayDesk:
    """A day as its curators see it."""

    day: date
    edition: Edition | None
    last_event_id: int
    pinned: list[DayRow]
    rows: list[DayRow]
    planned: list[PlannedListing]
    """What is to come on it."""
    off: list[DayRow]
    """What was taken off the day, or hidden everywhere."""
    next: DayCursor | None
    events: list[AuditLine]


def read_paper_desk(paper: Paper) -> PaperDesk:
    """The desk of one paper: its days, log, topics and edits. Seven queries."""
    return PaperDesk(
        paper=paper,
        last_event_id=CurationEvent.objects.last_about([paper_subject(paper.pk)])[paper_subject(paper.pk)],
        listings=list(Listing.objects.filter(paper=paper).select_related("source", "user").order_by("-day")[:50]),
        events=audit_lines(CurationEvent.objects.about_paper(paper.pk)[:MAX_EVENTS_SHOWN]),
        planned=list(PlannedListing.objects.filter(paper=paper).order_by("day")[:50]),
        topics=list(Topic.objects.curated().only("slug", "name").order_by("name")[:500]),
        picks=list(TopicPick.objects.filter(paper=paper).select_related("topic").order_by("topic__name")),
        edits=[
            _edited(edit) for edit in PaperEdit.objects.filter(paper=paper).select_related("user").order_by("field")
        ],
    )


def read_day_desk(day: date, *, after: DayCursor | None = None) -> DayDesk:
    """The desk of one day: one page of its papers, behind the position `after`. Eight queries at most."""
    listed = Listing.objects.select_related("paper", "user")
    pinned = list(listed.best_of_day(day).filter(is_pinned=True)[:MAX_PINNED])
    rest = list(listed.best_of_day(day, after=after).filter(is_pinned=False)[: PER_PAGE + 1])
    rows = rest[:PER_PAGE]
    off = list(listed.off_day(day)[:MAX_HIDDEN]) if after is None else []
    subjects = {paper_subject(row.paper_id) for row in (*pinned, *rows, *off)} | {day_subject(day)}
    newest = CurationEvent.objects.last_about(subjects)
    order = [row.paper_id for row in pinned]

    def desk_rows(found: Sequence[Listing]) -> list[DayRow]:
        return [DayRow(row, newest[paper_subject(row.paper_id)], *_moved(order, row.paper_id)) for row in found]

    return DayDesk(
        day=day,
        edition=Edition.objects.filter(day=day).first(),
        last_event_id=newest[day_subject(day)],
        pinned=desk_rows(pinned),
        rows=desk_rows(rows),
        planned=planned_listings_of(day),
        off=desk_rows(off),
        events=audit_lines(CurationEvent.objects.newest().filter(subject=day_subject(day))[:MAX_EVENTS_SHOWN]),
        next=_position(rows[-1]) if len(rest) > PER_PAGE else None,
    )


def _edited(edit: PaperEdit) -> EditedField:
    value = edit.source_value
    if isinstance(value, list):
        return EditedField(edit, ", ".join(author["name"] for author in value))
    if isinstance(value, dict):
        return EditedField(edit, value["url"])
    return EditedField(edit, str(value or ""))


def audit_lines(events: Iterable[CurationEvent]) -> list[AuditLine]:
    """Events in words. No queries beside that of the events."""
    return [AuditLine(event, describe(event)) for event in events]


def _moved(order: Sequence[int], paper_id: int) -> tuple[list[int], list[int]]:
    """The order with a paper one place up, and one place down."""
    if paper_id not in order:
        return [], []
    at = order.index(paper_id)
    return _swapped(order, at, at - 1), _swapped(order, at, at + 1)


def _swapped(order: Sequence[int], at: int, other: int) -> list[int]:
    if not 0 <= other < len(order):
        return []
    swapped = list(order)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    return swapped


def _position(row: Listing) -> DayCursor:
    return DayCursor(bool(row.is_pinned), row.place, row.vote_count, row.source_votes, row.position, row.pk)
