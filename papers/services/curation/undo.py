"""Undo: the rows that an action changed become what they were before it; what others did since stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from papers.models import Comment, CurationEvent, LibraryItem, Paper, User
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import CurationError, lock_subject
from papers.services.curation.refresh_derived import refresh_derived_columns
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.row_restore import RowRestorer
from papers.services.curation.subjects import comment_subject

UNDO_WINDOW = timedelta(days=90)
"""How long an action can be undone."""

UndoHook = Callable[[CurationEvent], Callable[[], None]]
UNDO_HOOKS: dict[str, UndoHook] = {}
"""By action: a function that is called before the rows are put back, and returns one to be called afterwards."""


class AlreadyUndoneError(CurationError):
    """The action was undone before."""


def undo_event(*, event_id: int, curator: User, now: datetime) -> CurationEvent:
    """Put back what an action changed, and return the event of the log that says so.

    Raises:
        CurationEvent.DoesNotExist: there is no such event.
        AlreadyUndoneError: it was undone before.
        ChangedSinceError: something newer stands on it.
        CurationError: it is older than `UNDO_WINDOW`, or itself an undo.
    """
    with transaction.atomic():
        event, scope = _lock_event(event_id)
        finish = UNDO_HOOKS[event.action](event) if event.action in UNDO_HOOKS else None
        RowRestorer(event).restore()
        if finish is not None:
            finish()
        papers = {*scope.papers, *_touched(event, "papers_paper", "id")}
        days = {date.fromisoformat(day) for day in _touched(event, "papers_listing", "day")}
        refresh_derived_columns(papers, days, now=now, recount=True)
        event.undone_at, event.undone_by = now, curator
        event.save(update_fields=["undone_at", "undone_by"])
        return CurationEvent.objects.create(
            actor=curator,
            action=CurationAction.UNDO,
            subject=event.subject,
            paper_id=event.paper_id,
            day=event.day,
            undoes=event,
        )


def _lock_event(event_id: int) -> tuple[CurationEvent, ActionScope]:
    """An event that can be undone and the papers it is about, locked."""
    event = CurationEvent.objects.get(pk=event_id)
    scope = ActionScope(papers=_papers_of(event))
    lock_subject(event.subject, scope)
    event = CurationEvent.objects.select_for_update(of=("self",)).get(pk=event_id)
    if event.undone_at is not None:
        raise AlreadyUndoneError("This was already undone.")
    if not event.changes:
        raise CurationError("This can no longer be undone.")
    return event, scope


def undo_batch(*, event_id: int, curator: User, now: datetime) -> int:
    """Undo all of an event's batch, the newest first, and return how many. If one can't be undone, none is.

    Raises:
        As `undo_event`.
    """
    batch = CurationEvent.objects.values_list("batch", flat=True).get(pk=event_id)
    if batch is None:
        undo_event(event_id=event_id, curator=curator, now=now)
        return 1
    with transaction.atomic():
        ids = CurationEvent.objects.filter(batch=batch, undone_at=None).order_by("-pk").values_list("pk", flat=True)
        for one in (every := list(ids)):
            undo_event(event_id=one, curator=curator, now=now)
    if not every:
        raise AlreadyUndoneError("This was already undone.")
    return len(every)


def _papers_of(event: CurationEvent) -> tuple[int, ...]:
    """The papers of an event that are there now, in the order of their keys."""
    named = {event.paper_id, *_touched(event, "papers_paper", "id")} - {None}
    return tuple(Paper.objects.filter(pk__in=named).order_by("pk").values_list("pk", flat=True))


def _touched(event: CurationEvent, table: str, column: str) -> set[Any]:
    """The values of a column in the rows of a table that an action changed."""
    found = set()
    for change in event.changes:
        if change["table"] == table:
            found |= {row[column] for row in (change["key"], change["old"], change["new"]) if row and column in row}
    return found


def delete_expired_changes(*, now: datetime) -> int:
    """Delete the rows kept for undo after `UNDO_WINDOW`, as readers may have written them; returns how many events.

    Idempotent.
    """
    return CurationEvent.objects.filter(created_at__lt=now - UNDO_WINDOW).exclude(changes=[]).update(changes=[])


# Rows of theirs that an action deleted.
_DELETE_ROWS_OF_USER = """
    UPDATE papers_curationevent SET changes = coalesce((
        SELECT jsonb_agg(one) FROM jsonb_array_elements(changes) AS one
        WHERE (one -> 'new' = 'null'::jsonb AND one -> 'old' ->> 'user_id' = %s) IS NOT TRUE
            AND (one ->> 'table' = 'papers_libraryitem' AND one -> 'key' ->> 'id' = ANY(%s)) IS NOT TRUE), '[]'::jsonb)
    WHERE changes <> '[]'::jsonb AND changes @> %s::jsonb
"""


def delete_undo_data_of(user: User) -> None:
    """Delete what an undo would bring back of an account that goes: removed comments, notes, votes."""
    comments = [comment_subject(key) for key in Comment.objects.filter(user=user).values_list("pk", flat=True)]
    CurationEvent.objects.filter(subject__in=comments).exclude(changes=[]).update(changes=[])
    with connection.cursor() as cursor:
        items = [str(key) for key in LibraryItem.objects.filter(user=user).values_list("pk", flat=True)]
        cursor.execute(_DELETE_ROWS_OF_USER, [str(user.pk), items, json.dumps([{"old": {"user_id": user.pk}}])])
