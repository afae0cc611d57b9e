"""The SQL of ingest: a handful of set-based statements for a whole batch of papers, whatever its size.

Rows go in by COPY straight into their tables: their ids are drawn before, and nobody else can be writing the same
papers, because their identifiers were claimed first. That is less work than a staging table and an upsert.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from papers.models import Paper, PaperCategory
from papers.services.embeddings import backlog as embedding_backlog
from papers.services.ingest.curated_edits import CuratedEdit
from papers.services.ingest.paper_row import PaperRow, PreviousTexts, has_arxiv_address
from papers.services.ingest.resolver import IdentifierPair
from papers.sources.base import RawVersion

_PAPER = Paper._meta.db_table
_CATEGORY = PaperCategory._meta.db_table

COLUMNS = tuple(field.name for field in fields(PaperRow))
_LISTS = frozenset({"author_keys", "categories"})
_JSON = frozenset({"authors", "links"})
# Changing one of these makes the search vector anew, the costliest part of a paper.
_INDEXED = frozenset({"title", "abstract", "author_keys", "organization", "categories", "listed_at"})


def read_identifiers(cursor: CursorWrapper, names: Collection[IdentifierPair]) -> dict[int, list[IdentifierPair]]:
    """All names of the papers that have one of `names`, by paper."""
    cursor.execute(
        """
        SELECT paper_id, scheme, value FROM papers_identifier WHERE paper_id IN (
            SELECT paper_id FROM unnest(%s::text[], %s::text[]) AS asked (scheme, value)
            JOIN papers_identifier known ON known.scheme = asked.scheme AND known.value = asked.value)
        """,
        [[scheme for scheme, _ in names], [value for _, value in names]],
    )
    found: dict[int, list[IdentifierPair]] = {}
    for paper_id, scheme, value in cursor.fetchall():
        found.setdefault(paper_id, []).append((scheme, value))
    return found


def names_of(cursor: CursorWrapper, ids: Collection[int]) -> dict[int, list[IdentifierPair]]:
    """All names of these papers."""
    cursor.execute("SELECT paper_id, scheme, value FROM papers_identifier WHERE paper_id = ANY(%s)", [list(ids)])
    found: dict[int, list[IdentifierPair]] = {}
    for paper_id, scheme, value in cursor.fetchall():
        found.setdefault(paper_id, []).append((scheme, value))
    return found


def reserve_ids(cursor: CursorWrapper, count: int) -> list[int]:
    """As many ids that no paper has, for papers that are to be stored."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence('papers_paper', 'id')) FROM generate_series(1, %s)", [count])
    return [row[0] for row in cursor.fetchall()]


def claim_identifiers(cursor: CursorWrapper, names: Iterable[tuple[IdentifierPair, int]]) -> bool:
    """Give identifiers to papers; False when another writer was first with one of them.

    In one order for all writers, so that two with the same papers wait for each other and never in a circle.
    """
    rows = sorted(names)
    if not rows:
        return True
    cursor.execute(
        """
        INSERT INTO papers_identifier (scheme, value, paper_id)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[]) ON CONFLICT DO NOTHING
        """,
        [[name[0] for name, _ in rows], [name[1] for name, _ in rows], [paper_id for _, paper_id in rows]],
    )
    return bool(cursor.rowcount == len(rows))


def read_rows(cursor: CursorWrapper, ids: Collection[int], *, lock: bool = False) -> dict[int, PaperRow]:
    """Stored papers. With `lock` nobody else changes them until this transaction ends, but may refer to them."""
    if not ids:
        return {}
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    query = sql.SQL("SELECT id, {} FROM {} WHERE id = ANY(%s)").format(columns, sql.Identifier(_PAPER))
    if lock:
        query += sql.SQL(" ORDER BY id FOR NO KEY UPDATE")
    cursor.execute(query, [list(ids)])
    return {values[0]: _row(values[1:]) for values in cursor.fetchall()}


def read_edits(cursor: CursorWrapper, ids: Collection[int]) -> dict[int, dict[str, CuratedEdit]]:
    """What curators changed about papers, by paper and field."""
    if not ids:
        return {}
    cursor.execute(
        "SELECT paper_id, field, value, source_value FROM papers_paperedit WHERE paper_id = ANY(%s)", [list(ids)]
    )
    found: dict[int, dict[str, CuratedEdit]] = {}
    for paper_id, name, value, source_value in cursor.fetchall():
        found.setdefault(paper_id, {})[name] = CuratedEdit(_loaded(value), _loaded(source_value))
    return found


