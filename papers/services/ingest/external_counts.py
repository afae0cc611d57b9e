"""What other sites count for a paper: stored beside it as theirs; the order of its day and Trending follow from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from papers.ranking.trending import decayed_votes_after
from papers.services.ingest.clean_record import CleanPaper
from papers.services.lists.trending import refresh_trending_scores
from papers.sources.base import ExternalCounts

CountsKey = tuple[int, str]
"""(id of the paper, kind of the source)."""

# One row for each source of each paper.
_READ_COUNTS = """
    SELECT paper_id, source, votes, comments, submitted_by, url, trending_score
    FROM papers_paperexternalcounts WHERE paper_id = ANY(%s)
"""
# Inserts or replaces one row; returns nothing.
_STORE_COUNTS = """
    INSERT INTO papers_paperexternalcounts
        (paper_id, source, votes, comments, submitted_by, url, trending_score, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (paper_id, source) DO UPDATE SET votes = excluded.votes, comments = excluded.comments,
        submitted_by = excluded.submitted_by, url = excluded.url, trending_score = excluded.trending_score,
        updated_at = excluded.updated_at
"""
# Changes those listings whose votes are not the highest of any source; returns nothing.
_COPY_VOTES = """
    UPDATE papers_listing listing SET source_votes = highest.votes
    FROM (
        SELECT paper_id, max(votes) AS votes FROM papers_paperexternalcounts WHERE paper_id = ANY(%s) GROUP BY paper_id
    ) AS highest
    WHERE listing.paper_id = highest.paper_id AND listing.source_votes <> highest.votes
"""


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """The counts of one source as they are stored, and their decayed sum."""

    counts: ExternalCounts
    trending_score: float | None


@dataclass(frozen=True, slots=True)
class SeenCounts:
    """The counts of one source in this batch, and when their votes were given at the latest."""

    counts: ExternalCounts
    at: datetime


def seen_counts(records: Iterable[tuple[int, CleanPaper]], *, now: datetime) -> dict[CountsKey, SeenCounts]:
    """The last counts of each source for each paper."""
    return {
        (paper_id, paper.external_counts.source or paper.source): SeenCounts(
            paper.external_counts, _voted_until(paper, paper.external_counts, now)
        )
        for paper_id, paper in records
        if paper.external_counts is not None
    }


def _voted_until(paper: CleanPaper, counts: ExternalCounts, now: datetime) -> datetime:
    """When the votes first seen now were given: a list of months ago does not make its papers trending today."""
    day: date | None = counts.counted_on or (paper.listed_on.day if paper.listed_on else paper.announced_on)
    if day is None:
        return min(paper.published_at or now, now)
    return min(datetime.combine(day, time(), UTC) + timedelta(days=1), now)


def read_counts(cursor: CursorWrapper, ids: Collection[int]) -> dict[CountsKey, StoredCounts]:
    """What is stored for these papers, by paper and source. One query, none for no paper."""
    if not ids:
        return {}
    cursor.execute(_READ_COUNTS, [list(ids)])
    return {(row[0], row[1]): StoredCounts(ExternalCounts(*row[2:6]), row[6]) for row in cursor.fetchall()}


def changed_counts(
    seen: Mapping[CountsKey, SeenCounts], stored: Mapping[CountsKey, StoredCounts]
) -> dict[CountsKey, SeenCounts]:
    """Those of `seen` that are to be stored in place of what is stored."""
    return {key: found for key, found in seen.items() if _is_new(found.counts, stored.get(key))}


def _is_new(counts: ExternalCounts, known: StoredCounts | None) -> bool:
    """Counts that another source repeats may be old: beside the site's own they count only where they are higher."""
    is_own = not counts.source or counts.is_first_hand
    if known is None:
        return True
    return known.counts != counts and (is_own or counts.votes > known.counts.votes)


def store_counts(
    cursor: CursorWrapper,
    changed: Mapping[CountsKey, SeenCounts],
    stored: Mapping[CountsKey, StoredCounts],
    *,
    now: datetime,
) -> None:
    """Store counts that changed, copy the highest to the paper's listings, and compute the papers' trending scores."""
    if not changed:
        return
    rows = [
        (paper_id, source, found.votes, found.comments, found.submitted_by, found.url, trending_score, now)
        for (paper_id, source), found, trending_score in (
            (key, seen.counts, _trending_score(seen, stored.get(key), now)) for key, seen in sorted(changed.items())
        )
    ]
    cursor.executemany(_STORE_COUNTS, rows)
    ids = sorted({paper_id for paper_id, _ in changed})
    copy_votes(cursor, ids)
    refresh_trending_scores(ids)


def _trending_score(seen: SeenCounts, known: StoredCounts | None, now: datetime) -> float | None:
    return decayed_votes_after(
        known.trending_score if known else None,
        votes_before=known.counts.votes if known else 0,
        votes=seen.counts.votes,
        seen_at=now if known else seen.at,
        half_life_seconds=settings.TRENDING_HALF_LIFE_SECONDS,
    )


def copy_votes(cursor: CursorWrapper, ids: Collection[int]) -> None:
    """Bring the sources' votes on the listings of these papers in line with what is stored for them."""
    cursor.execute(_COPY_VOTES, [list(ids)])
