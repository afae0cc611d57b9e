"""Ranking by words: BM25 over title and abstract, computed by Postgres for the papers that are worth it.

https://en.wikipedia.org/wiki/Okapi_BM25, with the title as a second field (BM25F). Postgres has no function for the
number of times a word occurs in a vector; but `ts_rank` of a single word is Σ 1/i² over its occurrences, divided by
π²/6, and from that the number follows within a tenth: 1 / (π²/6 · (1 − rank)) − 0.608.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchVectorField
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Func, Q
from django.db.models.lookups import GreaterThanOrEqual

from papers.dates import start_of_day
from papers.models.paper import PaperQuerySet
from papers.models.query_sql import QueryCondition, vector_matches
from papers.models.search_index import lexemes_of
from papers.query.nodes import FieldTerm, Leaf, Node, all_terms, texts_of
from papers.query.spellings import Lexemes
from papers.query.tsquery import (
    any_word,
    author_marks,
    either,
    field_marks,
    month_of_mark,
    phrase_tsquery,
    quote_lexeme,
    title_mark,
)
from papers.services.search.bm25_candidates import (
    CHOOSING_WORDS,
    WeightedWord,
    choose_candidates,
    heaviest_words,
    ranking_limit,
)
from papers.services.search.bm25_words import asked_words, pairs_of_texts, weigh
from papers.services.search.common_phrases import ENOUGH, PhraseLook, looks_for_phrases
from papers.services.search.every_word import EveryWord
from papers.services.search.selectivity import estimate_share
from papers.services.search.word_statistics import (
    WordFrequencies,
    length_sql,
    load_word_frequencies,
    newest_month_marks,
)
from papers.text.names import PARTICLES, author_key, is_initial

MAX_RESULTS = 200
K1, B = 1.2, 0.75
TITLE_WEIGHT = 1.0
"""How many more occurrences a word of the title counts as."""
_VECTOR = SearchVectorField()
_EXACT_WORDS = 12
# How often a word is in a paper, of its `ts_rank`.
_TIMES = "1 / (1.644934 * (1.0000001 - ts_rank('{1,1,1,1}', vector, %s::tsquery))) - 0.607928"
# The index is asked for at most this many: of each paper with the rarest word it goes through all of them, where the
# row of a paper with all the words says its day within 3 µs.
_MOST_MONTHS = 8


@dataclass(frozen=True, slots=True)
class Bm25Hit:
    """A paper found by words. `in_title`: how many of the words are in its title."""

    paper_id: int
    score: float
    in_title: int
    is_title: bool
    """The question is its whole title."""
    is_phrase_of_title: bool
    by_author: bool


class Bm25Ranking(NamedTuple):
    """The best papers by words, and what is known of all that were looked at for them."""

    hits: list[Bm25Hit]
    fulfilling: int = 0
    """How many of the papers that were looked at fulfil `Bm25Query.every_word`."""
    is_complete: bool = False
    """No other paper does."""


@dataclass(frozen=True, slots=True)
class Bm25Query:
    """The words of a question as the index has them."""

    terms: tuple[WeightedWord, ...]
    text: str
    """All of them, as typed."""
    papers: int
    average_length: float
    names: tuple[WeightedWord, ...] = ()
    """The words among them that are oftener an author's name than a word of a text, as marks of the index."""
    share: float = 1.0
    """What part of all papers is expected to fulfil the condition."""
    looks: tuple[PhraseLook, ...] = ()
    """Which papers are opened one look after the other, where too many would have to be to find all with a phrase."""
    beside_meaning: bool = False
    """What is close in meaning is ranked by these words too, so that fewer papers need to be found by them."""
    every_word: EveryWord | None = None
    """What has all the words, to be counted among what is ranked; None where that would say nothing."""

    @property
    def is_long(self) -> bool:
        """It has words that rank papers but do not choose them."""
        return len(self.terms) > CHOOSING_WORDS

    @property
    def limit(self) -> int:
        """How many papers are worth ranking."""
        return ranking_limit(self.terms, beside_meaning=self.beside_meaning)

    def left_some_unopened(self, found: int) -> bool:
        """Whether there may be papers with the phrase that were not opened, and no more than `found` are known."""
        return bool(self.looks) and found < ENOUGH and not self.looks[-1].is_of_all

    @property
    def expected(self) -> float:
        """How many papers are expected to fulfil the condition; 0 where that is not known."""
        return self.share * self.papers if self.share < 1 else 0.0


