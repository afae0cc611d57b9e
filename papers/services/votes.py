"""Votes of readers. The rows are the truth; `Paper.vote_count` and `Listing.vote_count` are kept beside them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F

from papers.models import Listing, Paper, User, Vote
from papers.services.stamp import renew_stamp
from papers.services.trending import refresh_hot


@dataclass(frozen=True, slots=True)
class VoteResult:
    """How it stands afterwards."""

    is_on: bool
    vote_count: int
    changed: bool


def set_vote(*, user: User, paper_id: int, on: bool) -> VoteResult:
    """Make `user`'s upvote on a paper present or absent, and return the new count.

    Idempotent: asking twice for the same state changes nothing.

    Raises:
        Paper.DoesNotExist: there is no visible paper with that id.
    """
    with transaction.atomic():
        # Voters of one paper take turns here: after this, its counts and its vote rows are ours alone.
        papers = Paper.objects.visible().select_for_update(no_key=True).filter(pk=paper_id)
        before = papers.values_list("vote_count", flat=True).get()
        step = _store(user=user, paper_id=paper_id, on=on)
        if step:
            Paper.objects.filter(pk=paper_id).update(vote_count=F("vote_count") + step)
            Listing.objects.filter(paper=paper_id).update(vote_count=before + step)
            refresh_hot([paper_id])
            renew_stamp()
    return VoteResult(is_on=on, vote_count=before + step, changed=bool(step))


def _store(*, user: User, paper_id: int, on: bool) -> int:
    """The row itself; what it adds to the count."""
    if on:
        _, is_new = Vote.objects.get_or_create(user=user, paper_id=paper_id)
        return 1 if is_new else 0
    deleted, _ = Vote.objects.filter(user=user, paper=paper_id).delete()
    return -deleted


_RECOUNT_PAPERS = """
    UPDATE papers_paper p SET vote_count = found.votes
    FROM (
        SELECT p.id, count(v.id) AS votes
        FROM papers_paper p LEFT JOIN papers_vote v ON v.paper_id = p.id
        WHERE p.vote_count > 0 OR v.id IS NOT NULL
        GROUP BY p.id
    ) found
    WHERE p.id = found.id AND p.vote_count <> found.votes
    RETURNING p.id
"""
_RECOUNT_LISTINGS = """
    UPDATE papers_listing l SET vote_count = p.vote_count
    FROM papers_paper p
    WHERE p.id = l.paper_id AND l.vote_count <> p.vote_count
"""


def recount_votes() -> int:
    """Count all votes anew from their rows; the number of papers that were wrong. Idempotent.

    Readers may vote meanwhile: they wait for a moment, and nothing of theirs is lost.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # No vote comes or goes between counting and writing.
        cursor.execute("LOCK TABLE papers_vote IN SHARE MODE")
        cursor.execute(_RECOUNT_PAPERS)
        wrong = [row[0] for row in cursor.fetchall()]
        cursor.execute(_RECOUNT_LISTINGS)
        refresh_hot(wrong)
        renew_stamp()
    return len(wrong)
