"""How common words are: counted by a worker, read by every search.

`ts_rank` knows nothing of it, and counting while somebody waits would read every paper; so the counts are kept, and
may be some hours old. A word's weight changes with the logarithm of its count, so that does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from papers.locks import AdvisoryLock, try_lock_transaction
from papers.models import SearchStatistics, WordCount
from papers.query.tsquery import MONTH_PREFIX, month_of_mark

SAMPLE_SIZE = 50_000
"""So many papers are counted at most; of more, as many at random pages of the table."""
RECOUNT_GROWTH = 1.05
MAX_AGE = timedelta(days=1)

_COUNT = """
    INSERT INTO papers_wordcount (word, papers)
    SELECT word, round(ndoc * {scale})::int
    FROM ts_stat('SELECT search_vector FROM papers_paper TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)')
    WHERE ndoc > 1 OR word LIKE '{month}%'
"""
_KNOWN = """
    SELECT papers, average_length, least, counted.words, counted.counts
    FROM papers_searchstatistics, (
        SELECT array_agg(word) AS words, array_agg(papers) AS counts FROM papers_wordcount WHERE word = ANY(%s)
    ) AS counted
"""


@dataclass(frozen=True, slots=True)
class WordFrequencies:
    """In how many of `papers` papers each word is. Words that are not among `counts` are in fewer than `least`."""

    papers: int
    average_length: float
    least: int
    counts: Mapping[str, int]

    def of(self, word: str) -> int:
        return self.counts.get(word, self.least)

    def share(self, word: str) -> float:
        return min(1.0, self.of(word) / max(self.papers, 1))

    def weight(self, word: str) -> float:
        """The inverse document frequency of BM25; above 0 also for a word that most papers have."""
        count = min(self.of(word), self.papers)
        return math.log(1 + (self.papers - count + 0.5) / (count + 0.5))


def length_sql(vector: str) -> str:
    """The length of a paper as ranking has it: its different words and marks, without compounds beside their parts."""
    return f"(length({vector}) - length(ts_filter({vector}, '{{c,d}}')))"


def load_word_frequencies(words: Collection[str]) -> WordFrequencies:
    """What is known of these words. One query; before anything was counted, every word is taken for a rare one."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(words)])
        row = cursor.fetchone()
    if row is None:
        return WordFrequencies(papers=1, average_length=100.0, least=1, counts={})
    papers, average_length, least, known, counts = row
    return WordFrequencies(papers, average_length, least, dict(zip(known or (), counts or (), strict=True)))


def count_words_if_due(*, now: datetime) -> bool:
    """Count if there are 5 % more papers than counted, or a day has passed; whether it was done."""
    kept = SearchStatistics.objects.first()
    papers = _estimated_papers()
    is_due = kept is None or papers > kept.papers * RECOUNT_GROWTH or now - kept.counted_at > MAX_AGE
    if is_due and papers:
        count_words(now=now)
    return bool(is_due and papers)


def count_words(*, now: datetime) -> None:
    """Count the words of the papers, or of a sample of them. Searches read the old counts until it is done."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not try_lock_transaction(AdvisoryLock.WORD_COUNTS):
            return
        papers = _estimated_papers()
        percent = min(100.0, 100.0 * SAMPLE_SIZE / max(papers, 1))
        cursor.execute(
            f"SELECT count(*), avg({length_sql('search_vector')}) FROM papers_paper TABLESAMPLE SYSTEM ({percent:.6f}) "  # noqa: S608
            "REPEATABLE (1)"
        )
        sampled, average = cursor.fetchone()
        scale = papers / sampled if sampled and percent < 100 else 1.0
        cursor.execute("DELETE FROM papers_wordcount")
        cursor.execute(_COUNT.format(scale=f"{scale:.6f}", percent=f"{percent:.6f}", month=MONTH_PREFIX))
        SearchStatistics.objects.update_or_create(
            id=1,
            defaults={
                "papers": max(papers if percent < 100 else sampled, 1),
                "average_length": float(average or 100.0),
                "least": max(1, round(scale)),
                "counted_at": now,
            },
        )


def _estimated_papers() -> int:
    """Exact for a table that fits the sample, else as Postgres estimates it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'papers_paper'::regclass")
        estimate = int(cursor.fetchone()[0])
        if estimate > SAMPLE_SIZE:
            return estimate
        cursor.execute("SELECT count(*) FROM (SELECT 1 FROM papers_paper LIMIT %s) AS first", [2 * SAMPLE_SIZE])
        return int(cursor.fetchone()[0])


def newest_month_marks(*, share: float, papers: int) -> list[str]:
    """The marks of the newest months that together have about this share of all papers. One query."""
    months = WordCount.objects.filter(word__startswith=MONTH_PREFIX).values_list("word", "papers")
    found: list[str] = []
    total = 0
    for month, count in sorted(months, key=lambda row: month_of_mark(row[0]), reverse=True):
        found.append(month)
        total += count
        if total >= share * papers:
            break
    return found
