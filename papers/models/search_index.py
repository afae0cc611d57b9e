"""The words of the search index: what Postgres makes of a text, and how common the words are.

Folding and stemming are done in one place, the function `papers_words` of the database and its dictionary `english`,
for papers and for questions alike. What a word becomes never changes, so every process remembers it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models

from papers.query.tsquery import Lexeme

_MAX_REMEMBERED = 50_000
_LEXEMES = """
    SELECT asked.text, word.lexeme, position
    FROM unnest(%s::text[]) AS asked (text),
        unnest(to_tsvector('pg_catalog.english', papers_words(asked.text))) AS word (lexeme, positions, weights),
        unnest(word.positions) AS position
    ORDER BY asked.text, position
"""

_remembered: dict[str, tuple[Lexeme, ...]] = {}


def lexemes_of(texts: Iterable[str]) -> dict[str, tuple[Lexeme, ...]]:
    """The lexemes of each text, empty where it has stop words only. At most one query, for texts not seen before."""
    asked = dict.fromkeys(texts)
    unknown = [text for text in asked if text not in _remembered]
    fresh = _read(unknown) if unknown else {}
    found = {text: fresh[text] if text in fresh else _remembered[text] for text in asked}
    if len(_remembered) + len(fresh) > _MAX_REMEMBERED:
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


class TitleWord(models.Model):
    """A word as titles write it, for corrections of what is typed. Rewritten by `services/search/typing_help.py`."""

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
