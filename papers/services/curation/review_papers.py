"""What curators decide on papers that wait for a place on an edition: submissions, and candidates of topics."""

from __future__ import annotations

from papers.models import Candidate, CurationEvent, Listing, Paper, Submission
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import paper_subject
from papers.services.editions.listing import ListingEntry, ListingRule, add_listings
from papers.services.operations.installation import group_today
from papers.services.submissions.settlement import put_on_edition

_SUBMISSION_ACTIONS = {
    Submission.State.ACCEPTED: CurationAction.SUBMISSION_ACCEPTED,
    Submission.State.REJECTED: CurationAction.SUBMISSION_REJECTED,
}


def accept_submission(*, submission_id: int, actor: Actor) -> CurationEvent | None:
    """Put a waiting submission on today's edition; None where it waits no more. Idempotent.

    Raises:
        AlreadyDecidedError: see `record_action`; so for all functions here.
    """
    return _settle_submission(submission_id, Submission.State.ACCEPTED, actor)


def reject_submission(*, submission_id: int, actor: Actor) -> CurationEvent | None:
    """Turn a waiting submission down; its reader is told the reason. None where it waits no more.

    Raises:
        CurationError: no reason is given.
    """
    if not actor.reason.strip():
        raise CurationError("Give a reason. The person who submitted it will see it.")
    return _settle_submission(submission_id, Submission.State.REJECTED, actor)


def _settle_submission(submission_id: int, state: Submission.State, actor: Actor) -> CurationEvent | None:
    paper_id = Submission.objects.values_list("paper", flat=True).filter(pk=submission_id).first()
    if paper_id is None:
        return None
    scope = ActionScope(papers=(paper_id,), days=(group_today(actor.now),))
    with record_action(actor, _SUBMISSION_ACTIONS[state], subject=paper_subject(paper_id), scope=scope) as entry:
        waiting = Submission.objects.select_for_update().filter(pk=submission_id, state=Submission.State.WAITING)
        submission = waiting.first()
        if submission is not None:
            submission.state, submission.decided_at = state, actor.now
            submission.reason = " ".join(actor.reason.split())
            submission.save(update_fields=["state", "decided_at", "reason"])
            if state == Submission.State.ACCEPTED:
                entry.day = put_on_edition(submission, Paper.objects.get(pk=paper_id), now=actor.now)
    return entry.event


def list_candidate(*, paper_id: int, actor: Actor) -> CurationEvent | None:
    """Put a candidate on today's edition. Idempotent."""
    day = group_today(actor.now)
    scope = ActionScope(papers=(paper_id,), days=(day,))
    with record_action(
        actor, CurationAction.CANDIDATE_LISTED, subject=paper_subject(paper_id), scope=scope, day=day
    ) as entry:
        if Candidate.objects.filter(paper=paper_id, decided_at=None).update(decided_at=actor.now):
            rule = ListingRule(by=Listing.By.CURATOR, user_id=actor.curator.pk)
            add_listings([ListingEntry(paper_id, day)], rule, now=actor.now)
    return entry.event


def reject_candidate(*, paper_id: int, actor: Actor) -> CurationEvent | None:
    """Take a candidate off the queue; its topic keeps it. Idempotent."""
    with record_action(
        actor, CurationAction.CANDIDATE_LEFT_OUT, subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,))
    ) as entry:
        Candidate.objects.filter(paper=paper_id, decided_at=None).update(decided_at=actor.now)
    return entry.event