def _loaded(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def update_source_values(cursor: CursorWrapper, values: Iterable[tuple[int, str, Any]]) -> None:
    """Write what the sources say now of fields (paper, field, value) that curators changed."""
    rows = [(json.dumps(value, ensure_ascii=False), paper_id, name) for paper_id, name, value in values]
    if rows:
        cursor.executemany(
            "UPDATE papers_paperedit SET source_value = %s::jsonb WHERE paper_id = %s AND field = %s", rows
        )


def enqueue_duplicate_checks(cursor: CursorWrapper, ids: Iterable[int], *, now: datetime) -> None:
    """Have papers without an arXiv id compared with all others: they or their titles are new."""
    rows = sorted(ids)
    if rows:
        cursor.execute(
            "INSERT INTO papers_duplicatecheck (paper_id, next_at, times) SELECT id, %s, 0 "
            "FROM unnest(%s::bigint[]) AS new (id) "
            "ON CONFLICT (paper_id) DO UPDATE SET next_at = excluded.next_at, times = 0",
            [now, rows],
        )


def _row(values: Sequence[Any]) -> PaperRow:
    by_name = dict(zip(COLUMNS, values, strict=True))
    for name in _LISTS:
        by_name[name] = tuple(by_name[name])
    by_name["authors"] = tuple(json.loads(by_name["authors"]))
    by_name["links"] = json.loads(by_name["links"])
    return PaperRow(**by_name)


def _values(row: PaperRow) -> list[Any]:
    return [_value(name, getattr(row, name)) for name in COLUMNS]


def _value(name: str, value: Any) -> Any:
    if name in _JSON:
        return json.dumps(value or {}, ensure_ascii=False) if name == "links" else json.dumps(value, ensure_ascii=False)
    return list(value) if name in _LISTS else value


def insert_papers(cursor: CursorWrapper, rows: Mapping[int, PaperRow], *, now: datetime) -> None:
    """New papers with their categories."""
    columns = ("id", *COLUMNS, "vote_count", "comment_count", "created_at", "changed_at")
    _copy(cursor, _PAPER, columns, ((paper_id, *_values(row), 0, 0, now, now) for paper_id, row in rows.items()))
    insert_categories(cursor, rows)
    enqueue_duplicate_checks(
        cursor,
        (paper_id for paper_id, row in rows.items() if not has_arxiv_address(row) and not row.is_sample),
        now=now,
    )
    embedding_backlog.enqueue_papers(cursor, ((paper_id, row.listed_at) for paper_id, row in rows.items()))


def insert_categories(cursor: CursorWrapper, rows: Mapping[int, PaperRow]) -> None:
    _copy(
        cursor,
        _CATEGORY,
        ("category", "listed_at", "paper_id"),
        ((category, row.listed_at, paper_id) for paper_id, row in rows.items() for category in row.categories),
    )


@dataclass(frozen=True, slots=True)
class PaperChange:
    """A stored paper and what becomes of it."""

    paper_id: int
    before: PaperRow
    after: PaperRow
    is_card_new: bool


def update_papers(cursor: CursorWrapper, changes: Sequence[PaperChange], *, now: datetime) -> None:
    """Write changed papers, and enqueue what follows from their texts and titles."""
    _update_rows(cursor, changes, now)
    embedding_backlog.enqueue_papers(
        cursor,
        (
            (change.paper_id, change.after.listed_at)
            for change in changes
            if (change.before.title, change.before.abstract) != (change.after.title, change.after.abstract)
        ),
    )
    enqueue_duplicate_checks(
        cursor,
        (
            change.paper_id
            for change in changes
            if change.before.title != change.after.title and not has_arxiv_address(change.after)
        ),
        now=now,
    )
    _update_categories(cursor, changes)
    former = ((one.before.public_id, one.after.public_id, one.paper_id) for one in changes)
    insert_former_addresses(cursor, [(before, paper_id) for before, after, paper_id in former if before != after])


def _update_rows(cursor: CursorWrapper, changes: Iterable[PaperChange], now: datetime) -> None:
    """Write the papers' own rows; those whose searched columns stay keep their search vector."""
    indexed: list[PaperChange] = []
    others: list[PaperChange] = []
    for change in changes:
        is_same = all(getattr(change.before, name) == getattr(change.after, name) for name in _INDEXED)
        (others if is_same else indexed).append(change)
    _update(cursor, indexed, COLUMNS, now)
    _update(cursor, others, [name for name in COLUMNS if name not in _INDEXED], now)


def _update_categories(cursor: CursorWrapper, changes: Iterable[PaperChange]) -> None:
    moved = {
        change.paper_id: change.after
        for change in changes
        if (change.before.categories, change.before.listed_at) != (change.after.categories, change.after.listed_at)
    }
    if moved:
        cursor.execute("DELETE FROM papers_papercategory WHERE paper_id = ANY(%s)", [list(moved)])
        insert_categories(cursor, moved)


def _update(cursor: CursorWrapper, changes: Sequence[PaperChange], names: Iterable[str], now: datetime) -> None:
    if not changes:
        return
    cursor.execute(
        sql.SQL(
            "CREATE TEMP TABLE IF NOT EXISTS changed_paper ON COMMIT DELETE ROWS AS "
            "SELECT id, {}, false AS is_card_new FROM {} WITH NO DATA"
        ).format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), sql.Identifier(_PAPER))
    )
    cursor.execute("TRUNCATE changed_paper")
    _copy(
        cursor,
        "changed_paper",
        ("id", *COLUMNS, "is_card_new"),
        ((change.paper_id, *_values(change.after), change.is_card_new) for change in changes),
    )
    assignments = sql.SQL(", ").join(sql.SQL("{0} = changed.{0}").format(sql.Identifier(name)) for name in names)
    cursor.execute(
        sql.SQL(
            "UPDATE {} paper SET {}, changed_at = CASE WHEN is_card_new THEN %s ELSE changed_at END "
            "FROM changed_paper changed WHERE paper.id = changed.id"
        ).format(sql.Identifier(_PAPER), assignments),
        [now],
    )


