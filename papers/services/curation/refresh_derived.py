"""Columns that follow from rows an action changed: counts, scores, categories. Counted anew, never put back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import connection

from papers.services.lists.trending import refresh_trending_scores
from papers.web.page_cache_stamp import invalidate_page_cache

_PAPERS = """
    UPDATE papers_paper paper SET vote_count = counted.votes, comment_count = counted.comments
    FROM (
        SELECT id, (SELECT count(*) FROM papers_vote WHERE paper_id = asked.id) AS votes,
            (SELECT count(*) FROM papers_comment WHERE paper_id = asked.id AND deleted_at IS NULL) AS comments
        FROM unnest(%(papers)s::bigint[]) AS asked (id)
    ) counted
    WHERE paper.id = counted.id AND (vote_count, comment_count) <> (counted.votes, counted.comments)
"""
_LISTINGS = """
    UPDATE papers_listing listing SET vote_count = counted.votes, source_votes = counted.source_votes
    FROM (
        SELECT paper.id, paper.vote_count AS votes,
            coalesce((SELECT max(votes) FROM papers_paperexternalcounts WHERE paper_id = paper.id), 0) AS source_votes
        FROM papers_paper paper WHERE paper.id = ANY(%(papers)s)
    ) counted
    WHERE listing.paper_id = counted.id
        AND (listing.vote_count, listing.source_votes) <> (counted.votes, counted.source_votes)
"""
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
# Two statements: whoever lists papers of the day at this moment is waited for, and then seen.
_LOCK_EDITIONS = "SELECT 1 FROM papers_edition WHERE day = ANY(%(days)s) ORDER BY day FOR UPDATE"
_EDITIONS = """
    UPDATE papers_edition edition SET listed_count = counted.papers
    FROM (
        SELECT asked.day, (
            SELECT count(*) FROM papers_listing listing JOIN papers_paper paper ON paper.id = listing.paper_id
            WHERE listing.day = asked.day AND listing.hidden_at IS NULL AND paper.hidden_at IS NULL) AS papers
        FROM unnest(%(days)s::date[]) AS asked (day)
    ) counted
    WHERE edition.day = counted.day AND edition.listed_count <> counted.papers
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
            for statement in (_PAPERS, _LISTINGS, _CATEGORIES_GONE, _CATEGORIES):
                cursor.execute(statement, asked)
            refresh_trending_scores(papers)
        cursor.execute(_DAYS_OF, asked)
        every = sorted({*days, *(row[0] for row in cursor.fetchall())})
        if every:
            cursor.execute(_LOCK_EDITIONS, {"days": every})
            cursor.execute(_EDITIONS, {"days": every})
        cursor.execute(_CARDS, asked)
    invalidate_page_cache()
