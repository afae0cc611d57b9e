"""Fetching what an import names and is not here: arXiv's a hundred a request, the rest one by one, all in their turn.

A worker takes an import for some minutes at most, under a lock that ends with it. Killed at any moment, it leaves rows
from which the next goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from papers.catalogue.identifiers import parse_arxiv_id
from papers.catalogue.paper_ref import PaperRef
from papers.locks import AdvisoryLock, try_session_lock
from papers.models import LibraryImport, LibraryImportRow, Paper
from papers.outbound.client import Client
from papers.outbound.errors import HostBusyError, SourceError
from papers.services.fetching.paper_lookup import (
    HIDDEN_PAPER_MESSAGE,
    LOOKUP_RETRIES,
    describe_failure,
    is_retryable,
    known_papers,
    look_up_paper,
    send_with_short_timeouts,
)
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.fetching.source_config import preferred_base_url
from papers.services.ingest.paper_store import store_papers
from papers.services.library_import.apply_draft import add_to_library
from papers.services.library_import.title_match import OTHER_TITLE, titles_agree
from papers.sources import arxiv_api
from papers.sources.arxiv_api import Send
from papers.sources.base import RawPaper

logger = logging.getLogger(__name__)

MAX_RUN_SECONDS = 180.0
"""After that no further look-up is begun; one takes three minutes at most."""
BATCH_SIZE = arxiv_api.MAX_IDS
MAX_SINGLE_LOOKUPS = 20
"""So many single look-ups in one turn: others wait for the same hosts."""
UNREADABLE = "Its record can’t be read."


def due_import_ids(*, now: datetime, limit: int = 20) -> list[int]:
    """Imports of which something is to be fetched now. One query."""
    return list(LibraryImport.objects.due(now).values_list("pk", flat=True)[:limit])


def fetch_next_rows(
    import_id: int, *, now: datetime, make_client: Callable[[], Client] = build_outbound_client
) -> bool:
    """One turn: up to a hundred papers; whether more is to be done at once. False where another worker is at it."""
    with try_session_lock(AdvisoryLock.LIBRARY_IMPORT, str(import_id)) as is_ours:
        of = LibraryImport.objects.filter(pk=import_id).first()
        if of is None or not is_ours:
            return False
        _turn(of, send_with_short_timeouts(make_client()), now)
    return LibraryImport.objects.due(now).filter(pk=import_id).exists()


def _turn(of: LibraryImport, send: Send, now: datetime) -> None:
    due = of.rows.filter(state=LibraryImportRow.State.FETCHING, next_attempt_at__lte=now)
    rows = list(due.order_by("attempts", "position")[:BATCH_SIZE])
    rows = _settle_known(of, rows)
    new = [row for row in rows if row.scheme == "arxiv" and row.attempts == 0]
    if len(new) > 1:
        new = _fetch_together(of, send, new, now)
    others = [row for row in rows if row.scheme != "arxiv" or row.attempts > 0]
    started = time.monotonic()
    for row in [*new, *others][:MAX_SINGLE_LOOKUPS]:
        if not _fetch_one(of, send, row, now) or time.monotonic() - started > MAX_RUN_SECONDS:
            break


def _settle_known(of: LibraryImport, rows: Sequence[LibraryImportRow]) -> list[LibraryImportRow]:
    """What came here meanwhile needs no fetching; those that are left."""
    known = known_papers({PaperRef(row.scheme, row.value) for row in rows})
    left: list[LibraryImportRow] = []
    found: list[LibraryImportRow] = []
    noted = {
        paper.paper_id for row in rows if row.needs_title and (paper := known.get(PaperRef(row.scheme, row.value)))
    }
    titles = dict(Paper.objects.filter(pk__in=noted).values_list("pk", "title")) if noted else {}
    for row in rows:
        paper = known.get(PaperRef(row.scheme, row.value))
        if paper is None:
            left.append(row)
        elif paper.is_hidden:
            _fail(row, HIDDEN_PAPER_MESSAGE)
        elif row.needs_title and not titles_agree(row.title, titles.get(paper.paper_id, "")):
            _fail(row, OTHER_TITLE)
        else:
            row.paper_id = paper.paper_id
            found.append(row)
    with transaction.atomic():
        LibraryImportRow.objects.bulk_update(found, ["paper"])
        add_to_library(of, found)
    return left


def _fetch_together(
    of: LibraryImport, send: Send, rows: Sequence[LibraryImportRow], now: datetime
) -> list[LibraryImportRow]:
    """Ask arXiv for all of them at once; those that it did not answer are asked for one by one."""
    url = preferred_base_url(arxiv_api.adapter.kind)
    papers: list[RawPaper] = []
    try:
        for answer in arxiv_api.look_up_ids(send, url, [row.value for row in rows]):
            papers += answer.papers
    except HostBusyError as error:
        _put_off(rows, error, now)
        return []
    except SourceError as error:
        logger.warning("arXiv's search did not answer; its records are asked for: %s", error)
        return list(rows)
    asked = {row.value for row in rows}
    papers = [raw for raw in papers if (found := parse_arxiv_id(raw.arxiv_id or "")) and found.value in asked]
    if papers:
        store_papers(papers, now=now, kind=arxiv_api.adapter.kind)
    left = _settle_known(of, rows)
    LibraryImportRow.objects.filter(pk__in=[row.pk for row in left]).update(attempts=1)
    return left


def _fetch_one(of: LibraryImport, send: Send, row: LibraryImportRow, now: datetime) -> bool:
    """Fetch and keep one; False when the host wants fewer requests, so that this turn is over."""
    given = PaperRef(row.scheme, row.value)
    LibraryImportRow.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1)
    try:
        raw = look_up_paper(send, given)
    except HostBusyError as error:
        LibraryImportRow.objects.filter(pk=row.pk).update(attempts=row.attempts)
        _put_off([row], error, now)
        return False
    except SourceError as error:
        _note_failure(row, given, error, now)
        return True
    except Exception:  # a fault of ours with one row: the others are fetched
        logger.exception("Could not fetch what an import names", extra={"import_row": row.pk})
        _note_failure(row, given, SourceError("an error of Broadsheet itself"), now)
        return True
    if row.needs_title and not titles_agree(row.title, raw.title):
        _fail(row, OTHER_TITLE)
        return True
    with transaction.atomic():
        stored = store_papers([raw], now=now, kind=raw.source)
        if stored.paper_ids:
            row.paper_id = stored.paper_ids[0]
            row.save(update_fields=["paper"])
            add_to_library(of, [row])
        else:
            _fail(row, UNREADABLE)
    return True


def _put_off(rows: Sequence[LibraryImportRow], error: HostBusyError, now: datetime) -> None:
    wait = timedelta(seconds=error.retry_after_seconds or 30)
    LibraryImportRow.objects.filter(pk__in=[row.pk for row in rows]).update(next_attempt_at=now + wait)


def _note_failure(row: LibraryImportRow, given: PaperRef, error: SourceError, now: datetime) -> None:
    logger.warning("Could not fetch what an import names: %s", error, extra={"import_row": row.pk})
    reason = describe_failure(error, given)
    asked_for = timedelta(seconds=error.retry_after_seconds or 0)
    pause = LOOKUP_RETRIES.pause_after(row.attempts + 1, retry_after=asked_for) if is_retryable(error) else None
    if pause is not None:
        LibraryImportRow.objects.filter(pk=row.pk).update(next_attempt_at=now + pause, reason=reason)
    else:
        _fail(row, reason)


def _fail(row: LibraryImportRow, reason: str) -> None:
    LibraryImportRow.objects.filter(pk=row.pk).update(
        state=LibraryImportRow.State.FAILED, reason=reason, next_attempt_at=None
    )
