"""Finding papers for a query: the two rankings, each within its time, and what can be said about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F
from django.db.models.lookups import LessThanOrEqual

from papers.models import Paper, User
from papers.models.paper import PaperQuerySet
from papers.models.query_sql import QueryCondition, compile_query
from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.nodes import Node, TextTerm
from papers.query.parser import Query
from papers.services.embeddings.facet_likeness import reordered
from papers.services.embeddings.model_switch import current_model
from papers.services.embeddings.nearest import PaperDistance, mean_vector
from papers.services.embeddings.query_vectors import QueryVector, request_query_vector
from papers.services.search.bm25 import Bm25Hit, Bm25Query, Bm25Ranking, build_bm25_query, rank_bm25, score_bm25
from papers.services.search.every_word import every_word
from papers.services.search.fusion import RankedResult, fuse
from papers.services.search.named_authors import papers_by_whole_name
from papers.services.search.result_count import COUNTED
from papers.services.search.semantic import (
    near_distance,
    only_near,
    rank_semantic,
    rank_semantic_among,
    rank_semantic_in_categories,
)
from papers.services.search.timeouts import statement_timeout

PROSE_WORDS = 40
"""A question of more words is a text of somebody's, which a model understands best as it was written."""
# Numbers and text: moments and lists take longer to be read from what Postgres sends than all else of a row.
_FACETS = """
    SELECT id, extract(epoch FROM listed_at)::float8, array_to_string(categories, ' '), links ? 'code'
    FROM papers_paper WHERE hidden_at IS NULL AND id = ANY(%s)
"""


class SearchMode(StrEnum):
    """What results are ranked by: one of the rankings, or both together."""

    HYBRID = "hybrid"
    BM25 = "bm25"
    SEMANTIC = "semantic"


