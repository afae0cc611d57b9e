"""What helps with typing a question: words of titles and of names, and the authors of the newest papers, counted by a
worker.

Both are worked out anew now and then and may be some hours old: they only propose, and whatever is typed is searched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from django.db import connection, transaction
from django.db.models import Max

from papers.locks import AdvisoryLock, try_lock_transaction
from papers.models import Paper, SuggestedAuthor, TitleWord
from papers.services.ingest.clean_record import author_index_key
from papers.text.spelling import MAX_LETTERS, MIN_LETTERS, deletions, letter_groups

PAPERS_READ = 100_000
"""So many papers are read at most, those stored last."""
FEW_PAPERS = 10_000
"""Among no more than these a word of one title is taken for a word, and an author of one paper is proposed."""
MAX_WORDS = 40_000
"""Of titles, and as many again of names."""
MAX_AUTHORS = 50_000
MAX_AUTHORS_OF_PAPER = 100
"""Of papers with more authors, none is proposed: nobody looks for a collaboration by its 500th member."""
_MOST_ORDERS = 4
_BATCH = 2_000

_WORDS = """
    SELECT word, ndoc FROM ts_stat(
        'SELECT to_tsvector(''pg_catalog.simple'', papers_words(title)) FROM papers_paper
         WHERE hidden_at IS NULL AND id > {first}')
    WHERE ndoc >= {least} AND word ~ '^[a-z]{{{shortest},{longest}}}$' ORDER BY ndoc DESC, word LIMIT {most}
"""
_AUTHORS = """
    SELECT author ->> 'name', count(*) FROM papers_paper, jsonb_array_elements(authors) AS author
    WHERE hidden_at IS NULL AND id > %s AND author_count <= %s AND jsonb_typeof(authors) = 'array'
    GROUP BY 1 HAVING count(*) >= %s ORDER BY 2 DESC, 1 LIMIT %s
"""


def is_there() -> bool:
    """Whether it was ever worked out; not yet where there was no paper."""
    return TitleWord.objects.exists() or not Paper.objects.exists()


def rewrite_typing_help() -> None:
    """Read the newest papers again; readers see the old rows meanwhile. Nothing where another process is at it."""
    with transaction.atomic():
        if not try_lock_transaction(AdvisoryLock.WORD_COUNTS, "typing help"):
            return
        newest = Paper.objects.aggregate(newest=Max("pk"))["newest"] or 0
        first = max(0, newest - PAPERS_READ)
        least = 1 if newest - first <= FEW_PAPERS else 2
        authors = _authors_by_key(first, least)
        TitleWord.objects.all().delete()
        _store(TitleWord, _title_words(first, least, _words_of_names(authors)))
        SuggestedAuthor.objects.all().delete()
        _store(SuggestedAuthor, _suggested_authors(authors))


def _store(
    model: type[TitleWord] | type[SuggestedAuthor], rows: Iterator[TitleWord] | Iterator[SuggestedAuthor]
) -> None:
    while batch := list(islice(rows, _BATCH)):
        model.objects.bulk_create(batch)  # type: ignore[arg-type]  # of one kind, as its caller says


def _title_words(first: int, least: int, of_names: Mapping[str, int]) -> Iterator[TitleWord]:
    """The commonest words of titles and of names; of a word that is both, the larger number."""
    statement = _WORDS.format(first=first, least=least, shortest=MIN_LETTERS, longest=MAX_LETTERS, most=MAX_WORDS)
    of_titles = dict(_rows(statement))
    for word in dict.fromkeys([*of_titles, *of_names]):
        papers = max(of_titles.get(word, 0), of_names.get(word, 0))
        yield TitleWord(word=word, papers=papers, deletions=sorted(deletions(word) | letter_groups(word)))


def _authors_by_key(first: int, least: int) -> dict[str, tuple[str, int]]:
    """By key: the name as papers write it most often, and how many papers it is on."""
    counts: dict[str, tuple[str, int]] = {}
    for name, papers in _rows(_AUTHORS, first, MAX_AUTHORS_OF_PAPER, least, MAX_AUTHORS):
        if key := author_index_key(name or ""):
            known, before = counts.get(key, (name, 0))
            counts[key] = known, before + papers
    return counts


def _words_of_names(authors: Mapping[str, tuple[str, int]]) -> dict[str, int]:
    """The commonest words of names with their papers."""
    counts: Counter[str] = Counter()
    for key, (_, papers) in authors.items():
        for word in set(key.split()):
            if MIN_LETTERS <= len(word) <= MAX_LETTERS and word.isascii() and word.isalpha():
                counts[word] += papers
    return dict(counts.most_common(MAX_WORDS))


def _suggested_authors(authors: Mapping[str, tuple[str, int]]) -> Iterator[SuggestedAuthor]:
    spelled = set(authors)
    for key, (name, papers) in authors.items():
        yield SuggestedAuthor(spelling=key, key=key, name=name, papers=papers)
        for spelling in _other_orders(key):
            if spelling not in spelled:  # somebody's whole name comes before another's in turned order
                spelled.add(spelling)
                yield SuggestedAuthor(spelling=spelling, key=key, name=name, papers=papers)


def _other_orders(key: str) -> Iterable[str]:
    """The name beginning with each of its later words: `jiaqi wang` also as `wang jiaqi`."""
    words = key.split()
    return dict.fromkeys(" ".join(words[place:] + words[:place]) for place in range(1, min(len(words), _MOST_ORDERS)))


def _rows(statement: str, *values: int) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())
