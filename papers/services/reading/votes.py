"""Votes of readers. The rows are the truth; `Paper.vote_count` and `Listing.vote_count` are kept beside them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F

from papers.hooks import lists_changed
from papers.models import Listing, Paper, User, Vote
from papers.services.lists.trending import refresh_trending_scores
from papers.services.reading.seen import mark_seen
from papers.services.recommend.staleness import mark_recommendations_stale


@dataclass(frozen=True, slots=True)
class VoteResult:
    """A reader's vote after `set_vote`, and the paper's number of votes."""

    is_on: bool
    vote_count: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Voters:
    """Who voted for a paper, as members may know it."""

    names: list[str]
    """Those who show their names, the first voter first."""
    vote_count: int
    is_unnamed: bool | None
    """Whether the viewer's own vote shows no name; None without a vote."""

    @property
    def all_names(self) -> str:
        return ", ".join(self.names)

    @property
    def others(self) -> int:
        """The number of voters who are not in `names`: they show no name, or are beyond its end."""
        return max(self.vote_count - len(self.names), 0)


def set_vote(*, user: User, paper_id: int, on: bool, is_unnamed: bool | None = None) -> VoteResult:
    """Make `user`'s upvote on a paper present or absent, and return the new count.

    `is_unnamed` says whether it hides the voter's name; None leaves that as it is, and a new vote as the reader chose
    for all. Idempotent: asking twice for the same state changes nothing. A paper voted for has been seen.

    Raises:
        Paper.DoesNotExist: there is no visible paper with that id.
        PermissionDenied: the account was deleted meanwhile.
    """
    with transaction.atomic():
        User.objects.lock_against_deletion(user)
        # Voters of one paper take turns here: after this, its counts and its vote rows are ours alone.
        papers = Paper.objects.visible().select_for_update(no_key=True).filter(pk=paper_id)
        before = papers.values_list("vote_count", flat=True).get()
        step = _store(user=user, paper_id=paper_id, on=on, is_unnamed=is_unnamed)
        if step:
            mark_recommendations_stale(user)
        if on:
            mark_seen(user=user, paper_ids=[paper_id])
        if step:
            Paper.objects.filter(pk=paper_id).update(vote_count=F("vote_count") + step)
            Listing.objects.filter(paper=paper_id).update(vote_count=before + step)
            refresh_trending_scores([paper_id])
            lists_changed.notify()
    return VoteResult(is_on=on, vote_count=before + step, changed=bool(step))


def _store(*, user: User, paper_id: int, on: bool, is_unnamed: bool | None) -> int:
    """Write or delete the row; returns what that adds to the count: 1, 0 or -1."""
    if on:
        chosen = user.votes_unnamed if is_unnamed is None else is_unnamed
        vote, is_new = Vote.objects.get_or_create(user=user, paper_id=paper_id, defaults={"is_unnamed": chosen})
        if is_unnamed is not None and vote.is_unnamed != is_unnamed:
            vote.is_unnamed = is_unnamed
            vote.save(update_fields=["is_unnamed"])
        return 1 if is_new else 0
    deleted, _ = Vote.objects.filter(user=user, paper=paper_id).delete()
    return -deleted


def voters_of(paper: Paper, *, viewer: User, limit: int = 200) -> Voters:
    """Who voted for a paper, with at most `limit` names. Two queries, or none where nobody has."""
    if not paper.vote_count:
        return Voters(names=[], vote_count=0, is_unnamed=None)
    votes = Vote.objects.filter(paper=paper)
    named = votes.filter(is_unnamed=False, user__is_active=True).order_by("created_at")
    return Voters(
        names=list(named.values_list("user__username", flat=True)[:limit]),
        vote_count=paper.vote_count,
        is_unnamed=votes.filter(user=viewer).values_list("is_unnamed", flat=True).first(),
    )


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
    """Count all votes anew from their rows; returns the number of papers that were wrong. Idempotent.

    Readers may vote meanwhile: they wait for a moment, and nothing of theirs is lost.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # No vote comes or goes between counting and writing.
        cursor.execute("LOCK TABLE papers_vote IN SHARE MODE")
        cursor.execute(_RECOUNT_PAPERS)
        wrong = [row[0] for row in cursor.fetchall()]
        cursor.execute(_RECOUNT_LISTINGS)
        refresh_trending_scores(wrong)
        lists_changed.notify()
    return len(wrong)
