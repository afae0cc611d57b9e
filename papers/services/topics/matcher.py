"""Which of the new and changed papers belong to which topics: every paper once, all topics together.

What waits stands in `TopicBacklog`, written by a trigger in the transaction that changes a paper. One worker at a time
takes some of it, under a lock that ends with the transaction: killed at any point, everything still waits.

- A paper is matched to topics while it is news: listed within `RELEASE_WINDOW`. An older one that changes keeps the
  matches that still hold, and gains none: what is imported from the past is in no mail. A paper of the sample counts as
  news, so that topics have something to show on a new site; no mail brings it.
- A match that no longer holds is removed, even if it was mailed: the page and the feed of a topic say what is true
  now, and digests remember by themselves what they brought. When it holds again it comes back with a new release.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import connection, transaction

from papers.locks import AdvisoryLock, try_lock_transaction
from papers.models import TopicBacklog
from papers.services.authors.disambiguation import claim_papers_by_orcid
from papers.services.ingest.releases import RELEASE_WINDOW, next_release
from papers.services.operations.installation import group_today
from papers.services.reading.follows import match_followed_papers
from papers.services.topics.bitset_evaluator import BitsetEvaluator, PaperBatch, bits_from_positions, positions_of_bits
from papers.services.topics.example_similarity import match_examples
from papers.services.topics.topic_queries import referenced_topics, topic_query, viewer_query

BATCH_SIZE = 2_000

_TOPICS = """
    SELECT topic.id, topic.slug, topic.query, topic.categories, topic.owner_id, topic.version,
        EXISTS (SELECT FROM papers_topic_examples example WHERE example.topic_id = topic.id)
    FROM papers_topic topic ORDER BY topic.id
"""


_STORED = """
    SELECT found.topic_id, array_agg(asked.place - 1)
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS asked (id, place)
    JOIN papers_topicmatch found ON found.paper_id = asked.id
    GROUP BY found.topic_id
"""
_COPY = "COPY papers_topicmatch (topic_id, score, paper_id, matched_at, release, listed_at, vote_count) FROM STDIN"


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic as it was when the matching began."""

    pk: int
    slug: str
    query: str
    categories: tuple[str, ...]
    owner_id: int | None
    version: int
    has_examples: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """The papers that a topic asks for."""

    bits: int
    scores: Mapping[int, float]
    """How well they fit, by paper; of most topics nothing is said."""


@dataclass(frozen=True, slots=True)
class MatchRound:
    """How many papers one round matched, and how many matches it added and removed."""

    papers: int = 0
    added: int = 0
    removed: int = 0


def match_waiting(*, now: datetime, batch_size: int = BATCH_SIZE) -> MatchRound:
    """Match the newest papers that wait, in one transaction; nothing where another worker is at it."""
    with transaction.atomic():
        if not try_lock_transaction(AdvisoryLock.TOPIC_MATCHING):
            return MatchRound()
        waiting = TopicBacklog.objects.order_by("-paper_id").values_list("paper_id", "changes")[:batch_size]
        changes = dict(waiting)
        if not changes:
            return MatchRound()
        topics = _read_topics()
        papers = PaperBatch(changes)
        found = _Matching(topics, papers, now=now)
        return _store(changes, topics, papers, found.matches(), now=now)


def has_backlog() -> bool:
    """Whether a paper waits. One query."""
    return TopicBacklog.objects.exists()


def _read_topics() -> list[_Topic]:
    with connection.cursor() as cursor:
        cursor.execute(_TOPICS)
        return [
            _Topic(pk, slug, query, tuple(categories), owner_id, version, has_examples)
            for pk, slug, query, categories, owner_id, version, has_examples in cursor.fetchall()
        ]


# --- Finding --------------------------------------------------------------------------------------------------------


