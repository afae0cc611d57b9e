"""Muting: queries of a reader whose papers are folded away in lists, and what they would have hidden last week."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from papers.models import Listing, MutedQuery, Paper, User
from papers.query.nodes import LikeTerm, Or, all_terms
from papers.query.parser import Query, parse
from papers.services.recommend.staleness import mark_recommendations_stale

MAX_MUTED_QUERIES = 50
"""Per reader."""
PREVIEW_DAYS = 7
_PREVIEWED = 50


class MutingError(Exception):
    """It can't be muted; the message says what to do, for the reader."""


@dataclass(frozen=True, slots=True)
class MutePreview:
    """The papers that a query would have folded away in the last week."""

    query: Query
    papers: list[Paper]
    """The first fifty, the newest first."""
    is_more: bool


def find_muted(paper_ids: Collection[int], *, user: User, queries: Iterable[str], today: date) -> set[int]:
    """Which of these papers any of the queries finds, by key. One query, and one for words new to the process."""
    asked = _any_of(queries)
    if asked.root is None or not paper_ids:
        return set()
    found = Paper.objects.filter(pk__in=paper_ids).matching(asked, viewer=user, today=today)
    return set(found.values_list("pk", flat=True))


def preview_mute(text: str, *, user: User, today: date) -> MutePreview:
    """What a query finds among the papers listed in the last seven days, which end at `today`."""
    query = parse(text)
    listed = Listing.objects.filter(paper=OuterRef("pk"), hidden_at=None, day__gt=today - timedelta(days=PREVIEW_DAYS))
    found = Paper.objects.visible().matching(query, viewer=user, today=today).filter(Exists(listed))
    papers = list(found.newest().only("public_id", "title")[: _PREVIEWED + 1])
    return MutePreview(query=query, papers=papers[:_PREVIEWED], is_more=len(papers) > _PREVIEWED)


def mute_query(*, user: User, text: str) -> None:
    """Fold away, from now on, what a query finds. Idempotent.

    Raises:
        MutingError: it asks for nothing, or there are too many.
    """
    root = parse(text).root
    query = "" if root is None else str(root)
    if root is None:
        raise MutingError("Enter a search to mute: a word, “a phrase”, author:name, cat:cs.CL.")
    if any(isinstance(term, LikeTerm) for term in all_terms(root)):
        raise MutingError("like: can’t be muted: it puts papers in an order and leaves none out.")
    longest = MutedQuery._meta.get_field("query").max_length or 0
    if len(query) > longest:
        raise MutingError(f"That is too long. Use at most {longest} characters.")
    with transaction.atomic():
        mark_recommendations_stale(user)
        if MutedQuery.objects.of(user).count() >= MAX_MUTED_QUERIES:
            raise MutingError(f"You have reached the limit of {MAX_MUTED_QUERIES} muted searches. Unmute one first.")
        MutedQuery.objects.get_or_create(user=user, query=query)


def unmute_query(*, user: User, key: int) -> None:
    """Show again what a query folded away. Idempotent."""
    with transaction.atomic():
        mark_recommendations_stale(user)
        MutedQuery.objects.filter(user=user, pk=key).delete()


def _any_of(queries: Iterable[str]) -> Query:
    """One query that finds what any of them finds."""
    roots = [query.root for query in map(parse, queries) if query.root is not None]
    return Query(Or(tuple(roots)) if len(roots) > 1 else next(iter(roots), None))
