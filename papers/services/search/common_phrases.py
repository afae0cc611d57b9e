"""A phrase of common words: many papers have the words, few side by side, and no index knows which; each is opened.

Opening one takes 20 to 30 µs, as its vector is stored apart and packed. So at most `MOST_OPENED` are opened first:
those with the words in the title and the newest, by their marks in the index. Only where hardly any of these has the
phrase more are opened, and never more than `MOST_OPENED_AT_LAST`: opening all of them takes seconds among a million.
"""

from __future__ import annotations

from dataclasses import dataclass

from papers.query import nodes
from papers.query.nodes import Node
from papers.query.spellings import Lexemes
from papers.query.tsquery import any_word, either, every_word, title_mark
from papers.services.search.selectivity import estimate_share
from papers.services.search.word_statistics import WordFrequencies, newest_month_marks

MOST_OPENED = 2_000
MOST_OPENED_AT_LAST = 6_000
"""Then the search ends; what has the phrase and is close to it in meaning is found besides."""
ENOUGH = 20
"""So many papers with the phrase are an answer, and the others are not opened."""
_MOST_MONTHS = 24


@dataclass(frozen=True, slots=True)
class PhraseLook:
    """Papers that may have a phrase, as a tsquery, and how many of them are opened."""

    tsquery: str
    most: int
    is_of_all: bool
    """It leaves out none that has the words."""


def phrases_in(required: Node | None) -> list[str]:
    """The phrases that are all that is required; none where something else is, which finds its papers by the index."""
    parts = required.nodes if isinstance(required, nodes.And) else (required,)
    phrases = [part.text for part in parts if isinstance(part, nodes.PhraseTerm)]
    return phrases if len(phrases) == len(parts) else []


def looks_for_phrases(required: Node | None, known: WordFrequencies, lexemes: Lexemes) -> tuple[PhraseLook, ...]:
    """Where the phrases are looked for, one look after the other; none where few papers have their words.

    Two queries, where many have.
    """
    phrases = [text for text in phrases_in(required) if lexemes[text].rows]
    if required is None or not phrases or all(len(row) < 2 for row in lexemes[phrases[0]].rows):
        return ()
    opened = estimate_share(required, known, lexemes) * known.papers
    if opened <= MOST_OPENED:
        return ()
    words = [either([f"({every_word(each.word for each in row)})" for row in lexemes[text].rows]) for text in phrases]
    in_title: list[str] = []
    if estimate_share(nodes.TitleTerm(phrases[0]), known, lexemes) * known.papers <= MOST_OPENED:
        in_title = [f"({every_word(title_mark(lexeme.word) for lexeme in lexemes[phrases[0]].rows[0])})"]
    return tuple(
        _look(words, in_title, most, share=most / opened, papers=known.papers)
        for most in (MOST_OPENED, MOST_OPENED_AT_LAST)
    )


def _look(words: list[str], in_title: list[str], most: int, *, share: float, papers: int) -> PhraseLook:
    """At the newest papers with the words, about `most`, and at those with the words in the title."""
    months = newest_month_marks(share=share, papers=papers)[:_MOST_MONTHS] if share < 1 else []
    places = [any_word(months), *in_title] if months else []
    return PhraseLook(" & ".join([*words, *([either(places)] if places else [])]), most, is_of_all=not places)
