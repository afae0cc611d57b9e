"""What share of all papers fulfils a query, estimated from how common its words and marks are. No queries.

An estimate decides what is looked at, never what is found: a wrong one makes a search slower or ranks fewer papers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod, sqrt
from typing import assert_never

from papers.query import nodes
from papers.query.nodes import Leaf, Node, side_by_side
from papers.query.spellings import Lexemes, Row
from papers.query.tsquery import field_marks, title_mark
from papers.services.search.word_statistics import WordFrequencies

# Nothing is counted of these.
_HAS, _FEW = 0.2, 0.01
# Nobody knows of dates, and the index of dates is quick.
_ALL = 1.0


def estimate_share(node: Node, known: WordFrequencies, lexemes: Lexemes) -> float:
    """The share of all papers that fulfil a part of a query, 0 to 1.

    `known` has the counts of its words and of the marks of its terms; what it lacks counts as rare.
    """
    match node:
        case nodes.And(parts):
            return _together([_share_beside(part, pairs, known, lexemes) for part, pairs in side_by_side(parts)])
        case nodes.Or(parts):
            return min(1.0, sum(estimate_share(part, known, lexemes) for part in parts))
        case nodes.Not(part):
            return max(0.1, 1 - estimate_share(part, known, lexemes))
        case _:
            return _share_of_term(node, known, lexemes)


def _share_beside(part: Node, pairs: list[str], known: WordFrequencies, lexemes: Lexemes) -> float:
    """Of a part of several, where a word may also be a part of one with the next."""
    whole = sum(known.share(word) for pair in pairs if (word := lexemes[pair].joined) in known.counts)
    return min(1.0, estimate_share(part, known, lexemes) + whole)


def _share_of_rows(rows: Iterable[Row], known: WordFrequencies, mark: Callable[[str], str] = str) -> float:
    """Of a text in any of its spellings: most papers have one of them, so the commonest says how many."""
    return max((_together([known.share(mark(lexeme.word)) for lexeme in row]) for row in rows), default=1.0)


def _share_of_term(term: Leaf, known: WordFrequencies, lexemes: Lexemes) -> float:
    match term:
        case nodes.WordTerm(text) | nodes.PhraseTerm(text):
            return _share_of_rows(lexemes[text].rows, known)
        case nodes.TitleTerm(text):
            return _share_of_rows(lexemes[text].rows, known, title_mark)
        case nodes.AuthorTerm() | nodes.OrganizationTerm():
            return _together([known.share(mark) for mark in term.index_marks])
        case nodes.FieldTerm(field, text):
            ways = field_marks(field, lexemes[text].rows)
            return min(1.0, sum(_together([known.share(mark) for mark in marks]) for marks in ways)) if ways else _ALL
        case nodes.CategoryTerm() | nodes.SourceTerm():
            return min(1.0, sum(known.share(mark) for mark in term.index_marks)) if term.index_marks else _HAS
        case nodes.HasTerm():
            return _HAS
        case nodes.DoiTerm() | nodes.VotesTerm() | nodes.WithdrawnTerm():
            return _FEW
        case nodes.TopicTerm() | nodes.TagTerm() | nodes.ListTerm():
            return _FEW
        case nodes.AfterTerm() | nodes.BeforeTerm() | nodes.YearTerm():
            return _ALL
        case nodes.LikeTerm():
            return _ALL  # leaves nothing out
        case _:
            assert_never(term)


def _together(shares: list[float]) -> float:
    """What occurs in one question occurs together more often than by chance: the rarest, and of the others the root."""
    if not shares:
        return 1.0
    rarest, *others = sorted(shares)
    return rarest * prod(sqrt(share) for share in others)
