"""Fills an empty Broadsheet with as many papers as asked for: real ones from a file, repeated under other ids.

Rows are written by SQL, not by ingest, because ingest has a bench of its own. Texts, authors and categories are real
where a file is given (JSON lines, as `import_papers` takes them; also .xz and .gz), else words at random.
"""

from __future__ import annotations

import gzip
import itertools
import json
import lzma
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from psycopg.types.json import Jsonb

BASE_ROWS = 20_000
"""So many different papers, where nothing else is said; beyond them, rows are repeated under other ids and dates."""
ANNOUNCED_A_DAY = 500
"""Papers announced on a working day; every second one is listed, as where a group follows half of what it mirrors."""
READERS = 200
VOTES_EACH = 100
TAGS_EACH = 10
PAPERS_A_TAG = 20
SEEN = 10_000
"""Papers that a few readers have seen: the newest, so that lists which hide them walk past all of them."""

_WORDS = [
    *("model", "learning", "language", "graph", "neural", "sparse", "attention", "reward", "policy", "sampling"),
    *("kernel", "robust", "token", "vision", "reasoning", "agent", "prior", "latent", "diffusion", "benchmark"),
    *("training", "transfer", "alignment", "retrieval", "memory", "causal", "optimal", "bound", "method", "results"),
    *("the", "of", "a", "we", "and", "with", "for", "that", "on", "in", "by", "is", "are", "show", "propose"),
]
_CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "cs.AI", "stat.ML", "cs.RO", "math.OC", "hep-th", "q-bio.NC", "econ.TH")


def fill(
    papers: int, *, file: str = "", readers: int = READERS, different: int = BASE_ROWS, words: Sequence[str] = ()
) -> None:
    """Make `papers` papers, at most so many of them different, their editions, figures and votes.

    For an empty database, by its superuser. Without a file they are made of `words`, the first of them most frequent.
    """
    from django.db import connection

    base = list(itertools.islice(_rows_of(Path(file)) if file else synthetic_papers(words), min(papers, different)))
    sizes: dict[str, Any] = {"papers": papers, "base": len(base), "a_day": ANNOUNCED_A_DAY, "now": datetime.now(UTC)}
    with connection.cursor() as cursor:
        _copy_base(cursor, base)
        for statement in _DIFFERENT_PAPERS:
            cursor.execute(statement, sizes)
        # From here on no trigger runs, row by row: what they would have written is written at the end.
        cursor.execute("SET session_replication_role = replica")
        for back in range(len(base), papers, len(base)):
            cursor.execute(_SAME_AGAIN, sizes | {"back": back})
            _say(f"{min(back + len(base), papers):,} of {papers:,} papers")
        for statement in _THE_REST:
            cursor.execute(statement, sizes)
        _say("listings, categories and identifiers are there")
        cursor.execute("RESET session_replication_role")
        for statement in _SEARCH_INDEXES:
            cursor.execute(statement)
        _vote(cursor, readers)
        _read(cursor)
    from papers.services.lists.trending import recompute_trending_scores

    recompute_trending_scores()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def open_lines(file: Path) -> IO[str]:
    """A file of lines, packed or not."""
    if file.suffix == ".xz":
        return lzma.open(file, "rt", encoding="utf-8")
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8")
    return file.open(encoding="utf-8")


def _rows_of(file: Path) -> Iterator[dict[str, Any]]:
    with open_lines(file) as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("abstract") and row.get("authors"):
                yield row


