"""How many papers a filter lets through, guessed from how common its words and marks are. No queries of its own.

A guess decides what is looked at, never what is found: where it is wrong, a search takes longer or ranks fewer papers.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt

from papers.models.query_sql import Lexemes
from papers.query import parser as language
from papers.query.parser import Node
from papers.services.search.word_statistics import Frequencies
from papers.text.cleaning import author_key

# Nothing is counted of these.
_HAS, _FEW = 0.2, 0.01


def marks_of(node: Node) -> Iterator[str]:
    """The marks whose counts `share_of` asks for, beside the words of texts."""
    match node:
        case language.And(nodes) | language.Or(nodes):
            for part in nodes:
                yield from marks_of(part)
        case language.Not(part):
            yield from marks_of(part)
        case language.Author(name):
            yield from (f"a:{word}" for word in author_key(name).split())
        case language.Organization(text):
            yield from (f"o:{word}" for word in author_key(text).split())
        case language.Category(_, codes):
            yield from (f"c:{code}" for code in codes)


def share_of(node: Node, known: Frequencies, lexemes: Lexemes) -> float:
    """The share of all papers that fulfil a part of a query, 0 to 1."""
    match node:
        case language.And(nodes):
            return _together([share_of(part, known, lexemes) for part in nodes])
        case language.Or(nodes):
            return min(1.0, sum(share_of(part, known, lexemes) for part in nodes))
        case language.Not(part):
            return max(0.1, 1 - share_of(part, known, lexemes))
        case language.Word(text) | language.Phrase(text):
            return _together([known.share(lexeme.word) for lexeme in lexemes[text]])
        case language.Title(text):
            return _together([known.share(f"t:{lexeme.word}") for lexeme in lexemes[text]])
        case language.Author() | language.Organization():
            return _together([known.share(mark) for mark in marks_of(node)])
        case language.Category():
            return min(1.0, sum(known.share(mark) for mark in marks_of(node)))
        case language.Has():
            return _HAS
        case language.Votes() | language.Withdrawn() | language.Topic() | language.Tag():
            return _FEW
    return 1.0  # dates: nobody knows, and the index of dates is quick


def _together(shares: list[float]) -> float:
    """What occurs in one question occurs together more often than by chance: the rarest, and of the others the root."""
    if not shares:
        return 1.0
    rarest, *others = sorted(shares)
    return rarest * prod(sqrt(share) for share in others)
