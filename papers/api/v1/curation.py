"""The curators' desk: what waits, a decision on it, the log, and undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field
from ninja.params.functions import Path, Query

from papers.api.v1.base import CURATE, Cursor, Limit, Record, RequestBody, RowKey, Text, new_router, reader_of
from papers.api.v1.pages import cut_page, position_of
from papers.models import CurationEvent
from papers.models.curation import LogPosition
from papers.services.curation.audit_actions import describe
from papers.services.curation.audit_log import MAX_REASON_LENGTH, Actor
from papers.services.curation.perform_action import perform_action
from papers.services.curation.read_queue import QueueItem, QueuePosition, read_item, read_queue
from papers.services.curation.undo import AlreadyUndoneError, undo_batch
from papers.web.paging import encode_cursor

router = new_router("Curation")

QueueKindName = Literal["submission", "search", "comment", "pair", "candidate", "record"]
_Kind = Path(..., description="What kind of thing waits.")


class QueueRecord(Record):
    """Something that waits for a curator."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "kind": "submission",
                    "key": 12,
                    "since": "2026-03-04T12:00:00Z",
                    "last_event": 0,
                    "title": "Tides in Shallow Seas",
                    "paper": "2603.01234",
                    "other": None,
                }
            ]
        }
    }

    kind: str
    key: int = Field(description="With `kind`, its name.")
    since: datetime = Field(description="UTC.")
    last_event: int = Field(description="The newest event about it: send it with the decision, as what you saw.")
    title: str = Field(description="Of the paper, the comment, the search or the record.")
    paper: str | None = Field(description="The paper's id.")
    other: str | None = Field(description="Of two that may be one, the other.")


class QueueAnswer(Record):
    """A page of what waits, the newest first."""

    items: list[QueueRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class DecisionText(RequestBody):
    """What a curator decides."""

    model_config = {"json_schema_extra": {"examples": [{"action": "accept", "last_event": 0}]}}

    action: Literal["accept", "reject", "pin", "hide", "other"] = Field(
        description="`pin`: accept, and pin it. `hide`: reject, and hide the paper. `other`: merge the other way round."
    )
    last_event: int | None = Field(
        None,
        ge=0,
        le=2**63 - 1,
        description="`last_event` as you saw it; if another decided since: 409. null: as it is.",
    )
    reason: Text = Field("", max_length=MAX_REASON_LENGTH, description="Stands in the public log.")


class EventRecord(Record):
    """An act in the public log."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "id": 90,
                    "action": "list",
                    "description": "put on an edition",
                    "actor": "carl",
                    "paper": "2603.01234",
                    "day": "2026-03-04",
                    "reason": "",
                    "created_at": "2026-03-04T12:00:00Z",
                    "undone_at": None,
                }
            ]
        }
    }

    id: int
    action: str
    description: str
    actor: str | None = Field(description="A username; null where the account is gone.")
    paper: str | None
    day: date | None
    reason: str
    created_at: datetime = Field(description="UTC.")
    undone_at: datetime | None = Field(description="UTC.")


class ActRecord(Record):
    """What an act has done."""

    event: EventRecord | None = Field(description="Its line in the log; null where there was nothing to change.")


class EventPage(Record):
    """The log, the newest first."""

    items: list[EventRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class UndoRecord(Record):
    """What undoing has done."""

    undone: int = Field(description="Events that were taken back; 0: it was undone before.")


@router.get("/curation/queue", response=QueueAnswer, summary="What waits", **CURATE)
def list_queue(
    request: HttpRequest,
    kind: QueueKindName | Literal[""] = Query("", description="Of one kind alone."),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """What waits for a curator, the newest first."""
    after = position_of(cursor, QueuePosition)
    page = read_queue([kind] if kind else [], after=after, per_page=limit)
    return {
        "items": [_queue_record(item) for item in page.items],
        "next": encode_cursor(page.next) if page.next else None,
    }


@router.put("/curation/queue/{kind}/{int:row}", response=ActRecord, summary="Decide", **CURATE)
def put_decision(request: HttpRequest, body: DecisionText, kind: QueueKindName = _Kind, row: int = RowKey) -> ActRecord:
    """Decide on one thing. 409: another curator decided since you saw it; nothing was changed."""
    if read_item(kind, row) is None:
        raise Http404("There is no such thing.")
    actor = actor_of(request, reason=body.reason, last_event_id=body.last_event)
    return act_record(perform_action(kind=kind, key=row, action=body.action, actor=actor))


@router.get("/curation/log", response=EventPage, summary="The log", **CURATE)
def list_events(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """What curators did, the newest first; also what the public log leaves out."""
    after = position_of(cursor, LogPosition)
    found = CurationEvent.objects.newest(before=after.pk if after else None)
    shown, following = cut_page(found, lambda last: LogPosition(last.pk), limit=limit)
    return {"items": [event_record(event) for event in shown], "next": following}


@router.put("/curation/log/{int:event_id}/undone", response=UndoRecord, summary="Undo", **CURATE)
def put_undone(request: HttpRequest, event_id: int = RowKey) -> UndoRecord:
    """Take back what an act changed, with all that was done by the same press, within 90 days."""
    try:
        return UndoRecord(undone=undo_batch(event_id=event_id, curator=reader_of(request), now=timezone.now()))
    except AlreadyUndoneError:
        return UndoRecord(undone=0)


def actor_of(request: HttpRequest, *, reason: str = "", last_event_id: int | None = None) -> Actor:
    """The curator whose token asks."""
    return Actor(curator=reader_of(request), now=timezone.now(), reason=reason, last_event_id=last_event_id)


def act_record(event: CurationEvent | None) -> ActRecord:
    """What became of an act. One query where there is an event."""
    if event is None:
        return ActRecord(event=None)
    return ActRecord(event=event_record(CurationEvent.objects.newest().get(pk=event.pk)))


def event_record(event: CurationEvent) -> EventRecord:
    """An event as answers have it; as `newest` reads it, no queries."""
    return EventRecord(
        id=event.pk,
        action=event.action,
        description=describe(event),
        actor=event.actor.username if event.actor else None,
        paper=event.paper.public_id if event.paper else None,
        day=event.day,
        reason=event.reason,
        created_at=event.created_at,
        undone_at=event.undone_at,
    )


_TITLES: tuple[Callable[[QueueItem], str | None], ...] = (
    lambda item: item.comment.body[:200] if item.comment else None,
    lambda item: item.paper.title if item.paper else None,
    lambda item: item.search.name if item.search else None,
    lambda item: item.record.identifier if item.record else None,
)


def _queue_record(item: QueueItem) -> QueueRecord:
    return QueueRecord(
        kind=item.kind,
        key=item.key,
        since=item.since,
        last_event=item.last_event_id,
        title=next((title for read in _TITLES if (title := read(item)) is not None), ""),
        paper=item.paper.public_id if item.paper else None,
        other=item.other.public_id if item.other else None,
    )
