"""Editions: the days that have papers, one day, its papers."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field
from ninja.params.functions import Query

from papers.api.v1.base import Cursor, Day, Limit, Record, day_of, new_router, public
from papers.api.v1.pages import cut_page, paper_page, position_of
from papers.api.v1.paper_schema import PaperPage
from papers.models import Edition, Listing
from papers.models.listing import DayCursor, StoredCursor
from papers.services.editions.spans import Span, day_span

router = new_router("Editions")


class EditionPosition(NamedTuple):
    """What editions are sorted by: midnight UTC of their day."""

    day: datetime


class EditionRecord(Record):
    """The edition of a day."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "day": "2026-03-04",
                    "url": "https://papers.example.org/papers/date/2026-03-04",
                    "listed": 243,
                    "announced": 243,
                    "stored": 243,
                    "missing": [],
                    "note": "Three papers on tides today.",
                }
            ]
        }
    }

    day: date = Field(description="arXiv's announcement date (US Eastern), for all else the group's date.")
    url: str
    listed: int = Field(description="Papers on it.")
    announced: int | None = Field(description="Papers that arXiv announced; null where its feed was not read whole.")
    stored: int | None = Field(description="Of the announced ones, those that are here.")
    missing: list[str] = Field(description="arXiv ids of announced papers that are not here; 100 at most.")
    note: str = Field(description="The curators' note on top of it, Markdown; empty: none.")


class EditionDetail(EditionRecord):
    """The edition of a day, and the days with papers before and after it."""

    previous: date | None
    following: date | None


class EditionPage(Record):
    """Days, the newest first."""

    items: list[EditionRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


@router.get("/editions", response=EditionPage, summary="Days with papers", **public())
def list_editions(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """The days that have papers, up to today in the group's time zone, the newest first."""
    after = position_of(cursor, EditionPosition)
    found = Edition.objects.newest(timezone.localdate())
    if after is not None:
        found = found.filter(day__lt=after.day.date())
    shown, following = cut_page(found, lambda last: EditionPosition(_midnight(last.day)), limit=limit)
    return {"items": [edition_record(edition) for edition in shown], "next": following}


@router.get("/editions/{day}", response=EditionDetail, summary="One day", **public())
def get_edition(request: HttpRequest, day: str = Day) -> EditionDetail:
    """What is known of a day, whether it has papers or not."""
    span: Span = day_span(day_of(day))
    record = edition_record(span.edition or Edition(day=span.first))
    return EditionDetail(**record.model_dump(), previous=span.previous, following=span.next)


@router.get("/editions/{day}/papers", response=PaperPage, summary="The papers of a day", **public())
def list_edition_papers(
    request: HttpRequest,
    day: str = Day,
    sort: Literal["votes", "newest"] = Query(
        "votes", description="`votes`: as the day's page has them, what curators pinned first. `newest`: last stored."
    ),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """The papers that a day lists."""
    found = day_of(day)
    if sort == "newest":
        return paper_page(
            request,
            StoredCursor,
            lambda at: Listing.objects.newest_of_day(found, after=at),
            cursor=cursor,
            limit=limit,
        )
    return paper_page(
        request, DayCursor, lambda at: Listing.objects.best_of_day(found, after=at), cursor=cursor, limit=limit
    )


def edition_record(edition: Edition) -> EditionRecord:
    """A day as answers have it. No queries."""
    return EditionRecord(
        day=edition.day,
        url=settings.SITE.origin + edition.get_absolute_url(),
        listed=edition.listed_count,
        announced=edition.announced_count,
        stored=edition.stored_count,
        missing=edition.missing,
        note=edition.note,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_default_timezone())
