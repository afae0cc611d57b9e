"""Where a submitted paper goes: on today's edition, or before a curator (services/curation/review_papers.py)."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings

from papers.models import LibraryItem, Listing, Paper, Submission, User
from papers.services.editions.listing import SAMPLE_KIND, ListingEntry, ListingRule, add_listings
from papers.services.operations.installation import group_today
from papers.services.reading.library import read_library_entry, set_library_state
from papers.services.reading.tags import add_tags


def newest_listing_day(paper: Paper) -> date | None:
    """The newest edition that lists the paper; the sample's do not count. One query."""
    listed = Listing.objects.filter(paper=paper, hidden_at=None).exclude(kind=SAMPLE_KIND).order_by("-day")
    return listed.values_list("day", flat=True).first()


def settle_submission(submission: Submission, paper: Paper, *, now: datetime) -> None:
    """Write down which paper a submission led to, and what becomes of it. Inside the caller's transaction."""
    is_queued = settings.SUBMISSIONS == "queue" and not _skips_queue(submission)
    submission.paper = paper
    submission.reason, submission.next_attempt_at = "", None
    if submission.is_for_edition and is_queued:
        submission.state = Submission.State.WAITING
    else:
        submission.state, submission.decided_at = Submission.State.ACCEPTED, now
    submission.save(update_fields=["paper", "state", "reason", "next_attempt_at", "decided_at"])
    if submission.is_for_edition and not is_queued:
        put_on_edition(submission, paper, now=now)
    if submission.user is not None:
        _keep(submission, submission.user, paper)


def _skips_queue(submission: Submission) -> bool:
    """Whether a curator gave it, in a session with a curator's rights, and is one still."""
    return submission.by_curator and submission.user is not None and submission.user.is_curator


def _keep(submission: Submission, user: User, paper: Paper) -> None:
    """Save and tag it as was asked for in the same step. What is on the shelf stays in its state."""
    if submission.saves_to_library and not read_library_entry(user=user, paper_id=paper.pk).state:
        set_library_state(user=user, paper_ids=[paper.pk], state=LibraryItem.State.TO_READ)
    if submission.tags:
        add_tags(user=user, paper_ids=[paper.pk], names=submission.tags)


def put_on_edition(submission: Submission, paper: Paper, *, now: datetime) -> date:
    """List it today, by the group's clock, under its reader's name, if no edition has it; the day that lists it.

    Inside the caller's transaction.
    """
    Paper.objects.select_for_update().filter(pk=paper.pk).first()  # so that its votes are those that are copied
    if (listed_on := newest_listing_day(paper)) is not None:
        return listed_on
    today = group_today(now)
    rule = ListingRule(by=Listing.By.SUBMISSION, user_id=submission.user_id)
    add_listings([ListingEntry(paper.pk, today)], rule, now=now)
    return today
