"""One page of search results, in the order that the reader asked for.

By relevance, the results are the best 400, kept for some minutes; a position names the newest paper of the first page,
so that papers which come in between move nothing. By newest and by votes, all papers that fulfil the query are listed,
page by page along the order itself. Nothing is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection

from papers.models import FormerAddress, Identifier, Paper, SeenPaper, User
from papers.models.paper import NewestPosition, VotesPosition
from papers.models.reading import exclude_seen
from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.parser import Destination, Query
from papers.services.embeddings.facet_likeness import unknown_facet_note
from papers.services.embeddings.model_switch import current_model
from papers.services.lists.rows import ListRow, read_list_rows
from papers.services.search.bm25_words import pairs_of_texts
from papers.services.search.fusion import RankedResult
from papers.services.search.hybrid_search import (
    SearchResult,
    embedded_text,
    is_rankable,
    ranking_texts,
    search_papers,
)
from papers.services.search.timeouts import SearchTimeout, statement_timeout
from papers.services.search.viewer_key import viewer_key
from papers.text.abstract_roles import facet_sentences

PER_PAGE = 20
EXPORT_LIMIT = 400
"""At most this many results leave as a file: all that are ranked, or the first of a longer list."""
AN_AUTHOR = "an author’s name"
"""Why a paper is among the results, where it is for one of its authors."""
IN_ABSTRACT = "words in abstract"
_KEPT_SECONDS = 300
_ROWS = "SELECT id, public_id, changed_at, vote_count FROM papers_paper WHERE hidden_at IS NULL AND id = ANY(%s)"


class RelevancePosition(NamedTuple):
    """Where a page of the best results ended: the newest paper when it was made, the place, and the last paper."""

    newest_id: int
    place: int
    paper_id: int


SearchPosition: TypeAlias = RelevancePosition | NewestPosition | VotesPosition
SORTS: dict[str, type[SearchPosition]] = {
    "relevance": RelevancePosition,
    "newest": NewestPosition,
    "votes": VotesPosition,
}
"""The orders of results, and what a page of each ends with."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of results."""

    rows: list[ListRow] = field(default_factory=list)
    next_position: SearchPosition | None = None
    """Behind which the next page begins; None on the last."""
    is_first: bool = True
    sort: str = "relevance"
    search_result: SearchResult | None = None
    """All the best results, where they are ranked."""
    timed_out: bool = False

    @property
    def is_bm25_only(self) -> bool:
        """The results are ranked, and meaning could not be asked."""
        return self.search_result is not None and not self.search_result.is_semantic


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question to the search, with who asks it and when."""

    query: Query
    sort: str
    """A key of `SORTS`."""
    after: SearchPosition | None
    """Where the page before ended; None for the first."""
    viewer: User | AnonymousUser
    today: date
    """The day in the group's zone."""
    now: datetime


def resolve_sort(text: str, query: Query) -> str:
    """The order asked for, where there is one; what has nothing to be ranked by stands newest first."""
    return text if text in available_sorts(query) else available_sorts(query)[0]


def available_sorts(query: Query) -> tuple[str, ...]:
    """The orders that make sense; the first is the usual one."""
    return tuple(SORTS) if is_rankable(query) else tuple(SORTS)[1:]


def search_page(request: SearchRequest) -> SearchPage:
    """A page of the results; empty, with `timed_out` set, where a statement was stopped."""
    try:
        return _best(request) if request.sort == "relevance" else _listed(request)
    except SearchTimeout:
        return SearchPage(sort=request.sort, timed_out=True)


def export_ids(request: SearchRequest) -> list[int] | None:
    """The keys of the first papers, in their order; None where a statement was stopped."""
    try:
        if request.sort == "relevance":
            return [result.paper_id for result in _cached_result(request, _newest_id()).ranked[:EXPORT_LIMIT]]
        found = Paper.objects.visible().matching(request.query, viewer=request.viewer, today=request.today)
        found = found.most_voted() if request.sort == "votes" else found.newest()
        with statement_timeout():
            return list(found.values_list("pk", flat=True)[:EXPORT_LIMIT])
    except SearchTimeout:
        return None


def find_destination(destination: Destination) -> str | None:
    """The public id of the paper that a query names; None where it is not here. At most two queries."""
    name = Identifier.objects.filter(scheme=destination.scheme, value=destination.value, paper__hidden_at=None)
    public_id = name.values_list("paper__public_id", flat=True).first()
    if public_id is None:
        moved = FormerAddress.objects.filter(public_id=destination.value, paper__hidden_at=None)
        public_id = moved.values_list("paper__public_id", flat=True).first()
    return public_id


class SearchExample(NamedTuple):
    """A paper that results are to be like."""

    public_id: str
    title: str
    without: str
    """The query without it."""
    facet: str
    """In what they are to be like it; empty: on the whole."""
    note: str
    """Why it is compared on the whole after all, in a sentence for the reader."""


def search_examples(query: Query) -> list[SearchExample]:
    """The papers that results are to be like. One query where there are some."""
    asked = query.likenesses()
    if not asked:
        return []
    found = Paper.objects.visible().filter(public_id__in=[term.public_id for term in asked])
    papers = {paper.public_id: paper for paper in found.only("public_id", "title", "abstract", "sentence_roles")}
    return [_example(query, term, papers.get(term.public_id)) for term in asked]


