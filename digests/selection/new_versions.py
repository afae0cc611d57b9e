"""The new versions of saved papers that a mail names: the part of the choice of papers that finds them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from digests.selection.daily_papers import MAILABLE

MAX_VERSIONS = 20
VERSIONS_SINCE = timedelta(days=30)
# A version's date is when its authors sent it in; a paper may have been announced, and saved, some days later.
_ANNOUNCED_WITHIN = timedelta(days=5)

VERSIONS = f"""
, saved AS MATERIALIZED (
    SELECT user_id, paper_id, min(saved_at) AS saved_at, max(seen) AS seen FROM (
        SELECT user_id, paper_id, added_at AS saved_at, coalesce(version_seen, 0) AS seen FROM papers_libraryitem
        WHERE state <> 'not_interested' AND user_id IN (SELECT user_id FROM lists WHERE kind = 'versions')
        UNION ALL
        SELECT tag.user_id, tagged.paper_id, tagged.created_at, 0
        FROM papers_tag tag JOIN papers_taggedpaper tagged ON tagged.tag_id = tag.id
        WHERE tag.user_id IN (SELECT user_id FROM lists WHERE kind = 'versions')
    ) ways GROUP BY user_id, paper_id
), mailed_versions AS MATERIALIZED (
    SELECT DISTINCT delivery.subscriber_id, unnest(delivery.version_ids) AS version_id
    FROM digests_delivery delivery
    WHERE delivery.subscriber_id IN (SELECT subscriber_id FROM lists WHERE kind = 'versions')
      AND delivery.planned_at >= %(versions_from)s - %(clocks_differ)s AND delivery.version_ids <> '{{}}'
      AND delivery.state = ANY(%(chosen)s)
), newest AS (
    SELECT lists.schedule_id, version.id,
        row_number() OVER (PARTITION BY lists.schedule_id ORDER BY version.seen_at, version.id) AS position
    FROM lists
    JOIN saved ON saved.user_id = lists.user_id
    JOIN papers_paperversion version ON version.paper_id = saved.paper_id
    JOIN papers_paper paper ON paper.id = saved.paper_id
    WHERE lists.kind = 'versions' AND version.version > greatest(saved.seen, 1)
      AND version.seen_at > greatest(saved.saved_at, lists.floor, %(versions_from)s)
      AND coalesce(version.released_at, version.seen_at) > saved.saved_at - %(announced_within)s
      AND {MAILABLE}
      AND NOT EXISTS (SELECT FROM papers_paperversion later
        WHERE later.paper_id = version.paper_id AND later.version > version.version)
      AND NOT EXISTS (SELECT FROM mailed_versions mailed
        WHERE mailed.subscriber_id = lists.subscriber_id AND mailed.version_id = version.id)
), versions AS (
    SELECT schedule_id, array_agg(id ORDER BY position) AS version_ids
    FROM newest WHERE position <= %(max_versions)s GROUP BY schedule_id
)"""  # noqa: S608  joined from constants
"""After `lists` in `choose_papers.py`."""


def version_parameters(*, now: datetime) -> dict[str, Any]:
    """What the statement needs for them, beside what it has."""
    return {
        "versions_from": now - VERSIONS_SINCE,
        "announced_within": _ANNOUNCED_WITHIN,
        "max_versions": MAX_VERSIONS,
    }
