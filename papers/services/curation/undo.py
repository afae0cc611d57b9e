"""Undo: the rows that an action changed become what they were before it; what others did since stays."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from papers.models import (
    Comment,
    CurationEvent,
    LibraryItem,
    Paper,
    PlannedListing,
    TaggedPaper,
    TopicPick,
    User,
    Vote,
)
from papers.services.curation import row_diff
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import CurationError, lock_subject
from papers.services.curation.refresh_derived import refresh_derived_columns
from papers.services.curation.row_diff import DERIVED_COLUMNS, ActionScope, RowChange, RowData
from papers.services.curation.subjects import comment_subject
from papers.services.ingest.paper_relations import unique_columns

UNDO_WINDOW = timedelta(days=90)
"""How long an action can be undone."""

# Actions after which other people go on with the result: what they changed since stays as they left it.
LENIENT_ACTIONS = frozenset({CurationAction.MERGE, CurationAction.TOPIC_PROMOTED})

UndoHook = Callable[[CurationEvent], Callable[[], None]]
UNDO_HOOKS: dict[str, UndoHook] = {}
"""By action: a function that is called before the rows are put back, and returns one to be called afterwards."""

# What somebody may have set on both of two papers that were merged; the second one went. A person who took
# back the first one since meant both.
_SET_BY_PEOPLE = frozenset(
    model._meta.db_table for model in (Vote, LibraryItem, TaggedPaper, TopicPick, PlannedListing)
)
# What the functions in UNDO_HOOKS put right themselves.
_NOT_PUT_BACK: Mapping[str, frozenset[str]] = {CurationAction.EDIT: frozenset({"papers_paper"})}


class AlreadyUndoneError(CurationError):
    """The action was undone before."""


class ChangedSinceError(CurationError):
    """What the action left was changed again: undo that first. `event` is the newer action, where it is known."""

    def __init__(self, event: CurationEvent | None) -> None:
        super().__init__("It was changed again since. Undo the newer change first.")
        self.event = event


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
        _Restoring(event).restore()
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
        raise AlreadyUndoneError("This was undone before.")
    if not event.changes:
        raise CurationError("This can't be undone any more.")
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
        raise AlreadyUndoneError("This was undone before.")
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


class _Restoring:
    """The undo of one event."""

    def __init__(self, event: CurationEvent) -> None:
        self.event = event
        self.is_lenient = event.action in LENIENT_ACTIONS

    def restore(self) -> None:
        """What came goes, what went comes, what was changed becomes what it was: in this order, for the keys' sake."""
        left_out = _NOT_PUT_BACK.get(self.event.action, frozenset())
        changes: Sequence[RowChange] = [change for change in self.event.changes if change["table"] not in left_out]
        came = [change for change in reversed(changes) if change["old"] is None]
        for change in sorted(came, key=_is_of_edition):  # an edition once its listings are gone
            self._remove(change)
        went: dict[str, list[RowData]] = defaultdict(list)
        for change in changes:
            if change["new"] is None:
                went[change["table"]].append(change["old"])
        for table in sorted(went, key=lambda name: name != "papers_paper"):
            is_merge = self.event.action == CurationAction.MERGE
            _bring_back(table, _not_taken_back(table, went[table], self.event) if is_merge else went[table])
        for change in changes:
            if change["old"] is not None and change["new"] is not None:
                self._put_back(change)

    def _remove(self, change: RowChange) -> None:
        table, key = change["table"], change["key"]
        now = _current(table, key)
        if now is None and table == "papers_plannedlisting":
            raise CurationError("It was published since. Take it off its day instead.")
        if now is None or (table == "papers_edition" and _is_edition_used(key["day"])):
            return
        if not self._is_as_left(table, now, change["new"]):
            return
        row_diff.model_of_table(table)._base_manager.filter(**_attributes(table, key)).delete()

    def _put_back(self, change: RowChange) -> None:
        table, key, old, new = change["table"], change["key"], change["old"], change["new"]
        now = _current(table, key)
        if now is None:
            if not self.is_lenient and table != "papers_edition":
                raise ChangedSinceError(self._newer())
            return
        names = [name for name in new if now[name] == new[name]]
        if len(names) < len(new) and not self.is_lenient:
            raise ChangedSinceError(self._newer())
        if names:
            _update(table, key, {name: old[name] for name in names})

    def _is_as_left(self, table: str, now: RowData, left: RowData) -> bool:
        """Whether a row is still as the action left it.

        Raises:
            ChangedSinceError: it isn't, and the action is not in `LENIENT_ACTIONS`.
        """
        if all(now.get(name) == value for name, value in left.items() if name not in DERIVED_COLUMNS.get(table, ())):
            return True
        if self.is_lenient:
            return table == "papers_topic"
        raise ChangedSinceError(self._newer())

    def _newer(self) -> CurationEvent | None:
        """The last event on the same subject that stands."""
        newer = CurationEvent.objects.filter(subject=self.event.subject, pk__gt=self.event.pk, undone_at=None)
        return newer.exclude(action=CurationAction.UNDO).select_related("actor").order_by("-pk").first()


