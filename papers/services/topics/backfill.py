"""A topic that is new, or asks something else than before: asked of the papers of the last 30 days and of the sample.

That a topic waits for it stands in its row, `Topic.pending_since`. What it asks is asked in one transaction that holds
the lock of releases: so it never crosses with the matching of new papers, and one of the two sees every paper.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from papers.models import Paper, Topic, TopicMatch, TopicPick
from papers.services.ingest.releases import RELEASE_WINDOW, next_release
from papers.services.operations.installation import group_today
from papers.services.topics.bitset_evaluator import PaperBatch
from papers.services.topics.example_similarity import match_examples
from papers.services.topics.topic_queries import referenced_topics, topic_query

_STORE = """
    INSERT INTO papers_topicmatch (topic_id, paper_id, score, matched_at, release, listed_at, vote_count)
    SELECT %s, paper.id, found.score, least(paper.created_at, %s), %s, paper.listed_at, paper.vote_count
    FROM unnest(%s::bigint[], %s::float8[]) AS found (id, score) JOIN papers_paper paper USING (id)
    ON CONFLICT DO NOTHING
"""


def backfill_pending(*, now: datetime, limit: int = 1_000) -> int:
    """Backfill each topic that waits; returns how many. Idempotent, and safe beside another worker."""
    done = 0
    for topic_id in Topic.objects.pending().values_list("pk", flat=True)[:limit]:
        done += backfill(topic_id, now=now)
    return done


def backfill(topic_id: int, *, now: datetime) -> bool:
    """Bring a topic's matches in line with what it asks now; False where it does not wait for that any more.

    A paper that is found in the past has been news since it was stored, not since now: a digest brings it only if that
    was after the one before.
    """
    with transaction.atomic():
        release = next_release()
        topic = Topic.objects.select_for_update(no_key=True).pending().filter(pk=topic_id).first()
        if topic is None:
            return False
        wanted = find_topic_papers(topic, now=now).scores
        kept = set(TopicMatch.objects.filter(topic=topic).values_list("paper_id", flat=True))
        gone = kept - wanted.keys()
        if gone:
            gone -= find_topic_papers(topic, now=now, paper_ids=gone).possible()
            gone -= set(TopicPick.objects.filter(topic=topic, paper__in=gone).values_list("paper", flat=True))
        if gone:
            TopicMatch.objects.filter(topic=topic, paper__in=gone).delete()
        added = wanted.keys() - kept
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [topic.pk, now, release, list(added), [wanted[paper] for paper in added]])
        Topic.objects.filter(pk=topic.pk).update(pending_since=None)
        if gone or added:
            _ask_again(topic, now=now)
    return True


@dataclass(frozen=True, slots=True)
class TopicPapers:
    """The papers of a topic."""

    scores: dict[int, float] = field(default_factory=dict)
    unknown: frozenset[int] = frozenset()
    """They fulfil the rest; how close they are to the examples can't be said, as they have no vector."""

    def possible(self) -> set[int]:
        return self.scores.keys() | self.unknown


def find_topic_papers(topic: Topic, *, now: datetime, paper_ids: Collection[int] | None = None) -> TopicPapers:
    """The papers that a topic asks for, among the news or `paper_ids` some papers, with their scores."""
    asked = Q(listed_at__gte=now - RELEASE_WINDOW) | Q(is_sample=True) if paper_ids is None else Q(pk__in=paper_ids)
    papers = Paper.objects.filter(asked)
    query = topic_query(topic.query, tuple(topic.categories))
    has_examples = topic.examples.exists()
    if query.root is not None:
        papers = papers.matching(query, viewer=topic.owner, today=group_today(now))
    elif not has_examples:
        return TopicPapers()
    ids = list(papers.values_list("pk", flat=True))
    if not has_examples:
        return TopicPapers(dict.fromkeys(ids, 0.0))
    batch = PaperBatch(ids)
    close = match_examples([topic.pk], batch)[topic.pk]
    return TopicPapers(close.scores, frozenset(batch.ids_at(close.unknown)))


def _ask_again(topic: Topic, *, now: datetime) -> None:
    """Topics that name this one may have other papers now."""
    others = Topic.objects.filter(query__icontains="topic:").exclude(pk=topic.pk)
    naming = [
        pk
        for pk, query in others.values_list("pk", "query")
        if topic.slug in referenced_topics(topic_query(query).root)
    ]
    Topic.objects.filter(pk__in=naming).update(pending_since=now)