class PaperFacets(NamedTuple):
    """What ranking and the filters beside the list need of a result."""

    listed_at: datetime
    categories: tuple[str, ...]
    has_code: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best papers for a query, at most 200 by words and 200 by meaning, the best first."""

    ranked: list[RankedResult] = field(default_factory=list)
    facets: Mapping[int, PaperFacets] = field(default_factory=dict)
    is_semantic: bool = False
    """Meaning was asked too; else words alone."""
    has_words: bool = True
    """The query has words that say something."""
    paper_count: int | None = None
    """How many papers fulfil the query as a condition, `COUNTED` + 1 for more; None where ranking does not tell."""

    def categories(self) -> list[tuple[str, int]]:
        """The categories of the results and how many carry each, the commonest first."""
        counts = Counter(code for facets in self.facets.values() for code in facets.categories)
        return counts.most_common()

    def years(self) -> list[tuple[int, int]]:
        """The years of the results and how many are of each, the newest first."""
        return sorted(Counter(facets.listed_at.year for facets in self.facets.values()).items(), reverse=True)

    def with_code(self) -> int:
        return sum(facets.has_code for facets in self.facets.values())

    def packed(self) -> list[Any]:
        """The same as lists, numbers and text, for the cache, which holds JSON."""
        facets = [
            (pk, row.listed_at.timestamp(), " ".join(row.categories), row.has_code) for pk, row in self.facets.items()
        ]
        # By columns: a few long lists are written in a tenth of the time of 800 short ones.
        return [_columns(self.ranked), _columns(facets), self.is_semantic, self.has_words, self.paper_count]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> SearchResult:
        """What `packed` made that."""
        ranked, facets, is_semantic, has_words, paper_count = packed
        found = [RankedResult(*row) for row in zip(*ranked, strict=True)]
        return cls(found, _facets_by_paper(zip(*facets, strict=True)), is_semantic, has_words, paper_count)


def _columns(rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def search_papers(
    query: Query,
    *,
    viewer: User | AnonymousUser | None,
    today: date,
    now: datetime,
    newest_id: int | None = None,
    mode: SearchMode = SearchMode.HYBRID,
) -> SearchResult:
    """The best papers for a query, in a handful of queries.

    `newest_id`: papers stored after that one are left out, so that a second page goes on where the first ended.

    Raises:
        SearchTimeout: a statement took longer than it may.
    """
    with statement_timeout():
        found = _rankings(query, mode=mode, viewer=viewer, today=today, newest_id=newest_id)
        facets = _facets(found.paper_ids())
        having_name = _having_name(query, found, today)
    ranked = fuse(
        found.words,
        found.near,
        found.more_words,
        found.more_near,
        named=found.named,
        near_distance=near_distance(found.vector),
        having_name=having_name,
        listed_at={paper_id: each.listed_at for paper_id, each in facets.items()},
        now=now,
    )
    # Of an id that was typed nothing is asked in meaning.
    is_semantic = found.vector is not None or query.destination is not None
    return SearchResult(ranked, facets, is_semantic, found.has_words, found.paper_count)


@dataclass(frozen=True, slots=True)
class _Rankings:
    """What each way of looking found, the best first."""

    words: list[Bm25Hit]
    near: list[PaperDistance]
    more_words: list[Bm25Hit]
    """Of what meaning alone found, how well it fits by words."""
    more_near: list[PaperDistance]
    """Of what words alone found, how near it is in meaning."""
    named: list[int]
    """Papers of the author whose whole name was typed."""
    vector: QueryVector | None
    has_words: bool
    paper_count: int | None

    def paper_ids(self) -> set[int]:
        return {*self.named, *(hit.paper_id for hit in self.words), *(hit.paper_id for hit in self.near)}


def _rankings(
    query: Query, *, mode: SearchMode, viewer: User | AnonymousUser | None, today: date, newest_id: int | None
) -> _Rankings:
    texts, needed, examples = ranking_texts(query), _required(query), _examples(query)
    required = compile_query(Query(needed), viewer=viewer, today=today) if needed else None
    among = _searched_papers(newest_id, examples)
    by_words, by_meaning = mode != SearchMode.SEMANTIC, mode != SearchMode.BM25
    # Asked for while the words are looked up.
    wants_meaning = by_meaning and not query.destination
    of_text = request_query_vector(embedded_text(query) if wants_meaning else "")
    asked = build_bm25_query(texts, needed, repetitions=dict(query.repeated))
    ranked_by = {word for term in asked.terms for word in term.words}
    asked = replace(
        asked,
        beside_meaning=wants_meaning and current_model() is not None,
        every_word=every_word(query, ranked_by, viewer=viewer, today=today),
    )
    ranking = _by_bm25(asked, among, required) if by_words else Bm25Ranking([])
    vector = _vector(of_text(), examples) if by_meaning else None
    if vector is None and by_words:
        ranking = _by_bm25_alone(asked, ranking, among, required)
    words = ranking.hits
    near = _by_vector(vector, words, among, required, needed, asked) if vector else []
    near = reordered(near, query.likenesses())
    if vector and texts and not words and not examples and mode == SearchMode.HYBRID:
        near = only_near(near, vector)
    return _Rankings(
        words=words,
        near=near,
        # Of a short question these change nothing that could be measured, and take a third more time.
        more_words=_scored_by_words(asked, among, words, near) if by_words and asked.is_long else [],
        more_near=_scored_by_meaning(vector, words, near) if vector and asked.is_long else [],
        named=papers_by_whole_name(query, among) if mode == SearchMode.HYBRID else [],
        vector=vector,
        has_words=bool(asked.terms),
        paper_count=_count(ranking),
    )


def _count(ranking: Bm25Ranking) -> int | None:
    """How many papers fulfil the query, as far as ranking tells: it looks at some hundred of them."""
    if ranking.fulfilling > COUNTED:
        return COUNTED + 1
    return ranking.fulfilling if ranking.is_complete else None


def named_thing(query: Query) -> str:
    """The one word or name that is all a question has: `hinton`, `SU(3)`, `k means`, `gpt 4`; empty for another one."""
    parts = query.required()
    words = [part.text for part in parts if isinstance(part, nodes.WordTerm)]
    if len(words) < len(parts) or query.destination or not 0 < len(words) <= 2:
        return ""
    is_split = len(words) == 2 and any(len(word) == 1 or word.isdigit() for word in words)
    return " ".join(words) if len(words) == 1 or is_split else ""


def _having_name(query: Query, found: _Rankings, today: date) -> set[int] | None:
    """Of the papers found those that have the one name asked for; None where more is asked. One query at most."""
    if not (name := named_thing(query)):
        return None
    rows = lexemes_of([name])[name].rows
    authors = {hit.paper_id for hit in found.words if hit.by_author}
    if len(rows) == 1 and len(rows[0]) == 1:  # what was found by words has it, as there is but this one
        return authors | {hit.paper_id for hit in found.words}
    condition = compile_query(Query(nodes.PhraseTerm(name)), today=today)
    if condition is None:
        return None
    opened = Paper.objects.filter(condition.as_filter(), pk__in=found.paper_ids())
    return authors | set(opened.values_list("pk", flat=True))


def _searched_papers(newest_id: int | None, examples: Sequence[int]) -> PaperQuerySet:
    among = Paper.objects.visible()
    if newest_id is not None:
        # Plus nothing: Postgres would walk along the keys, which nearly all papers fulfil, instead of the words.
        among = among.filter(LessThanOrEqual(F("pk") + 0, newest_id))
    return among.exclude(pk__in=examples) if examples else among


def ranking_texts(query: Query) -> list[str]:
    """What is ranked by: the words, phrases and title words asked for."""
    return [term.text for term in query.leaves() if isinstance(term, TextTerm)]


def embedded_text(query: Query) -> str:
    """What is asked for in meaning: the words asked for, each once; of a text that was pasted, the text."""
    if query.is_running_text() and len(query.prose.split()) > PROSE_WORDS:
        return query.prose
    return " ".join(ranking_texts(query))


def is_rankable(query: Query) -> bool:
    """Whether there is anything to rank by; else a query is a filter, and its papers stand newest first."""
    return bool(ranking_texts(query) or query.examples())


def _required(query: Query) -> Node | None:
    """All that a paper must fulfil: everything but plain words side by side, which only rank it.

    A single word is not required either: what is close in meaning without it says so. An id that leads to no paper
    here is: nothing else is what was meant.
    """
    if query.destination:
        return query.root
    ranks_only: tuple[type, ...] = (nodes.WordTerm, nodes.LikeTerm)
    if query.is_running_text():  # quotation marks and brackets are those of the sentence
        ranks_only += (nodes.PhraseTerm, nodes.Or)
    parts: tuple[Node, ...] = tuple(part for part in query.required() if not isinstance(part, ranks_only))
    return nodes.And(parts) if parts else None


def _wants_phrase(needed: Node | None) -> bool:
    """Whether each paper has to be opened to see if it is one: no index knows which words stand side by side.

    Then the best by words, which have it, are opened once, and meaning orders those.
    """
    return isinstance(needed, nodes.And) and any(isinstance(part, nodes.PhraseTerm) for part in needed.nodes)


def _by_bm25(wanted: Bm25Query, among: PaperQuerySet, required: QueryCondition | None) -> Bm25Ranking:
    try:
        return rank_bm25(wanted, among, required)
    except EmptyResultSet:  # a filter that nothing can fulfil, such as somebody else's tag
        return Bm25Ranking([])


def _by_bm25_alone(
    asked: Bm25Query, found: Bm25Ranking, among: PaperQuerySet, required: QueryCondition | None
) -> Bm25Ranking:
    """The best by words where meaning was expected and did not come: of a long question more papers are looked at."""
    alone = replace(asked, beside_meaning=False)
    return found if alone.limit <= asked.limit else _by_bm25(alone, among, required)


def _by_vector(
    vector: QueryVector,
    words: Sequence[Bm25Hit],
    among: PaperQuerySet,
    required: QueryCondition | None,
    needed: Node | None,
    asked: Bm25Query,
) -> list[PaperDistance]:
    if _wants_phrase(needed) and required is not None:
        found = [hit.paper_id for hit in words]
        if not found or asked.left_some_unopened(len(found)):
            found += _passing(rank_semantic(vector, among, is_filtered=False), among, required)
        return rank_semantic_among(vector, found)
    if codes := _categories(needed):
        return rank_semantic_in_categories(vector, among, codes, papers=asked.papers, expected_count=asked.expected)
    if required is not None:
        among = among.filter(required.as_filter())
    try:
        return rank_semantic(vector, among, is_filtered=required is not None, expected_count=asked.expected)
    except EmptyResultSet:
        return []


def _passing(near: Sequence[PaperDistance], among: PaperQuerySet, required: QueryCondition) -> list[int]:
    """Those that fulfil the condition: 200 are opened at most, where the index would have all with the words opened."""
    try:
        found = among.filter(required.as_filter(), pk__in=[each.paper_id for each in near])
        return list(found.values_list("pk", flat=True))
    except EmptyResultSet:
        return []


def _categories(needed: Node | None) -> list[str]:
    """The categories one of which is all that is required; none where something else is."""
    parts = needed.nodes if isinstance(needed, nodes.And) else ()
    return list(parts[0].codes) if len(parts) == 1 and isinstance(parts[0], nodes.CategoryTerm) else []


def _scored_by_words(
    asked: Bm25Query, among: PaperQuerySet, words: Sequence[Bm25Hit], near: Sequence[PaperDistance]
) -> list[Bm25Hit]:
    """What was found by meaning alone, by its words. One query, where there is any."""
    return score_bm25(asked, among, {found.paper_id for found in near} - {hit.paper_id for hit in words})


def _scored_by_meaning(
    vector: QueryVector, words: Sequence[Bm25Hit], near: Sequence[PaperDistance]
) -> list[PaperDistance]:
    """What was found by words alone, by its meaning. One query, where there is any."""
    left = {hit.paper_id for hit in words} - {found.paper_id for found in near}
    return rank_semantic_among(vector, list(left)) if left else []


def _examples(query: Query) -> list[int]:
    names = query.examples()
    return list(Paper.objects.visible().filter(public_id__in=names).values_list("pk", flat=True)) if names else []


def _vector(of_text: QueryVector | None, examples: Sequence[int]) -> QueryVector | None:
    """The meaning of the words, of the examples, or the middle of both."""
    if not examples:
        return of_text
    model = current_model()
    of_examples = mean_vector(examples, model.name) if model else None
    if model is None or of_examples is None:
        return of_text
    if of_text is None or of_text.model != model.name:
        return QueryVector(model.name, of_examples)
    return QueryVector(model.name, tuple((a + b) / 2 for a, b in zip(of_text.vector, of_examples, strict=True)))


def _facets(paper_ids: set[int]) -> dict[int, PaperFacets]:
    with connection.cursor() as cursor:
        cursor.execute(_FACETS, [list(paper_ids)])
        return _facets_by_paper(cursor.fetchall())


def _facets_by_paper(rows: Iterable[Sequence[Any]]) -> dict[int, PaperFacets]:
    """Facets of rows of key, seconds, categories with a space between them, and whether there is code."""
    return {
        pk: PaperFacets(datetime.fromtimestamp(at, UTC), tuple(codes.split()), has_code)
        for pk, at, codes, has_code in rows
    }