def build_bm25_query(
    texts: Sequence[str], required: Node | None = None, *, repetitions: Mapping[str, int] | None = None
) -> Bm25Query:
    """The words of `texts`, the heaviest first, with how common they are; at most three queries.

    A word that is asked for twice, also in another form, weighs twice as much; `repetitions` says how often a text was
    typed, where that is more than once.
    """
    lexemes = lexemes_of([*texts, " ".join(texts), *pairs_of_texts(texts), *(texts_of(required) if required else ())])
    words = asked_words(texts, lexemes, repetitions or {})
    if not words:
        return Bm25Query((), " ".join(texts), 1, 100.0)
    keys = {text: key for text in texts if " " not in (key := author_key(text)) and _may_name(key, len(texts))}
    asked = [each for word in words for each in word.all_words()]
    asked += [mark for key in keys.values() for mark in author_marks(key)]
    if required is not None:
        asked += [mark for term in all_terms(required) for mark in (*term.index_marks, *_field_marks(term, lexemes))]
        asked += [mark for found in lexemes.values() for word in found.words for mark in (word, title_mark(word))]
    known = load_word_frequencies(asked)
    return Bm25Query(
        terms=tuple(heaviest_words(weigh(word, known) for word in words)),
        text=" ".join(texts),
        papers=known.papers,
        average_length=known.average_length,
        names=tuple(heaviest_words(_names(keys, known, lexemes))),
        share=estimate_share(required, known, lexemes) if required is not None else 1.0,
        looks=looks_for_phrases(required, known, lexemes),
    )


def _field_marks(term: Leaf, lexemes: Lexemes) -> list[str]:
    ways = field_marks(term.field, lexemes[term.text].rows) if isinstance(term, FieldTerm) else []
    return [mark for marks in ways for mark in marks]


def _may_name(key: str, words: int) -> bool:
    """Whether a word of a question of so many may be somebody's name: `la` of a question in French is none."""
    return bool(key) and not is_initial(key) and (words == 1 or key not in PARTICLES)


def _names(keys: Mapping[str, str], known: WordFrequencies, lexemes: Lexemes) -> list[WeightedWord]:
    """The words that are at least as often an author's name as a word of a text: Hinton, and not Long."""
    found: dict[str, WeightedWord] = {}
    for text, key in keys.items():
        as_word = min((known.of(lexeme.word) for lexeme in lexemes[text].row), default=0)  # of O'Brien the brien
        (mark,) = author_marks(key)
        if 0 < as_word <= known.of(mark):
            found[key] = WeightedWord(mark, known.of(mark), known.of(title_mark(mark)), known.weight(mark))
    return list(found.values())


