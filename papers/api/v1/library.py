"""A reader's library: states and notes of papers; what was seen, and days that are done."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field
from ninja.params.functions import Query

from papers.api.v1.base import (
    READ,
    WRITE,
    Cursor,
    Day,
    Limit,
    PaperId,
    Record,
    RequestBody,
    Text,
    day_of,
    limit_as_pages,
    new_router,
    reader_of,
)
from papers.api.v1.pages import paper_page
from papers.api.v1.paper_schema import LibraryStateName, PaperPage
from papers.api.v1.papers import readable_paper
from papers.models import LibraryItem, Paper, Tag
from papers.models.library import AddedPosition, LibraryPosition, OpenedPosition, PublishedPosition
from papers.query.parser import parse
from papers.services.reading.library import (
    MAX_NOTE_LENGTH,
    read_library_entry,
    set_library_note,
    set_library_state,
)
from papers.services.reading.seen import set_day_done, set_seen

router = new_router("Library")

_SORTS: dict[str, type[LibraryPosition]] = {
    "added": AddedPosition,
    "published": PublishedPosition,
    "opened": OpenedPosition,
}


class LibraryChoice(RequestBody):
    """In which state a paper is to be."""

    model_config = {"json_schema_extra": {"examples": [{"state": "to_read"}]}}

    state: LibraryStateName = "to_read"


class LibraryRecord(Record):
    """What a reader keeps of a paper."""

    model_config = {"json_schema_extra": {"examples": [{"state": "reading", "note": "See section 3."}]}}

    state: LibraryStateName | None = Field(description="null: it is not in the library.")
    note: str = Field(description="Markdown; empty: none.")


class NoteText(RequestBody):
    """A reader's own note on a paper; nobody else sees it."""

    model_config = {"json_schema_extra": {"examples": [{"note": "See section 3."}]}}

    note: Text = Field(max_length=MAX_NOTE_LENGTH, description="Markdown.")


class SeenRecord(Record):
    """Whether a paper was seen."""

    seen: bool


class DoneRecord(Record):
    """What marking a day has done."""

    changed: int = Field(description="Papers that are seen, or not seen, since.")


@router.get("/library", response=PaperPage, summary="Your library", **READ)
def list_library(
    request: HttpRequest,
    state: LibraryStateName | Literal[""] = Query("", description="Empty: all but those not interested in."),
    tag: Text = Query("", max_length=60, description="Those with this tag of the reader's alone."),
    q: Text = Query("", max_length=1_000, description="Those that a search finds, in the language of the search box."),
    sort: Literal["added", "published", "opened"] = Query("added", description="The last first, in each order."),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """The papers in the reader's library; `mine` has the state of each."""
    user, asked = reader_of(request), parse(q)
    found = LibraryItem.objects.of(user).in_state(state)
    if asked.root is not None:
        found = found.of_papers(Paper.objects.matching(asked, viewer=user))
    if tag:
        own = Tag.objects.of(user).named(tag).first()
        found = found.tagged(own) if own else found.none()
    kind = _SORTS[sort]
    return paper_page(request, kind, lambda at: found.sorted_by(kind, after=at), cursor=cursor, limit=limit)


@router.get("/papers/{path:paper_id}/library", response=LibraryRecord, summary="What you keep of a paper", **READ)
def get_library_entry(request: HttpRequest, paper_id: str = PaperId) -> LibraryRecord:
    """State and note of one paper."""
    return _record(request, readable_paper(request, paper_id))


@router.put("/papers/{path:paper_id}/library", response=LibraryRecord, summary="Save a paper", **WRITE)
def put_library_state(request: HttpRequest, body: LibraryChoice, paper_id: str = PaperId) -> LibraryRecord:
    """Put a paper into the library in a state. It counts as seen."""
    return _set_state(request, paper_id, body.state)


@router.delete("/papers/{path:paper_id}/library", response=LibraryRecord, summary="Take a paper out", **WRITE)
def delete_library_entry(request: HttpRequest, paper_id: str = PaperId) -> LibraryRecord:
    """Take a paper out of the library, with its note."""
    return _set_state(request, paper_id, "")


@router.put("/papers/{path:paper_id}/note", response=LibraryRecord, summary="Write a note", **WRITE)
def put_note(request: HttpRequest, body: NoteText, paper_id: str = PaperId) -> LibraryRecord:
    """Write a note on a paper. One that is not in the library is put there, to be read."""
    return _set_note(request, paper_id, body.note.strip())


@router.delete("/papers/{path:paper_id}/note", response=LibraryRecord, summary="Delete a note", **WRITE)
def delete_note(request: HttpRequest, paper_id: str = PaperId) -> LibraryRecord:
    """Delete the note; the paper stays in the library."""
    return _set_note(request, paper_id, "")


@router.put("/papers/{path:paper_id}/seen", response=SeenRecord, summary="Mark a paper as seen", **WRITE)
def put_seen(request: HttpRequest, paper_id: str = PaperId) -> SeenRecord:
    """Mark a paper as seen. It says nothing of liking it."""
    return _set_seen(request, paper_id, on=True)


@router.delete("/papers/{path:paper_id}/seen", response=SeenRecord, summary="Mark a paper as unseen", **WRITE)
def delete_seen(request: HttpRequest, paper_id: str = PaperId) -> SeenRecord:
    """Mark a paper as not seen after all."""
    return _set_seen(request, paper_id, on=False)


@router.put("/editions/{day}/done", response=DoneRecord, summary="Be done with a day", **WRITE)
def put_day_done(request: HttpRequest, day: str = Day) -> DoneRecord:
    """Mark all papers of a day as seen."""
    return _set_done(request, day, on=True)


@router.delete("/editions/{day}/done", response=DoneRecord, summary="Not be done with a day", **WRITE)
def delete_day_done(request: HttpRequest, day: str = Day) -> DoneRecord:
    """Take that back; papers that were opened, voted for or saved stay seen."""
    return _set_done(request, day, on=False)


def _set_state(request: HttpRequest, paper_id: str, state: str) -> LibraryRecord:
    user = reader_of(request)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    set_library_state(user=user, paper_ids=[paper.pk], state=state)
    return _record(request, paper)


def _set_note(request: HttpRequest, paper_id: str, note: str) -> LibraryRecord:
    user = reader_of(request)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    set_library_note(user=user, paper_id=paper.pk, note=note)
    return _record(request, paper)


def _set_seen(request: HttpRequest, paper_id: str, *, on: bool) -> SeenRecord:
    user = reader_of(request)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "seen")
    set_seen(user=user, paper_id=paper.pk, on=on)
    return SeenRecord(seen=on)


def _set_done(request: HttpRequest, day: str, *, on: bool) -> DoneRecord:
    found = day_of(day)
    limit_as_pages(request, "library")
    return DoneRecord(changed=set_day_done(user=reader_of(request), day=found, on=on))


def _record(request: HttpRequest, paper: Paper) -> LibraryRecord:
    entry = read_library_entry(user=reader_of(request), paper_id=paper.pk)
    return LibraryRecord(state=entry.state or None, note=entry.note)  # type: ignore[arg-type]  # the database holds to its values
