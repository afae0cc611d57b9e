"""Tables out of Postgres and into it, by COPY: the same for an embedded and an external server of any version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from config.backup.archive import BackupError

LARGE_ROWS = 10_000
"""A table with this many rows or more is named while it is copied."""

# Generated columns are computed again, and search vectors by their trigger. Ordinary tables alone: no views, nothing
# of extensions.
_COLUMNS = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
        FILTER (WHERE a.attgenerated = '' AND a.atttypid <> 'tsvector'::regtype)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES = "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema()"
# Those that run before a row is written fill its own columns, and stay; bit 2 of their type says it.
_TRIGGERS = """
    SELECT c.relname::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s) AND NOT t.tgisinternal
      AND t.tgtype & 2 = 0
    ORDER BY 1, 2
"""
# Statements that drop what is left when the tables are gone; what extensions brought stays.
_LEFT_OVERS = (
    "SELECT format('DROP SEQUENCE %I CASCADE', sequencename) FROM pg_sequences WHERE schemaname = current_schema()",
    """
    SELECT format('DROP ROUTINE %s CASCADE', found.oid::regprocedure) FROM pg_proc found
    WHERE found.pronamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = found.oid AND d.deptype = 'e')
    """,
)


@contextmanager
def consistent_snapshot() -> Iterator[None]:
    """All that is read inside is of the same moment, whatever readers and workers do meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def table_columns() -> dict[str, list[str]]:
    """Every table with the columns that hold something of their own."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        return {name: columns or [] for name, columns in cursor.fetchall()}


def sequences() -> dict[str, int]:
    """The last number of every sequence that has given any."""
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCES)
        return {name: last for name, last in cursor.fetchall() if last is not None}


def row_count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        return int(cursor.fetchone()[0])


def copy_out(table: str, columns: list[str]) -> Iterator[memoryview]:
    """The rows of a table, in the order of its key, as COPY's text. A few kilobytes at a time."""
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_list(columns), sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for chunk in copy:
            yield memoryview(chunk)


def copy_in(table: str, columns: list[str], chunks: Iterable[bytes]) -> None:
    """Store rows as `copy_out` gave them."""
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _list(columns))
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for chunk in chunks:
            copy.write(chunk)


@contextmanager
def without_triggers(names: Iterable[str]) -> Iterator[None]:
    """Inside, no trigger of these tables writes elsewhere: that is in the backup. Belongs into a transaction.

    Those that fill a column of the row itself, as it is written, run: that column is not in the backup.
    Foreign keys are checked all the same, all of them when it ends: a table with checks to come can't be altered.
    """
    with connection.cursor() as cursor:
        _switch_triggers(cursor, names, "DISABLE")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _switch_triggers(cursor, names, "ENABLE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _switch_triggers(cursor: Any, names: Iterable[str], how: str) -> None:
    cursor.execute(_TRIGGERS, [list(names)])
    for table, trigger in cursor.fetchall():
        cursor.execute(
            sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(sql.Identifier(table), sql.SQL(how), sql.Identifier(trigger))
        )


def truncate_tables(names: Iterable[str]) -> None:
    """Empty tables, all at once, so that what points to what does not matter."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("TRUNCATE {}").format(_list(names)))


def drop_everything() -> None:
    """Remove what migrations have made, whatever is in it: tables, sequences and functions."""
    with transaction.atomic(), connection.cursor() as cursor:
        if names := list(table_columns()):
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(_list(names)))
        for query in _LEFT_OVERS:
            cursor.execute(query)
            for (statement,) in cursor.fetchall():
                cursor.execute(statement)


def set_sequences(values: dict[str, int]) -> None:
    """Go on counting where the backup stopped.

    Raises:
        BackupError: there is no such sequence.
    """
    known = _known_sequences()
    if unknown := set(values) - known:
        raise BackupError(f"The database has no sequence {', '.join(sorted(unknown))}.")
    with connection.cursor() as cursor:
        for name, last in values.items():
            cursor.execute("SELECT setval(quote_ident(%s)::regclass, %s)", [name, last])


def check_columns(table: str, columns: list[str], here: dict[str, list[str]]) -> None:
    """Find out before a row is written whether a table of the backup fits the one that is here.

    Raises:
        BackupError: it does not.
    """
    if table not in here:
        raise BackupError(f"The backup has a table {table}, and this Broadsheet has none of that name.")
    if missing := set(columns) - set(here[table]):
        raise BackupError(f"The backup has a column {table}.{min(missing)}, and this Broadsheet has not.")


def _known_sequences() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequencename::text FROM pg_sequences WHERE schemaname = current_schema()")
        return {row[0] for row in cursor.fetchall()}


def _list(names: Iterable[str]) -> Any:
    return sql.SQL(", ").join(map(sql.Identifier, names))
