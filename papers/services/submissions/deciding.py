"""Where a submitted paper goes: on today's edition, or before a curator, who accepts or rejects it."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from papers.models import CurationEvent, Listing, Paper, ShelfItem, Submission, User
from papers.services.installation import current_group
from papers.services.listing import SAMPLE, Entry, Rule, list_papers
from papers.services.shelf import on_shelf, set_state
from papers.services.tags import add_tags
from papers.text import safe_text

MAX_REASON = 1_000


def newest_day(paper: Paper) -> date | None:
    """The newest edition that lists the paper; the sample's do not count. One query."""
    listed = Listing.objects.filter(paper=paper, hidden_at=None).exclude(kind=SAMPLE).order_by("-day")
    return listed.values_list("day", flat=True).first()


def settle(submission: Submission, paper: Paper, *, now: datetime) -> None:
    """Write down which paper a submission led to, and what becomes of it. Inside the caller's transaction."""
    is_queued = settings.SUBMISSIONS == "queue" and not (submission.user and submission.user.is_curator)
    submission.paper = paper
    submission.reason, submission.next_try_at = "", None
    if submission.is_for_edition and is_queued:
        submission.state = Submission.State.WAITING
    else:
        submission.state, submission.decided_at = Submission.State.ACCEPTED, now
    submission.save(update_fields=["paper", "state", "reason", "next_try_at", "decided_at"])
    if submission.is_for_edition and not is_queued:
        _put_on_edition(submission, paper, now=now)
    if submission.user is not None:
        _keep(submission, submission.user, paper)


def accept_submission(*, submission_id: int, curator: User, reason: str = "", now: datetime) -> bool:
    """Put a waiting submission on today's edition; whether it was still waiting. Idempotent."""
    return _decide(submission_id, Submission.State.ACCEPTED, curator, reason, now)


def reject_submission(*, submission_id: int, curator: User, reason: str, now: datetime) -> bool:
    """Turn a waiting submission down, with the reason that its reader is told; whether it was still waiting."""
    return _decide(submission_id, Submission.State.REJECTED, curator, reason, now)


def _decide(submission_id: int, state: Submission.State, curator: User, reason: str, now: datetime) -> bool:
    with transaction.atomic():
        waiting = Submission.objects.select_for_update().filter(pk=submission_id, state=Submission.State.WAITING)
        submission = waiting.first()
        if submission is None or submission.paper_id is None:
            return False
        submission.state, submission.decided_at = state, now
        submission.reason = " ".join(safe_text(reason).split())[:MAX_REASON]
        submission.save(update_fields=["state", "decided_at", "reason"])
        if state == Submission.State.ACCEPTED:
            _put_on_edition(submission, Paper.objects.get(pk=submission.paper_id), now=now)
        CurationEvent.objects.create(
            actor=curator,
            action=f"submission-{state}",
            paper_id=submission.paper_id,
            before={"submission": submission.pk, "state": Submission.State.WAITING.value},
            after={"submission": submission.pk, "state": state.value},
            reason=submission.reason,
        )
    return True


def _keep(submission: Submission, user: User, paper: Paper) -> None:
    """Save and tag it as was asked for in the same step. What is on the shelf stays in its state."""
    if submission.is_to_save and not on_shelf(user=user, paper_id=paper.pk).state:
        set_state(user=user, paper_ids=[paper.pk], state=ShelfItem.State.TO_READ)
    if submission.tags:
        add_tags(user=user, paper_ids=[paper.pk], names=submission.tags)


def _put_on_edition(submission: Submission, paper: Paper, *, now: datetime) -> None:
    """List it today, by the group's clock, under its reader's name; not if an edition has it already."""
    Paper.objects.select_for_update().filter(pk=paper.pk).first()  # so that its votes are those that are copied
    if newest_day(paper) is not None:
        return
    today = now.astimezone(current_group().zone).date()
    rule = Rule(by=Listing.By.SUBMISSION, user_id=submission.user_id)
    list_papers([Entry(paper.pk, today)], rule, now=now)
