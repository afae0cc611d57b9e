"""Fetching what readers submitted: claimed in Postgres, stored and settled in one transaction, told in words.

A worker may be killed at any moment: the claim runs out, and whoever comes next does it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import transaction
from django.db.models import F

from papers.catalogue.identifiers import parse_arxiv_id
from papers.catalogue.paper_ref import PaperRef
from papers.models import Paper, Source, Submission
from papers.models.submission import SubmissionQuerySet
from papers.outbound.client import Client, FetchRequest, FetchResponse, HostBusyError, HttpStatusError
from papers.outbound.errors import NetworkError, NoPaperError, RefusedError, SourceError, TooLargeError
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.fetching.source_config import preferred_base_url
from papers.services.ingest.paper_store import store_papers
from papers.services.submissions.intake import find_paper_by_ref
from papers.services.submissions.settlement import settle_submission
from papers.sources import arxiv_api, arxiv_oai, doi, webpage
from papers.sources.arxiv_api import Send
from papers.sources.base import RawPaper

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=8)
"""A worker that has not come to an end by then is taken for dead. Five requests with all their waits take less."""
DEADLINE_SECONDS = 60.0
WAIT_SECONDS = 30.0
RETRY_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600))
"""After a failure that may pass; after the last of them it has failed."""
MAX_CLAIMS = 12
"""Claims that died count too: what kills every worker is not tried for ever."""
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)


class PaperNotFoundError(SourceError):
    """Whoever should know it does not."""


def due_submission_ids(*, now: datetime, limit: int = 100) -> list[int]:
    """Submissions that are to be fetched now. One query."""
    return list(Submission.objects.due(now).values_list("pk", flat=True)[:limit])


def fetch_submission(
    submission_id: int, *, now: datetime, make_client: Callable[[], Client] = build_outbound_client
) -> Submission | None:
    """Fetch what was submitted; the submission as it stands then. None where there is nothing to do, or another
    worker is at it.

    Failures are no errors here: the submission says what happened, and what to do.
    """
    submission = _claim(submission_id, now)
    if submission is None:
        return None
    given = PaperRef(submission.scheme, submission.value)
    try:
        known = find_paper_by_ref(given)
        raw = None if known else look_up_paper(send_with_short_timeouts(make_client()), given)
    except SourceError as error:
        return _note_failure(submission, given, error, now)
    return _finish(submission, known, raw, now)


def send_with_short_timeouts(client: Client) -> Send:
    """The client for somebody who waits; also, no claim may run out while all is well."""

    def send(request: FetchRequest) -> FetchResponse:
        return client.fetch(
            replace(
                request,
                deadline_seconds=min(request.deadline_seconds, DEADLINE_SECONDS),
                wait_seconds=min(request.wait_seconds, WAIT_SECONDS),
            )
        )

    return send


def look_up_paper(send: Send, given: PaperRef) -> RawPaper:
    """The record of what was given, from where it is best.

    Raises:
        NotFoundError, NoPaperError: there is none.
        SourceError: it could not be asked for.
    """
    if given.scheme == "arxiv":
        return _from_arxiv(send, given.value)
    if given.scheme == "doi":
        return _from_doi(send, given.value)
    if guessed := given.doi_in_url:
        try:
            return _from_doi(send, guessed)
        except (PaperNotFoundError, NoPaperError):
            logger.info("The DOI in an address is none, or has no record; its page is asked")
    return _from_page(send, given.value)


def _from_arxiv(send: Send, arxiv_id: str) -> RawPaper:
    """The archive's record; its search where the archive has none or can't be asked."""
    trouble: SourceError | None = None
    try:
        if record := arxiv_oai.get_record(send, preferred_base_url(Source.Kind.ARXIV_OAI), arxiv_id):
            return record
    except HostBusyError:
        raise
    except SourceError as error:
        trouble = error
    for answer in arxiv_api.look_up_ids(send, preferred_base_url(Source.Kind.ARXIV_API), [arxiv_id]):
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
            raise NoPaperError("Whoever gave out this DOI has no record of a paper for it.") from error
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


def _claim(submission_id: int, now: datetime) -> Submission | None:
    """Take it on: whoever moves `next_try_at` first has it, until then."""
    due = Submission.objects.due(now).order_by().filter(pk=submission_id)
    if not due.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1):
        return None
    submission = Submission.objects.select_related("user").get(pk=submission_id)
    if submission.attempts > MAX_CLAIMS:
        _fail(submission, "It could not be fetched, however often it was tried. Tell whoever runs this site.", now)
        return None
    return submission


def _finish(submission: Submission, known: Paper | None, raw: RawPaper | None, now: datetime) -> Submission | None:
    """Store the paper and settle the submission, both or neither; None where the claim had run out."""
    with transaction.atomic():
        held = _held(submission).select_for_update(of=("self",)).select_related("user").first()
        if held is None:
            return None
        paper = known
        if raw is not None:
            stored = store_papers([raw], now=now, kind=raw.source)
            if not stored.paper_ids:
                _fail(held, "Its record can’t be read. A curator can look at it.", now)
                return held
            paper = Paper.objects.get(pk=stored.paper_ids[0])
        if paper is None:
            return None
        settle_submission(held, paper, now=now)
    logger.info("Fetched what was submitted", extra={"submission": held.pk, "paper": paper.pk})
    return held


def _note_failure(submission: Submission, given: PaperRef, error: SourceError, now: datetime) -> Submission:
    logger.warning("Could not fetch what was submitted: %s", error, extra={"submission": submission.pk})
    place = submission.attempts - 1
    if isinstance(error, HostBusyError) or (is_retryable(error) and place < len(RETRY_PAUSES)):
        wait = timedelta(seconds=error.retry_after_seconds or 0)
        if not isinstance(error, HostBusyError):
            wait = max(wait, RETRY_PAUSES[place])
        held = _held(submission)
        # A turn that did not come is no try.
        attempts = submission.attempts - isinstance(error, HostBusyError)
        held.update(next_attempt_at=now + wait, attempts=attempts, reason=describe_failure(error, given))
    else:
        _fail(submission, describe_failure(error, given), now)
    submission.refresh_from_db()
    return submission


def _fail(submission: Submission, reason: str, now: datetime) -> None:
    _held(submission).update(state=Submission.State.FAILED, reason=reason, next_attempt_at=None, decided_at=now)
    submission.state, submission.reason = Submission.State.FAILED, reason


def _held(submission: Submission) -> SubmissionQuerySet:
    """The row, as long as nobody else has taken it on."""
    return Submission.objects.filter(pk=submission.pk, state=Submission.State.FETCHING, attempts=submission.attempts)


def is_retryable(error: SourceError) -> bool:
    """Whether the same may go well later."""
    if isinstance(error, HttpStatusError):
        return error.status >= 500 or error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.NOT_ACCEPTABLE)
    return not isinstance(error, PaperNotFoundError | NoPaperError | RefusedError | TooLargeError)


def describe_failure(error: SourceError, given: PaperRef) -> str:
    """What happened and what to do, for the reader."""
    where = {"arxiv": "arXiv", "doi": "doi.org"}.get(given.scheme, "The site")
    if isinstance(error, PaperNotFoundError):
        return _NOT_FOUND[given.scheme]
    if isinstance(error, NoPaperError):
        return _NO_PAPER.get(given.scheme, str(error))
    if isinstance(error, RefusedError):
        return "That address is not on the public internet, or leads somewhere that is not, so it is not fetched."
    if isinstance(error, TooLargeError):
        return "What is at that address is too large for a paper’s page. Give its arXiv id or DOI."
    if isinstance(error, HttpStatusError) and error.status in _GONE:
        return "There is no page at that address. Look whether it is whole."
    if isinstance(error, HttpStatusError) and error.status in _CLOSED:
        return f"{where} does not let programs in. Give the paper’s arXiv id or DOI instead."
    if isinstance(error, HttpStatusError) and error.status < 500 and not is_retryable(error):
        return f"{where} does not answer such a question. Look whether the address is whole."
    if isinstance(error, HostBusyError):
        return f"{where} wants fewer requests just now. It is asked again by itself."
    if isinstance(error, NetworkError | HttpStatusError):
        return f"{where} could not be reached, or did not answer. Try again later."
    return f"{where} answered something that can’t be read. Try again later."


_NOT_FOUND = {
    "arxiv": "arXiv knows no paper with this id. Look whether it is right; a new paper may take a day.",
    "doi": "There is no such DOI. Look whether it is whole; a new one may take a day.",
    "url": "The paper that this page names is not known where it should be.",
}
_NO_PAPER = {
    "doi": "This DOI has no record of a paper. Give the address of the paper’s page.",
    "url": "This page does not say which paper it is about. Give the paper’s arXiv id or DOI.",
}
