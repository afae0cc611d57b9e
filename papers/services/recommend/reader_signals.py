"""What readers like and dislike, read for many readers at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

MAX_LIKED = 200
"""Only the latest this many papers speak for a reader, or for a tag: tastes change, and no list may take minutes."""
MAX_DISLIKED = 100
MIN_PAPERS_OF_TAG = 3
MAX_TAGS = 20
"""Lists are kept for the tags that were used last."""

# Each reader's rows are entered by an index of the reader, and read no further than what can count.
_SIGNALS = """
    SELECT asked.id, signal.kind, signal.paper_id, signal.tag_id, signal.at
    FROM unnest(%(users)s::bigint[]) AS asked (id) CROSS JOIN LATERAL (
        (SELECT 'liked' AS kind, paper_id, NULL::bigint AS tag_id, created_at AS at FROM papers_vote
            WHERE user_id = asked.id ORDER BY created_at DESC, id DESC LIMIT %(liked)s)
        UNION ALL
        (SELECT 'liked', paper_id, NULL, added_at FROM papers_libraryitem
            WHERE user_id = asked.id AND state <> 'not_interested' ORDER BY added_at DESC, id DESC LIMIT %(liked)s)
        UNION ALL
        (SELECT 'disliked', paper_id, NULL, added_at FROM papers_libraryitem
            WHERE user_id = asked.id AND state = 'not_interested' ORDER BY added_at DESC, id DESC LIMIT %(disliked)s)
        UNION ALL
        (SELECT 'liked', tagged.paper_id, tagged.tag_id, tagged.created_at
            FROM (SELECT tag.id, max(used.created_at) AS at
                FROM papers_tag tag JOIN papers_taggedpaper used ON used.tag_id = tag.id
                WHERE tag.user_id = asked.id GROUP BY tag.id ORDER BY 2 DESC, 1 LIMIT %(tags)s) AS recent
            CROSS JOIN LATERAL (
                SELECT id, paper_id, tag_id, created_at FROM papers_taggedpaper
                WHERE tag_id = recent.id ORDER BY created_at DESC, id DESC LIMIT %(liked)s) AS tagged)
    ) AS signal
    ORDER BY asked.id, signal.at DESC, signal.paper_id DESC
"""
_KNOWN = """
    SELECT user_id, array_agg(paper_id) FROM (
        SELECT user_id, paper_id FROM papers_seenpaper WHERE user_id = ANY(%(users)s) AND paper_id = ANY(%(papers)s)
        UNION
        SELECT tag.user_id, tagged.paper_id FROM papers_tag tag JOIN papers_taggedpaper tagged ON tagged.tag_id = tag.id
        WHERE tag.user_id = ANY(%(users)s) AND tagged.paper_id = ANY(%(papers)s)
    ) known GROUP BY user_id
"""
_SHOWN = """
    SELECT user_id, paper_id, extract(epoch FROM %(now)s - shown_at)::float8 / 86400
    FROM papers_shownrecommendation WHERE user_id = ANY(%(users)s) AND paper_id = ANY(%(papers)s)
"""
_MUTED = "SELECT user_id, query FROM papers_mutedquery WHERE user_id = ANY(%(users)s) ORDER BY id"


@dataclass(slots=True)
class ReaderSignals:
    """What one reader said by doing, the latest first."""

    liked: list[int] = field(default_factory=list)
    """Papers voted for, kept or tagged."""
    disliked: list[int] = field(default_factory=list)
    by_tag: dict[int, list[int]] = field(default_factory=dict)
    """Papers of each of the tags that have enough of them."""
    known: set[int] = field(default_factory=set)
    """Recent papers that the reader has seen or tagged."""
    shown: dict[int, float] = field(default_factory=dict)
    """Days since recent papers were first suggested to the reader."""
    muted: list[str] = field(default_factory=list)

    @property
    def examples(self) -> set[int]:
        """All papers that say something."""
        return {*self.liked, *self.disliked, *(paper for papers in self.by_tag.values() for paper in papers)}


def read_reader_signals(
    user_ids: Collection[int], *, candidate_ids: Collection[int], now: datetime
) -> dict[int, ReaderSignals]:
    """The signals of each of these readers. `candidate_ids` are the papers that may be recommended. Four queries."""
    found = {user_id: ReaderSignals() for user_id in user_ids}
    asked: dict[str, Any] = {"users": list(user_ids), "liked": MAX_LIKED, "disliked": MAX_DISLIKED, "tags": MAX_TAGS}
    with connection.cursor() as cursor:
        cursor.execute(_SIGNALS, asked)
        for user_id, kind, paper_id, tag_id, _ in cursor.fetchall():
            _note(found[user_id], kind, paper_id, tag_id)
        cursor.execute(_KNOWN, {"users": list(user_ids), "papers": list(candidate_ids)})
        for user_id, papers in cursor.fetchall():
            found[user_id].known.update(papers)
        cursor.execute(_SHOWN, {"users": list(user_ids), "papers": list(candidate_ids), "now": now})
        for user_id, paper_id, days in cursor.fetchall():
            found[user_id].shown[paper_id] = days
        cursor.execute(_MUTED, {"users": list(user_ids)})
        for user_id, query in cursor.fetchall():
            found[user_id].muted.append(query)
    for signals in found.values():
        _settle(signals)
    return found


def _note(signals: ReaderSignals, kind: str, paper_id: int, tag_id: int | None) -> None:
    if kind == "disliked":
        signals.disliked.append(paper_id)
        return
    if tag_id is not None:
        signals.by_tag.setdefault(tag_id, []).append(paper_id)
    signals.liked.append(paper_id)


def _settle(signals: ReaderSignals) -> None:
    """Each paper once. What is disliked is liked no more, whatever else was done with it; but a tag keeps its own."""
    disliked = set(signals.disliked)
    signals.liked = [paper for paper in dict.fromkeys(signals.liked) if paper not in disliked][:MAX_LIKED]
    signals.by_tag = {tag: papers for tag, papers in signals.by_tag.items() if len(papers) >= MIN_PAPERS_OF_TAG}
