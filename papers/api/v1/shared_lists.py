"""Shared lists: those that a reader may see, what is on them, and what their editors and owners do."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Status
from ninja.params.functions import Path, Query

from papers.api.v1.base import (
    READ,
    WRITE,
    ClientId,
    Cursor,
    Limit,
    PaperId,
    Record,
    RequestBody,
    Slug,
    Text,
    limit_as_pages,
    new_router,
    public,
    reader_of,
    viewer_with_scope,
)
from papers.api.v1.pages import cut_page, position_of, records_of_rows
from papers.api.v1.paper_schema import PaperRecord
from papers.api.v1.papers import readable_paper
from papers.models import ClientKey, SharedList, SharedListPaper, User
from papers.models.shared_list import (
    MAX_LIST_NAME,
    HandPosition,
    ListAddedPosition,
    ListDatePosition,
    ListOrder,
    ListsPosition,
)
from papers.services.accounts.client_keys import MadeRow, make_once
from papers.services.lists.rows import ListPlace, read_list_rows
from papers.services.shared_lists.entries import MAX_NOTE, Move, add_papers, move_paper, remove_papers, write_note
from papers.services.shared_lists.overview import places_of
from papers.services.shared_lists.settings import (
    MAX_DESCRIPTION,
    ListDraft,
    change_list,
    create_list,
    delete_list,
    hand_over,
    name_member,
    unname_member,
)
from papers.web.paging import encode_cursor
from papers.web.permissions import list_for_edit, list_for_read, managed_list
from papers.web.problems import ProblemError

router = new_router("Lists")
Visibility = Literal["named", "members", "everybody"]
_ORDERS: dict[str, type[ListOrder]] = {"hand": HandPosition, "added": ListAddedPosition, "date": ListDatePosition}
_Username = Path(..., max_length=30, description="A reader's username.", example="otto")
_EXAMPLE: dict[str, Any] = {
    "slug": "papers-for-the-course",
    "url": "https://papers.example.org/lists/papers-for-the-course",
    "name": "Papers for the course",
    "description": "One a week.",
    "visibility": "members",
    "owner": "rita",
    "may_edit": True,
    "created_at": "2026-03-01T09:30:00Z",
    "changed_at": "2026-03-04T12:00:00Z",
}


class ListRecord(Record):
    """Papers that members keep together, in an order of their own."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    slug: str = Field(description="Its place in all addresses; stays with another name.")
    url: str
    name: str
    description: str = Field(description="Markdown.")
    visibility: Visibility = Field(description="Who reads it beside its owner and those who are named on it.")
    owner: str | None = Field(description="null: the account is gone, or whoever asks is not a member.")
    may_edit: bool = Field(description="The reader whose token it is may change what is on it.")
    created_at: datetime = Field(description="UTC.")
    changed_at: datetime = Field(description="When its papers, name or description changed last. UTC.")


class ListRecords(Record):
    """A page of lists, last changed first."""

    items: list[ListRecord]
    next: str | None = Field(description="The cursor of the following page; null on the last.")


class ListWording(RequestBody):
    """What a list is called, and who reads it."""

    model_config = {"json_schema_extra": {"examples": [{"name": "Papers for the course", "visibility": "members"}]}}

    name: Text = Field(min_length=1, max_length=MAX_LIST_NAME)
    description: Text = Field("", max_length=MAX_DESCRIPTION, description="Markdown.")
    visibility: Visibility = Field("members", description="On a members-only site `everybody` is all members.")


