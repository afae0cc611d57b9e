"""How long a day's new papers take to come to their topics, and how that grows with the topics and with the papers.

    make bench-topics [FILE=papers.jsonl.xz] [PAPERS=2000] [TOPICS=10000] [JSON=result.json]

Every topic asks something else: words, phrases, authors and categories taken from the papers, so that each finds some.
The first round of a process also reads the words of all questions and parses them; both figures are given. The wall
time holds everything: reading, matching, writing the matches, the commit. Beside it stands what Postgres alone takes
for as many rows: one COPY of the same matches, ready as text, into an empty table with the same indexes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.catalogue import fill
from bench.serve import broadsheet

BUDGET_SECONDS = 2.0
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Result:
    """One size."""

    topics: int
    papers: int
    first_seconds: float
    seconds: float
    """The best of the later rounds."""
    matches: int
    copy_seconds: float
    """The best of as many bare COPYs of the same matches."""


def vocabulary() -> list[str]:
    """Words for papers where no file is given: with a few dozen words each topic would have every paper."""
    dice = random.Random(5)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words = ("".join(dice.choices(syllables, k=dice.randint(2, 4))) for _ in range(40_000))
    return list(dict.fromkeys(words))[:20_000]


def questions(number: int) -> list[str]:
    """So many different queries over the papers stored."""
    from papers.models import Paper

    dice = random.Random(11)
    rows = list(Paper.objects.values_list("title", "author_keys", "categories")[:5_000])
    found: dict[str, None] = {}
    while len(found) < number:
        title, authors, categories = dice.choice(rows)
        words = [word for word in title.split() if word.isalpha() and len(word) > 3]
        if len(words) < 3:
            continue
        start = dice.randrange(len(words) - 1)
        kind = dice.random()
        if kind < 0.45:
            query = " ".join(dice.sample(words, min(3, len(words))))
        elif kind < 0.65:
            query = f'"{words[start]} {words[start + 1]}" OR title:{dice.choice(words)} {dice.choice(words)}'
        elif kind < 0.8:
            query = f"{dice.choice(words)} {dice.choice(words)} cat:{categories[0]} -{dice.choice(words)}x"
        elif kind < 0.9:
            query = f'author:"{dice.choice(authors)}" OR "{words[start]} {words[start + 1]}"'
        else:
            query = f"({words[0]} OR {words[1]}) {dice.choice(words)} has:code"
        found[query] = None
    return list(found)


def round_of(topics: int, papers: int) -> Result:
    from django.db import connection
    from django.utils import timezone

    from papers.models import Paper, Topic, TopicBacklog, TopicMatch
    from papers.models.search_index import _remembered
    from papers.services.topics import topic_queries
    from papers.services.topics.matcher import match_waiting

    Topic.objects.all().delete()
    Topic.objects.bulk_create(
        Topic(slug=f"t{number}", name=f"Topic {number}", query=query, pending_since=None)
        for number, query in enumerate(questions(topics))
    )
    newest = list(Paper.objects.newest().values_list("pk", flat=True)[:papers])
    _remembered.clear()
    topic_queries.topic_query.cache_clear()
    topic_queries.viewer_query.cache_clear()
    times: list[float] = []
    matches = 0
    for _ in range(ROUNDS):
        TopicMatch.objects.all().delete()
        TopicBacklog.objects.all().delete()
        TopicBacklog.objects.bulk_create(TopicBacklog(paper_id=pk) for pk in newest)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE papers_topic, papers_topicmatch, papers_topicbacklog")
        started = time.perf_counter()
        done = match_waiting(now=timezone.now(), batch_size=papers)
        times.append(time.perf_counter() - started)
        assert done.papers == papers, done
        matches = done.added
    return Result(topics, papers, round(times[0], 3), round(min(times[1:]), 3), matches, round(bare_copy(), 3))


def bare_copy() -> float:
    """Seconds that the matches stored take by themselves, from text to the commit."""
    from django.db import connection, transaction

    times = []
    with connection.cursor() as cursor:
        with cursor.copy("COPY (SELECT * FROM papers_topicmatch ORDER BY topic_id, paper_id) TO STDOUT") as copy:
            rows = b"".join(copy)
        for _ in range(ROUNDS):
            cursor.execute("CREATE TABLE bare (LIKE papers_topicmatch INCLUDING INDEXES)")
            started = time.perf_counter()
            with transaction.atomic(), cursor.copy("COPY bare FROM STDIN") as copy:
                copy.write(rows)
            times.append(time.perf_counter() - started)
            cursor.execute("DROP TABLE bare")
    return min(times)


def measure(topics: int, papers: int, file: str) -> list[Result]:
    fill(papers, file=file, readers=5, words=vocabulary())
    sizes = (
        (topics // 4, papers),
        (topics // 2, papers),
        (topics, papers),
        (topics, papers // 2),
        (topics, papers // 4),
    )
    return [round_of(*size) for size in sizes]


def table(results: list[Result]) -> str:
    lines = [f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", ""]
    lines.append(f"{'topics':>8}{'papers':>8}{'first':>10}{'then':>10}{'matches':>10}{'bare COPY':>12}")
    lines += [
        f"{each.topics:8,}{each.papers:8,}{each.first_seconds:8.2f} s{each.seconds:8.2f} s{each.matches:10,}"
        f"{each.copy_seconds:10.2f} s"
        for each in results
    ]
    half, whole, fewer = results[1], results[2], results[3]
    lines += [
        "",
        f"twice the topics: {whole.seconds / half.seconds:.2f} ×",
        f"twice the papers: {whole.seconds / fewer.seconds:.2f} ×",
        f"budget {BUDGET_SECONDS:.0f} s: {'ok' if whole.seconds <= BUDGET_SECONDS else 'OVER'}, "
        f"{whole.copy_seconds:.2f} s of it for writing {whole.matches:,} rows",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", default="", help="JSON lines, as import_papers takes them; without, words at random")
    parser.add_argument("--papers", type=int, default=2_000)
    parser.add_argument("--topics", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with broadsheet():
        results = measure(chosen.topics, chosen.papers, chosen.file)
    print(table(results))
    if chosen.json:
        found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "results": [asdict(each) for each in results]}
        chosen.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
