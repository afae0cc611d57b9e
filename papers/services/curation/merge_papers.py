"""Two papers that may be one: merged, or marked as two for good."""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.db import connection

from papers.models import CurationEvent, DuplicatePair, Identifier, Paper, PaperVector
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import pair_subject
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.embeddings import backlog as embedding_backlog
from papers.services.ingest import tables
from papers.services.ingest.curated_edits import with_edits, without_edits
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.ingest.paper_row import merge_record, row_as_record

# Answers follow the comments that they answer.
_REJOIN = """
    UPDATE papers_comment answer SET paper_id = asked.paper_id FROM papers_comment asked
    WHERE answer.parent_id = asked.id AND answer.paper_id <> asked.paper_id AND answer.paper_id = ANY(%(papers)s)
"""
_DEEPEST_THREAD = 1_000


def merge_papers(*, kept_id: int, merged_id: int, actor: Actor) -> CurationEvent | None:
    """Make two papers one: what refers to `merged_id` refers to `kept_id` afterwards, and `merged_id` is deleted.

    Raises:
        CurationError: both have an arXiv id, so they are two.
        Paper.DoesNotExist: one of them is gone.
    """
    scope = ActionScope(papers=(kept_id, merged_id), belongings=True)
    with record_action(actor, CurationAction.MERGE, subject=pair_subject(kept_id, merged_id), scope=scope) as entry:
        if kept_id == merged_id or len(papers_with_arxiv_id([kept_id, merged_id])) == 2:
            raise CurationError("Papers with different arXiv ids can’t be merged.")
        gone = Paper.objects.values("title", "public_id").get(pk=merged_id)
        with connection.cursor() as cursor:
            rows = tables.read_rows(cursor, [kept_id, merged_id])
            edits = tables.read_edits(cursor, [kept_id, merged_id])
            own, others = edits.get(kept_id, {}), edits.get(merged_id, {})
            move_related_rows({merged_id: kept_id})
            sources = without_edits(rows[kept_id], own)
            after = merge_record(sources, row_as_record(without_edits(rows[merged_id], others)), now=actor.now)
            after = with_edits(after, {**others, **own})
            if after != rows[kept_id]:
                tables.update_papers(cursor, [tables.PaperChange(kept_id, rows[kept_id], after, True)], now=actor.now)
        entry.recount = True
        entry.before = {"gone": gone["title"], "address": gone["public_id"]}
    return entry.event


def mark_distinct(*, first_id: int, second_id: int, actor: Actor) -> CurationEvent | None:
    """Settle a pair of papers as two. None where that was done. Idempotent."""
    scope = ActionScope(papers=(first_id, second_id))
    with record_action(
        actor, CurationAction.TOLD_APART, subject=pair_subject(first_id, second_id), scope=scope
    ) as entry:
        low, high = sorted((first_id, second_id))
        DuplicatePair.objects.filter(first=low, second=high, decided_at=None).update(decided_at=actor.now)
    return entry.event


def choose_kept_paper(pair: DuplicatePair) -> tuple[int, int]:
    """The keys of the paper that stays and of the one that goes. One query."""
    first_stays = keeps_first(pair, papers_with_arxiv_id([pair.first_id, pair.second_id]))
    return (pair.first_id, pair.second_id) if first_stays else (pair.second_id, pair.first_id)


def keeps_first(pair: DuplicatePair, with_arxiv_id: Collection[int]) -> bool:
    """Whether the first of two stays: the one with the arXiv id does, else the one that came first. No queries."""
    return pair.first_id in with_arxiv_id or pair.second_id not in with_arxiv_id


def papers_with_arxiv_id(paper_ids: Collection[int]) -> set[int]:
    """Which of these papers have an arXiv id, by key. One query."""
    return set(Identifier.objects.filter(paper__in=paper_ids, scheme="arxiv").values_list("paper", flat=True))


def _after_undo(event: CurationEvent) -> Callable[[], None]:
    """Once both are there again: threads stay whole, and both can be found by meaning."""
    papers = [change["key"]["id"] for change in event.changes if change["table"] == "papers_paper"]
    papers += [event.paper_id] if event.paper_id else []

    def finish() -> None:
        with connection.cursor() as cursor:
            for _ in range(_DEEPEST_THREAD):
                cursor.execute(_REJOIN, {"papers": papers})
                if not cursor.rowcount:
                    break
            known = PaperVector.objects.filter(paper__in=papers).values("paper")
            waiting = Paper.objects.filter(pk__in=papers).exclude(pk__in=known).values_list("pk", "listed_at")
            embedding_backlog.enqueue_papers(cursor, waiting)

    return finish


UNDO_HOOKS[CurationAction.MERGE] = _after_undo