class _Matching:
    """All topics over some papers."""

    def __init__(self, topics: Sequence[_Topic], papers: PaperBatch, *, now: datetime) -> None:
        self.papers = papers
        self.news = _news(papers, now=now)
        self.roots = {topic.pk: topic_query(topic.query, topic.categories).root for topic in topics}
        self.topics = topological_order(
            topics, {topic.slug: referenced_topics(self.roots[topic.pk]) for topic in topics}
        )
        self._by_slug = {topic.slug: topic for topic in topics}
        self._bits: dict[int, int] = {}
        """By topic, of those that are done: the papers that it asks for."""
        self._stored: dict[int, int] | None = None
        self._evaluator = BitsetEvaluator(
            papers,
            {root: None for root in self.roots.values() if root is not None},
            today=group_today(now),
            topic_bits=self._of_topic,
        )
        self._close = match_examples([topic.pk for topic in topics if topic.has_examples], papers)

    def matches(self) -> dict[int, _Found]:
        """By topic: the papers that it has, if they are news or were there before."""
        answers: dict[object, int] = {}
        found: dict[int, _Found] = {}
        for topic in self.topics:
            bits = self._fulfilling(topic, answers)
            scores: Mapping[int, float] = {}
            if topic.has_examples:
                close = self._close[topic.pk]
                unknown = close.unknown and close.unknown & self._already().get(topic.pk, 0)
                bits, scores = bits & (close.bits | unknown), close.scores
            self._bits[topic.pk] = bits
            if bits:
                found[topic.pk] = _Found(bits, scores)
        return found

    def _fulfilling(self, topic: _Topic, answers: dict[object, int]) -> int:
        """The papers that fulfil the topic's query; the same query is answered once, however many topics ask it."""
        root = self.roots[topic.pk]
        if root is None:
            return self.papers.all if topic.has_examples else 0
        asked = viewer_query(root, topic.owner_id)
        if asked not in answers:
            answers[asked] = self._evaluator.bits(asked) or 0
        return answers[asked]

    def _of_topic(self, slug: str, viewer: int | None) -> int:
        """The papers of a topic that another one asks for, if its reader may see it."""
        topic = self._by_slug.get(slug)
        if topic is None or topic.owner_id not in (None, viewer):
            return 0
        already = self._already().get(topic.pk, 0)
        return self._bits[topic.pk] & (self.news | already) if topic.pk in self._bits else already

    def _already(self) -> dict[int, int]:
        """By topic: the papers stored as its own, before this."""
        if self._stored is None:
            self._stored = _stored_bits(self.papers)
        return self._stored


def _news(papers: PaperBatch, *, now: datetime) -> int:
    return papers.where(lambda row: row.listed_at >= now - RELEASE_WINDOW or row.is_sample)


def topological_order(topics: Sequence[_Topic], references: Mapping[str, Collection[str]]) -> list[_Topic]:
    """Each topic behind those that its query names; where they name each other in a circle, the circle is cut."""
    by_slug = {topic.slug: topic for topic in topics}
    ordered: dict[str, _Topic] = {topic.slug: topic for topic in topics if not references[topic.slug]}
    entered: set[str] = set()

    def enter(slug: str) -> None:
        if slug in ordered or slug in entered or slug not in by_slug:
            return
        entered.add(slug)
        for other in sorted(references[slug]):
            enter(other)
        ordered[slug] = by_slug[slug]

    for topic in topics:
        enter(topic.slug)
    return list(ordered.values())


# --- Storing --------------------------------------------------------------------------------------------------------


