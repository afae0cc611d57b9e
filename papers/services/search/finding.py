"""Finding papers for a query: the two rankings, each within its time, and what can be said about them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction

from papers import query as language
from papers.models import Paper, User
from papers.models.matching import Condition, condition_of
from papers.models.paper import PaperQuerySet
from papers.query import Node, Query
from papers.services.embeddings import Near, QueryVector, current_model, query_vector
from papers.services.search.meaning import rank_by_meaning, vector_of_examples
from papers.services.search.ranking import Ranked, fuse
from papers.services.search.words import Found, rank_by_words, wanted_words

logger = logging.getLogger(__name__)

PATIENCE_MS = 1_500
"""How long each statement of a search may take. What takes longer is stopped, and the page says so."""
_CANCELED = "57014"


class TooSlow(Exception):
    """A statement of a search was stopped, because it took too long."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of every result, for ranking and for the filters beside the list."""

    listed_at: datetime
    categories: tuple[str, ...]
    has_code: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """The best papers for a query, at most 200 by words and 200 by meaning, the best first."""

    ranked: list[Ranked] = field(default_factory=list)
    about: Mapping[int, About] = field(default_factory=dict)
    is_by_meaning: bool = False
    """Meaning was asked too; else words alone."""
    has_words: bool = True
    """The query has words that say something."""

    def categories(self) -> list[tuple[str, int]]:
        """The categories of the results and how many carry each, the commonest first."""
        counts = Counter(code for about in self.about.values() for code in about.categories)
        return counts.most_common()

    def years(self) -> list[tuple[int, int]]:
        """The years of the results and how many are of each, the newest first."""
        return sorted(Counter(about.listed_at.year for about in self.about.values()).items(), reverse=True)

    def with_code(self) -> int:
        return sum(about.has_code for about in self.about.values())


@contextmanager
def patiently() -> Iterator[None]:
    """A transaction whose statements are stopped when they take too long.

    Raises:
        TooSlow: one was.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            yield
            with connection.cursor() as cursor:  # what comes after, in a transaction around this one, has its own time
                cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _CANCELED:
            raise
        raise TooSlow from error


def find_papers(
    query: Query,
    *,
    viewer: User | AnonymousUser | None,
    today: date,
    now: datetime,
    newest_id: int | None = None,
    by: str = "both",
) -> Findings:
    """The best papers for a query, in a handful of statements. `by` is `both`, `words` or `meaning`.

    `newest_id`: papers stored after that one are left out, so that a second page goes on where the first ended.

    Raises:
        TooSlow: a statement took longer than it may.
    """
    with patiently():
        texts = plain_texts(query)
        required = _required(query, viewer=viewer, today=today)
        examples = _examples(query)
        among = Paper.objects.visible()
        if newest_id is not None:
            among = among.filter(pk__lte=newest_id)
        if examples:
            among = among.exclude(pk__in=examples)
        wanted = wanted_words(texts)
        words = _by_words(wanted, among, required) if by != "meaning" else []
        vector = _vector(texts, examples) if by != "words" else None
        meaning = _by_meaning(vector, among, required) if vector else []
        about = _about({found.paper_id for found in words} | {near.paper_id for near in meaning})
    listed_at = {paper_id: each.listed_at for paper_id, each in about.items()}
    return Findings(
        ranked=fuse(words, meaning, listed_at=listed_at, now=now),
        about=about,
        is_by_meaning=vector is not None,
        has_words=bool(wanted.terms),
    )


def plain_texts(query: Query) -> list[str]:
    """What is ranked by: the words, phrases and title words asked for."""
    return [leaf.text for leaf in query.leaves() if isinstance(leaf, language.Word | language.Phrase | language.Title)]


def ranks(query: Query) -> bool:
    """Whether there is anything to rank by; else a query is a filter, and its papers stand newest first."""
    return bool(plain_texts(query) or query.examples())


def _required(query: Query, *, viewer: User | AnonymousUser | None, today: date) -> Condition | None:
    """All that a paper must fulfil: everything but plain words side by side, which only rank it.

    A single word is required neither: what is close in meaning without it is told so.
    """
    parts: tuple[Node, ...] = tuple(
        part for part in query.required() if not isinstance(part, language.Word | language.Like)
    )
    if not parts:
        return None
    return condition_of(Query(language.And(parts)), viewer=viewer, today=today)


def _by_words(wanted: Any, among: PaperQuerySet, required: Condition | None) -> list[Found]:
    try:
        return rank_by_words(wanted, among, required)
    except EmptyResultSet:  # a filter that nothing can fulfil, such as somebody else's tag
        return []


def _by_meaning(vector: QueryVector, among: PaperQuerySet, required: Condition | None) -> list[Near]:
    if required is not None:
        among = among.filter(required.as_filter())
    try:
        return rank_by_meaning(vector, among, is_filtered=required is not None)
    except EmptyResultSet:
        return []


def _examples(query: Query) -> list[int]:
    names = query.examples()
    return list(Paper.objects.visible().filter(public_id__in=names).values_list("pk", flat=True)) if names else []


def _vector(texts: Sequence[str], examples: Sequence[int]) -> QueryVector | None:
    """The meaning of the words, of the examples, or the middle of both."""
    of_text = query_vector(" ".join(texts)) if texts else None
    if not examples:
        return of_text
    model = current_model()
    of_examples = vector_of_examples(examples, model.name) if model else None
    if model is None or of_examples is None:
        return of_text
    if of_text is None or of_text.model != model.name:
        return QueryVector(model.name, of_examples)
    return QueryVector(model.name, tuple((a + b) / 2 for a, b in zip(of_text.vector, of_examples, strict=True)))


def _about(paper_ids: set[int]) -> dict[int, About]:
    rows = Paper.objects.visible().filter(pk__in=paper_ids).values_list("pk", "listed_at", "categories", "links__code")
    return {pk: About(listed_at, tuple(codes), code is not None) for pk, listed_at, codes, code in rows}
