"""What an action changed, row by row, so that it can be put back: the tables are read before and after it.

No action says how it is undone. It says which papers and rows it is about, and the difference is kept with the log.
What votes, comments and workers keep up to date by themselves (counts, scores) is left out and counted anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Field, Model
from django.db.models.fields.related import ForeignKey
from psycopg import sql

from papers import hooks
from papers.models import (
    Candidate,
    DuplicatePair,
    Edition,
    Listing,
    Paper,
    PaperEdit,
    PlannedListing,
    Submission,
    TopicMatch,
    TopicPick,
)
from papers.services.ingest.paper_relations import undoable_columns

RowData = dict[str, Any]
RowChange = dict[str, Any]
"""`table`, `key`; `old` and `new`: of a row that was changed the columns that differ, else the whole row or None."""

# What is counted anew afterwards, or kept up to date by somebody else; a change of it is no change.
DERIVED_COLUMNS: Mapping[str, frozenset[str]] = {
    "papers_paper": frozenset({"vote_count", "comment_count", "trending_score", "changed_at"}),
    "papers_listing": frozenset({"vote_count", "source_votes", "release"}),
    "papers_edition": frozenset(
        {"listed_count", "announced_count", "stored_count", "missing", "checked_at", "check_note", "recorded_count"}
    ),
    "papers_topicmatch": frozenset({"vote_count", "listed_at", "score", "release", "matched_at"}),
    "papers_papervector": frozenset({"vector"}),
    "papers_paperedit": frozenset({"source_value"}),
    "papers_topic": frozenset({"changed_at", "pending_since", "version"}),
}
# What hangs on a paper and a curator's action may change; a merge changes everything that hangs on it.
_CHANGED_BY_ACTIONS = frozenset(
    {Listing, Submission, Candidate, DuplicatePair, PaperEdit, PlannedListing, TopicPick, TopicMatch}
)


@dataclass(frozen=True, slots=True)
class ActionScope:
    """Which rows an action may change."""

    papers: tuple[int, ...] = ()
    days: tuple[date, ...] = ()
    rows: Mapping[type[Model], Collection[int]] = field(default_factory=dict)
    """Rows of other tables, by key."""
    belongings: bool = False
    """All rows that refer to the papers, as for merging them."""


def snapshot_rows(scope: ActionScope) -> dict[tuple[str, str], RowData]:
    """The rows an action may change, by table and key. One query."""
    parts = [
        sql.SQL("SELECT {name}, to_jsonb(seen) FROM {table} seen WHERE {which}").format(
            name=sql.Literal(model._meta.db_table), table=sql.Identifier(model._meta.db_table), which=which
        )
        for model, which in _rows_in_scope(scope)
    ]
    if not parts:
        return {}
    found: dict[tuple[str, str], RowData] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        for table, value in cursor.fetchall():
            row = json.loads(value) if isinstance(value, str) else value
            for name in _generated(table):
                row.pop(name, None)
            found[table, json.dumps(row_key(table, row))] = row
    return found


def _rows_in_scope(scope: ActionScope) -> Iterator[tuple[type[Model], sql.Composable]]:
    papers = sql.Literal(list(scope.papers))
    if scope.papers:
        yield Paper, sql.SQL("id = ANY({}::bigint[])").format(papers)
        for model, column in undoable_columns():
            if scope.belongings or model in _CHANGED_BY_ACTIONS:
                yield model, sql.SQL("{} = ANY({}::bigint[])").format(sql.Identifier(column), papers)
    if scope.belongings:
        for table, condition in hooks.merge_undo_tables.all():
            yield model_of_table(table), sql.SQL(condition).format(papers=papers)
    if scope.papers or scope.days:
        days = sql.SQL(
            "day = ANY({}::date[]) OR day IN (SELECT day FROM papers_listing WHERE paper_id = ANY({}::bigint[]))"
        ).format(sql.Literal([day.isoformat() for day in scope.days]), papers)
        yield Edition, days
    for model, keys in scope.rows.items():
        yield model, sql.SQL("id = ANY({}::bigint[])").format(sql.Literal(list(keys)))


def diff_snapshots(
    before: Mapping[tuple[str, str], RowData], after: Mapping[tuple[str, str], RowData]
) -> list[RowChange]:
    """What changed between two snapshots. Pure."""
    changes: list[RowChange] = []
    for where in dict.fromkeys([*before, *after]):
        old, new = before.get(where), after.get(where)
        if old is not None and new is not None:
            names = [name for name in old if old[name] != new[name] and name not in DERIVED_COLUMNS.get(where[0], ())]
            if not names:
                continue
            old, new = {name: old[name] for name in names}, {name: new[name] for name in names}
        changes.append({"table": where[0], "key": json.loads(where[1]), "old": old, "new": new})
    return changes


def row_key(table: str, row: Mapping[str, Any]) -> RowData:
    """The columns of the primary key, by name."""
    return {name: row[name] for name in _key_columns(table)}


@cache
def model_of_table(table: str) -> type[Model]:
    """The model that is stored in a table of the database."""
    return next(model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table)


@cache
def _key_columns(table: str) -> tuple[str, ...]:
    return tuple(str(part.column) for part in model_of_table(table)._meta.pk_fields)


@cache
def _generated(table: str) -> tuple[str, ...]:
    return tuple(str(part.column) for part in _fields(table) if getattr(part, "generated", False))


@cache
def foreign_keys(table: str) -> tuple[tuple[str, str, str, bool], ...]:
    """By foreign key: its column, the table and column it refers to, and whether it may be null."""
    found = []
    for part in _fields(table):
        if isinstance(part, ForeignKey):
            other: Any = part.related_model
            found.append((part.column, other._meta.db_table, other._meta.pk.column, part.null))
    return tuple(found)


def _fields(table: str) -> Iterable[Field[Any, Any]]:
    return model_of_table(table)._meta.local_fields
