"""Columns that follow from rows an action changed: counts, scores, categories. Counted anew, never put back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import connection

from papers.hooks import lists_changed
from papers.services.ingest.counters import count_listings, count_votes_and_comments
from papers.services.lists.trending import refresh_trending_scores

_CATEGORIES_GONE = """
    DELETE FROM papers_papercategory known USING papers_paper paper
    WHERE paper.id = known.paper_id AND paper.id = ANY(%(papers)s)
        AND NOT (known.category = ANY(paper.categories) AND known.listed_at = paper.listed_at)
"""
_CATEGORIES = """
    INSERT INTO papers_papercategory (category, listed_at, paper_id)
    SELECT DISTINCT category, paper.listed_at, paper.id FROM papers_paper paper, unnest(paper.categories) AS category
    WHERE paper.id = ANY(%(papers)s)
    ON CONFLICT DO NOTHING
"""
_DAYS_OF = "SELECT DISTINCT day FROM papers_listing WHERE paper_id = ANY(%(papers)s)"
_CARDS = "UPDATE papers_paper SET changed_at = %(now)s WHERE id = ANY(%(papers)s)"


def refresh_derived_columns(
    papers: Collection[int], days: Collection[date], *, now: datetime, recount: bool = False
) -> None:
    """Count anew what follows from these papers and days, and from the days that list them. Idempotent.

    The caller holds the locks of the papers. With `recount` votes, comments and categories are counted, too.
    """
    asked: dict[str, Any] = {"papers": sorted(papers), "now": now}
    with connection.cursor() as cursor:
        if recount and papers:
            count_votes_and_comments(papers)
            for statement in (_CATEGORIES_GONE, _CATEGORIES):
                cursor.execute(statement, asked)
            refresh_trending_scores(papers)
        cursor.execute(_DAYS_OF, asked)
        count_listings({*days, *(row[0] for row in cursor.fetchall())})
        cursor.execute(_CARDS, asked)
    lists_changed.notify()
