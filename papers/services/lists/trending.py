"""Keeps `Paper.trending_score`, the order of Trending: set-based, and only for the papers whose votes changed.

The formula is that of papers/ranking/trending.py, in SQL; tests/editions/test_trending_page.py compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from papers.ranking.trending import EPOCH, score_floor

# 2 to a smaller power is an error in Postgres, and nothing beside a summand of 1.
_SMALLEST_POWER = -200

_REFRESH = f"""
    WITH weights AS (
        SELECT paper_id, extract(epoch FROM created_at - %(epoch)s)::float8 / %(half_life)s AS x
        FROM papers_vote WHERE paper_id = ANY(%(papers)s)
        UNION ALL
        SELECT paper_id, trending_score + %(source_shift)s::float8
        FROM papers_paperexternalcounts
        WHERE paper_id = ANY(%(papers)s) AND trending_score IS NOT NULL AND %(source_shift)s::float8 IS NOT NULL
    ), largest AS (
        SELECT paper_id, max(x) AS x FROM weights GROUP BY paper_id
    ), scores AS (
        SELECT paper_id, l.x + ln(sum(power(2::float8, greatest(w.x - l.x, {_SMALLEST_POWER})))) / ln(2::float8)
            AS trending_score
        FROM weights w JOIN largest l USING (paper_id) GROUP BY paper_id, l.x
    )
    UPDATE papers_paper p SET trending_score = s.trending_score
    FROM unnest(%(papers)s) AS asked(id) LEFT JOIN scores s ON s.paper_id = asked.id
    WHERE p.id = asked.id AND p.trending_score IS DISTINCT FROM s.trending_score
"""  # noqa: S608  a constant of this module


def trending_floor(*, now: datetime) -> float:
    """The score below which a paper is not trending any more. No queries."""
    return score_floor(now, half_life_seconds=settings.TRENDING_HALF_LIFE_SECONDS)


def trending_half_life() -> timedelta:
    """After how long a vote counts half as much. No queries."""
    return timedelta(seconds=settings.TRENDING_HALF_LIFE_SECONDS)


def refresh_trending_scores(paper_ids: Collection[int]) -> None:
    """Bring `Paper.trending_score` in line with the votes and external counts stored. Two statements; idempotent."""
    if not paper_ids:
        return
    papers = sorted(set(paper_ids))
    with transaction.atomic(), connection.cursor() as cursor:
        # First the locks, then the sums: a statement sees what was committed before it began, so a vote that was
        # being stored meanwhile is counted either here or by its own transaction.
        cursor.execute("SELECT 1 FROM papers_paper WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [papers])
        weight = settings.TRENDING_SOURCE_WEIGHT
        cursor.execute(
            _REFRESH,
            {
                "papers": papers,
                "epoch": EPOCH,
                "half_life": settings.TRENDING_HALF_LIFE_SECONDS,
                "source_shift": math.log2(weight) if weight > 0 else None,
            },
        )


_PAPERS_A_TIME = 5_000
# Papers with any signal; all others have no score, and need none.
_WITH_SIGNAL = """
    SELECT id FROM papers_paper WHERE trending_score IS NOT NULL
    UNION SELECT paper_id FROM papers_vote
    UNION SELECT paper_id FROM papers_paperexternalcounts WHERE trending_score IS NOT NULL
    ORDER BY 1
"""


def recompute_trending_scores() -> int:
    """Compute every score, after a setting of the formula changed; returns how many papers have one. Idempotent."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_SIGNAL)
        papers = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(papers), _PAPERS_A_TIME):
        refresh_trending_scores(papers[start : start + _PAPERS_A_TIME])
    return len(papers)
