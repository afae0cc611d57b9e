"""The curators' queue: one list of what waits, the newest first, whatever its kind.

Each kind is read from a partial index of what is open, one page of it; the kinds are merged by when they came. Then
each kind on the page is read once: the number of queries does not grow with the queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from papers.models import (
    Candidate,
    Comment,
    CommentReport,
    CurationEvent,
    DuplicatePair,
    Paper,
    RejectedRecord,
    Submission,
    Topic,
)
from papers.services.curation.diff_papers import FieldDiff, diff_papers
from papers.services.curation.merge_papers import keeps_first, papers_with_arxiv_id
from papers.services.curation.subjects import (
    comment_subject,
    pair_subject,
    paper_subject,
    record_subject,
    topic_subject,
)

PER_PAGE = 30
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class QueuePosition(NamedTuple):
    """What the queue is sorted by."""

    since: datetime
    rank: int
    key: int


@dataclass(slots=True)
class QueueItem:
    """One thing that waits, and what a curator must see to decide on it."""

    kind: str
    key: int
    since: datetime
    subject: str
    last_event_id: int = 0
    """The newest event about it: goes back with the decision."""
    paper: Paper | None = None
    submission: Submission | None = None
    candidate: Candidate | None = None
    comment: Comment | None = None
    reports: Sequence[CommentReport] = ()
    record: RejectedRecord | None = None
    search: Topic | None = None
    pair: DuplicatePair | None = None
    other: Paper | None = None
    """Of two that may be one, the one that would go; `paper` would stay."""
    diff: Sequence[FieldDiff] = ()

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.key}"


@dataclass(frozen=True, slots=True)
class QueueKind:
    """A kind of what waits."""

    rank: int
    label: str
    sql: str
    """Keys and moments of what is open, the newest first."""
    read: Callable[[Sequence[QueueItem]], None]
    """Fills in what a page shows."""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of the queue."""

    items: list[QueueItem]
    next: QueuePosition | None


def read_queue(
    kinds: Collection[str] = (), *, after: QueuePosition | None = None, per_page: int = PER_PAGE
) -> QueuePage:
    """A page of what waits, of all kinds or some; behind the position `after`. At most two queries a kind, and two."""
    chosen = {name: kind for name, kind in QUEUE_KINDS.items() if not kinds or name in kinds}
    found = _positions(chosen, after, per_page + 1)
    items = [QueueItem(name, position.key, position.since, "") for name, position in found[:per_page]]
    items = _filled(items)
    return QueuePage(items, found[per_page - 1][1] if len(found) > per_page else None)


def read_item(kind: str, key: int) -> QueueItem | None:
    """One of them, whether it waits or not; None where there is no such thing."""
    if kind not in QUEUE_KINDS:
        return None
    return next(iter(_filled([QueueItem(kind, key, _UNKNOWN, "")])), None)


def is_queue_empty() -> bool:
    """Whether nothing waits. One query."""
    return not _positions(QUEUE_KINDS, None, 1)


def _positions(
    kinds: Mapping[str, QueueKind], after: QueuePosition | None, limit: int
) -> list[tuple[str, QueuePosition]]:
    parts = []
    for name, kind in kinds.items():
        # The first half of the condition is what enters the index.
        behind = (
            f"since <= %(since)s AND (since, {kind.rank}, key) < (%(since)s, %(rank)s, %(key)s)" if after else "true"
        )
        parts.append(
            f"(SELECT '{name}' AS kind, {kind.rank} AS rank, key, since FROM ({kind.sql}) waiting "  # noqa: S608
            f"WHERE {behind} ORDER BY since DESC, key DESC LIMIT {limit})"
        )
    every = " UNION ALL ".join(parts)
    statement = f"SELECT * FROM ({every}) every ORDER BY since DESC, rank DESC, key DESC LIMIT {limit}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, after._asdict() if after else {})
        return [(kind, QueuePosition(since, rank, key)) for kind, rank, key, since in cursor.fetchall()]


def _filled(items: list[QueueItem]) -> list[QueueItem]:
    by_kind: dict[str, list[QueueItem]] = defaultdict(list)
    for item in items:
        by_kind[item.kind].append(item)
    for name, some in by_kind.items():
        QUEUE_KINDS[name].read(some)
    there = [item for item in items if item.subject]
    newest = CurationEvent.objects.last_about({item.subject for item in there}) if there else {}
    for item in there:
        item.last_event_id = newest[item.subject]
    return there


