"""How many papers a filter lets through, guessed from how common its words and marks are. No queries of its own.

A guess decides what is looked at, never what is found: where it is wrong, a search takes longer or ranks fewer papers.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt

from papers.models.query_sql import Lexemes
from papers.query import parser as language
from papers.query.parser import Node
from papers.services.search.word_statistics import WordFrequencies
from papers.text.names import author_key

# Nothing is counted of these.
_HAS, _FEW = 0.2, 0.01


def index_marks(node: Node) -> Iterator[str]:
    """The marks whose counts `share_of` asks for, beside the words of texts."""
    match node:
        case language.And(nodes) | language.Or(nodes):
            for part in nodes:
                yield from index_marks(part)
        case language.Not(part):
            yield from index_marks(part)
        case language.AuthorTerm(name):
            yield from (f"a:{word}" for word in author_key(name).split())
        case language.OrganizationTerm(text):
            yield from (f"o:{word}" for word in author_key(text).split())
        case language.CategoryTerm(_, codes):
            yield from (f"c:{code}" for code in codes)


def estimate_share(node: Node, known: WordFrequencies, lexemes: Lexemes) -> float:
    """The share of all papers that fulfil a part of a query, 0 to 1."""
    match node:
        case language.And(nodes):
            return _together([estimate_share(part, known, lexemes) for part in nodes])
        case language.Or(nodes):
            return min(1.0, sum(estimate_share(part, known, lexemes) for part in nodes))
        case language.Not(part):
            return max(0.1, 1 - estimate_share(part, known, lexemes))
        case language.WordTerm(text) | language.PhraseTerm(text):
            return _together([known.share(lexeme.word) for lexeme in lexemes[text]])
        case language.TitleTerm(text):
            return _together([known.share(f"t:{lexeme.word}") for lexeme in lexemes[text]])
        case language.AuthorTerm() | language.OrganizationTerm():
            return _together([known.share(mark) for mark in index_marks(node)])
        case language.CategoryTerm():
            return min(1.0, sum(known.share(mark) for mark in index_marks(node)))
        case language.HasTerm():
            return _HAS
        case language.VotesTerm() | language.WithdrawnTerm() | language.TopicTerm() | language.TagTerm():
            return _FEW
    return 1.0  # dates: nobody knows, and the index of dates is quick


def _together(shares: list[float]) -> float:
    """What occurs in one question occurs together more often than by chance: the rarest, and of the others the root."""
    if not shares:
        return 1.0
    rarest, *others = sorted(shares)
    return rarest * prod(sqrt(share) for share in others)
