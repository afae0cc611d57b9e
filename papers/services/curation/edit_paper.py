"""Changing what a paper says: title, authors, abstract, organization, code link, withdrawn or not.

The sources' own values stay beside the curators'; see services/ingest/curated_edits.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from papers.models import CurationEvent, PaperEdit
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import paper_subject
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.ingest import tables
from papers.services.ingest.curated_edits import CuratedEdit, CuratedEdits, field_value, with_edits, without_edits
from papers.services.ingest.paper_row import PaperRow


def edit_paper(*, paper_id: int, values: Mapping[str, Any], actor: Actor) -> CurationEvent | None:
    """Give some fields of a paper other values; one that the sources give themselves is no edit any more. Idempotent.

    Raises:
        Paper.DoesNotExist: there is no such paper.
    """
    with record_action(
        actor, CurationAction.EDIT, subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,))
    ) as entry:
        with connection.cursor() as cursor:
            row, edits = _read(cursor, paper_id)
            sources = without_edits(row, edits)
            changed = {field: value for field, value in values.items() if value != field_value(row, field)}
            for field, value in changed.items():
                _store(paper_id, field, CuratedEdit(value, field_value(sources, field)), actor)
            _write(cursor, paper_id, row, sources, actor.now)
        entry.after = {"fields": sorted(changed)}
    return entry.event


def revert_to_source_value(*, paper_id: int, field: str, actor: Actor) -> CurationEvent | None:
    """Let a field say again what the sources say. Idempotent."""
    known = PaperEdit.objects.filter(paper=paper_id, field=field).first()
    return edit_paper(paper_id=paper_id, values={field: known.source_value}, actor=actor) if known else None


def _store(paper_id: int, field: str, edit: CuratedEdit, actor: Actor) -> None:
    if edit.value == edit.source_value:
        PaperEdit.objects.filter(paper=paper_id, field=field).delete()
        return
    PaperEdit.objects.update_or_create(
        paper_id=paper_id,
        field=field,
        defaults={"value": edit.value, "user": actor.curator, "edited_at": actor.now},
        create_defaults={
            **{"value": edit.value, "source_value": edit.source_value, "user": actor.curator, "edited_at": actor.now}
        },
    )


def _read(cursor: CursorWrapper, paper_id: int) -> tuple[PaperRow, CuratedEdits]:
    row = tables.read_rows(cursor, [paper_id])[paper_id]
    return row, tables.read_edits(cursor, [paper_id]).get(paper_id, {})


def _write(cursor: CursorWrapper, paper_id: int, row: PaperRow, sources: PaperRow, now: Any) -> None:
    """Lay the edits as they are now over what the sources say."""
    after = with_edits(sources, tables.read_edits(cursor, [paper_id]).get(paper_id, {}))
    if after != row:
        tables.update_papers(cursor, [tables.PaperChange(paper_id, row, after, True)], now=now)


def _prepare_undo(event: CurationEvent) -> Callable[[], None]:
    """The way back of an edit: the sources may have sent something newer since, and that is what comes back."""
    paper_id = event.paper_id
    if paper_id is None:
        return lambda: None
    with connection.cursor() as cursor:
        row, edits = _read(cursor, paper_id)
    sources = without_edits(row, edits)

    def finish() -> None:
        for edit in PaperEdit.objects.filter(paper=paper_id):
            PaperEdit.objects.filter(pk=edit.pk).update(source_value=field_value(sources, edit.field))
        with connection.cursor() as cursor:
            _write(cursor, paper_id, row, sources, event.created_at)

    return finish


UNDO_HOOKS[CurationAction.EDIT] = _prepare_undo
