"""The way back of one action: rows that it changed become what they were, as far as nobody changed them since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg import sql

from papers.models import CurationEvent, LibraryItem, PlannedListing, TaggedPaper, TopicPick, Vote
from papers.services.curation import row_diff
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import CurationError
from papers.services.curation.row_diff import DERIVED_COLUMNS, RowChange, RowData
from papers.services.ingest.paper_relations import unique_columns

# Actions after which other people go on with the result: what they changed since stays as they left it.
LENIENT_ACTIONS = frozenset({CurationAction.MERGE, CurationAction.TOPIC_PROMOTED})
# Rows that somebody may have on both of two merged papers; the merge dropped the second. Whoever has removed the
# first one since meant both.
_SET_BY_PEOPLE = frozenset(
    model._meta.db_table for model in (Vote, LibraryItem, TaggedPaper, TopicPick, PlannedListing)
)
# What the functions in UNDO_HOOKS put right themselves.
_NOT_PUT_BACK: Mapping[str, frozenset[str]] = {CurationAction.EDIT: frozenset({"papers_paper"})}


class ChangedSinceError(CurationError):
    """What the action left was changed again: undo that first. `event` is the newer action, where it is known."""

    def __init__(self, event: CurationEvent | None) -> None:
        super().__init__("This has been changed since. Undo the newer change first.")
        self.event = event


class RowRestorer:
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
            raise CurationError("This has been published since. Remove it from its day instead.")
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
