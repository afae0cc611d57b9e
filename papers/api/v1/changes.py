"""What a mirror of the papers has to hear of, in order, from where it was.

Each paper is once in the log, at the position of its last change: its record, its listings, its votes; one that was
deleted, merged or hidden is `gone`. A mirror that keeps `next` and asks again misses nothing and can be stopped
anywhere: examples/mirror.py.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field
from ninja.params.functions import Query

from papers.api.v1.base import Record, new_router, public
from papers.api.v1.pages import position_of
from papers.models.change import ChangePosition
from papers.services.changes.numbering import MOST_AT_ONCE, newest_position, number_changes
from papers.services.changes.read_changes import MAX_CHANGES, read_changes
from papers.web.paging import encode_cursor
from papers.web.problems import ProblemError

router = new_router("Changes")

EXAMPLE: dict[str, Any] = {
    "changes": [
        {
            "type": "paper",
            "key": 17,
            "id": "2603.01234",
            "changed_at": "2026-03-04T09:30:00Z",
            "paper": {
                "arxiv_id": "2603.01234",
                "title": "Tides in Shallow Seas",
                "authors": [{"name": "Ada Holm"}],
                "votes": 3,
                "comments": 1,
                "listings": [{"day": "2026-03-04", "by": "arxiv", "kind": "new"}],
            },
        },
        {"type": "gone", "key": 9, "id": "2603.00001", "changed_at": "2026-03-04T09:31:00Z"},
    ],
    "next": "WzQyXQ",
    "has_more": False,
}


class ListingRecord(Record):
    """A day on which a paper stands."""

    day: date
    by: str = Field(description="Which source listed it, or `curator`.")
    kind: str


class ExportedPaper(Record):
    """A paper in the form that `import_papers` reads, with its counts and listings here. What is empty is left out."""

    arxiv_id: str | None = None
    doi: str | None = None
    url: str | None = None
    title: str
    abstract: str | None = None
    authors: list[dict[str, str]] | None = Field(None, description="Of each `name`, and `affiliation`, `orcid`.")
    categories: list[str] | None = None
    published: datetime | None = Field(None, description="Of the first version.")
    updated: datetime | None = Field(None, description="Of the newest version.")
    announced_on: date | None = Field(None, description="By arXiv, in US Eastern time.")
    version: int | None = None
    comment: str | None = None
    journal_ref: str | None = None
    license: str | None = None
    withdrawn: bool | None = None
    organization: str | None = None
    github: str | None = None
    project_page: str | None = None
    votes: int
    comments: int
    listings: list[ListingRecord]


class ChangeRecord(Record):
    """The last change of a paper."""

    type: Literal["paper", "gone"] = Field(description="`gone`: deleted, merged into another paper, or hidden.")
    key: int = Field(description="Names the paper for good.")
    id: str = Field(description="As in its address, which may change once.")
    changed_at: datetime
    paper: ExportedPaper | None = Field(None, description="As it is now; left out of what is gone.")


class ChangesAnswer(Record):
    """Changes in their order."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}

    changes: list[ChangeRecord]
    next: str = Field(description="The `since` of the next request. Keep it together with what you stored.")
    has_more: bool = Field(description="Whether there is more by now: ask again at once.")


@router.get("/changes", response=ChangesAnswer, summary="Changes of papers", exclude_unset=True, **public())
def list_changes(
    request: HttpRequest,
    since: str = Query("", max_length=200, description="The `next` of the last answer; nothing: from the beginning."),
    limit: int = Query(MAX_CHANGES, ge=1, le=MAX_CHANGES, description="Changes in an answer."),
) -> dict[str, Any]:
    """What changed about papers behind a position, each paper once. 410: the position is newer than the site, which was
    restored from a backup; begin again without `since`."""
    after = position_of(since, ChangePosition) or ChangePosition(0)
    if after.position < 0:
        raise ProblemError(400, "This is not a cursor of this list.")
    numbered = number_changes(now=timezone.now())
    page = read_changes(after=after.position, limit=limit)
    if not page.changes and after.position > newest_position():
        raise ProblemError(410, "This position is not known here any more. Begin again without since.")
    return {
        "changes": page.changes,
        "next": encode_cursor(ChangePosition(page.position)),
        "has_more": page.has_more or numbered >= MOST_AT_ONCE,
    }
