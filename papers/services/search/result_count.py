"""How many papers fulfil a query: the number where it is small, else that it is more than is counted."""

from __future__ import annotations

import hashlib
from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection

from papers.models import Paper, User, WordCount
from papers.models.query_sql import compile_query
from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.nodes import texts_of
from papers.query.parser import Query
from papers.services.search.common_phrases import MOST_OPENED, phrases_in
from papers.services.search.selectivity import estimate_share
from papers.services.search.viewer_key import viewer_key
from papers.services.search.word_statistics import load_word_frequencies

COUNTED = 400
_SURELY_MORE = 20 * COUNTED
_SECONDS = 300
_UNKNOWN = -1
_MATCHING = f"""
    SELECT id FROM papers_paper WHERE hidden_at IS NULL AND search_vector @@ %s::tsquery LIMIT {COUNTED + 1}
"""  # noqa: S608  a number of ours


def count_results(query: Query, *, viewer: User | AnonymousUser, today: date) -> int | None:
    """How many papers fulfil the query, `COUNTED` + 1 for more than that; None where it was not known in time before.

    At most that many rows are read, along the index. Of a single word or category that is common by the worker's count
    nothing is read at all. Kept for some minutes. To be called within `statement_timeout`.
    """
    if query.root is None or query.is_running_text():
        return None
    if _is_surely_more(query):
        return COUNTED + 1
    if _takes_long(query):
        return None
    parts = repr((str(query), str(today), viewer_key(query.root, viewer)))
    key = f"search-count:{hashlib.sha256(parts.encode(errors='replace')).hexdigest()}"
    kept: int | None = cache.get(key)
    if kept is None:
        try:
            kept = _count(query, viewer, today)
        except OperationalError:  # it took too long, and would again
            cache.set(key, _UNKNOWN, _SECONDS)
            raise
        cache.set(key, kept, _SECONDS)
    return None if kept == _UNKNOWN else kept


def _count(query: Query, viewer: User | AnonymousUser, today: date) -> int:
    condition = compile_query(query, viewer=viewer, today=today)
    if condition is None:
        return 0
    if not condition.filter:  # mostly; Django takes as long to write it as Postgres to answer
        with connection.cursor() as cursor:
            cursor.execute(_MATCHING, [condition.tsquery])
            return len(cursor.fetchall())
    try:
        return len(Paper.objects.visible().filter(condition.as_filter()).values_list("pk", flat=True)[: COUNTED + 1])
    except EmptyResultSet:
        return 0


def _takes_long(query: Query) -> bool:
    """Whether it is a phrase of common words, for which thousands of papers would be opened. At most two queries."""
    if not phrases_in(query.root) or query.root is None:
        return False
    lexemes = lexemes_of(texts_of(query.root))
    known = load_word_frequencies({word for forms in lexemes.values() for word in forms.words})
    return estimate_share(query.root, known, lexemes) * known.papers > MOST_OPENED


def _is_surely_more(query: Query) -> bool:
    """Whether a query of one term finds far more than are counted, by counts that may be a day old. One query."""
    match query.root:
        case nodes.WordTerm(text):
            rows = lexemes_of([text])[text].rows
            words = [lexeme.word for lexeme in rows[0]] if len(rows) == 1 else []
        case nodes.CategoryTerm() | nodes.AuthorTerm() | nodes.OrganizationTerm() | nodes.SourceTerm():
            words = list(query.root.index_marks)
        case _:
            return False
    return len(words) == 1 and WordCount.objects.filter(word=words[0], papers__gte=_SURELY_MORE).exists()
