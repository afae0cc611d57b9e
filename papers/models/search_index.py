"""The words of the search index: what Postgres makes of a text, asked of Postgres, because it alone decides.

Folding and stemming are done in one place, the function `papers_words` and the dictionary `english`, for papers and
for questions alike. What a word becomes never changes, so every process remembers it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

_MOST_REMEMBERED = 50_000
# Bytes; Postgres refuses a query with a word of 2,047.
_LONGEST = 2_000
_LEXEMES = """
    SELECT asked.text, word.lexeme, position
    FROM unnest(%s::text[]) AS asked (text),
        unnest(to_tsvector('pg_catalog.english', papers_words(asked.text))) AS word (lexeme, positions, weights),
        unnest(word.positions) AS position
    ORDER BY asked.text, position
"""


class Lexeme(NamedTuple):
    """A word as the index has it, and its place in the text it came from; words that say nothing leave a gap."""

    word: str
    position: int


_remembered: dict[str, tuple[Lexeme, ...]] = {}


def lexemes_of(texts: Iterable[str]) -> dict[str, tuple[Lexeme, ...]]:
    """The lexemes of each text, empty where it has stop words only. At most one query, for texts not seen before."""
    asked = dict.fromkeys(texts)
    unknown = [text for text in asked if text not in _remembered]
    fresh = _read(unknown) if unknown else {}
    found = {text: fresh[text] if text in fresh else _remembered[text] for text in asked}
    if len(_remembered) + len(fresh) > _MOST_REMEMBERED:
        _remembered.clear()
    _remembered.update(fresh)
    return found


def _read(texts: list[str]) -> dict[str, tuple[Lexeme, ...]]:
    found: dict[str, list[Lexeme]] = {text: [] for text in texts}
    with connection.cursor() as cursor:
        cursor.execute(_LEXEMES, [texts])
        for text, word, position in cursor.fetchall():
            found[text].append(Lexeme(word, position))
    return {text: tuple(lexemes) for text, lexemes in found.items()}


def quote_lexeme(lexeme: str, weight: str = "") -> str:
    """A lexeme as an operand of a tsquery; `weight` A is the title. One that is longer than any of a paper is cut."""
    lexeme = lexeme.encode()[:_LONGEST].decode(errors="ignore")
    text = "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{text}:{weight}" if weight else text


def phrase_tsquery(lexemes: Iterable[Lexeme], weight: str = "") -> str:
    """A tsquery for lexemes in the places they have towards each other."""
    parts: list[str] = []
    last = 0
    for word, position in lexemes:
        if parts:
            parts.append(f"<{position - last}>")
        parts.append(quote_lexeme(word, weight))
        last = position
    text = " ".join(parts)
    return f"({text})" if len(parts) > 1 else text
