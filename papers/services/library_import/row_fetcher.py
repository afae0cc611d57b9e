"""Fetching what an import names and is not here: arXiv's a hundred a request, the rest one by one, all in their turn.

A worker takes an import for some minutes at most. Killed at any moment, it leaves rows from which the next goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from papers.catalogue.identifiers import parse_arxiv_id
from papers.catalogue.paper_ref import Given
from papers.models import ImportRow, LibraryImport, Source
from papers.outbound.client import BusyError, Client
from papers.outbound.errors import SourceError
from papers.services.fetching.rate_limiter import polite_client
from papers.services.fetching.source_config import base_url_for
from papers.services.ingest.paper_store import store_papers
from papers.services.library_import.apply_draft import keep
from papers.services.library_import.known_papers import known_papers
from papers.services.submissions.intake import HIDDEN
from papers.services.submissions.submission_fetcher import PAUSES, impatient, look_up, may_pass, words_for
from papers.sources import arxiv_api
from papers.sources.arxiv_api import Send
from papers.sources.base import RawPaper

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
TURN_SECONDS = 180.0
"""After that no further look-up is begun; one takes three minutes at most."""
AT_A_TIME = arxiv_api.MAX_IDS
ONE_BY_ONE = 20
"""So many single look-ups in one turn: others wait for the same hosts."""
UNREADABLE = "Its record can’t be read."


def due_import_ids(*, now: datetime, limit: int = 20) -> list[int]:
    """Imports of which something is to be fetched now. One query."""
    return list(LibraryImport.objects.due(now).values_list("pk", flat=True)[:limit])


def fetch_some(import_id: int, *, now: datetime, make_client: Callable[[], Client] = polite_client) -> bool:
    """One turn: up to a hundred papers; whether more is to be done at once. False where another worker is at it."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    if not LibraryImport.objects.filter(free, pk=import_id).update(leased_until=now + LEASE):
        return False
    of = LibraryImport.objects.get(pk=import_id)
    try:
        _turn(of, impatient(make_client()), now)
    finally:
        LibraryImport.objects.filter(pk=import_id, leased_until=now + LEASE).update(leased_until=None)
    return LibraryImport.objects.due(now).filter(pk=import_id).exists()


def _turn(of: LibraryImport, send: Send, now: datetime) -> None:
    due = of.rows.filter(state=ImportRow.State.FETCHING, next_try_at__lte=now)
    rows = list(due.order_by("tries", "position")[:AT_A_TIME])
    rows = _settle_known(of, rows)
    new = [row for row in rows if row.scheme == "arxiv" and row.tries == 0]
    if len(new) > 1:
        new = _fetch_together(of, send, new, now)
    others = [row for row in rows if row.scheme != "arxiv" or row.tries > 0]
    started = time.monotonic()
    for row in [*new, *others][:ONE_BY_ONE]:
        if not _fetch_one(of, send, row, now) or time.monotonic() - started > TURN_SECONDS:
            break


def _settle_known(of: LibraryImport, rows: Sequence[ImportRow]) -> list[ImportRow]:
    """What came here meanwhile needs no fetching; those that are left."""
    known = known_papers({Given(row.scheme, row.value) for row in rows})
    left: list[ImportRow] = []
    found: list[ImportRow] = []
    for row in rows:
        paper = known.get(Given(row.scheme, row.value))
        if paper is None:
            left.append(row)
        elif paper.is_hidden:
            _fail(row, HIDDEN)
        else:
            row.paper_id = paper.paper_id
            found.append(row)
    with transaction.atomic():
        ImportRow.objects.bulk_update(found, ["paper"])
        keep(of, found)
    return left


def _fetch_together(of: LibraryImport, send: Send, rows: Sequence[ImportRow], now: datetime) -> list[ImportRow]:
    """Ask arXiv for all of them at once; those that it did not answer are asked for one by one."""
    url = base_url_for(Source.Kind.ARXIV_API)
    papers: list[RawPaper] = []
    try:
        for answer in arxiv_api.look_up(send, url, [row.value for row in rows]):
            papers += answer.papers
    except BusyError as error:
        _put_off(rows, error, now)
        return []
    except SourceError as error:
        logger.warning("arXiv's search did not answer; its records are asked for: %s", error)
        return list(rows)
    asked = {row.value for row in rows}
    papers = [raw for raw in papers if (found := parse_arxiv_id(raw.arxiv_id or "")) and found.value in asked]
    if papers:
        store_papers(papers, now=now, kind=Source.Kind.ARXIV_API)
    left = _settle_known(of, rows)
    ImportRow.objects.filter(pk__in=[row.pk for row in left]).update(tries=1)
    return left


def _fetch_one(of: LibraryImport, send: Send, row: ImportRow, now: datetime) -> bool:
    """Fetch and keep one; False when the host wants fewer requests, so that this turn is over."""
    given = Given(row.scheme, row.value)
    ImportRow.objects.filter(pk=row.pk).update(tries=F("tries") + 1)
    try:
        raw = look_up(send, given)
    except BusyError as error:
        ImportRow.objects.filter(pk=row.pk).update(tries=row.tries)
        _put_off([row], error, now)
        return False
    except SourceError as error:
        _note_failure(row, given, error, now)
        return True
    with transaction.atomic():
        stored = store_papers([raw], now=now, kind=raw.source)
        if stored.paper_ids:
            row.paper_id = stored.paper_ids[0]
            row.save(update_fields=["paper"])
            keep(of, [row])
        else:
            _fail(row, UNREADABLE)
    return True


def _put_off(rows: Sequence[ImportRow], error: BusyError, now: datetime) -> None:
    wait = timedelta(seconds=error.retry_after_seconds or 30)
    ImportRow.objects.filter(pk__in=[row.pk for row in rows]).update(next_try_at=now + wait)


def _note_failure(row: ImportRow, given: Given, error: SourceError, now: datetime) -> None:
    logger.warning("Could not fetch what an import names: %s", error, extra={"import_row": row.pk})
    reason = words_for(error, given)
    if may_pass(error) and row.tries < len(PAUSES):
        wait = max(PAUSES[row.tries], timedelta(seconds=getattr(error, "retry_after_seconds", None) or 0))
        ImportRow.objects.filter(pk=row.pk).update(next_try_at=now + wait, reason=reason)
    else:
        _fail(row, reason)


def _fail(row: ImportRow, reason: str) -> None:
    ImportRow.objects.filter(pk=row.pk).update(state=ImportRow.State.FAILED, reason=reason, next_try_at=None)
