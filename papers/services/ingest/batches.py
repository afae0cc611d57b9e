"""What one answer of a source brought, stored together with how far the fetch has come."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from papers.models import FetchRun, Source
from papers.services.ingest.announcements import store_announced, store_likely_days
from papers.services.ingest.paper_store import StoreResult, store_papers
from papers.services.ingest.rejected_records import store_rejected
from papers.sources.base import FetchBatch
from papers.text.cleaning import safe_text


class RunLostError(Exception):
    """The fetch is not ours any more: it stood still for too long, and was ended or taken over."""


def store_batch(source: Source, run: FetchRun, batch: FetchBatch, now: datetime) -> StoreResult:
    """Store a batch, the source's cursor and the run's counters in one transaction.

    So a fetch that is killed goes on where it was, and a batch that is stored twice changes nothing but the counters.

    Raises:
        RunLostError: nothing was stored.
    """
    with transaction.atomic():
        if not FetchRun.objects.select_for_update().filter(pk=run.pk, state=FetchRun.State.RUNNING).exists():
            raise RunLostError(f"Run {run.pk} of {source} has ended.")
        stored = store_papers(batch.papers, now=now, kind=source.kind, source=source)
        store_rejected(batch.rejected, kind=source.kind, source_id=source.pk, now=now)
        store_announced((*batch.announced, *batch.unread_lists), now=now)
        store_likely_days(batch.likely_days, now=now)
        _keep_place(source, batch)
        _count(run, batch, stored, now)
    return stored


def _keep_place(source: Source, batch: FetchBatch) -> None:
    """Move the cursor on, and keep the validators for the next conditional request."""
    known = {"cursor": batch.cursor, "etag": batch.etag, "last_modified": batch.last_modified}
    said = {name: value for name, value in known.items() if value is not None}
    if said:
        Source.objects.filter(pk=source.pk).update(**said)
        for name, value in said.items():
            setattr(source, name, value)


def progress_line(batch: FetchBatch) -> str:
    """How far a fetch has come with this batch, such as `fetching cs.CL, 40 of 1,200`."""
    line = f"fetching {safe_text(batch.label)}" if batch.label else "fetching"
    if batch.total is not None:
        return f"{line}, {batch.done:,} of {batch.total:,}"
    return f"{line}, {batch.done:,}" if batch.done else line


def _count(run: FetchRun, batch: FetchBatch, stored: StoreResult, now: datetime) -> None:
    run_row = FetchRun.objects.filter(pk=run.pk)
    if batch.announced:  # none: the source announces nothing, which is not the same as announcing no paper
        announced = sum(len(announced.ids) for announced in batch.announced)
        run_row.update(announced=Coalesce(F("announced"), 0) + announced)
    run_row.update(
        fetched=F("fetched") + len(batch.papers) + len(batch.rejected),
        new=F("new") + stored.new,
        updated=F("updated") + stored.updated,
        listed=F("listed") + stored.listed,
        failed=F("failed") + stored.rejected + len(batch.rejected),
        heartbeat_at=now,
        progress=progress_line(batch),
    )
