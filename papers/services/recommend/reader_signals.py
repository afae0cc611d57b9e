"""What readers like and dislike, read for many readers at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from papers.models.recommendation import FeedbackKind

MAX_LIKED = 200
"""Only the latest this many papers speak for a reader, or for a tag: tastes change, and no list may take minutes."""
MAX_DISLIKED = 100
MAX_LESS = 50
"""Each costs a product of a matrix with a vector."""
MIN_PAPERS_OF_TAG = 3
MAX_TAGS = 20
"""Lists are kept for the tags that were used last."""

MAX_FOLLOWED = 50
"""Papers of those whom a reader follows, where these count; ten of each."""
MAX_FEEDBACK = 500
"""Papers of which a reader may have said "more like this", "less like this" or "does not count"."""

# Each reader's rows are entered by an index of the reader, and read no further than what can count.
SIGNALS_OF = """
        (SELECT 'voted' AS source, paper_id, NULL::bigint AS tag_id, created_at AS at, true AS counts FROM papers_vote
            WHERE user_id = asked.id AND coalesce(profile.votes, true)
              AND created_at > coalesce(profile.forgotten_at, '-infinity')
            ORDER BY created_at DESC, id DESC LIMIT %(liked)s)
        UNION ALL
        (SELECT CASE WHEN %(names_imports)s AND item.is_imported THEN 'imported' ELSE 'saved' END, paper_id, NULL,
                added_at, true
            FROM papers_libraryitem kept CROSS JOIN LATERAL (SELECT EXISTS (
                SELECT FROM papers_libraryimportrow line JOIN papers_libraryimport import
                    ON import.id = line.library_import_id
                WHERE line.paper_id = kept.paper_id AND import.user_id = asked.id) AS is_imported) item
            WHERE user_id = asked.id AND state <> 'not_interested'
              AND added_at > coalesce(profile.forgotten_at, '-infinity')
              AND CASE WHEN coalesce(profile.saves, true) = coalesce(profile.imports, true)
                    THEN profile.saves IS NOT FALSE
                  WHEN item.is_imported THEN profile.imports ELSE profile.saves END
            ORDER BY added_at DESC, id DESC LIMIT %(liked)s)
        UNION ALL
        (SELECT 'put aside', paper_id, NULL, added_at, true FROM papers_libraryitem
            WHERE user_id = asked.id AND state = 'not_interested'
              AND added_at > coalesce(profile.forgotten_at, '-infinity')
            ORDER BY added_at DESC, id DESC LIMIT %(disliked)s)
        UNION ALL
        (SELECT kind, paper_id, NULL, created_at, true FROM papers_recommendationfeedback
            WHERE user_id = asked.id AND created_at > coalesce(profile.forgotten_at, '-infinity')
            ORDER BY created_at DESC, paper_id DESC LIMIT %(feedback)s)
        UNION ALL
        (SELECT 'followed', noted.paper_id, NULL, noted.listed_at, true
            FROM papers_follow follow CROSS JOIN LATERAL (
                SELECT paper_id, listed_at FROM papers_followedpaper
                WHERE followed_id = follow.followed_id ORDER BY listed_at DESC, paper_id DESC LIMIT 10) noted
            WHERE follow.user_id = asked.id AND profile.follows
            ORDER BY noted.listed_at DESC, noted.paper_id DESC LIMIT %(followed)s)
        UNION ALL
        (SELECT 'tagged', tagged.paper_id, tagged.tag_id, tagged.created_at,
                coalesce(profile.tags, true) AND tagged.created_at > coalesce(profile.forgotten_at, '-infinity')
            FROM (SELECT tag.id, max(used.created_at) AS at
                FROM papers_tag tag JOIN papers_taggedpaper used ON used.tag_id = tag.id
                WHERE tag.user_id = asked.id GROUP BY tag.id ORDER BY 2 DESC, 1 LIMIT %(tags)s) AS recent
            CROSS JOIN LATERAL (
                SELECT id, paper_id, tag_id, created_at FROM papers_taggedpaper
                WHERE tag_id = recent.id ORDER BY created_at DESC, id DESC LIMIT %(liked)s) AS tagged)
