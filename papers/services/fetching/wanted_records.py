"""Fetching the own records of papers that third parties speak of: arXiv's a hundred a request, the rest one by one.

What is wanted are rows (`WantedRecord`), which ingest makes and removes; a worker that is killed leaves them, and what
is due is found there again. One batch a run of the scheduler, so that a large import leaves room for others at the same
hosts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import F

from papers.catalogue.identifiers import parse_arxiv_id
from papers.catalogue.paper_ref import PaperRef
from papers.locks import AdvisoryLock, try_session_lock
from papers.models import WantedRecord
from papers.outbound.client import Client
from papers.outbound.errors import HostBusyError, SourceError
from papers.services.fetching.paper_lookup import (
    LOOKUP_RETRIES,
    is_retryable,
    look_up_paper,
    send_with_short_timeouts,
)
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.fetching.source_config import preferred_base_url
from papers.services.ingest.paper_store import store_papers
from papers.sources import arxiv_api
from papers.sources.arxiv_api import Send
from papers.sources.base import RawPaper
from papers.text.cleaning import safe_text

logger = logging.getLogger(__name__)

MAX_RUN_SECONDS = 180.0
"""After that no further look-up is begun; one takes three minutes at most."""
BATCH_SIZE = arxiv_api.MAX_IDS
MAX_SINGLE_LOOKUPS = 20
LONG_PAUSE = timedelta(days=1)
"""After those of a look-up, and for what is not there: a new DOI may take days to be registered."""
MAX_ATTEMPTS = len(LOOKUP_RETRIES.pauses) + 14


def is_record_due(*, now: datetime) -> bool:
    """Whether a record is to be asked for. One query."""
    return WantedRecord.objects.due(now).exists()


def fetch_wanted_records(*, now: datetime, make_client: Callable[[], Client] = build_outbound_client) -> int:
    """Ask for up to a hundred records that are wanted, store them, and return how many came.

    Failures are no errors here: the rows say what happened, and when the next attempt is.
    """
    with try_session_lock(AdvisoryLock.WANTED_RECORDS) as is_ours:
        return _fetch_batch(_begin(now), now, make_client) if is_ours else 0


def _fetch_batch(rows: Sequence[WantedRecord], now: datetime, make_client: Callable[[], Client]) -> int:
    if not rows:
        return 0
    send = send_with_short_timeouts(make_client())
    names = dict.fromkeys(PaperRef(row.scheme, row.value) for row in rows)
    arxiv, others = [name for name in names if name.scheme == "arxiv"], [n for n in names if n.scheme != "arxiv"]
    left, found = _fetch_together(send, arxiv, now) if len(arxiv) > 1 else (arxiv, 0)
    started = time.monotonic()
    for group in (left, others):
        for place, name in enumerate(group):
            if place >= MAX_SINGLE_LOOKUPS or time.monotonic() - started > MAX_RUN_SECONDS:
                _give_back(group[place:], now, timedelta())
                break
            try:
                found += _fetch_one(send, name, now)
            except HostBusyError as error:
                _give_back(group[place:], now, timedelta(seconds=error.retry_after_seconds or 30))
                break
    logger.info("Asked for %d records, %d came", len(names), found)
    return found


def _begin(now: datetime) -> list[WantedRecord]:
    """The rows to ask for now. Attempts of workers that were killed count; they are due at once, as often as any is."""
    WantedRecord.objects.due(now).filter(attempts__gt=MAX_ATTEMPTS).update(next_attempt_at=None)
    rows = list(WantedRecord.objects.due(now)[:BATCH_SIZE])
    WantedRecord.objects.filter(pk__in=[row.pk for row in rows]).update(attempts=F("attempts") + 1)
    return rows


def _fetch_together(send: Send, names: Sequence[PaperRef], now: datetime) -> tuple[Sequence[PaperRef], int]:
    """Ask arXiv for all of them at once: those that it did not answer, and how many it did."""
    asked = {name.value for name in names}
    papers: list[RawPaper] = []
    try:
        for answer in arxiv_api.look_up_ids(send, preferred_base_url(arxiv_api.adapter.kind), sorted(asked)):
            papers += answer.papers
    except HostBusyError as error:
        _give_back(names, now, timedelta(seconds=error.retry_after_seconds or 30))
        return [], 0
    except SourceError as error:
        logger.warning("arXiv's search did not answer; its records are asked for: %s", error)
    by_id = {found.value: raw for raw in papers if (found := parse_arxiv_id(raw.arxiv_id or ""))}
    here = {value: raw for value, raw in by_id.items() if value in asked}
    if here:
        store_papers(here.values(), now=now, kind=arxiv_api.adapter.kind)
    return [name for name in names if name.value not in here], len(here)


def _fetch_one(send: Send, name: PaperRef, now: datetime) -> bool:
    """Ask for one; whether it came.

    Raises:
        HostBusyError: no slot was free, which counts as no attempt.
    """
    try:
        raw = look_up_paper(send, name)
    except HostBusyError:
        raise
    except SourceError as error:
        _put_off(name, str(error), now, may_pass=is_retryable(error))
        return False
    except Exception:  # a fault of ours with one record: the others are fetched
        logger.exception("Could not fetch the record of %s", name.value)
        _put_off(name, "An error of Broadsheet itself; its log has the reason.", now, may_pass=True)
        return False
    # Whoever answers for a DOI may not repeat it.
    raw = replace(raw, identifiers=(*raw.identifiers, (name.scheme, name.value)))
    if store_papers([raw], now=now, kind=raw.source).paper_ids:
        return True
    _put_off(name, "Its record can’t be read.", now, may_pass=False)
    return False


def _put_off(name: PaperRef, reason: str, now: datetime, *, may_pass: bool) -> None:
    logger.warning("Could not fetch the record of %s: %s", name.value, reason)
    for row in _rows([name]):
        pause = (LOOKUP_RETRIES.pause_after(row.attempts) if may_pass else None) or LONG_PAUSE
        row.next_attempt_at = now + pause if row.attempts < MAX_ATTEMPTS else None
        row.reason = safe_text(reason)[:2_000]
        row.save(update_fields=["next_attempt_at", "reason"])


def _give_back(names: Iterable[PaperRef], now: datetime, pause: timedelta) -> None:
    """They were not asked for."""
    for row in _rows(names):
        WantedRecord.objects.filter(pk=row.pk, attempts=row.attempts).update(
            next_attempt_at=now + pause, attempts=F("attempts") - 1
        )


def _rows(names: Iterable[PaperRef]) -> list[WantedRecord]:
    names = tuple(names)
    found: list[WantedRecord] = []
    for scheme in ("arxiv", "doi"):
        values = [name.value for name in names if name.scheme == scheme]
        found += WantedRecord.objects.filter(scheme=scheme, value__in=values, next_attempt_at__isnull=False)
    return found
