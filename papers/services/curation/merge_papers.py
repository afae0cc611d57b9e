"""Two papers that are one: merged, or told apart for good."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from papers.models import CurationEvent, DuplicatePair, Identifier, Paper, PaperVector
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.embeddings import backlog as embedding_backlog
from papers.services.ingest import tables
from papers.services.ingest.curated_edits import with_edits, without_edits
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.ingest.paper_row import merge_record, row_as_record

# Answers go where the comments went that they answer.
_REJOIN = """
    UPDATE papers_comment answer SET paper_id = asked.paper_id FROM papers_comment asked
    WHERE answer.parent_id = asked.id AND answer.paper_id <> asked.paper_id AND answer.paper_id = ANY(%(papers)s)
"""
_DEEPEST = 1_000


def merge_papers(*, kept_id: int, gone_id: int, by: Actor) -> CurationEvent | None:
    """Make two papers one: votes, comments, shelf, tags, days and mail history of the one go over to the other.

    Raises:
        CurationError: both have an arXiv id, so they are two.
        Paper.DoesNotExist: one of them is gone.
    """
    scope = ActionScope(papers=(kept_id, gone_id), belongings=True)
    with record_action(by, "merge", subject=pair_subject(kept_id, gone_id), scope=scope) as act:
        if kept_id == gone_id or len(_with_arxiv(kept_id, gone_id)) == 2:
            raise CurationError("Two arXiv ids are two papers: arXiv itself says so.")
        gone = Paper.objects.values("title", "public_id").get(pk=gone_id)
        with connection.cursor() as cursor:
            rows = tables.read_rows(cursor, [kept_id, gone_id])
            edits = tables.read_edits(cursor, [kept_id, gone_id])
            own, others = edits.get(kept_id, {}), edits.get(gone_id, {})
            move_related_rows({gone_id: kept_id})
            sources = without_edits(rows[kept_id], own)
            after = merge_record(sources, row_as_record(without_edits(rows[gone_id], others)), now=by.now)
            after = with_edits(after, {**others, **own})
            if after != rows[kept_id]:
                tables.update_papers(cursor, [tables.PaperChange(kept_id, rows[kept_id], after, True)], now=by.now)
        act.recount = True
        act.before = {"gone": gone["title"], "address": gone["public_id"]}
    return act.event


def mark_distinct(*, first_id: int, second_id: int, by: Actor) -> CurationEvent | None:
    """Note that two papers are two. Idempotent."""
    scope = ActionScope(papers=(first_id, second_id))
    with record_action(by, "told-apart", subject=pair_subject(first_id, second_id), scope=scope) as act:
        low, high = sorted((first_id, second_id))
        DuplicatePair.objects.filter(first=low, second=high, decided_at=None).update(decided_at=by.now)
    return act.event


def choose_kept_paper(pair: DuplicatePair) -> tuple[int, int]:
    """Which of two stays, and which goes: the one with the arXiv id stays, else the one that came first. One query."""
    has_arxiv = _with_arxiv(pair.first_id, pair.second_id)
    if pair.second_id in has_arxiv and pair.first_id not in has_arxiv:
        return pair.second_id, pair.first_id
    return pair.first_id, pair.second_id


def pair_subject(one: int, other: int) -> str:
    low, high = sorted((one, other))
    return f"pair:{low}-{high}"


def _with_arxiv(*papers: int) -> set[int]:
    return set(Identifier.objects.filter(paper__in=papers, scheme="arxiv").values_list("paper", flat=True))


def _around(event: CurationEvent) -> Callable[[], None]:
    """Once both are there again: threads stay whole, and both can be found by meaning."""
    papers = [change["key"]["id"] for change in event.changes if change["table"] == "papers_paper"]
    papers += [event.paper_id] if event.paper_id else []

    def finish() -> None:
        with connection.cursor() as cursor:
            for _ in range(_DEEPEST):
                cursor.execute(_REJOIN, {"papers": papers})
                if not cursor.rowcount:
                    break
            known = PaperVector.objects.filter(paper__in=papers).values("paper")
            waiting = Paper.objects.filter(pk__in=papers).exclude(pk__in=known).values_list("pk", "listed_at")
            embedding_backlog.enqueue_papers(cursor, waiting)

    return finish


UNDO_HOOKS["merge"] = _around
