"""Records that could not be read: read again by today's code, as a source's visit would have stored them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from papers.models import CurationEvent, RejectedRecord
from papers.outbound.errors import SourceError
from papers.services.curation.audit_log import CurationError, Deciding, recording
from papers.services.curation.row_diff import Scope
from papers.services.fetching.source_config import base_url_of
from papers.services.ingest.announcements import BEHIND
from papers.services.ingest.paper_store import Stored, store_papers
from papers.sources.base import RawPaper
from papers.sources.rejected_payload import Kept, read_again


def retry_record(*, record_id: int, by: Deciding) -> CurationEvent | None:
    """Store the paper in a record that waits; None where it waits no more. Idempotent.

    What a source sent is no decision of a curator: the log says that it was read, and there is nothing to undo.

    Raises:
        AlreadyDecidedError: see `recording`.
        CurationError: it still can't be read; nothing was changed.
    """
    scope = Scope(rows={RejectedRecord: [record_id]})
    with recording(by, "record-read", subject=f"record:{record_id}", scope=scope) as act:
        waiting = RejectedRecord.objects.filter(pk=record_id, resolved_at=None).select_related("source")
        record = waiting.first()
        if record is not None:
            stored = _store(record, by)
            waiting.update(resolved_at=by.now)
            act.paper_id, act.is_final = stored.paper_ids[0], True
            act.before = {"record": record.identifier}
            act.after = {"new": bool(stored.new)}
    return act.event


def _store(record: RejectedRecord, by: Deciding) -> Stored:
    try:
        raw = read_again(kept_of(record))
    except SourceError as error:
        raise CurationError(f"It still can’t be read. {error}") from error
    stored = store_papers([_behind(raw)], now=by.now, kind=record.source_kind, source=record.source)
    if stored.refused:
        raise CurationError(f"It still can’t be stored. {stored.refused[0].error}")
    return stored


def kept_of(record: RejectedRecord) -> Kept:
    """A record as its source's reader takes it."""
    return Kept(
        kind=record.source_kind,
        payload=record.payload,
        seen_on=record.first_seen_at.astimezone(UTC).date(),
        site=base_url_of(record.source) if record.source else "",
    )


def _behind(raw: RawPaper) -> RawPaper:
    """With a place behind all that came with its list."""
    return replace(raw, listed_on=replace(raw.listed_on, position=BEHIND)) if raw.listed_on else raw
