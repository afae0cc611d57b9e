"""What a reader gives: whether the paper is here already, and, if not, a row that the workers find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from papers.catalogue.paper_ref import InvalidReferenceError, PaperRef, parse_reference
from papers.enqueue import TaskName, enqueue
from papers.models import Paper, Submission, User
from papers.services.fetching.paper_lookup import HIDDEN_PAPER_MESSAGE, find_paper_by_ref
from papers.services.submissions.settlement import newest_listing_day, settle_submission
from papers.text.cleaning import safe_text


@dataclass(frozen=True, slots=True)
class SubmissionPreview:
    """What can be told of what a reader typed before anything is fetched."""

    given: PaperRef | None = None
    error: str = ""
    paper: Paper | None = None
    """It is here already."""
    day: date | None = None
    """The newest edition that lists it."""


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What became of a submission. Without a row, the paper was here, and on an edition."""

    submission: Submission | None = None
    paper: Paper | None = None


def preview_submission(*, user: User, text: str) -> SubmissionPreview:
    """What `text` names, and whether that is here. Nothing is fetched; at most four queries."""
    if not text.strip():
        return SubmissionPreview()
    try:
        given = parse_reference(text)
    except InvalidReferenceError as error:
        return SubmissionPreview(error=str(error))
    paper = find_paper_by_ref(given)
    if paper is None:
        return SubmissionPreview(given=given)
    if paper.hidden_at is not None and not user.may_curate:
        return SubmissionPreview(given=given, error=HIDDEN_PAPER_MESSAGE)
    return SubmissionPreview(given=given, paper=paper, day=newest_listing_day(paper))


def submit(
    *,
    user: User,
    text: str,
    now: datetime,
    is_for_edition: bool = True,
    saves_to_library: bool = False,
    tags: Sequence[str] = (),
) -> SubmitResult:
    """Take what a reader gives. What is here needs no fetching; for all else there is a row, and a worker is told.

    Idempotent while it is being fetched: the same again is the same row. One that failed is tried anew.

    Raises:
        GivenError: it names no paper, or one that a curator has taken off.
    """
    given = parse_reference(text)
    with transaction.atomic():
        paper = find_paper_by_ref(given)
        if paper is not None and paper.hidden_at is not None and not user.may_curate:
            raise InvalidReferenceError(HIDDEN_PAPER_MESSAGE)
        if (
            paper is not None
            and not (saves_to_library or tags)
            and (not is_for_edition or newest_listing_day(paper) is not None)
        ):
            return SubmitResult(paper=paper)
        submission = _open(user, given, text, now)
        submission.is_for_edition = is_for_edition
        submission.saves_to_library = saves_to_library
        submission.tags = list(tags)
        submission.by_curator = user.may_curate
        submission.save(update_fields=["is_for_edition", "saves_to_library", "tags", "by_curator"])
        if paper is not None:
            settle_submission(submission, paper, now=now)
            return SubmitResult(submission, paper)
        enqueue(TaskName.FETCH_SUBMISSION, submission.pk)
    return SubmitResult(submission)


def retry_submission(*, submission: Submission, now: datetime) -> Submission:
    """Try again what failed. Idempotent; what has not failed stays as it is."""
    if submission.user is None or submission.state != Submission.State.FAILED:
        return submission
    with transaction.atomic():
        given = PaperRef(submission.scheme, submission.value)
        again = _open(submission.user, given, submission.reference, now)
        enqueue(TaskName.FETCH_SUBMISSION, again.pk)
    return again


def _open(user: User, given: PaperRef, text: str, now: datetime) -> Submission:
    """The reader's row for this that is being fetched, made anew or out of one that failed; due now."""
    known = Submission.objects.select_for_update().filter(user=user, scheme=given.scheme, value=given.value)
    states = (Submission.State.FETCHING, Submission.State.FAILED)
    # "fetching" is after "failed" in the alphabet: the open one is taken first.
    found = known.filter(state__in=states).order_by("-state", "-pk").first()
    if found is None:
        found, _ = Submission.objects.get_or_create(
            user=user,
            scheme=given.scheme,
            value=given.value,
            state=Submission.State.FETCHING,
            defaults={"reference": safe_text(text)[:2_000], "next_attempt_at": now},
        )
    elif found.state == Submission.State.FAILED:
        found.state, found.reason, found.attempts, found.next_attempt_at = Submission.State.FETCHING, "", 0, now
        found.save(update_fields=["state", "reason", "attempts", "next_attempt_at"])
    return found
