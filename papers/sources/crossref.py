"""A journal's new papers by its ISSN, from Crossref's REST API. https://api.crossref.org/swagger-ui/index.html

A paper is new when its DOI is registered (`from-created-date`). The `User-Agent` has the operator's address, so that
the requests are in Crossref's polite pool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from papers.catalogue.identifiers import parse_issn, parse_whole_doi
from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest
from papers.sources.arxiv import WAIT_SECONDS, parse_datetime
from papers.sources.base import (
    FetchBatch,
    FetchContext,
    RawPaper,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
)
from papers.sources.doi import HOST_GROUP, date_precision, read_csl_record
from papers.sources.isolated import read_large_isolated
from papers.sources.works import WorksPage, brings_nothing_new, first_day_to_ask, read_json, works_page

PAGE_SIZE = 100
MAX_PAGES = 200
FIRST_DAYS = 14
OVERLAP_DAYS = 2
"""Days that are asked for again: what is registered is in the index some hours later."""
MAX_BYTES = 50_000_000  # some records list thousands of references
DEADLINE_SECONDS = 90.0
TYPES = ("journal-article", "proceedings-article", "posted-content")

RECORDS = RecordSource("crossref", rank=52, display_name="Crossref", lists_when_stored=True)
"""The registry of the DOI itself, as doi.org's."""


def parse_works(data: bytes) -> WorksPage:
    """Read a page of works. What is no paper by its type, such as a journal's issue, is left out.

    Raises:
        SourceError: it is no such page.
    """
    given = read_json(data, "Crossref").get("message")
    message = given if isinstance(given, dict) else {}
    return works_page(
        message.get("items"),
        "Crossref",
        read=_read_work,
        name_of=_doi_of,
        is_paper=lambda item: item.get("type", TYPES[0]) in TYPES,
        next_cursor=message.get("next-cursor"),
        total=message.get("total-results"),
    )


class Crossref(SourceAdapter):
    """Asks for what was registered since the last fetch, page by page."""

    kind = "crossref"
    label = "Journal by ISSN (Crossref)"
    default_name = "Journal"
    records = (RECORDS,)
    host_group = HOST_GROUP
    default_base_url = "https://api.crossref.org"
    default_interval = timedelta(hours=6)

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        if parse_issn(settings.query):
            return {}
        return {"query": "Give the journal's ISSN, such as 2167-8359; its last figure checks the others."}

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        return _read_work(rejected.as_json())

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where there is no such journal, or its works can't be read."""
        issn = parse_issn(context.query)
        if issn is None:
            raise SourceError("The source has no ISSN, so there is nothing to ask for; name one.")
        today = context.now.astimezone(UTC).date()
        first = first_day_to_ask(context, today, first_days=FIRST_DAYS, again_days=OVERLAP_DAYS)
        cursor, done = "*", 0
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            page = _ask(context, issn, first, cursor)
            if brings_nothing_new(page.names, seen):
                break
            done += page.size
            # Crossref's cursors may stay the same from page to page.
            is_whole = page.size < PAGE_SIZE and done >= (page.total or 0)
            place = {**context.cursor, "through": today.isoformat()} if is_whole else None
            yield FetchBatch(page.papers, page.rejected, cursor=place, done=done, total=page.total, label=issn)
            if is_whole:
                return
            if not page.size or not page.next_cursor:
                raise SourceError(f"Crossref gave {done} of {page.total} works of {issn}. It is asked for again.")
            cursor = page.next_cursor
        raise SourceError(
            f"Crossref's list of {issn} goes on and on without a new paper. It is asked for again from {first}."
        )


adapter = Crossref()


def _ask(context: FetchContext, issn: str, first: date, cursor: str) -> WorksPage:
    wanted = [f"from-created-date:{first}", *(f"type:{name}" for name in TYPES)]
    request = FetchRequest(
        url=f"{context.base_url.rstrip('/')}/journals/{issn}/works",
        group=HOST_GROUP,
        params={"filter": ",".join(wanted), "rows": PAGE_SIZE, "cursor": cursor},
        accept="application/json",
        max_bytes=MAX_BYTES,
        deadline_seconds=DEADLINE_SECONDS,
        wait_seconds=WAIT_SECONDS,
    )
    try:
        body = context.send(request).body
    except HttpStatusError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise SourceError(f"Crossref knows no journal with the ISSN {issn}. Look whether it is right.") from error
        raise
    return read_large_isolated(parse_works, body)


def _read_work(item: Any) -> RawPaper:
    """One item of a list of works.

    Raises:
        SourceError: it has no DOI or no title.
    """
    doi = parse_whole_doi(_doi_of(item))
    if not isinstance(item, dict) or doi is None:
        raise SourceError("The work has no DOI.")
    paper = replace(read_csl_record(item, doi=doi), source=RECORDS.name)
    created = item.get("created")
    registered_at = parse_datetime(created.get("date-time")) if isinstance(created, dict) else None
    if registered_at is None or not _is_out_with(paper.published_at, date_precision(item), registered_at):
        return paper
    return replace(paper, published_at=registered_at)


def _is_out_with(published_at: datetime | None, precision: int, registered_at: datetime) -> bool:
    """Whether a paper came out when its DOI was registered: it names no day but about that time, or one to come."""
    if published_at is None or published_at > registered_at:
        return True
    if precision == 1:
        return published_at.year == registered_at.year
    return precision == 2 and registered_at - published_at < timedelta(days=62)


def _doi_of(item: Any) -> str:
    doi = item.get("DOI") if isinstance(item, dict) else None
    return re.sub(r"\s", "", doi) if isinstance(doi, str) else ""