def rank_bm25(query: Bm25Query, among: PaperQuerySet, condition: QueryCondition | None) -> Bm25Ranking:
    """The best papers by words, among those that fulfil the condition. One query; two where every word is common."""
    if not query.terms:
        return Bm25Ranking([])
    if not query.looks or condition is None:
        asked = _asked(query, condition)
        return _ranked(query, _some(among.filter(asked.condition.as_filter()), query), has_every=asked.has_every_word)
    found = Bm25Ranking([])
    for look in query.looks:
        found = _ranked(query, among.filter(vector_matches(look.tsquery))[: look.most * 3 // 2], condition.tsquery)
        if len(found.hits) >= ENOUGH:
            break
    return found


def score_bm25(query: Bm25Query, among: PaperQuerySet, paper_ids: Collection[int]) -> list[Bm25Hit]:
    """These papers by words, the best first; those with none of the words are left out. One query, of 200 at most."""
    if not query.terms or not paper_ids:
        return []
    return _ranked(query, among.filter(pk__in=paper_ids)).hits


def candidates(query: Bm25Query, among: PaperQuerySet, condition: QueryCondition | None) -> PaperQuerySet:
    """The papers that are worth ranking, in no order, as many as there is time for."""
    return _some(among.filter(_asked(query, condition).condition.as_filter()), query)


def _some(found: PaperQuerySet, query: Bm25Query) -> PaperQuerySet:
    return found[: _most_opened(query)]


def _most_opened(query: Bm25Query) -> int:
    return query.limit * 3 // 2


def _ranked(query: Bm25Query, found: PaperQuerySet, matching: str = "", *, has_every: bool = False) -> Bm25Ranking:
    """Those of `found` that match a tsquery, where there is one, ranked.

    `has_every`: unless it is cut off, `found` has every paper that has all the words.
    """
    # Unpacked once: the vector itself would be fetched and unpacked again for every word. Of a word that no vector has,
    # `ts_delete` gives back what it has unpacked, where `||` copies each word of it.
    copied = "ts_delete(%(expressions)s, ' ')"
    vector = Func(F("search_vector"), template="%(expressions)s" if matching else copied, output_field=_VECTOR)
    inner, values = found.annotate(vector=vector).values_list("pk", "vector").query.sql_with_params()
    if matching:
        copy = copied % {"expressions": "vector"}
        inner = f"SELECT id, {copy} FROM ({inner}) AS opened (id, vector) WHERE vector @@ %s::tsquery"  # noqa: S608
        values = (*values, matching)
    with connection.cursor() as cursor:
        cursor.execute(*_statement(query, inner, values))
        rows = cursor.fetchall()
    if not rows:
        return Bm25Ranking([])
    opened, fulfilling = rows[0][-2:]
    return Bm25Ranking([Bm25Hit(*row[:-2]) for row in rows], fulfilling, has_every and opened < _most_opened(query))


class _Asked(NamedTuple):
    """What candidates are asked for by, and whether it leaves out no paper that has all the words."""

    condition: QueryCondition
    has_every_word: bool = False


def _asked(query: Bm25Query, condition: QueryCondition | None) -> _Asked:
    """One tsquery of what is required and what is looked for, and, where that is too much, of the newest months.

    Where few papers fulfil the condition, all of them are ranked.
    """
    condition = condition or QueryCondition()
    most = query.limit
    if query.share < 1 and query.share * query.papers <= most:
        return _Asked(condition, query.every_word is not None)
    terms = [replace(term, papers=round(term.papers * query.share) + 1, titles=round(term.titles * query.share) + 1)
             for term in heaviest_words([*query.terms, *query.names], CHOOSING_WORDS)]  # fmt: skip
    chosen = choose_candidates(terms, papers=max(1, round(query.papers * query.share)), most=most)
    if chosen is None:
        return _Asked(condition)
    # Sets of words leave out none that has all of them; names are words that such a paper may lack.
    has_every = query.every_word is not None and not chosen.is_too_common and not query.names
    seldom = [quote_lexeme(word) for word in query.every_word.compounds] if has_every and query.every_word else []
    parts = [f"({part})" for part in (condition.tsquery, either([chosen.tsquery, *seldom])) if part]
    part_of_it = most / max(chosen.expected, 1.0)
    if not chosen.is_too_common or part_of_it >= 1:
        return _Asked(QueryCondition(" & ".join(parts), condition.filter), has_every)
    months = newest_month_marks(share=part_of_it, papers=query.papers)
    if len(months) <= _MOST_MONTHS:
        parts += [any_word(months)] if months else []
        return _Asked(QueryCondition(" & ".join(parts), condition.filter))
    return _Asked(QueryCondition(" & ".join(parts), condition.filter & _listed_since(months[-1])))


def _listed_since(month: str) -> Q:
    """Listed in this month or later; not for the index of dates, which would be walked instead of that of words."""
    same = ExpressionWrapper(F("listed_at") + timedelta(0), output_field=DateTimeField())
    return Q(GreaterThanOrEqual(same, start_of_day(date(*month_of_mark(month), 1))))


def _statement(query: Bm25Query, inner: str, inner_values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The SQL and its values. The words' weights are numbers of ours and stand in the SQL itself."""
    scores: list[str] = []
    values: list[Any] = []
    for term in query.terms:
        times = [_TIMES] * len(term.words) + ["(vector @@ %s::tsquery)::int"] * bool(term.row)
        most = f"greatest({', '.join(times)})" if len(times) > 1 else times[0]
        scores.append(
            f"{term.weight:.6f} * (1 - norm / (norm + {most} + {TITLE_WEIGHT} * (vector @@ %s::tsquery)::int))"
        )
        values += [*map(quote_lexeme, term.words), *([term.row] if term.row else []), term.title_tsquery]
    for name in query.names:
        scores.append(f"{name.weight:.6f} * (1 - norm / (norm + 1)) * (vector @@ %s::tsquery)::int")
        values.append(quote_lexeme(name.word))
    in_title = " + ".join("(vector @@ %s::tsquery)::int" for _ in query.terms)
    marks = [term.title_tsquery for term in query.terms]
    row = lexemes_of([query.text])[query.text].row[:_EXACT_WORDS]
    counted = "0 AS opened, 0 AS fulfilling"
    if query.every_word is not None:
        counted = "count(*) OVER () AS opened, sum((vector @@ %s::tsquery)::int) OVER () AS fulfilling"
    norm = f"{K1} * ({1 - B} + {B / query.average_length:.8f} * {length_sql('vector')})"
    sql = f"""
        WITH asked AS MATERIALIZED (
            SELECT vector, length(ts_filter(vector, '{{a}}')) AS parts
            FROM papers_text_vector(papers_words(%s), 'A', 'D') AS vector)
        SELECT id, score, {in_title},
            vector @@ %s::tsquery AND length(ts_filter(vector, '{{a}}')) = (SELECT parts FROM asked)
                AND (SELECT vector FROM asked) = (
                    SELECT papers_text_vector(papers_words(title), 'A', 'D') FROM papers_paper WHERE id = best.id),
            vector @@ %s::tsquery,
            {"vector @@ %s::tsquery" if query.names else "false"},
            opened, fulfilling
        FROM (
            SELECT id, vector, {" + ".join(scores)} AS score, {counted}
            FROM (SELECT id, vector, {norm} AS norm FROM ({inner}) AS found (id, vector) OFFSET 0) AS found
            ORDER BY score DESC, id DESC LIMIT {MAX_RESULTS}
        ) AS best WHERE score > 0 ORDER BY score DESC, id DESC
    """  # noqa: S608  (made of numbers and of what Django made)
    in_row = phrase_tsquery(row, in_title=True)
    if query.every_word is not None:
        values.append(query.every_word.tsquery)
    names = [any_word(name.word for name in query.names)] if query.names else []
    return sql, [query.text, *marks, " & ".join(marks), in_row, *names, *values, *inner_values]
