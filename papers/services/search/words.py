"""Ranking by words: BM25 over title and abstract, computed by Postgres for the papers that are worth it.

https://en.wikipedia.org/wiki/Okapi_BM25, with the title as a second field (BM25F). Postgres has no function for the
number of times a word occurs in a vector; but `ts_rank` of a single word is Σ 1/i² over its occurrences, divided by
π²/6, and from that the number follows within a tenth: 1 / (π²/6 · (1 − rank)) − 0.608.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db import connection
from django.db.models import F, Func

from papers.models import Paper
from papers.models.lexemes import in_a_row, lexemes_of, quoted
from papers.models.matching import Condition
from papers.models.paper import PaperQuerySet
from papers.services.search.candidates import (
    Candidates,
    Term,
    choose_candidates,
    most_ranked,
    weightiest,
)
from papers.services.search.statistics import Frequencies, frequencies, newest_months

MOST_RESULTS = 200
K1, B = 1.2, 0.75
TITLE_WEIGHT = 1.0
"""A word of the title counts as so many more occurrences."""
_EXACT_WORDS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A paper found by words. `in_title`: how many of the words are in its title."""

    paper_id: int
    score: float
    in_title: int
    is_title: bool
    """The question is its whole title."""
    is_phrase_of_title: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The words of a question as the index has them."""

    terms: tuple[Term, ...]
    text: str
    """All of them, as typed."""
    papers: int
    average_length: float


def wanted_words(texts: Sequence[str]) -> Wanted:
    """What is asked for, the rarest first, with how common it is. At most three queries."""
    lexemes = lexemes_of([*texts, " ".join(texts)])
    words = list(dict.fromkeys(lexeme.word for text in texts for lexeme in lexemes[text]))
    known = frequencies([*words, *(f"t:{word}" for word in words)]) if words else Frequencies(1, 100.0, 1, {})
    terms = [Term(word, known.of(word), known.of(f"t:{word}"), known.weight(word)) for word in words]
    return Wanted(tuple(weightiest(terms)), " ".join(texts), known.papers, known.average_length)


def rank_by_words(wanted: Wanted, among: PaperQuerySet, condition: Condition | None) -> list[Found]:
    """The best papers by words, among those that fulfil the condition. One query, two where every word is common."""
    candidates = choose_candidates(wanted.terms, papers=wanted.papers)
    if candidates is None:
        return []
    found = among.filter(_asked(candidates, condition, wanted).as_filter())
    vector = Func(F("search_vector"), template="(%(expressions)s || ''::tsvector)", output_field=SearchVectorField())
    # A copy, made once: the vector itself would be fetched and unpacked again for every word.
    rows = found.annotate(vector=vector).values_list("pk", "vector")[: most_ranked(wanted.terms) * 3 // 2]
    inner, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(*_statement(wanted, inner, values))
        return [Found(*row) for row in cursor.fetchall()]


def _asked(candidates: Candidates, condition: Condition | None, wanted: Wanted) -> Condition:
    """One tsquery of what is looked for, what is required, and, where that is too much, the newest months."""
    parts = [f"({candidates.tsquery})"]
    if condition is not None and condition.tsquery:
        parts.append(f"({condition.tsquery})")
    share = most_ranked(wanted.terms) / max(candidates.expected, 1.0)
    if candidates.is_too_common and share < 1 and condition is None:
        months = newest_months(share=share, papers=wanted.papers)
        if months:
            parts.append(f"({' | '.join(quoted(month) for month in months)})")
    joined = Condition(" & ".join(parts))
    return joined if condition is None else Condition(joined.tsquery, condition.filter)


def _statement(wanted: Wanted, inner: str, inner_values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The SQL and its values. The words' weights are numbers of ours and stand in the SQL itself."""
    scores: list[str] = []
    values: list[Any] = []
    for term in wanted.terms:
        times = "1 / (1.644934 * (1.0000001 - ts_rank('{1,1,1,1}', vector, %s::tsquery))) - 0.607927"
        scores.append(
            f"{term.weight:.6f} * (1 - norm / (norm + {times} + {TITLE_WEIGHT} * (vector @@ %s::tsquery)::int))"
        )
        values += [quoted(term.word), quoted(f"t:{term.word}")]
    in_title = " + ".join("(vector @@ %s::tsquery)::int" for _ in wanted.terms)
    marks = [quoted(f"t:{term.word}") for term in wanted.terms]
    row = lexemes_of([wanted.text])[wanted.text][:_EXACT_WORDS]
    norm = f"{K1} * ({1 - B} + {B / wanted.average_length:.8f} * length(vector))"
    sql = f"""
        SELECT id, score, {in_title},
            vector @@ %s::tsquery AND to_tsvector('pg_catalog.english', papers_words(%s)) = (
                SELECT to_tsvector('pg_catalog.english', papers_words(title)) FROM papers_paper WHERE id = best.id),
            vector @@ %s::tsquery
        FROM (
            SELECT id, vector, {" + ".join(scores)} AS score
            FROM (SELECT id, vector, {norm} AS norm FROM ({inner}) AS found (id, vector) OFFSET 0) AS found
            ORDER BY score DESC, id DESC LIMIT {MOST_RESULTS}
        ) AS best ORDER BY score DESC, id DESC
    """  # noqa: S608  (made of numbers and of what Django made)
    in_row = in_a_row(row, "A")
    return sql, [*marks, " & ".join(marks), wanted.text, in_row, *values, *inner_values]


def visible_papers() -> PaperQuerySet:
    return Paper.objects.visible()
