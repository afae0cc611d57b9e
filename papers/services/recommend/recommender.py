"""Computes what to recommend to the readers who are due, some of them at a time, each batch in one transaction.

One worker at a time does it, under a lock. Killed at any point, what is stored is whole, and the rest is still due.
What a reader does meanwhile leaves the reader due.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from papers.locks import AdvisoryLock, try_session_lock
from papers.models import Paper, User
from papers.models.recommendation import SHOWN_FOR
from papers.ranking.recommend import RankedPaper, ReaderProfile, rank_for_reader
from papers.ranking.stream import Example, TermHashes, term_hash
from papers.ranking.terms import terms_of
from papers.services.embeddings.embedder import paper_text
from papers.services.reading.muted_queries import find_muted
from papers.services.recommend.reader_signals import ReaderSignals, read_reader_signals
from papers.services.recommend.recent_papers import RecentPapers
from papers.services.recommend.staleness import stale_readers

logger = logging.getLogger(__name__)

LIST_LENGTH, TAG_LIST_LENGTH = 100, 30
"""Recommendations on a list. A reader of mail alone never marks one as seen, and is brought each of them once."""
READER_BATCH_SIZE = 100
MAX_SHARED_TERMS = 2
"""Terms that a reason names."""
_LOOKED_AT = 10
# Adverbs and participles are as common in what is liked as its subjects, and say nothing to a reader.
_SAYS_LITTLE = ("ly", "ed")


@dataclass(frozen=True, slots=True)
class RecomputeResult:
    """For how many readers, and how many recommendations were stored."""

    readers: int = 0
    suggestions: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """A suggestion as it is stored."""

    user_id: int
    tag_id: int | None
    rank: int
    of: RankedPaper


def recompute_due(*, now: datetime, batch_size: int = READER_BATCH_SIZE) -> RecomputeResult:
    """Compute the recommendations of all readers who are due at `now`. Idempotent. Not inside a transaction.

    Memory is bounded by `recent_papers.MAX_PAPERS` and `batch_size`.
    """
    readers = suggestions = 0
    with try_session_lock(AdvisoryLock.RECOMMENDATIONS) as is_alone:
        recent = RecentPapers(now=now) if is_alone and stale_readers(now=now).exists() else None
        while recent is not None:
            due = dict(stale_readers(now=now).values_list("user_id", "stale_at")[:batch_size])
            if not due:
                break
            suggestions += _compute(due, recent, now=now)
            readers += len(due)
    return RecomputeResult(readers, suggestions)


def _compute(due: Mapping[int, datetime | None], recent: RecentPapers, *, now: datetime) -> int:
    """Compute those of some readers; returns how many recommendations were stored."""
    signals = read_reader_signals(due, candidate_ids=recent.stream.index_of.keys(), now=now)
    examples = recent.examples({paper for one in signals.values() for paper in one.examples})
    rows: list[_Row] = []
    for user_id, one in signals.items():
        try:
            rows += _rows(user_id, one, recent, examples)
        except Exception:  # the others still get theirs
            logger.exception("Suggestions could not be worked out", extra={"user": user_id})
    _learn_names(rows, recent.names)
    liked = {user_id: len(one.liked) for user_id, one in signals.items()}
    return _store(due, liked, rows, recent.names, now=now)


def _rows(
    user_id: int, signals: ReaderSignals, recent: RecentPapers, examples: Mapping[int, Example]
) -> Iterator[_Row]:
    """Of one reader: the list of all that the reader likes, then one for each tag."""
    muted: dict[int, bool] = {}
    passed = {paper for paper, days in signals.shown.items() if days >= SHOWN_FOR / timedelta(days=1)}
    for tag_id, liked in [(None, signals.liked), *signals.by_tag.items()]:
        profile = ReaderProfile(
            liked=[examples[paper] for paper in liked if paper in examples],
            disliked=[examples[paper] for paper in signals.disliked if paper in examples],
            more=signals.more,
            less=[examples[paper] for paper in signals.less if paper in examples],
            known=signals.known | signals.examples | passed,
            shown=signals.shown,
        )
        size = LIST_LENGTH if tag_id is None else TAG_LIST_LENGTH
        found = rank_for_reader(recent.stream, profile, limit=2 * size if signals.muted else size)
        left = _without_muted(found, user_id, signals.muted, muted)
        yield from (_Row(user_id, tag_id, rank, of) for rank, of in enumerate(left[:size]))


def _without_muted(
    found: Sequence[RankedPaper], user_id: int, queries: Sequence[str], known: dict[int, bool]
) -> list[RankedPaper]:
    """What none of the reader's muted searches finds; `known` keeps what was asked. Three queries at most."""
    if unknown := [one.paper_id for one in found if one.paper_id not in known] if queries else []:
        user = User.objects.get(pk=user_id)
        muted = find_muted(unknown, user=user, queries=queries, today=timezone.localdate())
        known |= {paper_id: paper_id in muted for paper_id in unknown}
    return [one for one in found if not known.get(one.paper_id)]


