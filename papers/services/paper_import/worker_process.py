"""What a process that stores parts does. Django is set up in `start`, so nothing here imports it before."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from papers.services.paper_import.formats import FileItem, ReadOptions
    from papers.services.paper_import.parts import FilePart
    from papers.sources.base import RawPaper, UnreadableRecord

_SHOWN_CHARACTERS = 2_000
"""Of a rejected row."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What is to be done with the parts of a file."""

    file: str
    """Its digest."""
    options: ReadOptions
    now: datetime
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class PartResult:
    """What became of a part, in papers; `rejected` has line, identifier, reason and text of each rejected row."""

    number: int
    rows: int
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    listed: int = 0
    rejected: tuple[dict[str, Any], ...] = ()


def start_worker(database: str) -> None:
    """Prepare a worker process: set up Django on the parent's database, and end when the parent does."""
    import django

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = database


def _end_with_parent() -> None:
    """A parent that was killed could not say so; what is being stored is rolled back."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def store_part(plan: ImportPlan, part: FilePart) -> PartResult:
    """Store a part and the note that it is stored, in one transaction. Idempotent.

    Of two imports of the same file at once, each part is stored by one and taken as stored by the other.
    """
    from papers.services.paper_import.formats import parse_item

    items = [parse_item(item, plan.options) for item in part.items]
    places = [item.place for item in items for _ in item.papers]
    papers = [paper for item in items for paper in item.papers]
    unread = [_row(item.place, item.rejected) for item in items if item.rejected]
    if plan.dry_run:
        return _try(part, items, papers, places, unread)
    return _store(plan, part, papers, places, unread)


def _store(
    plan: ImportPlan, part: FilePart, papers: list[RawPaper], places: list[int], unread: list[dict[str, Any]]
) -> PartResult:
    from django.db import transaction

    from papers.locks import AdvisoryLock, lock_transaction
    from papers.models import ImportedPart
    from papers.services.editions.listing import ListingRule
    from papers.services.ingest.paper_store import store_papers

    with transaction.atomic():
        lock_transaction(AdvisoryLock.IMPORTED_PART, f"{plan.file} {part.number}")
        stored_part = ImportedPart.objects.filter(file=plan.file, number=part.number).first()
        if stored_part is not None and stored_part.last_place == part.last_place:
            return result_of_stored_part(stored_part, rows=len(part.items))
        rule = ListingRule() if plan.options.lists else None
        stored = store_papers(papers, now=plan.now, kind="import", rule=rule)
        result = PartResult(
            number=part.number,
            rows=len(part.items),
            new=stored.new,
            updated=stored.updated,
            unchanged=stored.unchanged,
            listed=stored.listed,
            rejected=_all_rejected(unread, [(places[record.place or 0], record) for record in stored.refused]),
        )
        _note(plan, part, result)
    return result


def _note(plan: ImportPlan, part: FilePart, result: PartResult) -> None:
    from papers.models import ImportedPart

    ImportedPart.objects.update_or_create(
        file=plan.file,
        number=part.number,
        defaults={
            "last_place": part.last_place,
            "new": result.new,
            "updated": result.updated,
            "unchanged": result.unchanged,
            "listed": result.listed,
            "rejected": list(result.rejected),
            "stored_at": plan.now,
        },
    )


def _try(
    part: FilePart, items: list[FileItem], papers: list[RawPaper], places: list[int], unread: list[dict[str, Any]]
) -> PartResult:
    """What would become of a part if it were stored. A paper of two parts is counted as new twice."""
    from django.db import connection

    from papers.services.ingest.clean_record import RecordError, clean_record
    from papers.services.ingest.rejected_records import unstorable_record
    from papers.services.ingest.resolver import resolve_papers
    from papers.services.ingest.tables import read_identifiers

    cleaned, refused = [], []
    for place, raw in zip(places, papers, strict=True):
        try:
            cleaned.append(clean_record(raw))
        except RecordError as error:
            refused.append((place, unstorable_record(raw, str(error), place=place)))
    with connection.cursor() as cursor:
        targets = resolve_papers(
            cleaned, read_identifiers(cursor, {name for paper in cleaned for name in paper.identifiers})
        )
    new = sum(target.paper_id is None for target in targets)
    return PartResult(
        number=part.number,
        rows=len(items),
        new=new,
        unchanged=len(targets) - new,
        rejected=_all_rejected(unread, refused),
    )


def result_of_stored_part(stored: Any, *, rows: int) -> PartResult:
    """The result that an `ImportedPart` keeps."""
    return PartResult(
        number=stored.number,
        rows=rows,
        new=stored.new,
        updated=stored.updated,
        unchanged=stored.unchanged,
        listed=stored.listed,
        rejected=tuple(stored.rejected),
    )


def _row(place: int, record: UnreadableRecord) -> dict[str, Any]:
    from papers.text.cleaning import safe_text

    return {
        "line": place,
        "reason": safe_text(record.error),
        "identifier": safe_text(record.identifier)[:_SHOWN_CHARACTERS],
        "row": safe_text(record.payload[:_SHOWN_CHARACTERS]),
    }


def _all_rejected(
    unread: list[dict[str, Any]], refused: list[tuple[int, UnreadableRecord]]
) -> tuple[dict[str, Any], ...]:
    """In the order of the file, each row once."""
    rows = {row["line"]: row for row in [*unread, *(_row(place, record) for place, record in refused)]}
    return tuple(rows[line] for line in sorted(rows))