def _is_of_edition(change: RowChange) -> bool:
    return bool(change["table"] == "papers_edition")


def _not_taken_back(table: str, rows: list[RowData], event: CurationEvent) -> list[RowData]:
    """Without what its owner has taken off the merged paper since."""
    if table not in _SET_BY_PEOPLE:
        return rows
    column = unique_columns()[table]
    statement = sql.SQL("SELECT {0}::text FROM {1} WHERE paper_id = %s AND {0}::text = ANY(%s)").format(
        sql.Identifier(column), sql.Identifier(table)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [event.paper_id, [str(row[column]) for row in rows]])
        there = {found[0] for found in cursor.fetchall()}
    return [row for row in rows if str(row[column]) in there]


def _current(table: str, key: RowData) -> RowData | None:
    statement = sql.SQL("SELECT to_jsonb(seen) FROM {} seen WHERE {} FOR UPDATE").format(
        sql.Identifier(table), _is(table, "seen", key)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    if row is None:
        return None
    found: RowData = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return found


def _update(table: str, key: RowData, values: RowData) -> None:
    assignments = sql.SQL(", ").join(sql.SQL("{0} = back.{0}").format(sql.Identifier(name)) for name in values)
    statement = sql.SQL("UPDATE {0} seen SET {1} FROM jsonb_populate_record(NULL::{0}, {2}) back WHERE {3}").format(
        sql.Identifier(table), assignments, _json(values), _is(table, "seen", key)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _bring_back(table: str, rows: Iterable[RowData]) -> None:
    """Insert deleted rows again, except those that refer to accounts and other rows that are gone meanwhile."""
    whole = _with_what_is_there(table, list(rows))
    if not whole:
        return
    names = sql.SQL(", ").join(sql.Identifier(name) for name in whole[0])
    statement = sql.SQL(
        "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, {2}) "
        "ON CONFLICT DO NOTHING"
    ).format(sql.Identifier(table), names, _json(whole))
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _with_what_is_there(table: str, rows: list[RowData]) -> list[RowData]:
    for column, other, other_column, may_be_empty in row_diff.foreign_keys(table):
        named = {row[column] for row in rows if row[column] is not None}
        if not named or other == table:
            continue
        statement = sql.SQL("SELECT {0} FROM {1} WHERE {0} = ANY(%s)").format(
            sql.Identifier(other_column), sql.Identifier(other)
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(named)])
            there = {row[0] for row in cursor.fetchall()}
        if may_be_empty:
            rows = [row if row[column] in there else {**row, column: None} for row in rows]
        else:
            rows = [row for row in rows if row[column] in there]
    return rows


def _is(table: str, alias: str, key: Mapping[str, Any]) -> sql.Composable:
    """The condition that a row has a key, whatever the types of its columns."""
    names = [sql.Identifier(alias, name) for name in key]
    wanted = sql.SQL("SELECT {} FROM jsonb_populate_record(NULL::{}, {})").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in key), sql.Identifier(table), _json(dict(key))
    )
    return sql.SQL("({}) = ({})").format(sql.SQL(", ").join(names), wanted)


def _json(value: Any) -> sql.Composable:
    return sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(value)))


def _attributes(table: str, key: RowData) -> RowData:
    names = {part.column: part.attname for part in row_diff.model_of_table(table)._meta.local_fields}
    return {names[column]: value for column, value in key.items()}


def _is_edition_used(day: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM papers_listing WHERE day = %s)", [day])
        return bool(cursor.fetchone()[0])
