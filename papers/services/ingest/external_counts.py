"""What other sites count for a paper: stored beside it as theirs, and felt in the order of its day and in Trending."""

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


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """A stored figure and its decayed sum."""

    figures: ExternalCounts
    trending_score: float | None


@dataclass(frozen=True, slots=True)
class SeenCounts:
    """A figure in this batch, and when its votes were given at the latest."""

    figures: ExternalCounts
    at: datetime


def seen_counts(records: Iterable[tuple[int, CleanPaper]], *, now: datetime) -> dict[CountsKey, SeenCounts]:
    """The last figures of each source for each paper."""
    return {
        (paper_id, paper.external_counts.source or paper.source): SeenCounts(
            paper.external_counts, _voted_until(paper, paper.external_counts, now)
        )
        for paper_id, paper in records
        if paper.external_counts is not None
    }


def _voted_until(paper: CleanPaper, figures: ExternalCounts, now: datetime) -> datetime:
    """When the votes first seen now were given: a list of months ago does not make its papers hot today."""
    day: date | None = figures.counted_on or (paper.listed_on.day if paper.listed_on else paper.announced_on)
    if day is None:
        return min(paper.published_at or now, now)
    return min(datetime.combine(day, time(), UTC) + timedelta(days=1), now)


def read_counts(cursor: CursorWrapper, ids: Collection[int]) -> dict[CountsKey, StoredCounts]:
    if not ids:
        return {}
    cursor.execute(
        "SELECT paper_id, source, votes, comments, submitted_by, url, trending_score FROM papers_paperexternalcounts "
        "WHERE paper_id = ANY(%s)",
        [list(ids)],
    )
    return {(row[0], row[1]): StoredCounts(ExternalCounts(*row[2:6]), row[6]) for row in cursor.fetchall()}


def changed_counts(
    seen: Mapping[CountsKey, SeenCounts], stored: Mapping[CountsKey, StoredCounts]
) -> dict[CountsKey, SeenCounts]:
    return {key: figure for key, figure in seen.items() if _is_news(figure.figures, stored.get(key))}


def _is_news(figures: ExternalCounts, known: StoredCounts | None) -> bool:
    """Figures that somebody else hands on may be old: beside the site's own they count only where they are higher."""
    if known is None:
        return True
    return known.figures != figures and (not figures.source or figures.votes > known.figures.votes)


def store_counts(
    cursor: CursorWrapper,
    changed: Mapping[CountsKey, SeenCounts],
    stored: Mapping[CountsKey, StoredCounts],
    *,
    now: datetime,
) -> None:
    """Write figures that changed, copy the highest to the paper's listings, and set what follows for Trending."""
    if not changed:
        return
    rows = [
        (paper_id, source, figure.votes, figure.comments, figure.submitted_by, figure.url, trending_score, now)
        for (paper_id, source), figure, trending_score in (
            (key, seen.figures, _hot(seen, stored.get(key), now)) for key, seen in sorted(changed.items())
        )
    ]
    cursor.executemany(
        """
        INSERT INTO papers_paperexternalcounts (paper_id, source, votes, comments, submitted_by, url, trending_score, updated_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (paper_id, source) DO UPDATE SET votes = excluded.votes, comments = excluded.comments,
            submitted_by = excluded.submitted_by, url = excluded.url, trending_score = excluded.trending_score,
            updated_at = excluded.updated_at
        """,
        rows,
    )
    ids = sorted({paper_id for paper_id, _ in changed})
    copy_votes(cursor, ids)
    refresh_trending_scores(ids)


def _hot(seen: SeenCounts, known: StoredCounts | None, now: datetime) -> float | None:
    return decayed_votes_after(
        known.trending_score if known else None,
        votes_before=known.figures.votes if known else 0,
        votes=seen.figures.votes,
        seen_at=now if known else seen.at,
        half_life_seconds=settings.TRENDING_HALF_LIFE_SECONDS,
    )


def copy_votes(cursor: CursorWrapper, ids: Collection[int]) -> None:
    """Bring the sources' votes on the listings of these papers in line with their figures."""
    cursor.execute(
        """
        UPDATE papers_listing listing SET source_votes = highest.votes
        FROM (SELECT paper_id, max(votes) AS votes FROM papers_paperexternalcounts WHERE paper_id = ANY(%s) GROUP BY paper_id)
            AS highest
        WHERE listing.paper_id = highest.paper_id AND listing.source_votes <> highest.votes
        """,
        [list(ids)],
    )
