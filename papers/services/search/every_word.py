"""Which papers have all the words of a question: what ranking looks at anyway is counted, and not looked for again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import AnonymousUser

from papers.models import User
from papers.models.query_sql import compile_query
from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.nodes import TextTerm, side_by_side
from papers.query.parser import Query


@dataclass(frozen=True, slots=True)
class EveryWord:
    """The words of a question as a condition."""

    tsquery: str
    compounds: tuple[str, ...] = ()
    """Words that stand for two of them, and that ranking does not look for: hardly any paper has one."""


def every_word(
    query: Query, ranked_by: Collection[str], *, viewer: User | AnonymousUser | None, today: date
) -> EveryWord | None:
    """The condition of a question of plain words, each of which is one word of the index in any of its spellings.

    None for another question: what ranking looks for may leave out some of what fulfils that. `ranked_by` are the words
    of the index by which it is ranked. No queries, after `build_bm25_query`.
    """
    parts = query.required()
    words = [part.text for part in parts if isinstance(part, nodes.WordTerm)]
    if not words or query.is_running_text() or query.examples():
        return None
    if len(words) < sum(isinstance(leaf, TextTerm) for leaf in query.leaves()):  # others are in brackets or phrases
        return None
    pairs = list(dict.fromkeys(pair for _, beside in side_by_side(parts) for pair in beside))
    lexemes = lexemes_of([*words, *pairs])
    if any(len(row) > 1 or row[0].word not in ranked_by for word in words for row in lexemes[word].rows):
        return None
    condition = compile_query(query, viewer=viewer, today=today)
    if condition is None or not condition.tsquery:
        return None
    joined = dict.fromkeys(word for pair in pairs if (word := lexemes[pair].joined) and word not in ranked_by)
    return EveryWord(condition.tsquery, tuple(joined))