def _submissions(items: Sequence[QueueItem]) -> None:
    rows = Submission.objects.select_related("paper", "user").in_bulk([item.key for item in items])
    for item in items:
        row = rows.get(item.key)
        if row is not None and row.paper is not None:
            item.submission, item.paper, item.subject = row, row.paper, paper_subject(row.paper.pk)
            item.since = row.created_at


def _candidates(items: Sequence[QueueItem]) -> None:
    rows = Candidate.objects.select_related("paper", "topic").in_bulk([item.key for item in items])
    for item in items:
        if (row := rows.get(item.key)) is not None:
            item.candidate, item.paper, item.subject = row, row.paper, paper_subject(row.paper_id)
            item.since = row.found_at


def _comments(items: Sequence[QueueItem]) -> None:
    keys = [item.key for item in items]
    rows = Comment.objects.select_related("paper", "user").in_bulk(keys)
    reports: dict[int, list[CommentReport]] = defaultdict(list)
    for report in (
        CommentReport.objects.filter(comment__in=keys, resolved_at=None).select_related("user").order_by("pk")
    ):
        reports[report.comment_id].append(report)
    for item in items:
        if (row := rows.get(item.key)) is not None:
            item.comment, item.paper, item.reports = row, row.paper, reports[item.key]
            item.subject = comment_subject(item.key)
            item.since = reports[item.key][-1].created_at if reports[item.key] else row.created_at


def _searches(items: Sequence[QueueItem]) -> None:
    rows = Topic.objects.select_related("owner").in_bulk([item.key for item in items])
    for item in items:
        if (row := rows.get(item.key)) is not None and row.owner_id is not None:
            item.search, item.subject = row, topic_subject(item.key)
            item.since = row.offered_at or row.changed_at


def _pairs(items: Sequence[QueueItem]) -> None:
    rows = DuplicatePair.objects.select_related("first", "second").in_bulk([item.key for item in items])
    papers = {pk for row in rows.values() for pk in (row.first_id, row.second_id)}
    with_arxiv_id = papers_with_arxiv_id(papers)
    for item in items:
        if (row := rows.get(item.key)) is not None:
            first_stays = keeps_first(row, with_arxiv_id)
            item.paper, item.other = (row.first, row.second) if first_stays else (row.second, row.first)
            item.pair, item.since, item.subject = row, row.found_at, pair_subject(row.first_id, row.second_id)
            item.diff = diff_papers(item.paper, item.other)


def _records(items: Sequence[QueueItem]) -> None:
    rows = RejectedRecord.objects.select_related("source").in_bulk([item.key for item in items])
    for item in items:
        if (row := rows.get(item.key)) is not None:
            item.record, item.subject, item.since = row, record_subject(item.key), row.last_seen_at


QUEUE_KINDS: dict[str, QueueKind] = {
    "submission": QueueKind(
        5,
        "Submissions",
        "SELECT id AS key, created_at AS since FROM papers_submission WHERE state = 'waiting'",
        _submissions,
    ),
    "search": QueueKind(
        6,
        "Saved searches",
        "SELECT id AS key, offered_at AS since FROM papers_topic WHERE offered_at IS NOT NULL",
        _searches,
    ),
    "comment": QueueKind(
        4,
        "Reported comments",
        "SELECT comment_id AS key, max(created_at) AS since FROM papers_commentreport WHERE resolved_at IS NULL "
        "GROUP BY comment_id",
        _comments,
    ),
    "pair": QueueKind(
        3,
        "Duplicates",
        "SELECT id AS key, found_at AS since FROM papers_duplicatepair WHERE decided_at IS NULL",
        _pairs,
    ),
    "candidate": QueueKind(
        2,
        "Candidates",
        # Values, as Postgres would make joins of EXISTS, and read all that waits before it sorts.
        "SELECT paper_id AS key, found_at AS since FROM papers_candidate found WHERE decided_at IS NULL "
        "AND (SELECT day FROM papers_listing WHERE paper_id = found.paper_id AND hidden_at IS NULL LIMIT 1) IS NULL "
        "AND (SELECT hidden_at IS NULL FROM papers_paper WHERE id = found.paper_id)",
        _candidates,
    ),
    "record": QueueKind(
        1,
        "Unreadable records",
        "SELECT id AS key, last_seen_at AS since FROM papers_rejectedrecord WHERE resolved_at IS NULL",
        _records,
    ),
}
