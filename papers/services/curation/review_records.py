"""What curators decide on records that could not be read: read again by today's code, or dismissed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from papers.models import CurationEvent, RejectedRecord
from papers.outbound.errors import SourceError
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import record_subject
from papers.services.fetching.source_config import base_url_of
from papers.services.ingest.announcements import LAST_POSITION
from papers.services.ingest.paper_store import StoreResult, store_papers
from papers.sources.base import RawPaper, RejectedPayload
from papers.sources.isolated import read_isolated
from papers.sources.rejected_payload import parse_rejected_payload


def retry_record(*, record_id: int, actor: Actor) -> CurationEvent | None:
    """Store the paper in a record that waits; None where it waits no more. Idempotent.

    What a source sent is no decision of a curator: the log says that it was read, and there is nothing to undo.

    Raises:
        AlreadyDecidedError: see `record_action`.
        CurationError: it still can't be read; nothing was changed.
    """
    scope = ActionScope(rows={RejectedRecord: [record_id]})
    with record_action(actor, CurationAction.RECORD_READ, subject=record_subject(record_id), scope=scope) as entry:
        waiting = RejectedRecord.objects.filter(pk=record_id, resolved_at=None).select_related("source")
        record = waiting.first()
        if record is not None:
            stored = _store(record, actor)
            waiting.update(resolved_at=actor.now)
            entry.paper_id, entry.is_final = stored.paper_ids[0], True
            entry.before = {"record": record.identifier}
            entry.after = {"new": bool(stored.new)}
    return entry.event


def dismiss_record(*, record_id: int, actor: Actor) -> CurationEvent | None:
    """Settle a record that is of no use. None where it was settled. Idempotent."""
    scope = ActionScope(rows={RejectedRecord: [record_id]})
    with record_action(actor, CurationAction.RECORD_DISMISSED, subject=record_subject(record_id), scope=scope) as entry:
        record = RejectedRecord.objects.filter(pk=record_id, resolved_at=None)
        entry.before = {"record": record.values_list("identifier", flat=True).first() or ""}
        record.update(resolved_at=actor.now)
    return entry.event


def _store(record: RejectedRecord, actor: Actor) -> StoreResult:
    try:
        raw = read_isolated(parse_rejected_payload, rejected_payload_of(record))
    except SourceError as error:
        raise CurationError(f"Still unreadable. {error}") from error
    stored = store_papers([_behind(raw)], now=actor.now, kind=record.source_kind, source=record.source)
    if stored.refused:
        raise CurationError(f"Still can’t be stored. {stored.refused[0].error}")
    return stored


def rejected_payload_of(record: RejectedRecord) -> RejectedPayload:
    """A record as its source's reader takes it."""
    return RejectedPayload(
        kind=record.source_kind,
        payload=record.payload,
        received_on=record.first_seen_at.astimezone(UTC).date(),
        site=base_url_of(record.source) if record.source else "",
    )


def _behind(raw: RawPaper) -> RawPaper:
    """With a place behind all that came with its list."""
    return replace(raw, listed_on=replace(raw.listed_on, position=LAST_POSITION)) if raw.listed_on else raw