class NewList(ListWording):
    """A list to be made."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"id": "0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11", "name": "Papers for the course"}]
        }
    }

    id: ClientId


class ListEntryRecord(Record):
    """A paper on a list."""

    paper: PaperRecord
    note: str = Field(description="Why it is there. Markdown; empty: none.")
    noted_by: str | None
    noted_at: datetime | None = Field(description="UTC.")
    added_by: str | None = Field(description="null: the account is gone, or whoever asks is not a member.")
    added_at: datetime = Field(description="UTC.")


class ListEntries(Record):
    """A page of a list."""

    items: list[ListEntryRecord]
    next: str | None = Field(description="The cursor of the following page; null on the last.")


class ListEntryChoice(RequestBody):
    """How a paper is to stand on a list."""

    model_config = {"json_schema_extra": {"examples": [{"note": "Read section 3 first."}]}}

    note: Text | None = Field(None, max_length=MAX_NOTE, description="Markdown; null: as it is.")
    place: Literal["top", "bottom"] | None = Field(None, description="null: as it is; a new one is at the bottom.")


class MemberRecord(Record):
    """Somebody who is named on a list."""

    username: str
    role: Literal["owner", "editor", "reader"]


class ListPeople(Record):
    """The owner, and who is named."""

    items: list[MemberRecord]


class MemberChoice(RequestBody):
    """What somebody may do on a list."""

    model_config = {"json_schema_extra": {"examples": [{"role": "editor"}]}}

    role: Literal["owner", "editor", "reader"] = Field(
        description="`owner`: the list is handed over to somebody who is named on it; who had it stays as an editor."
    )


@router.get("/lists", response=ListRecords, summary="Lists", **public())
def list_lists(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """Those for everybody; with a token that may read, all that its reader may see. Last changed first."""
    viewer = _viewer(request)
    found = SharedList.objects.readable_by(viewer).select_related("owner")
    found = found.last_changed(after=position_of(cursor, ListsPosition))
    shown, following = cut_page(found, lambda last: ListsPosition(last.changed_at, last.pk), limit=limit)
    edited: set[int] = set()
    if viewer.is_authenticated:
        edited = set(
            SharedList.objects.edited_by(viewer).filter(pk__in=[one.pk for one in shown]).values_list("pk", flat=True)
        )
    return {"items": [_record(one, viewer, may_edit=one.pk in edited) for one in shown], "next": following}


@router.post("/lists", response={201: ListRecord, 200: ListRecord}, summary="Make a list", **WRITE)
def create_shared_list(request: HttpRequest, body: NewList) -> Status[ListRecord]:
    """Make a list of one's own. 200: it was made before."""
    user = reader_of(request)
    limit_as_pages(request, "library")
    made, is_new = make_once(
        user=user,
        key=body.id,
        kind=ClientKey.Kind.LIST,
        make=lambda: MadeRow(create_list(_draft(body), owner=user, now=timezone.now()).pk),
    )
    found = SharedList.objects.select_related("owner").filter(pk=made.made_id or 0).first()
    if found is None:
        raise ProblemError(410, "It was made with this id, and is deleted.")
    return Status(201 if is_new else 200, _record(found, user, may_edit=True))


@router.get("/lists/{slug}", response=ListRecord, summary="One list", **public())
def get_list(request: HttpRequest, slug: str = Slug) -> ListRecord:
    """A list that whoever asks may see."""
    found, rights = list_for_read(_viewer(request), slug)
    return _record(found, _viewer(request), may_edit=rights.edits)


@router.put("/lists/{slug}", response=ListRecord, summary="Change a list", **WRITE)
def change_shared_list(request: HttpRequest, body: ListWording, slug: str = Slug) -> ListRecord:
    """Name, describe and show a list anew: for its owner, and for curators, with their scope, where members see it."""
    user = reader_of(request)
    found = managed_list(user, slug)
    limit_as_pages(request, "library")
    change_list(found, _draft(body), now=timezone.now())
    found.refresh_from_db()
    return _record(found, user, may_edit=True)


@router.delete("/lists/{slug}", response={204: None}, summary="Delete a list", **WRITE)
def delete_shared_list(request: HttpRequest, slug: str = Slug) -> Status[None]:
    """Delete a list with its notes and its history, for whoever may change it. The papers stay."""
    found = managed_list(reader_of(request), slug)
    limit_as_pages(request, "library")
    delete_list(found)
    return Status(204, None)


