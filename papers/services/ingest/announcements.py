"""What arXiv's feeds announced, kept apart from what is stored: completeness compares the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper

from papers.services.ingest.clean_record import CleanPaper
from papers.sources.arxiv import is_first_announced
from papers.sources.base import AnnouncedIds, RawListing
from papers.sources.registry import RECORD_SOURCES
from papers.text.cleaning import safe_text

# Papers that fill a gap stand behind all that came with the feed.
LAST_POSITION = 1_000_000_000
LIKELY_DAYS_KEPT = timedelta(days=35)
"""As far back days are filled from arXiv's records."""

# Inserts those ids of a list that are not stored for their day; returns nothing.
_STORE_ANNOUNCED = """
    INSERT INTO papers_announcement (day, arxiv_id, kind, query, first_seen_at)
    SELECT %s, arxiv_id, kind, %s, %s FROM unnest(%s::text[], %s::text[]) AS said (arxiv_id, kind)
    ON CONFLICT DO NOTHING
"""
# Inserts or replaces the row of a list; returns nothing.
_STORE_LIST = """
    INSERT INTO papers_announcedlist (day, query, id_count, is_whole, note, read_at)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (day, query) DO UPDATE SET id_count = excluded.id_count, is_whole = excluded.is_whole,
        note = excluded.note, read_at = excluded.read_at
"""


def add_announcements(cursor: CursorWrapper, papers: Sequence[CleanPaper]) -> Sequence[CleanPaper]:
    """The records with the day and kind of their announcement, where only a feed had it: those that fill a gap."""
    asked = {paper.arxiv_id for paper in papers if _may_be_announced(paper)}
    if not asked:
        return papers
    cursor.execute(
        "SELECT DISTINCT ON (arxiv_id) arxiv_id, day, kind FROM papers_announcement "
        "WHERE arxiv_id = ANY(%s) ORDER BY arxiv_id, day",
        [list(asked)],
    )
    said = {arxiv_id: (day, kind) for arxiv_id, day, kind in cursor.fetchall()}
    return [
        _announced(paper, *said[paper.arxiv_id]) if _may_be_announced(paper) and paper.arxiv_id in said else paper
        for paper in papers
    ]


def _may_be_announced(paper: CleanPaper) -> bool:
    return bool(paper.arxiv_id and paper.announced_on is None and RECORD_SOURCES[paper.source].is_archive)


def _announced(paper: CleanPaper, day: date, kind: str) -> CleanPaper:
    """The record as the feed would have brought it, had its item been whole."""
    return replace(
        paper,
        announced_on=day if is_first_announced(paper.arxiv_id or "", kind, day) else None,
        listed_on=paper.listed_on or RawListing(day, kind, position=LAST_POSITION),
    )


def store_announced(lists: Iterable[AnnouncedIds], *, now: datetime) -> None:
    """Keep what feeds announced. Idempotent.

    A paper that one feed has as new and another as cross-listed is new.
    """
    with connection.cursor() as cursor:
        for announced in sorted(lists, key=lambda announced: (announced.day, announced.query)):
            ids = sorted(announced.ids)
            cursor.execute(
                _STORE_ANNOUNCED,
                [announced.day, announced.query, now, ids, [announced.ids[arxiv_id] for arxiv_id in ids]],
            )
            cursor.execute(
                "UPDATE papers_announcement SET kind = 'new' WHERE day = %s AND kind <> 'new' AND arxiv_id = ANY(%s)",
                [announced.day, [arxiv_id for arxiv_id in ids if announced.ids[arxiv_id] == "new"]],
            )
            _store_list(cursor, announced, now)


def store_likely_days(days: Mapping[str, date], *, now: datetime) -> None:
    """Keep the days under which papers were likely announced, of papers that are new enough. Idempotent.

    The first that was said stays unless an earlier one is: a record is dated anew whenever it changes.
    """
    first = (now - LIKELY_DAYS_KEPT).date()
    recent = sorted((arxiv_id, day) for arxiv_id, day in days.items() if day >= first)
    if not recent:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_recordedannouncement (arxiv_id, day)
            SELECT * FROM unnest(%s::text[], %s::date[])
            ON CONFLICT (arxiv_id) DO UPDATE SET day = excluded.day
            WHERE excluded.day < papers_recordedannouncement.day
            """,
            [[arxiv_id for arxiv_id, _ in recent], [day for _, day in recent]],
        )


def _store_list(cursor: CursorWrapper, announced: AnnouncedIds, now: datetime) -> None:
    cursor.execute(
        _STORE_LIST,
        [announced.day, announced.query, len(announced.ids), announced.is_whole, safe_text(announced.note), now],
    )
