"""The text of a tsquery, and the marks that the search index has beside a paper's words. Pure.

The index, `Paper.search_vector`, holds the words of title and abstract as Postgres makes them (lexemes) and marks,
words with a letter and a colon in front, for what else a search asks for. The SQL function `papers_search_vector`
writes them; tests/query/test_tsquery.py sees that it and this module agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from papers.catalogue.source_names import SOURCE_NAMES
from papers.query.spellings import Lexeme, Row
from papers.text.names import author_key, organization_words

# Bytes; Postgres refuses a query with a word of 2,047.
_MAX_LEXEME_BYTES = 2_000


def quote_lexeme(lexeme: str, weights: str = "") -> str:
    """A lexeme as an operand of a tsquery, with the weights it may have. One that is longer than any paper's is cut."""
    lexeme = lexeme.encode()[:_MAX_LEXEME_BYTES].decode(errors="ignore")
    text = "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{text}:{weights}" if weights else text


# By weight the index tells titles from abstracts, and words as they are written from compounds beside their parts.
_TITLE, _TITLE_COMPOUND, _ABSTRACT_COMPOUND = "A", "D", "C"


def weights_of(lexeme: Lexeme, *, in_title: bool) -> str:
    """The weights that a lexeme of a row may have in the index; empty where any will do."""
    if lexeme.is_compound:
        return _TITLE_COMPOUND if in_title else _TITLE_COMPOUND + _ABSTRACT_COMPOUND
    return _TITLE + _TITLE_COMPOUND if in_title else ""


def phrase_tsquery(lexemes: Iterable[Lexeme], *, in_title: bool = False) -> str:
    """A tsquery for lexemes in the places they have towards each other."""
    parts: list[str] = []
    last = 0
    for lexeme in lexemes:
        if parts:
            parts.append(f"<{lexeme.position - last}>")
        parts.append(quote_lexeme(lexeme.word, weights_of(lexeme, in_title=in_title)))
        last = lexeme.position
    text = " ".join(parts)
    return f"({text})" if len(parts) > 1 else text


def text_tsquery(rows: Sequence[Row]) -> str:
    """A tsquery for a text in any of its spellings, anywhere in a paper; empty where there are none."""
    if not rows:
        return ""
    words = dict.fromkeys(lexeme.word for lexeme in rows[0])
    alike = [row for row in rows if words.keys() <= {lexeme.word for lexeme in row}]
    if len(words) < 2 or len(alike) < 2:
        return either([phrase_tsquery(row) for row in rows])
    # The words before the rows: Postgres takes a row for as common as its words, and many for common enough to walk
    # all papers, where the index would find the few that have the words.
    first = f"({every_word(words)} & {either([phrase_tsquery(row) for row in alike])})"
    return either([first, *(phrase_tsquery(row) for row in rows if row not in alike)])


def title_tsquery(rows: Sequence[Row]) -> str:
    """The same in the title. Marks find the papers by the index; where several words stand in a row, places decide."""
    return either([_title_row(row) for row in rows])


def _title_row(row: Row) -> str:
    marks = every_word(title_mark(lexeme.word) for lexeme in row)
    return f"({marks} & {phrase_tsquery(row, in_title=True)})" if len(row) > 1 else marks


def every_word(words: Iterable[str]) -> str:
    """A tsquery for all of these words of the index; empty where there are none."""
    return " & ".join(map(quote_lexeme, words))


def any_word(words: Iterable[str]) -> str:
    """A tsquery for one or more of these words of the index, in brackets; empty where there are none."""
    return either(list(map(quote_lexeme, words)))


def either(tsqueries: list[str]) -> str:
    """One tsquery of several, joined by OR, in brackets."""
    return f"({' | '.join(tsqueries)})" if len(tsqueries) > 1 else "".join(tsqueries)


# --- Marks ----------------------------------------------------------------------------------------------------------


def title_mark(word: str) -> str:
    """Of a lexeme that is in the title."""
    return f"t:{word}"


def author_marks(name: str) -> tuple[str, ...]:
    """Of the words of an author's name."""
    return tuple(f"a:{word}" for word in author_key(name).split())


def organization_marks(key: str) -> tuple[str, ...]:
    """Of the words of an organization's name, given as its `organization_key`."""
    return tuple(f"o:{word}" for word in organization_words(key))


FIELDS: Mapping[str, tuple[str, ...]] = {"venue": ("v", "j"), "journal": ("j",), "comment": ("k",)}
"""The fields beside the texts whose words can be asked for, with the letters of their marks. A conference stands in
what authors say of a paper or in the journal's reference."""


def field_mark(letter: str, word: str) -> str:
    """Of a lexeme that is in a field; `letter` is one of `FIELDS`."""
    return f"{letter}:{word}"


def field_marks(field: str, rows: Sequence[Row]) -> list[list[str]]:
    """The marks of each way in which a field may have a text; one way is enough, and needs all of its marks."""
    found = ([field_mark(letter, lexeme.word) for lexeme in row] for letter in FIELDS[field] for row in rows)
    return [list(marks) for marks in dict.fromkeys(map(tuple, found))]


def source_marks(name: str) -> tuple[str, ...]:
    """Of a source that readers ask for: of the makers of records, by rank, and of the archive that gave out the id."""
    source = SOURCE_NAMES[name]
    by_rank = tuple(f"s:{rank}" for rank in source.ranks)
    return (f"s:{source.id_mark}", *by_rank) if source.id_mark else by_rank


def category_mark(code: str) -> str:
    """Of a category, such as `cs.CL`."""
    return f"c:{code}"


MONTH_PREFIX = "m:"
"""Of the month in which a paper was listed (UTC): behind it stands 12 × year + month."""


def month_of_mark(mark: str) -> tuple[int, int]:
    """The year and the month, 1 to 12, of a month's mark."""
    year, month = divmod(int(mark.removeprefix(MONTH_PREFIX)) - 1, 12)
    return year, month + 1
