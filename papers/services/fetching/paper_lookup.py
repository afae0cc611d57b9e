"""Which stored paper a reference names, and the record of one that is not stored, from where it is best.

Shared by all that fetch papers one by one: submissions, the import of a library, and records that are wanted.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from papers.catalogue.identifiers import parse_arxiv_id
from papers.catalogue.paper_ref import PaperRef
from papers.models import Identifier, Paper, Submission
from papers.outbound.client import Client
from papers.outbound.errors import (
    HostBusyError,
    HttpStatusError,
    NetworkError,
    RefusedError,
    SourceError,
    TooLargeError,
)
from papers.outbound.request import FetchRequest, FetchResponse
from papers.retry import RetrySchedule
from papers.services.fetching.source_config import preferred_base_url
from papers.sources import arxiv_api, arxiv_oai, doi, webpage
from papers.sources.arxiv_api import Send
from papers.sources.base import NoPaperError, RawPaper

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 60.0
WAIT_SECONDS = 30.0
LOOKUP_RETRIES = RetrySchedule(tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600)))
"""After failures that `is_retryable`; after the last pause the look-up has failed for good."""
HIDDEN_PAPER_MESSAGE = "A curator has hidden this paper. Ask a curator about it."

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)


class PaperNotFoundError(SourceError):
    """The archive or registry that gives out such ids knows no such paper."""


class KnownPaper(NamedTuple):
    """A stored paper, and whether a curator has taken it off."""

    paper_id: int
    is_hidden: bool


def known_papers(names: Collection[PaperRef]) -> dict[PaperRef, KnownPaper]:
    """By name, the papers that have it; the sample's do not count. One query."""
    asked = set(names)
    asked |= {PaperRef("doi", doi) for name in names if (doi := name.doi_in_url)}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT known.scheme, known.value, paper.id, paper.hidden_at IS NOT NULL
            FROM unnest(%s::text[], %s::text[]) AS asked (scheme, value)
            JOIN papers_identifier known ON known.scheme = asked.scheme AND known.value = asked.value
            JOIN papers_paper paper ON paper.id = known.paper_id AND NOT paper.is_sample
            """,
            [[name.scheme for name in asked], [name.value for name in asked]],
        )
        found = {PaperRef(scheme, value): KnownPaper(pk, hidden) for scheme, value, pk, hidden in cursor.fetchall()}
    for name in names:
        if name not in found and (doi := name.doi_in_url) and (known := found.get(PaperRef("doi", doi))):
            found[name] = known
    return found


def find_paper_by_ref(ref: PaperRef) -> Paper | None:
    """The stored paper with this name, hidden ones too; of the sample none. At most three queries."""
    names = [(ref.scheme, ref.value)]
    if doi := ref.doi_in_url:
        names.append(("doi", doi))
    for scheme, value in names:
        known = Identifier.objects.filter(scheme=scheme, value=value, paper__is_sample=False)
        if found := known.select_related("paper").first():
            return found.paper
    # A page's address is no identifier of a paper known by its DOI, but somebody may have submitted it before.
    before = Submission.objects.about(ref.scheme, ref.value).filter(paper__is_sample=False).first()
    return before.paper if before else None


def send_with_short_timeouts(client: Client) -> Send:
    """The client's `fetch` with timeouts for somebody who waits: five requests take less than any lease of theirs."""

    def send(request: FetchRequest) -> FetchResponse:
        return client.fetch(
            replace(
                request,
                deadline_seconds=min(request.deadline_seconds, DEADLINE_SECONDS),
                wait_seconds=min(request.wait_seconds, WAIT_SECONDS),
            )
        )

    return send


def look_up_paper(send: Send, ref: PaperRef) -> RawPaper:
    """The best record of a paper that can be had.

    Raises:
        PaperNotFoundError, NoPaperError: there is no such record.
        SourceError: its source could not be asked.
    """
    if ref.scheme == "arxiv":
        return _from_arxiv(send, ref.value)
    if ref.scheme == "doi":
        return _from_doi(send, ref.value)
    if guessed := ref.doi_in_url:
        try:
            return _from_doi(send, guessed)
        except (PaperNotFoundError, NoPaperError):
            logger.info("The DOI guessed from an address has no record; its page is asked")
    return _from_page(send, ref.value)