def _example(query: Query, term: nodes.LikeTerm, paper: Paper | None) -> SearchExample:
    note = ""
    if paper is not None and term.facet and not facet_sentences(paper.abstract, paper.sentence_roles, term.facet):
        note = unknown_facet_note(paper, term.facet)
    left = tuple(part for part in query.required() if part != term)
    without = Query(None if not left else left[0] if len(left) == 1 else nodes.And(left))
    title = paper.title if paper else term.public_id
    return SearchExample(term.public_id, title, str(without), term.facet or "", note)


def _best(request: SearchRequest) -> SearchPage:
    position = request.after if isinstance(request.after, RelevancePosition) else None
    newest_id = position.newest_id if position else _newest_id()
    result = _cached_result(request, newest_id)
    start = _start(result.ranked, position)
    left = _without_seen(result.ranked[start:], request.viewer)
    shown = left[:PER_PAGE]
    following: RelevancePosition | None = None
    if len(left) > PER_PAGE:
        following = RelevancePosition(newest_id, result.ranked.index(shown[-1]) + 1, shown[-1].paper_id)
    return SearchPage(
        rows=_rows(shown),
        next_position=following,
        is_first=position is None,
        sort=request.sort,
        search_result=result,
    )


def _newest_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM papers_paper")
        return cursor.fetchone()[0] or 0


def _without_seen(ranked: Sequence[RankedResult], viewer: User | AnonymousUser) -> Sequence[RankedResult]:
    """What is left for a reader who hides what was seen; the kept results stay whole. One query for such a reader."""
    if not viewer.is_authenticated or not viewer.hides_seen:
        return ranked
    found = SeenPaper.objects.filter(user=viewer, paper__in=[result.paper_id for result in ranked])
    seen = set(found.values_list("paper_id", flat=True))
    return [result for result in ranked if result.paper_id not in seen]


def _start(ranked: Sequence[RankedResult], position: RelevancePosition | None) -> int:
    """Behind the last paper of the page before; where that is gone, at the place it had."""
    if position is None:
        return 0
    places = {result.paper_id: place for place, result in enumerate(ranked, start=1)}
    return places.get(position.paper_id, max(0, min(position.place, len(ranked))))


def _cached_result(request: SearchRequest, newest_id: int) -> SearchResult:
    """The best results, from the cache, where they were found some minutes ago, or found now."""
    model = current_model()
    asked = (str(request.query), request.query.repeated, embedded_text(request.query))
    parts = (
        asked,
        newest_id,
        request.today,
        model.name if model else "",
        viewer_key(request.query.root, request.viewer),
    )
    key = f"ranked:{hashlib.sha256(repr(parts).encode(errors='replace')).hexdigest()}"
    kept: list[Any] | None = cache.get(key)
    if kept is not None:
        return SearchResult.unpacked(kept)
    found = search_papers(
        request.query, viewer=request.viewer, today=request.today, now=request.now, newest_id=newest_id
    )
    if found.is_semantic or model is None:  # a model that did not answer in time will the next time
        cache.set(key, found.packed(), _KEPT_SECONDS)
    return found


def _rows(shown: Sequence[RankedResult]) -> list[ListRow]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [[result.paper_id for result in shown]])
        known: dict[int, tuple[int, str, datetime, int]] = {row[0]: row for row in cursor.fetchall()}
    return [
        ListRow(*known[result.paper_id], position=(), reasons=match_reasons(result))
        for result in shown
        if result.paper_id in known
    ]


def match_reasons(result: RankedResult) -> tuple[str, ...]:
    """Why a paper is among the results, in a reader's words."""
    found: list[str] = []
    if result.by_author:
        found.append(AN_AUTHOR)
    if result.by_bm25 and (result.in_title or not result.by_author):
        found.append("words in title" if result.in_title else IN_ABSTRACT)
    if result.by_semantic and result.is_near:
        found.append("close in meaning")
    elif result.by_semantic and not found:
        found.append("loosely related")
    return tuple(found)


def more_like_query(query: Query, example_id: str) -> str:
    """The query for papers like this one, and like those that the query names already."""
    examples = dict.fromkeys([*query.likenesses(), nodes.LikeTerm(example_id)])
    return " ".join(map(str, examples))


def _listed(request: SearchRequest) -> SearchPage:
    """All that fulfil the query, in an order of their own."""
    viewer, after = request.viewer, request.after
    found = Paper.objects.visible().matching(request.query, viewer=viewer, today=request.today)
    if viewer.is_authenticated and viewer.hides_seen:
        found = exclude_seen(found, viewer)
    if request.sort == "votes":
        found = found.most_voted(after=after if isinstance(after, VotesPosition) else None)
    else:
        found = found.newest(after=after if isinstance(after, NewestPosition) else None)
    kind = SORTS[request.sort]
    with statement_timeout():
        rows = read_list_rows(found, kind._fields, per_page=PER_PAGE)
    shown = rows[:PER_PAGE]
    following = kind._make(shown[-1].position) if len(rows) > PER_PAGE else None
    return SearchPage(rows=shown, next_position=following, is_first=after is None, sort=request.sort)


def lexemes_to_highlight(query: Query) -> list[str]:
    """The words of the index that a reader looks for on the cards."""
    texts = ranking_texts(query)
    asked = [*texts, *pairs_of_texts(texts)]
    return sorted({word for forms in lexemes_of(asked).values() for word in forms.shown_words()}) if texts else []