"""
"""What the reader `asked.id` did with papers, as far as `profile` (a row of papers_recommendationprofile, or none) lets
it count; papers of tags come in any case, with `counts` false. Parameters: `SIGNAL_LIMITS`, and `names_imports`."""
SIGNAL_LIMITS: dict[str, int] = {
    "liked": MAX_LIKED,
    "disliked": MAX_DISLIKED,
    "feedback": MAX_FEEDBACK,
    "followed": MAX_FOLLOWED,
    "tags": MAX_TAGS,
}
_SIGNALS = f"""
    SELECT asked.id, signal.source, signal.paper_id, signal.tag_id, signal.at, signal.counts
    FROM unnest(%(users)s::bigint[]) AS asked (id)
    LEFT JOIN papers_recommendationprofile profile ON profile.user_id = asked.id
    CROSS JOIN LATERAL ({SIGNALS_OF}) AS signal
    ORDER BY asked.id, signal.at DESC, signal.paper_id DESC
"""  # noqa: S608  joined from constants
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
    """Papers voted for, kept or tagged, and those of which the reader asked for more."""
    disliked: list[int] = field(default_factory=list)
    more: list[int] = field(default_factory=list)
    """Those of the liked ones of which the reader asked for more."""
    less: list[int] = field(default_factory=list)
    """Papers of which the reader wants less."""
    ignored: set[int] = field(default_factory=set)
    """Papers that the reader does not let count."""
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
        tagged = (paper for papers in self.by_tag.values() for paper in papers)
        return {*self.liked, *self.disliked, *self.less, *tagged}


@dataclass(frozen=True, slots=True)
class ReaderSignal:
    """One thing that a reader did with a paper."""

    source: str
    """voted, saved, imported, put aside, tagged, followed; or what was said of it: more, less, ignored."""
    paper_id: int
    tag_id: int | None
    at: datetime
    counts: bool
    """False of a tag whose papers make its own list alone."""


def read_reader_signals(
    user_ids: Collection[int], *, candidate_ids: Collection[int], now: datetime
) -> dict[int, ReaderSignals]:
    """The signals of each of these readers. `candidate_ids` are the papers that may be recommended. Four queries."""
    found = {user_id: ReaderSignals() for user_id in user_ids}
    for user_id, signal in _read(user_ids):
        _note(found[user_id], signal)
    with connection.cursor() as cursor:
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


def read_signals_of(user_id: int) -> tuple[list[ReaderSignal], ReaderSignals]:
    """What one reader did, the latest first, with imports by their name; and what is learnt from it. One query."""
    done = [signal for _, signal in _read([user_id], names_imports=True)]
    learnt = ReaderSignals()
    for signal in done:
        _note(learnt, signal)
    _settle(learnt)
    return done, learnt


def _read(user_ids: Collection[int], *, names_imports: bool = False) -> Iterator[tuple[int, ReaderSignal]]:
    asked: dict[str, Any] = {**SIGNAL_LIMITS, "users": list(user_ids), "names_imports": names_imports}
    with connection.cursor() as cursor:
        cursor.execute(_SIGNALS, asked)
        rows = cursor.fetchall()
    for user_id, *signal in rows:
        yield user_id, ReaderSignal(*signal)


def _note(signals: ReaderSignals, signal: ReaderSignal) -> None:
    match signal.source:
        case "put aside":
            signals.disliked.append(signal.paper_id)
        case FeedbackKind.LESS:
            signals.less.append(signal.paper_id)
        case FeedbackKind.IGNORED:
            signals.ignored.add(signal.paper_id)
        case FeedbackKind.MORE:
            signals.more.append(signal.paper_id)
            signals.liked.append(signal.paper_id)
        case _:
            if signal.tag_id is not None:
                signals.by_tag.setdefault(signal.tag_id, []).append(signal.paper_id)
            if signal.counts:
                signals.liked.append(signal.paper_id)


def _settle(signals: ReaderSignals) -> None:
    """Each paper once. What is disliked is liked no more, whatever else was done with it; but a tag keeps its own."""
    settled = {*signals.ignored, *signals.more}
    signals.disliked = [paper for paper in signals.disliked if paper not in settled]
    signals.less = signals.less[:MAX_LESS]
    against = {*signals.disliked, *signals.less, *signals.ignored} - set(signals.more)
    signals.liked = [paper for paper in dict.fromkeys(signals.liked) if paper not in against][:MAX_LIKED]
    signals.by_tag = {tag: papers for tag, papers in signals.by_tag.items() if len(papers) >= MIN_PAPERS_OF_TAG}