def touch_papers(cursor: CursorWrapper, ids: Collection[int], *, now: datetime) -> None:
    """Mark papers as changed now whose own row stays as it is, so that their cards are made anew."""
    if ids:
        cursor.execute("UPDATE papers_paper SET changed_at = %s WHERE id = ANY(%s)", [now, sorted(ids)])


def insert_former_addresses(cursor: CursorWrapper, addresses: Collection[tuple[str, int]]) -> None:
    """Remember where papers were, so that the old address leads to the new one."""
    if addresses:
        cursor.execute(
            "INSERT INTO papers_formeraddress (public_id, paper_id) SELECT * FROM unnest(%s::text[], %s::bigint[]) "
            "ON CONFLICT DO NOTHING",
            [[address for address, _ in addresses], [paper_id for _, paper_id in addresses]],
        )


def read_versions(cursor: CursorWrapper, ids: Collection[int]) -> dict[tuple[int, int], datetime | None]:
    """The date of each (paper, version) that is stored."""
    if not ids:
        return {}
    cursor.execute(
        "SELECT paper_id, version, released_at FROM papers_paperversion WHERE paper_id = ANY(%s)", [list(ids)]
    )
    return {(paper_id, version): released_at for paper_id, version, released_at in cursor.fetchall()}


def insert_versions(cursor: CursorWrapper, versions: Collection[tuple[int, RawVersion]], *, now: datetime) -> None:
    """Store versions, and leave those alone that are stored."""
    if versions:
        cursor.execute(
            """
            INSERT INTO papers_paperversion (paper_id, version, released_at, seen_at, title, abstract, comment)
            SELECT paper_id, version, released_at, %s, '', '', ''
            FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS said (paper_id, version, released_at)
            ON CONFLICT DO NOTHING
            """,
            [now, *_version_columns(versions)],
        )


def set_version_dates(cursor: CursorWrapper, versions: Collection[tuple[int, RawVersion]]) -> None:
    """Write the dates of versions that were stored without one."""
    if versions:
        cursor.execute(
            """
            UPDATE papers_paperversion known SET released_at = said.released_at
            FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS said (paper_id, version, released_at)
            WHERE known.paper_id = said.paper_id AND known.version = said.version
            """,
            _version_columns(versions),
        )


def _version_columns(versions: Collection[tuple[int, RawVersion]]) -> list[list[Any]]:
    return [
        [paper_id for paper_id, _ in versions],
        [version.number for _, version in versions],
        [version.released_at for _, version in versions],
    ]


def insert_previous_texts(cursor: CursorWrapper, texts: Mapping[int, PreviousTexts], *, now: datetime) -> None:
    """Keep the texts that a newer version changed with the version they were of."""
    if texts:
        cursor.executemany(
            """
            INSERT INTO papers_paperversion (paper_id, version, title, abstract, comment, seen_at)
            VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (paper_id, version) DO UPDATE
            SET title = excluded.title, abstract = excluded.abstract, comment = excluded.comment
            """,
            [(paper_id, *astuple(old), now) for paper_id, old in texts.items()],
        )


def _copy(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
