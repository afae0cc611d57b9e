"""Candidates for an edition: what a topic for all has found and no edition has. A worker finds them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

from papers.models import Candidate
from papers.services.editions.listing import MAX_LISTING_AGE
from papers.services.ingest.releases import current_release

CANDIDATE_RETENTION = timedelta(days=30)
"""How long a candidate waits for a decision before it is deleted."""

_SEEN_UPTO = "candidates-upto"
# Topics that have examples say how close a paper is; what others find fulfils them as a whole.
_FIND = """
    INSERT INTO papers_candidate (paper_id, topic_id, score, found_at)
    SELECT DISTINCT ON (paper.id) paper.id, topic.id, found.score, %(now)s
    FROM papers_topic topic
    JOIN papers_topicmatch found ON found.topic_id = topic.id
        AND found.release > %(after)s AND found.release <= %(upto)s
    JOIN papers_paper paper ON paper.id = found.paper_id
    WHERE topic.owner_id IS NULL AND paper.hidden_at IS NULL AND paper.withdrawn_at IS NULL AND NOT paper.is_sample
        AND paper.listed_at >= %(since)s
        AND (found.score >= %(score)s
            OR NOT EXISTS (SELECT FROM papers_topic_examples example WHERE example.topic_id = topic.id))
        AND NOT EXISTS (SELECT FROM papers_listing listing WHERE listing.paper_id = paper.id)
    ORDER BY paper.id, found.score DESC, topic.id
    ON CONFLICT DO NOTHING
"""


def find_candidates(*, now: datetime) -> int:
    """Make candidates of what topics found since the last call, and return how many. Idempotent.

    The last release it read is in the cache: when that is lost, everything recent is read again, once.
    """
    after: int = cache.get(_SEEN_UPTO, 0)
    upto = current_release()
    if upto <= after:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        asked: dict[str, Any] = {"now": now, "after": after, "upto": upto, "since": now - MAX_LISTING_AGE}
        cursor.execute(_FIND, asked | {"score": settings.CANDIDATE_SCORE})
        found = int(cursor.rowcount)
    cache.set(_SEEN_UPTO, upto, None)
    return found


def delete_expired_candidates(*, now: datetime) -> int:
    """Delete candidates found before `CANDIDATE_RETENTION`, decided on or not; returns how many. Idempotent."""
    return Candidate.objects.filter(found_at__lt=now - CANDIDATE_RETENTION).delete()[0]