def synthetic_papers(words: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Papers of words at random; of `words` as a language has them, the later ones more and more rarely."""
    dice = random.Random(7)
    rarer = list(itertools.accumulate(1 / (50 + rank) for rank in range(len(words)))) if words else None
    said = words or _WORDS
    while True:
        yield {
            "title": " ".join(dice.choices(said, cum_weights=rarer, k=9)).capitalize(),
            "abstract": " ".join(dice.choices(said, cum_weights=rarer, k=180)).capitalize() + ".",
            "authors": [f"{dice.choice('ABCDEFGHIJKLMNOPRSTW')}. Person{dice.randrange(50_000)}" for _ in range(5)],
            "categories": list(dict.fromkeys(dice.choices(_CATEGORIES, weights=range(10, 0, -1), k=2))),
        }


def _copy_base(cursor: Any, base: list[dict[str, Any]]) -> None:
    from papers.catalogue.categories import canonical_categories
    from papers.services.roles.classifier import classify_abstract
    from papers.text.cleaning import clean_abstract, clean_title
    from papers.text.names import author_key, clean_name

    cursor.execute(
        "CREATE TEMP TABLE base (number int, title text, abstract text, authors jsonb, author_count int, "
        "author_keys text[], organization text, categories text[], comment text, votes int, roles text)"
    )
    with cursor.copy("COPY base FROM STDIN") as copy:
        copy.set_types(["int4", "text", "text", "jsonb", "int4", "text[]", "text", "text[]", "text", "int4", "text"])
        for number, row in enumerate(base):
            abstract = clean_abstract(row["abstract"])
            names = list(filter(None, map(clean_name, row["authors"])))
            copy.write_row(
                (
                    number,
                    clean_title(row["title"]),
                    abstract,
                    Jsonb([{"name": name} for name in names]),
                    len(names),
                    [author_key(name) for name in names],
                    row.get("organization") or "",
                    list(canonical_categories(row.get("categories") or [])) or [_CATEGORIES[number % 10]],
                    clean_title(row.get("comment") or ""),
                    row.get("upvotes") or 0,
                    classify_abstract(abstract),
                )
            )
    cursor.execute("ANALYZE base")


# The newest paper has the highest id. A working day has `a_day` papers; day 0 is the last working day before today.
_DIFFERENT_PAPERS = (
    # The search indexes are made at the end, as they are larger than all the rest and in no page's way.
    "DROP INDEX paper_search, paper_author_keys",
    """
    CREATE TEMP TABLE days AS
        SELECT day::date AS day, (row_number() OVER (ORDER BY day DESC) - 1)::int AS number
        FROM generate_series(current_date - 2 * (%(papers)s / %(a_day)s + 10), current_date, '1 day') AS day
        WHERE extract(isodow FROM day) < 6
    """,
    # As papers_search_vector() writes it.
    """
    CREATE FUNCTION pg_temp.month_mark(day date) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT 'm:' || (extract(year FROM day) * 12 + extract(month FROM day))::int $$
    """,
    """
    INSERT INTO papers_paper (
        id, public_id, title, title_raw, abstract, abstract_raw, authors, author_count, author_keys, organization,
        categories, primary_category, published_at, announced_on, listed_at, version, doi, journal_ref, comment, venue,
        license, links, is_sample, record_rank, vote_count, comment_count, created_at, changed_at, sentence_roles)
    SELECT made.id, public_id, title, title, abstract, abstract, authors, author_count, author_keys, organization,
        categories, categories[1], day - interval '1 day 5 hours', day, day, 1, '', '', comment, '',
        'http://arxiv.org/licenses/nonexclusive-distrib/1.0/',
        jsonb_build_object(
            'abs', jsonb_build_object('url', 'https://arxiv.org/abs/' || public_id, 'found', 'arxiv'),
            'pdf', jsonb_build_object('url', 'https://arxiv.org/pdf/' || public_id, 'found', 'arxiv')),
        false, 60, 0, 0, %(now)s, %(now)s, roles
    FROM (
        SELECT %(papers)s - base.number AS id, days.day, base.*,
            to_char(days.day, 'YYMM') || '.' || lpad((%(papers)s - base.number)::text, 7, '0') AS public_id
        FROM base JOIN days ON days.number = base.number / %(a_day)s
    ) AS made
    """,
)
# The same texts under older ids, with all that a trigger found out about them; but for the month, by which search knows
# how old a paper is.
_SAME_AGAIN = """
    INSERT INTO papers_paper (
        id, public_id, title, title_raw, abstract, abstract_raw, authors, author_count, author_keys, organization,
        categories, primary_category, published_at, announced_on, listed_at, version, doi, journal_ref, comment, venue,
        license, links, is_sample, record_rank, vote_count, comment_count, created_at, changed_at, sentence_roles,
        search_vector)
    SELECT made.id, public_id, title, title_raw, abstract, abstract_raw, authors, author_count, author_keys,
        organization, categories, primary_category, made.day - interval '1 day 5 hours', made.day, made.day, 1, '', '',
        comment, '', license,
        jsonb_build_object(
            'abs', jsonb_build_object('url', 'https://arxiv.org/abs/' || public_id, 'found', 'arxiv'),
            'pdf', jsonb_build_object('url', 'https://arxiv.org/pdf/' || public_id, 'found', 'arxiv')),
        false, record_rank, 0, 0, created_at, changed_at, sentence_roles,
        ts_delete(search_vector, pg_temp.month_mark(listed_at::date))
            || array_to_tsvector(ARRAY[pg_temp.month_mark(made.day)])
    FROM (
        SELECT first.id - %(back)s AS id, days.day,
            to_char(days.day, 'YYMM') || '.' || lpad((first.id - %(back)s)::text, 7, '0') AS public_id,
            first.title, first.title_raw, first.abstract, first.abstract_raw, first.authors, first.author_count,
            first.author_keys, first.organization, first.categories, first.primary_category, first.comment,
            first.license, first.record_rank, first.created_at, first.changed_at, first.sentence_roles,
            first.search_vector, first.listed_at
        FROM papers_paper first
        JOIN days ON days.number = (%(papers)s - first.id + %(back)s) / %(a_day)s
        WHERE first.id > %(papers)s - %(base)s AND first.id > %(back)s
    ) AS made
"""
_THE_REST = (
    "SELECT setval(pg_get_serial_sequence('papers_paper', 'id'), %(papers)s)",
    "INSERT INTO papers_identifier (scheme, value, paper_id) SELECT 'arxiv', public_id, id FROM papers_paper",
    """
    INSERT INTO papers_papercategory (category, listed_at, paper_id)
    SELECT category, listed_at, id FROM papers_paper, unnest(categories) AS category
    """,
    """
    INSERT INTO papers_paperversion (paper_id, version, released_at, seen_at, title, abstract, comment)
    SELECT id, version, published_at, created_at, '', '', '' FROM papers_paper
    """,
    """
    INSERT INTO papers_paperexternalcounts
        (paper_id, source, votes, comments, submitted_by, url, trending_score, updated_at)
    SELECT paper.id, 'huggingface', greatest(base.votes, 1), base.votes %% 5, 'reader', '',
        ln(greatest(base.votes, 1)) / ln(2) + extract(epoch FROM paper.listed_at - '2025-01-01') / 129600,
        paper.created_at
    FROM papers_paper paper JOIN base ON base.number = (%(papers)s - paper.id) %% %(base)s
    WHERE paper.id %% 10 = 0
    """,
    # Every second paper is listed on its day, and one in twenty of those again on the next working day.
    """
    INSERT INTO papers_listing (
        day, paper_id, by, submitter, kind, position, vote_count, source_votes, release, created_at)
    SELECT later.day, paper.id, 'source', '', 'new', paper.id %% %(a_day)s, 0, coalesce(figure.votes, 0), 1, %(now)s
    FROM papers_paper paper
    JOIN days ON days.day = paper.announced_on
    JOIN days later ON later.number IN (days.number, CASE WHEN paper.id %% 40 = 0 THEN days.number - 1 END)
    LEFT JOIN papers_paperexternalcounts figure ON figure.paper_id = paper.id
    WHERE paper.id %% 2 = 0
    """,
    """
    INSERT INTO papers_edition (
        day, note, listed_count, is_sample, announced_count, stored_count, missing, checked_at, check_note)
    SELECT day, '', count(*), false, count(*), count(*), '{}', %(now)s, '' FROM papers_listing GROUP BY day
    """,
    # Of triggers: mirrors hear of each paper; topics would have been matched long ago.
    "INSERT INTO papers_pendingchange (paper_id) SELECT id FROM papers_paper WHERE id <= %(papers)s - %(base)s",
    "TRUNCATE papers_topicbacklog",
)
_SEARCH_INDEXES = (
    "CREATE INDEX paper_search ON papers_paper USING gin (search_vector)",
    "CREATE INDEX paper_author_keys ON papers_paper USING gin (author_keys)",
)

# A tenth of the votes goes to any paper, the rest to those of the last weeks.
_VOTE = """
    INSERT INTO papers_vote (user_id, paper_id, is_unnamed, created_at)
    SELECT reader.id, paper.id, false, least(paper.listed_at + interval '20 hours', now())
    FROM papers_user reader
    CROSS JOIN LATERAL (
        SELECT (random() * least(power(random(), 2) * 40000, %(papers)s - 1))::bigint AS back
        FROM generate_series(1, %(each)s) AS one WHERE reader.id IS NOT NULL
    ) AS chosen
    JOIN papers_paper paper ON paper.id = %(papers)s - chosen.back
    ON CONFLICT DO NOTHING
"""


def _vote(cursor: Any, readers: int) -> None:
    from papers.models import Paper, User
    from papers.services.reading.votes import recount_votes

    names = [f"reader{number}" for number in range(readers)]
    User.objects.bulk_create(User(email=f"{name}@example.org", username=name) for name in names)
    cursor.execute(_VOTE, {"papers": Paper.objects.count(), "each": VOTES_EACH})
    recount_votes()


# 200 tagged papers and 100 saved ones for each reader, most of them of the last weeks.
_CHOSEN = """
    CROSS JOIN LATERAL (
        SELECT (random() * least(power(random(), 2) * 40000, %(papers)s - 1))::bigint AS back
        FROM generate_series(1, %(each)s) AS one WHERE {outer}.id IS NOT NULL
    ) AS chosen
    JOIN papers_paper paper ON paper.id = %(papers)s - chosen.back
    ON CONFLICT DO NOTHING
"""
_READING = (
    """
    INSERT INTO papers_tag (user_id, name) SELECT reader.id, 'tag ' || number
    FROM papers_user reader CROSS JOIN generate_series(1, %(tags)s) AS number
    """,
    "INSERT INTO papers_taggedpaper (tag_id, paper_id, created_at) SELECT tag.id, paper.id, now() FROM papers_tag tag"
    + _CHOSEN.format(outer="tag"),
    "INSERT INTO papers_libraryitem (user_id, paper_id, state, note, added_at) "
    "SELECT reader.id, paper.id, 'to_read', '', paper.listed_at FROM papers_user reader"
    + _CHOSEN.format(outer="reader"),
    """
    INSERT INTO papers_seenpaper (user_id, paper_id, seen_at)
    SELECT reader.id, paper.id, now()
    FROM (SELECT id FROM papers_user ORDER BY id LIMIT 4) AS reader
    CROSS JOIN (SELECT id FROM papers_paper ORDER BY id DESC LIMIT %(seen)s) AS paper
    """,
)


def _read(cursor: Any) -> None:
    from papers.models import Paper

    sizes = {"papers": Paper.objects.count(), "tags": TAGS_EACH, "seen": SEEN}
    for statement in _READING:
        each = PAPERS_A_TAG if "taggedpaper" in statement else VOTES_EACH
        cursor.execute(statement, {**sizes, "each": each})