def _store(
    changes: Mapping[int, int],
    topics: Sequence[_Topic],
    papers: PaperBatch,
    found: Mapping[int, _Found],
    *,
    now: datetime,
) -> MatchRound:
    """Write what changed, of the papers and topics that are still as they were read.

    The locks are taken in the order of all other writers: papers, the release, what waits. A paper that is being
    changed at this moment is not waited for; it waits again anyway.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM papers_paper WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [papers.ids])
    release = next_release()
    struck_off = _strike_off(changes)
    claim_papers_by_orcid(struck_off)
    match_followed_papers(struck_off, release=release, now=now)
    done = papers.among(struck_off)
    news = done & _news(papers, now=now)
    stored = _stored_bits(papers)
    added: dict[int, int] = {}
    gone: dict[int, int] = {}
    for topic_id in _unchanged(topics):
        before = stored.get(topic_id, 0) & done
        wanted = found[topic_id].bits & done if topic_id in found else 0
        if fresh := wanted & ~before & news:
            added[topic_id] = fresh
        if lost := before & ~wanted:
            gone[topic_id] = lost
    removed = _delete(gone, papers)
    _refresh(papers.ids_at(reduce(or_, stored.values(), 0) & done))
    count = _add(added, papers, found, release=release, now=now)
    return MatchRound(papers=len(struck_off), added=count, removed=removed)


def _strike_off(changes: Mapping[int, int]) -> set[int]:
    """Remove from what waits the papers that have not changed since; those, and ones that do not exist any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ours AS (
                SELECT waiting.paper_id FROM papers_topicbacklog waiting
                JOIN unnest(%s::bigint[], %s::bigint[]) AS seen (paper_id, changes) USING (paper_id, changes)
                ORDER BY paper_id FOR UPDATE OF waiting SKIP LOCKED
            )
            DELETE FROM papers_topicbacklog waiting USING ours WHERE waiting.paper_id = ours.paper_id
            RETURNING waiting.paper_id
            """,
            [list(changes), list(changes.values())],
        )
        return {row[0] for row in cursor.fetchall()}


def _unchanged(topics: Iterable[_Topic]) -> list[int]:
    """The topics that ask what they asked when they were read, which cannot be deleted until this transaction ends.

    The others are matched again by their own backfill.
    """
    seen = {topic.pk: topic.version for topic in topics}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, version FROM papers_topic ORDER BY id FOR KEY SHARE")
        return [pk for pk, version in cursor.fetchall() if seen.get(pk) == version]


def _stored_bits(papers: PaperBatch) -> dict[int, int]:
    """By topic: which of the papers are stored as its own."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [papers.ids])
        return {topic_id: bits_from_positions(places) for topic_id, places in cursor.fetchall()}


def _delete(gone: Mapping[int, int], papers: PaperBatch) -> int:
    """Remove matches; how many."""
    pairs = [(topic_id, paper_id) for topic_id, bits in gone.items() for paper_id in papers.ids_at(bits)]
    if pairs:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM papers_topicmatch found USING unnest(%s::bigint[], %s::bigint[]) AS gone (topic, paper) "
                "WHERE found.topic_id = gone.topic AND found.paper_id = gone.paper AND NOT EXISTS (SELECT FROM "
                "papers_topicpick pick WHERE pick.topic_id = gone.topic AND pick.paper_id = gone.paper)",
                list(map(list, zip(*pairs, strict=True))),
            )
    return len(pairs)


def _add(
    added: Mapping[int, int], papers: PaperBatch, found: Mapping[int, _Found], *, release: int, now: datetime
) -> int:
    """Store new matches in the order of their key; how many.

    There may be hundreds of thousands: what a paper's rows end with is written once, and they are joined as text.
    """
    ends = [
        f"{paper_id}\t{now.isoformat()}\t{release}\t{row.listed_at.isoformat()}\t{row.vote_count}\n"
        for paper_id, row in zip(papers.ids, papers.rows, strict=True)
    ]
    count = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for topic_id, bits in sorted(added.items()):
            places, scores = list(positions_of_bits(bits)), found[topic_id].scores
            start = f"{topic_id}\t"
            if scores:
                rows = [f"{start}{scores.get(papers.ids[place], 0.0)}\t{ends[place]}" for place in places]
            else:
                rows = [f"{start}0\t{ends[place]}" for place in places]
            copy.write("".join(rows))
            count += len(places)
    return count


def _refresh(paper_ids: Sequence[int]) -> None:
    """Bring what matches repeat of their papers in line."""
    if paper_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE papers_topicmatch found SET listed_at = paper.listed_at, vote_count = paper.vote_count "
                "FROM papers_paper paper WHERE paper.id = found.paper_id AND paper.id = ANY(%s) "
                "AND (found.listed_at, found.vote_count) <> (paper.listed_at, paper.vote_count)",
                [list(paper_ids)],
            )


def match_all_waiting(*, now: datetime) -> Iterator[MatchRound]:
    """Round after round, until nothing waits or another worker is at it."""
    while (done := match_waiting(now=now)).papers:
        yield done
