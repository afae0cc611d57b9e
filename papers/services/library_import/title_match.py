"""Which papers that are here have the title of an entry without any id; only where it can be no other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from papers.models.paper import TITLE_LETTERS_SQL
from papers.references.common import ReferenceEntry
from papers.services.fetching.paper_lookup import KnownPaper
from papers.text.cleaning import search_text
from papers.text.names import author_key

MIN_TITLE_LETTERS = 8
"""Of a title; "Editorial" and shorter ones are no name of a paper."""
_WORD = re.compile(r"\w+")
_SHARED_WORDS = 0.6
"""Of all words of two titles, before they are taken for one."""
MAX_YEARS_APART = 3
"""Of one author's papers of one title, the preprint and the journal's may be so far apart."""
FOUND = "Found by title."
TOO_MANY = "The entry has no id, and several papers here have this title."
OTHER_TITLE = "The id in the note belongs to a paper with a different title."
NONE_FITS = "The entry has no id, and no paper here has this title, author and year."

# Each title enters the index by itself: OFFSET 0 keeps Postgres from joining it with all papers.
_TITLED = f"""
    SELECT asked.place, paper.id, paper.hidden_at IS NOT NULL, coalesce(paper.authors -> 0 ->> 'name', ''),
        extract(year FROM coalesce(paper.published_at, paper.listed_at))::int
    FROM unnest(%(places)s::int[], %(titles)s::text[]) AS asked (place, title)
    CROSS JOIN LATERAL (
        SELECT id, hidden_at, authors, published_at, listed_at FROM papers_paper
        WHERE hashtextextended({TITLE_LETTERS_SQL.format("papers_paper.title")}, 0)
                = hashtextextended({TITLE_LETTERS_SQL.format("asked.title")}, 0)
            AND {TITLE_LETTERS_SQL.format("papers_paper.title")} = {TITLE_LETTERS_SQL.format("asked.title")}
            AND NOT is_sample
        OFFSET 0
    ) AS paper
"""  # noqa: S608  joined from constants


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """The one stored paper that an entry's title can mean, or why there is none."""

    paper: KnownPaper | None
    reason: str


def match_titles(references: Sequence[ReferenceEntry]) -> dict[int, TitleMatch]:
    """The match of each entry that has a title, an author or year, and no id but in a note, by its place in the list.

    One query.

    Never a guess: the title is the same except for case, spaces and punctuation, the first author's family name and the
    year fit as far as both sides have them, and there is no second such paper.
    """
    asked = {
        place: one
        for place, one in enumerate(references)
        if set(one.names) <= set(one.unsure)
        and (one.author or one.year)
        and sum(map(str.isalnum, one.title)) >= MIN_TITLE_LETTERS
    }
    if not asked:
        return {}
    fitting: dict[int, list[KnownPaper]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_TITLED, {"places": list(asked), "titles": [one.title for one in asked.values()]})
        for place, paper_id, is_hidden, author, year in cursor.fetchall():
            if _fits(asked[place], author, year):
                fitting[place].append(KnownPaper(paper_id, is_hidden))
    return {place: _match(fitting[place]) for place in asked}


def titles_agree(one: str, other: str) -> bool:
    """Whether two titles can be one paper's: the same letters, one the other's beginning, or most words in common.

    An empty title says nothing against it.
    """
    words, others = ([*_WORD.findall(search_text(title))] for title in (one, other))
    if not words or not others:
        return True
    letters, other_letters = "".join(words), "".join(others)
    if letters == other_letters:
        return True
    shorter, longer = sorted((letters, other_letters), key=len)
    if len(shorter) >= MIN_TITLE_LETTERS and longer.startswith(shorter):
        return True
    return len({*words} & {*others}) > _SHARED_WORDS * len({*words} | {*others})


def _fits(entry: ReferenceEntry, author: str, year: int) -> bool:
    if entry.author and author:
        is_same = set(entry.author.split()) <= set(author_key(author).split())
        return is_same and (entry.year is None or abs(entry.year - year) <= MAX_YEARS_APART)
    return entry.year is not None and abs(entry.year - year) <= 1


def _match(fitting: Sequence[KnownPaper]) -> TitleMatch:
    if len(fitting) > 1:
        return TitleMatch(None, TOO_MANY)
    return TitleMatch(fitting[0], FOUND) if fitting else TitleMatch(None, NONE_FITS)
