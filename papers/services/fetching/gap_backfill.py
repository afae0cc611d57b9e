"""Fills what is missing: papers that arXiv announced and that are not stored, asked for by their ids."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from papers.catalogue.identifiers import parse_arxiv_id
from papers.models import Source
from papers.outbound.errors import HostBusyError, SourceError
from papers.retry import RetrySchedule, minutes
from papers.services.fetching.completeness import missing_arxiv_ids
from papers.services.fetching.source_config import preferred_base_url
from papers.services.ingest.paper_store import store_papers
from papers.sources import arxiv_api, arxiv_oai
from papers.sources.arxiv import parse_datetime
from papers.sources.arxiv_api import Send
from papers.sources.base import RawPaper

logger = logging.getLogger(__name__)

MAX_IDS = 200
"""A cycle asks for no more."""
MAX_RECORDS = 20
"""Up to this number they are asked for one by one, at the archive's better interface; more together, at its search."""
LOOK_BACK = timedelta(days=14)
# 40 minutes doubled never end just as an hourly fetch begins.
RETRIES = RetrySchedule(minutes(40, 80, 160, 320, 640, 1280, 24 * 60), gives_up=False)


def fill_gaps(
    send: Send, source: Source, *, now: datetime, report_progress: Callable[[str], None] | None = None
) -> int:
    """Ask for missing papers, store them, and return how many were found. `source` is the one that announced them.

    An id that arXiv does not give is asked for less and less often, at last once a day, until its day is too long ago.

    Raises:
        SourceError: arXiv could not be asked; what was found before is stored.
    """
    attempts = dict(source.cursor.get("gaps", {}))
    missing = missing_arxiv_ids((now - LOOK_BACK).date())
    wanted = [arxiv_id for arxiv_id in missing if _is_due(attempts.get(arxiv_id), now)][:MAX_IDS]
    if not wanted:
        _remember(source, {arxiv_id: tried for arxiv_id, tried in attempts.items() if arxiv_id in set(missing)})
        return 0
    if report_progress:
        report_progress(f"asking for {len(wanted)} missing papers")
    found: set[str] = set()
    asked: set[str] = set()
    try:
        for ids, papers in _ask(send, wanted):
            store_papers(papers, now=now, kind=source.kind)
            found |= {known.value for paper in papers if (known := parse_arxiv_id(paper.arxiv_id or ""))}
            asked |= set(ids)
    finally:
        attempts |= {arxiv_id: _after(attempts.get(arxiv_id), now) for arxiv_id in asked}
        left = set(missing) - found
        _remember(source, {arxiv_id: tried for arxiv_id, tried in attempts.items() if arxiv_id in left})
        logger.info("Filled %d of %d gaps", len(found), len(wanted))
    return len(found)


def _ask(send: Send, ids: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[RawPaper]]]:
    """Ids that were asked for, and their papers. What the search leaves out, the archive is asked for, one by one."""
    left = list(ids)
    if len(ids) > MAX_RECORDS:
        try:
            for answer in arxiv_api.look_up_ids(send, preferred_base_url(arxiv_api.adapter.kind), ids):
                given = {known.value for paper in answer.papers if (known := parse_arxiv_id(paper.arxiv_id or ""))}
                left = [arxiv_id for arxiv_id in left if arxiv_id not in given]
                yield [*given, *answer.missing], answer.papers
        except HostBusyError:
            raise
        except SourceError as error:
            logger.warning("arXiv's search could not look up missing papers: %s", error)
    for arxiv_id in left[:MAX_RECORDS]:
        record = arxiv_oai.get_record(send, preferred_base_url(arxiv_oai.adapter.kind), arxiv_id)
        yield [arxiv_id], [record] if record else []


def _is_due(tried: dict[str, Any] | None, now: datetime) -> bool:
    """Whether an id may be asked for, by the row of its attempts."""
    again_at = parse_datetime(tried.get("again_at")) if tried else None
    return again_at is None or again_at <= now


def _after(tried: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The row of an id's attempts after one more that did not bring it: how many, and when to ask again."""
    times = (tried or {}).get("times", 0) + 1
    pause = RETRIES.pause_after(times) or RETRIES.pauses[-1]
    return {"times": times, "again_at": (now + pause).isoformat()}


def _remember(source: Source, attempts: dict[str, Any]) -> None:
    cursor = {name: value for name, value in source.cursor.items() if name != "gaps"} | (
        {"gaps": attempts} if attempts else {}
    )
    if cursor != source.cursor:
        Source.objects.filter(pk=source.pk).update(cursor=cursor)
        source.cursor = cursor
