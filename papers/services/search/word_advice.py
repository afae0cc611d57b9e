"""Which of the words that were typed no paper has, and what may have been meant by them.

Costs two look-ups by key where every word is known, which is nearly always, else two statements more, each by an index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from django.db import connection

from papers.models import SearchStatistics, TitleWord, WordCount
from papers.models.search_index import lexemes_of
from papers.query import nodes
from papers.query.nodes import Node, TextTerm
from papers.query.parser import OPERATOR_NAMES, Query, parse
from papers.query.spellings import CONTINUED, TextForms
from papers.query.tsquery import author_marks, every_word
from papers.text.spelling import MAX_LETTERS, MIN_LETTERS, closest, group_lookup_keys, lookup_keys

MAX_TERMS = 12
"""Of a longer question nobody wants each word looked at."""
MAX_UNKNOWN = 6
_MOST_ROWS = 400
RARE_SHARE = 1 / 20_000
"""A word of no more papers than this share is thought mistyped, where another is a hundred times as common."""
_TIMES_AS_COMMON = 100
_WORD = re.compile(r"[^\W\d_]+")
_ABSENT = """
    SELECT asked.text FROM unnest(%s::text[], %s::text[]) AS asked (text, tsquery)
    WHERE NOT EXISTS (
        SELECT FROM papers_paper WHERE search_vector @@ asked.tsquery::tsquery AND hidden_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class WordAdvice:
    """What is to be said about the words of a question."""

    absent: tuple[str, ...] = ()
    """Words as typed that no paper has, neither in its texts nor among its authors."""
    correction: Query | None = None
    """The question with words of titles and names for those that were mistyped; None where nothing comes close."""


def corrected_operator(query: Query) -> Query | None:
    """The question with `author:levine` for `auther:levine`; None where no operator was mistyped. Without any query."""
    words = [leaf.text for leaf in query.leaves() if isinstance(leaf, nodes.WordTerm)]
    meant = {text: found for text in words[:MAX_TERMS] if (found := _with_operator(text))}
    if not meant or query.root is None or query.is_running_text():
        return None
    root = _replacing(query.root, lambda word: meant.get(word.text, word))
    return Query(root)


def _with_operator(text: str) -> Node | None:
    """What a word with a colon in it means with the operator that is one mistake away."""
    typed, colon, value = text.partition(":")
    if not colon or not value or not MIN_LETTERS <= len(typed) <= MAX_LETTERS or not typed.isalpha():
        return None
    near = closest(typed, [(name, 0) for name in OPERATOR_NAMES if len(name) >= MIN_LETTERS and name[0] == typed[0]])
    node = parse(f"{near[0]}:{value}").root if near else None
    return None if isinstance(node, nodes.WordTerm) else node


def advise_on_words(query: Query) -> WordAdvice:
    """What can be said of the words of `query`. To be called within `statement_timeout`."""
    words = [leaf.text for leaf in query.leaves() if isinstance(leaf, nodes.WordTerm)]
    parts = dict.fromkeys(part for leaf in query.leaves() if isinstance(leaf, TextTerm) for part in _parts(leaf.text))
    if query.root is None or query.is_running_text() or not 0 < len([*words, *parts]) <= 2 * MAX_TERMS:
        return WordAdvice()
    papers = SearchStatistics.objects.values_list("papers", flat=True).first() or 0
    return _advise(query, words, parts, rare=round(papers * RARE_SHARE))


def _parts(text: str) -> list[str]:
    """The words in a term that can be looked up in a list of words."""
    return [part for part in _WORD.findall(text) if part.isascii() and MIN_LETTERS <= len(part) <= MAX_LETTERS]


def _advise(query: Query, words: list[str], parts: Iterable[str], *, rare: int) -> WordAdvice:
    indexed = {text: _spellings(forms) for text, forms in lexemes_of([*words, *parts]).items()}
    names = {text: author_marks(text) for text in indexed}
    asked = {word for found in [*chain(*indexed.values()), *names.values()] for word in found}
    counts = dict(WordCount.objects.filter(word__in=asked).values_list("word", "papers"))
    uncommon = {
        text: most
        for text, spellings in indexed.items()
        if spellings
        and (most := max(min(counts.get(word, 0) for word in found) for found in spellings)) <= rare
        and not (names[text] and all(mark in counts for mark in names[text]))  # an author's, of more papers than one
    }
    # Of `O'Brien`, whom papers are by, no part is mistyped.
    for part in {part for word in words if word not in uncommon for part in _parts(word)}:
        uncommon.pop(part, None)
    if not uncommon:
        return WordAdvice()
    unknown = [text for text, count in uncommon.items() if count == 0]
    absent = _absent({text: indexed[text] for text in unknown[:MAX_UNKNOWN]})
    doubtful = {text: 0 if text in absent else max(1, count) for text, count in uncommon.items() if text in parts}
    meant = _meant(dict(list(doubtful.items())[:MAX_UNKNOWN]))
    # Of nonsense one word may look like another by chance: what would still find nothing is not proposed.
    is_nonsense = len(absent) == len(indexed) and any(text not in meant for text in absent)
    corrected = Query(_with_words(query.root, meant)) if meant and query.root is not None and not is_nonsense else None
    return WordAdvice(absent=tuple(word for word in words if word in absent), correction=corrected)


def _spellings(forms: TextForms) -> list[list[str]]:
    """The words of each way in which a paper may have it."""
    return [[each.word for each in row if each.word != CONTINUED] for row in forms.rows]


def _absent(indexed: Mapping[str, list[list[str]]]) -> frozenset[str]:
    """Those texts whose words no paper has together, nor an author of that name. One query."""
    if not indexed:
        return frozenset()
    either = [
        " | ".join(filter(None, [*(f"({every_word(words)})" for words in spellings), _as_name(text)]))
        for text, spellings in indexed.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ABSENT, [list(indexed), either])
        return frozenset(text for (text,) in cursor.fetchall())


def _as_name(text: str) -> str:
    marks = author_marks(text)
    return f"({every_word(marks)})" if marks else ""


def _meant(doubtful: Mapping[str, int]) -> dict[str, str]:
    """What was likely meant by each word, given in how many papers it is. One query, by an index of equal words."""
    if not doubtful:
        return {}
    keys = sorted(set().union(*map(lookup_keys, doubtful), *map(group_lookup_keys, doubtful)))
    rows = TitleWord.objects.filter(deletions__overlap=keys).order_by("-papers").values_list("word", "papers")
    known = list(rows[:_MOST_ROWS])
    meant: dict[str, str] = {}
    for word, papers in doubtful.items():
        best = closest(word, known)
        if best is not None and best[1] >= papers * _TIMES_AS_COMMON:
            meant[word] = best[0]
    return meant


def _with_words(node: Node, meant: Mapping[str, str]) -> Node:
    """The tree with words replaced."""
    return _replacing(node, lambda term: replace(term, text=_replaced(term.text, meant)))


def _replacing(node: Node, other: Callable[[TextTerm], Node]) -> Node:
    """The tree with other words, phrases and titles; what is behind a minus stays, for nothing was found by it."""
    match node:
        case nodes.And(parts):
            return nodes.And(tuple(dict.fromkeys(_replacing(part, other) for part in parts)))
        case nodes.Or(parts):
            return nodes.Or(tuple(dict.fromkeys(_replacing(part, other) for part in parts)))
        case nodes.WordTerm() | nodes.PhraseTerm() | nodes.TitleTerm():
            return other(node)
        case _:
            return node


def _replaced(text: str, meant: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: meant.get(match[0], match[0]), text)