# --- Reasons --------------------------------------------------------------------------------------------------------


def _learn_names(rows: Iterable[_Row], names: dict[int, str]) -> None:
    """Add to `names` how the terms of these reasons are written, each by a liked paper that has it. One query."""
    asked: dict[int, set[int]] = {}
    wanted: dict[int, int] = {}
    for row in rows:
        wanted |= {key: row.of.because_of for key in _first(row.of.shared) if key not in names}
    for key, paper_id in wanted.items():
        asked.setdefault(paper_id, set()).add(key)
    for pk, title, abstract in Paper.objects.filter(pk__in=asked).values_list("pk", "title", "abstract"):
        for term, written in terms_of(paper_text(title, abstract)).items():
            if (key := term_hash(term)) in asked[pk]:
                names.setdefault(key, written)


def _first(shared: TermHashes) -> list[int]:
    return [int(key) for key in shared[:_LOOKED_AT]]


def _worth_saying(terms: Sequence[str]) -> list[str]:
    """The weightiest pairs of words; single words where there are none."""
    words = {term: term.lower().replace("-", " ").split() for term in terms}
    # A letter alone is a symbol in any two papers.
    said = [term for term in terms if len(term) > 1 and not any(word.endswith(_SAYS_LITTLE) for word in words[term])]
    pairs = [term for term in said if len(words[term]) > 1]
    return (pairs or said)[:MAX_SHARED_TERMS]


# --- Storing --------------------------------------------------------------------------------------------------------

_REPLACE = """
    INSERT INTO papers_recommendation (user_id, tag_id, paper_id, rank, score, because_of_id, shared)
    SELECT row.user_id, row.tag_id, row.paper_id, row.rank, row.score, row.because_of,
        string_to_array(row.shared, chr(10))
    FROM unnest(%(users)s::bigint[], %(tags)s::bigint[], %(papers)s::bigint[], %(ranks)s::smallint[],
        %(scores)s::float8[], %(because)s::bigint[], %(shared)s::text[])
        AS row (user_id, tag_id, paper_id, rank, score, because_of, shared)
    -- A tag may be gone since it was read.
    WHERE row.tag_id IS NULL OR EXISTS (SELECT FROM papers_tag WHERE id = row.tag_id)
"""
_DONE = """
    UPDATE papers_recommendationstate state SET computed_at = %(now)s, liked_count = done.liked,
        stale_at = CASE WHEN state.stale_at IS NOT DISTINCT FROM done.stale_at THEN NULL ELSE state.stale_at END
    FROM unnest(%(users)s::bigint[], %(stale)s::timestamptz[], %(liked)s::int[]) AS done (user_id, stale_at, liked)
    WHERE state.user_id = done.user_id
"""


def _store(
    due: Mapping[int, datetime | None],
    liked: Mapping[int, int],
    rows: Sequence[_Row],
    names: Mapping[int, str],
    *,
    now: datetime,
) -> int:
    """Put these in the place of what the readers had. One transaction; who and what is gone by now is left out."""
    with transaction.atomic(), connection.cursor() as cursor:
        users = _still_there(cursor, "papers_user", due)
        papers = _still_there(
            cursor, "papers_paper", {paper for row in rows for paper in (row.of.paper_id, row.of.because_of)}
        )
        kept = [
            row for row in rows if row.user_id in users and row.of.paper_id in papers and row.of.because_of in papers
        ]
        cursor.execute("DELETE FROM papers_recommendation WHERE user_id = ANY(%s)", [sorted(users)])
        cursor.execute(_REPLACE, _columns(kept, names))
        done: dict[str, Any] = {"now": now, "users": list(due), "stale": list(due.values())}
        cursor.execute(_DONE, done | {"liked": [liked[user] for user in due]})
    return len(kept)


def _still_there(cursor: Any, table: str, ids: Collection[int]) -> set[int]:
    """Those that exist, and go on doing so until the transaction ends."""
    cursor.execute(f"SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [sorted(ids)])  # noqa: S608
    return {row[0] for row in cursor.fetchall()}


def _columns(rows: Sequence[_Row], names: Mapping[int, str]) -> dict[str, list[Any]]:
    return {
        "users": [row.user_id for row in rows],
        "tags": [row.tag_id for row in rows],
        "papers": [row.of.paper_id for row in rows],
        "ranks": [row.rank for row in rows],
        "scores": [row.of.score for row in rows],
        "because": [row.of.because_of for row in rows],
        "shared": [
            "\n".join(_worth_saying([names[key] for key in _first(row.of.shared) if key in names])) for row in rows
        ],
    }
