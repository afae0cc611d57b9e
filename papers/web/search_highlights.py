"""Which of the words on a card are those that were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe

from papers.models.search_index import lexemes_of
from papers.text.highlighting import highlight, visible_compounds, visible_words

_TEXTS = re.compile(r'<h2 class="card-title".*?</h2>|<div class="abstract">.*?(?=<ul class="facts")', re.DOTALL)


def highlight_words(cards: SafeString, wanted: Iterable[str]) -> SafeString:
    """Cards with the words marked in titles and abstracts. At most one query, for words not seen before."""
    lexemes = frozenset(wanted)
    if not lexemes:
        return cards
    texts = _TEXTS.findall(cards)
    words, compounds = visible_words(texts), visible_compounds(texts)
    beginnings = tuple({lexeme[: max(1, len(lexeme) - 2)] for lexeme in lexemes if lexeme})
    found = lexemes_of(word for word in words | compounds if _may_be(word, beginnings))
    meant = {word for word, forms in found.items() if word in words and forms.shown_words() & lexemes}
    meant |= {word for word, forms in found.items() if word in compounds and forms.joined in lexemes}
    # Escaped text stays as it was; only elements of ours come between.
    return mark_safe(_TEXTS.sub(lambda text: highlight(text[0], meant), cards))  # noqa: S308


def _may_be(word: str, beginnings: tuple[str, ...]) -> bool:
    """Whether it is worth asking: a word and its stem begin alike, but for its last letters."""
    return not word.isascii() or word.lower().replace("-", "").startswith(beginnings)
