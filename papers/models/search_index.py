"""The words of the search index: what Postgres makes of a text, and how common the words are.

Folding and stemming are done in one place, the function `papers_words` of the database and its dictionary `english`,
for papers and for questions alike. What a word becomes never changes, so every process remembers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models

from papers.query.spellings import Lexeme, Lexemes, TextForms, forms_of, pairs_in
from papers.text.english_variants import other_spellings

_MAX_REMEMBERED = 50_000
_FORMS = """
    SELECT asked.text, form.kind, word.lexeme, position
    FROM unnest(%s::text[]) AS asked (text),
        LATERAL papers_words(asked.text) AS words,
        LATERAL papers_compounds(words) AS compounds,
        LATERAL (VALUES
            (0, translate(compounds, '-=', '  ')), (1, papers_joined(compounds)), (2, replace(words, '-', ' '))
        ) AS form (kind, text),
        unnest(to_tsvector('pg_catalog.english', form.text)) AS word (lexeme, positions, weights),
        unnest(word.positions) AS position
    ORDER BY asked.text, form.kind, position
"""

_remembered: dict[str, TextForms] = {}


def lexemes_of(texts: Iterable[str]) -> dict[str, TextForms]:
    """What each text is in the index; empty if it has stop words only. At most one query, for texts not seen before."""
    asked = dict.fromkeys(texts)
    unknown = [text for text in asked if text not in _remembered]
    fresh = _read(unknown) if unknown else {}
    found = {text: fresh[text] if text in fresh else _remembered[text] for text in asked}
    if len(_remembered) + len(fresh) > _MAX_REMEMBERED:
        _remembered.clear()
    _remembered.update(fresh)
    return found


def _read(texts: list[str]) -> dict[str, TextForms]:
    pairs = {text: pairs_in(text) for text in texts}
    others = {text: other_spellings(text) for text in texts}
    asked = list(dict.fromkeys(chain(texts, *pairs.values(), *others.values())))
    kinds: dict[str, tuple[list[Lexeme], list[Lexeme], list[Lexeme]]] = {text: ([], [], []) for text in asked}
    with connection.cursor() as cursor:
        cursor.execute(_FORMS, [asked])
        for text, kind, word, position in cursor.fetchall():
            kinds[text][kind].append(Lexeme(word, position))
    found = {text: forms_of(*lexemes) for text, lexemes in kinds.items()}
    return {
        text: replace(
            found[text],
            pairs=_joined(pairs[text], found),
            respelled=tuple(found[other].row for other in others[text] if found[other].row != found[text].row),
        )
        for text in texts
    }


def _joined(pairs: Sequence[str], found: Lexemes) -> tuple[tuple[int, str], ...]:
    """The words that pairs are when they are written as one, each with the place of its first."""
    return tuple((place, word) for place, pair in enumerate(pairs, start=1) if (word := found[pair].joined))


class WordCount(models.Model):
    """In how many papers a word of the search index is, marks such as `c:cs.CL` too. Words of one paper are left out.

    Counted again by `services/search/word_statistics.py` as papers come in, from a sample where there are many.
    """

    word = models.TextField(primary_key=True)
    papers = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.word}: {self.papers}"


class SearchStatistics(models.Model):
    """What is known of the papers in which the words were counted. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    papers = models.PositiveIntegerField()
    average_length = models.FloatField(help_text="Different words of a paper, marks too.")
    least = models.PositiveIntegerField(help_text="Words that were not counted are in fewer papers than this.")
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="search_statistics_once")]

    def __str__(self) -> str:
        return f"{self.papers} papers"


class SearchReindex(models.Model):
    """How far the papers' words are made anew, newest first, after a version that makes others. At most one row.

    A migration that changes the functions of the search vector writes it, `services/search/reindexing.py` deletes it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    below = models.BigIntegerField(help_text="Papers with keys below this have the words of before.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="search_reindex_once")]

    def __str__(self) -> str:
        return f"below {self.below}"


class TitleWord(models.Model):
    """A word of titles or of authors' names, for corrections of what is typed. Rewritten by
    `services/search/typing_help.py`.

    `deletions` has the word, the word without any one of its letters, and of a long one its letters by threes with
    their places (`text/spelling.py`): an index of equal texts finds what differs by a letter or two.
    """

    word = models.TextField(primary_key=True)
    papers = models.PositiveIntegerField(help_text="Titles among those read that have it.")
    deletions = ArrayField(models.TextField(), help_text="The word, and the word without any one of its letters.")

    class Meta:
        indexes = [GinIndex(fields=["deletions"], name="title_word_deletions")]

    def __str__(self) -> str:
        return f"{self.word}: {self.papers}"


class SuggestedAuthor(models.Model):
    """An author that the search box proposes for the first letters of a name, once for each order of its words.

    Rewritten by `services/search/typing_help.py` from the newest papers; what is not here is found all the same.
    """

    spelling = models.TextField(primary_key=True, help_text="What is typed: words of the name, any of them first.")
    key = models.TextField(help_text="As in Paper.author_keys.")
    name = models.TextField(help_text="As papers write it.")
    papers = models.PositiveIntegerField(help_text="Papers among those read.")

    def __str__(self) -> str:
        return f"{self.spelling}: {self.name}"