def _from_arxiv(send: Send, arxiv_id: str) -> RawPaper:
    """The archive's record; its search where the archive has none or can't be asked."""
    trouble: SourceError | None = None
    try:
        if record := arxiv_oai.get_record(send, preferred_base_url(arxiv_oai.adapter.kind), arxiv_id):
            return record
    except HostBusyError:
        raise
    except SourceError as error:
        trouble = error
    for answer in arxiv_api.look_up_ids(send, preferred_base_url(arxiv_api.adapter.kind), [arxiv_id]):
        for paper in answer.papers:
            if (found := parse_arxiv_id(paper.arxiv_id or "")) and found.value == arxiv_id:
                return paper
    if trouble is not None:  # the search is often silent; that the archive has none, only the archive can say
        raise trouble
    raise PaperNotFoundError("arXiv knows no such paper.")


def _from_doi(send: Send, value: str) -> RawPaper:
    try:
        record = doi.look_up_doi(send, settings.DOI_URL, value)
    except HttpStatusError as error:
        if error.status in _GONE:
            raise PaperNotFoundError("doi.org knows no such DOI.") from error
        if error.status == HTTPStatus.NOT_ACCEPTABLE:
            raise NoPaperError("The registrar of this DOI has no paper record for it.") from error
        raise
    return _from_arxiv(send, record.arxiv_id) if record.arxiv_id else record


def _from_page(send: Send, url: str) -> RawPaper:
    """What a page names, from where that is known better. A claim that nobody confirms is dropped: anybody can write
    a page that speaks of another's paper."""
    page = webpage.look_up_page(send, url)
    named = parse_arxiv_id(page.url or "") or parse_arxiv_id(page.arxiv_id or "")
    try:
        if named:
            return _from_arxiv(send, named.value)
        if page.doi:
            return _from_doi(send, page.doi)
    except (PaperNotFoundError, NoPaperError):
        logger.info("A page names a paper that is not known there")
    return replace(page, arxiv_id=None, doi=None)


def is_retryable(error: SourceError) -> bool:
    """Whether the same may go well later."""
    if isinstance(error, HttpStatusError):
        return error.status >= 500 or error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.NOT_ACCEPTABLE)
    return not isinstance(error, PaperNotFoundError | NoPaperError | RefusedError | TooLargeError)


def describe_failure(error: SourceError, ref: PaperRef) -> str:
    """What happened and what to do, for the reader."""
    where = {"arxiv": "arXiv", "doi": "doi.org"}.get(ref.scheme, "The site")
    if isinstance(error, PaperNotFoundError):
        return _NOT_FOUND[ref.scheme]
    if isinstance(error, NoPaperError):
        return _NO_PAPER.get(ref.scheme, str(error))
    if isinstance(error, RefusedError):
        return "That address is not on the public internet, or redirects to one that is not, so it can’t be fetched."
    if isinstance(error, TooLargeError):
        return "The page at that address is too large. Enter the paper’s arXiv id or DOI instead."
    if isinstance(error, HttpStatusError) and error.status in _GONE:
        return "There is no page at that address. Check that it is complete."
    if isinstance(error, HttpStatusError) and error.status in _CLOSED:
        return f"{where} blocks automatic access. Enter the paper’s arXiv id or DOI instead."
    if isinstance(error, HttpStatusError) and error.status < 500 and not is_retryable(error):
        return f"{where} rejected the request. Check that the address is complete."
    if isinstance(error, HostBusyError):
        return f"{where} is limiting requests at the moment. We will try again automatically."
    if isinstance(error, NetworkError | HttpStatusError):
        return f"{where} could not be reached, or did not respond. Try again later."
    return f"{where} sent a response that can’t be read. Try again later."


_NOT_FOUND = {
    "arxiv": "There is no arXiv paper with this id. Check the id; a new paper may take a day to appear.",
    "doi": "There is no such DOI. Check that it is complete; a new one may take a day to appear.",
    "url": "The page names a paper that could not be found.",
}
_NO_PAPER = {
    "doi": "This DOI has no paper record. Enter the address of the paper’s page instead.",
    "url": "No paper was found on this page. Enter the paper’s arXiv id or DOI instead.",
}
