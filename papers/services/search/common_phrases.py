"""A phrase of common words: many papers have the words, few side by side, and no index knows which; each is opened.

Opening one takes 20 to 30 µs, as its vector is stored apart and packed. So at most `MOST_OPENED` are opened first:
those with the words in the title and the newest, by their marks in the index. Only where hardly any of these has the
phrase are all the others opened too.
"""

from __future__ import annotations

from papers.query import nodes
from papers.query.nodes import Node
from papers.query.spellings import Lexemes
from papers.query.tsquery import any_word, either, every_word, title_mark
from papers.services.search.selectivity import estimate_share
from papers.services.search.word_statistics import WordFrequencies, newest_month_marks

MOST_OPENED = 2_000
ENOUGH = 20
"""So many papers with the phrase are an answer, and the others are not opened."""
_MOST_MONTHS = 24


def phrases_in(required: Node | None) -> list[str]:
    """The phrases that are all that is required; none where something else is, which finds its papers by the index."""
    parts = required.nodes if isinstance(required, nodes.And) else (required,)
    phrases = [part.text for part in parts if isinstance(part, nodes.PhraseTerm)]
    return phrases if len(phrases) == len(parts) else []


def first_look(required: Node | None, known: WordFrequencies, lexemes: Lexemes) -> str:
    """A tsquery for about `MOST_OPENED` papers that have the words of the phrases; empty where few have them.

    One query, where many have.
    """
    phrases = [text for text in phrases_in(required) if lexemes[text].rows]
    if required is None or not phrases or all(len(row) < 2 for row in lexemes[phrases[0]].rows):
        return ""
    opened = estimate_share(required, known, lexemes) * known.papers
    if opened <= MOST_OPENED:
        return ""
    months = newest_month_marks(share=MOST_OPENED / opened, papers=known.papers)[:_MOST_MONTHS]
    places = [any_word(months)] if months else []
    if estimate_share(nodes.TitleTerm(phrases[0]), known, lexemes) * known.papers <= MOST_OPENED:
        places.append(f"({every_word(title_mark(lexeme.word) for lexeme in lexemes[phrases[0]].rows[0])})")
    words = [either([f"({every_word(each.word for each in row)})" for row in lexemes[text].rows]) for text in phrases]
    return " & ".join([*words, *([either(places)] if places else [])])
