"""Fetching what readers submitted: claimed in Postgres, stored and settled in one transaction, told in words.

A worker may be killed at any moment: the claim ends with its connection, and whoever comes next does it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from papers.catalogue.paper_ref import PaperRef
from papers.locks import AdvisoryLock, try_session_lock
from papers.models import Paper, Submission
from papers.models.submission import SubmissionQuerySet
from papers.outbound.client import Client
from papers.outbound.errors import HostBusyError, SourceError
from papers.services.fetching.paper_lookup import (
    LOOKUP_RETRIES,
    describe_failure,
    find_paper_by_ref,
    is_retryable,
    look_up_paper,
    send_with_short_timeouts,
)
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.ingest.paper_store import store_papers
from papers.services.submissions.settlement import settle_submission
from papers.sources.base import RawPaper

logger = logging.getLogger(__name__)

MAX_CLAIMS = 12
"""Claims that died count too: what kills every worker is not tried for ever."""


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
    with try_session_lock(AdvisoryLock.SUBMISSION, str(submission_id)) as is_ours:
        submission = _begin(submission_id, now) if is_ours else None
        if submission is None:
            return None
        given = PaperRef(submission.scheme, submission.value)
        try:
            known = find_paper_by_ref(given)
            raw = None if known else look_up_paper(send_with_short_timeouts(make_client()), given)
            return _finish(submission, known, raw, now)
        except SourceError as error:
            return _note_failure(submission, given, error, now)
        except Exception:  # a fault of ours, or the task's time limit: told and tried again as any other failure
            logger.exception("Could not fetch what was submitted", extra={"submission": submission.pk})
            return _note_failure(submission, given, SourceError("an error of Broadsheet itself"), now)


def _begin(submission_id: int, now: datetime) -> Submission | None:
    """Count an attempt; None where it is not due. One whose worker was killed counts too, and is due at once."""
    due = Submission.objects.due(now).order_by().filter(pk=submission_id)
    if not due.update(attempts=F("attempts") + 1):
        return None
    submission = Submission.objects.select_related("user").get(pk=submission_id)
    if submission.attempts > MAX_CLAIMS:
        _fail(
            submission,
            "The paper could not be fetched after several attempts. Tell an administrator of this site.",
            now,
        )
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
    asked_for = timedelta(seconds=error.retry_after_seconds or 0)
    attempts, pause = submission.attempts, None
    if isinstance(error, HostBusyError):
        attempts, pause = attempts - 1, asked_for  # nothing was sent, so it counts as no attempt
    elif is_retryable(error):
        pause = LOOKUP_RETRIES.pause_after(attempts, retry_after=asked_for)
    if pause is not None:
        reason = describe_failure(error, given)
        _held(submission).update(next_attempt_at=now + pause, attempts=attempts, reason=reason)
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
