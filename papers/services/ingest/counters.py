"""Counts that are kept beside the rows they count, for some papers or days: of votes, comments and listings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db import connection

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


def count_votes_and_comments(papers: Collection[int]) -> None:
    """Count the votes and comments of these papers from their rows, and copy votes to their listings. Idempotent.

    The caller holds the locks of the papers. Two statements.
    """
    with connection.cursor() as cursor:
        for statement in (_PAPERS, _LISTINGS):
            cursor.execute(statement, {"papers": sorted(papers)})


def count_listings(days: Collection[date]) -> None:
    """Count the papers that readers see on these days. Idempotent. Two statements, none for no day."""
    if days:
        with connection.cursor() as cursor:
            for statement in (_LOCK_EDITIONS, _EDITIONS):
                cursor.execute(statement, {"days": sorted(days)})