@router.get("/lists/{slug}/papers", response=ListEntries, summary="The papers of a list", **public())
def list_list_papers(
    request: HttpRequest,
    slug: str = Slug,
    sort: Literal["hand", "added", "date"] = Query("hand", description="As its editors ordered it; or the last first."),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """What is on a list, with what its editors say of each."""
    found, _ = list_for_read(_viewer(request), slug)
    kind = _ORDERS[sort]
    after = position_of(cursor, kind)
    listed = SharedListPaper.objects.visible_of(found).sorted_by(kind, after=after)
    rows = read_list_rows(listed, kind._fields, per_page=limit)
    shown = rows[:limit]
    places = places_of(found, paper_ids=[row.paper_id for row in shown])
    known = {record.id: record for record in records_of_rows(request, shown)}
    items = [
        _entry(known[row.public_id], places[row.paper_id], _viewer(request))
        for row in shown
        if row.public_id in known and row.paper_id in places
    ]
    return {"items": items, "next": encode_cursor(shown[-1].position, kind) if len(rows) > limit else None}


@router.put("/lists/{slug}/papers/{path:paper_id}", response=ListEntryRecord, summary="Put a paper on a list", **WRITE)
def put_list_paper(
    request: HttpRequest, slug: str = Slug, paper_id: str = PaperId, body: ListEntryChoice | None = None
) -> ListEntryRecord:
    """Have a paper on a list, say why, and move it to an end."""
    user, now, choice = reader_of(request), timezone.now(), body or ListEntryChoice(note=None, place=None)
    found, _ = list_for_edit(user, slug)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    add_papers(found, paper_ids=[paper.pk], by=user, now=now, note=choice.note or "")
    if choice.note is not None:
        write_note(found, paper_id=paper.pk, note=choice.note, by=user, now=now)
    if choice.place is not None:
        move_paper(found, paper_id=paper.pk, move=Move(choice.place), now=now)
    rows = read_list_rows(SharedListPaper.objects.visible_of(found).filter(paper=paper), ("pk",), per_page=1)
    if not rows:
        raise ProblemError(422, "A hidden paper can’t be put on a list.")
    (record,) = records_of_rows(request, rows)
    return _entry(record, places_of(found, paper_ids=[paper.pk])[paper.pk], user)


@router.delete("/lists/{slug}/papers/{path:paper_id}", response={204: None}, summary="Take a paper off a list", **WRITE)
def delete_list_paper(request: HttpRequest, slug: str = Slug, paper_id: str = PaperId) -> Status[None]:
    """Take a paper off a list, with its note; its editors can put it back from the list's history."""
    user = reader_of(request)
    found, _ = list_for_edit(user, slug)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    remove_papers(found, paper_ids=[paper.pk], by=user, now=timezone.now())
    return Status(204, None)


@router.get("/lists/{slug}/people", response=ListPeople, summary="Who is named on a list", **READ)
def list_list_people(request: HttpRequest, slug: str = Slug) -> dict[str, Any]:
    """The owner, the editors and the readers of a list."""
    found, _ = list_for_read(reader_of(request), slug)
    return _people(found)


@router.put("/lists/{slug}/people/{username}", response=ListPeople, summary="Name somebody", **WRITE)
def put_list_member(
    request: HttpRequest, body: MemberChoice, slug: str = Slug, username: str = _Username
) -> dict[str, Any]:
    """Let somebody edit or read a list, or hand it over."""
    found = managed_list(reader_of(request), slug)
    person = _person(username)
    limit_as_pages(request, "library")
    if body.role == "owner":
        hand_over(found, to=person, now=timezone.now())
    else:
        name_member(found, person=person, role=body.role, now=timezone.now())
    return _people(SharedList.objects.select_related("owner").get(pk=found.pk))


@router.delete("/lists/{slug}/people/{username}", response={204: None}, summary="Name somebody no longer", **WRITE)
def delete_list_member(request: HttpRequest, slug: str = Slug, username: str = _Username) -> Status[None]:
    """Take somebody off a list; one may take off oneself."""
    user = reader_of(request)
    found, rights = list_for_read(user, slug)
    person = _person(username)
    if not rights.manages and person.pk != user.pk:
        raise ProblemError(404, "There is no such list of yours.")
    limit_as_pages(request, "library")
    unname_member(found, person=person)
    return Status(204, None)


def _viewer(request: HttpRequest) -> User | AnonymousUser:
    """As whom lists are read: a token needs the scope for what is not for everybody."""
    return viewer_with_scope(request) or AnonymousUser()


def _draft(body: ListWording) -> ListDraft:
    return ListDraft(body.name, body.description, body.visibility)


def _person(username: str) -> User:
    found = User.people.filter(username__iexact=username, is_active=True).first()
    if found is None:
        raise ProblemError(404, "There is no such member.")
    return found


def _people(found: SharedList) -> dict[str, Any]:
    owner = [MemberRecord(username=found.owner.username, role="owner")] if found.owner is not None else []
    members = found.members.select_related("user").order_by("role", "since", "pk")
    return {"items": owner + [MemberRecord(username=one.user.username, role=one.role) for one in members]}  # type: ignore[arg-type]  # the database holds to its values


def _entry(record: PaperRecord, place: ListPlace, viewer: User | AnonymousUser) -> ListEntryRecord:
    return ListEntryRecord(
        paper=record,
        note=place.note,
        noted_by=place.noted_by or None,
        noted_at=place.noted_at,
        added_by=(place.added_by or None) if viewer.is_authenticated else None,
        added_at=place.added_at,
    )


def _record(one: SharedList, viewer: User | AnonymousUser, *, may_edit: bool) -> ListRecord:
    return ListRecord(
        slug=one.slug,
        url=settings.SITE.origin + one.get_absolute_url(),
        name=one.name,
        description=one.description,
        visibility=one.visibility,  # type: ignore[arg-type]  # the database holds to its values
        owner=one.owner.username if one.owner is not None and viewer.is_authenticated else None,
        may_edit=may_edit,
        created_at=one.created_at,
        changed_at=one.changed_at,
    )
