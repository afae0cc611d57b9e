"""What is decided on what waits: submissions, candidates, reported comments, records that could not be read."""

from __future__ import annotations

from datetime import date, datetime

from papers.models import (
    Candidate,
    Comment,
    CommentReport,
    CurationEvent,
    Listing,
    Mention,
    Paper,
    RejectedRecord,
    Submission,
    User,
)
from papers.services.curation.audit_log import Actor, CurationError, paper_subject, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.editions.listing import ListingEntry, ListingRule, add_listings
from papers.services.operations.installation import group_settings
from papers.services.reading.comments import delete_comment, recount_unread_mentions
from papers.services.submissions.settlement import put_on_edition


def accept_submission(*, submission_id: int, by: Actor) -> CurationEvent | None:
    """Put a waiting submission on today's edition; None where it waits no more. Idempotent.

    Raises:
        AlreadyDecidedError: see `recording`; so for all acts here.
    """
    return _decide(submission_id, Submission.State.ACCEPTED, by)


def reject_submission(*, submission_id: int, by: Actor) -> CurationEvent | None:
    """Turn a waiting submission down, with the reason that its reader is told; None where it waits no more.

    Raises:
        CurationError: no reason is given.
    """
    if not by.reason.strip():
        raise CurationError("Say why: whoever submitted it is told.")
    return _decide(submission_id, Submission.State.REJECTED, by)


def _decide(submission_id: int, state: Submission.State, by: Actor) -> CurationEvent | None:
    paper_id = Submission.objects.values_list("paper", flat=True).filter(pk=submission_id).first()
    if paper_id is None:
        return None
    scope = ActionScope(papers=(paper_id,), days=(group_today(by.now),))
    with record_action(by, f"submission-{state}", subject=paper_subject(paper_id), scope=scope) as act:
        waiting = Submission.objects.select_for_update().filter(pk=submission_id, state=Submission.State.WAITING)
        submission = waiting.first()
        if submission is not None:
            submission.state, submission.decided_at = state, by.now
            submission.reason = " ".join(by.reason.split())
            submission.save(update_fields=["state", "decided_at", "reason"])
            if state == Submission.State.ACCEPTED:
                act.day = put_on_edition(submission, Paper.objects.get(pk=paper_id), now=by.now)
    return act.event


def list_candidate(*, paper_id: int, by: Actor) -> CurationEvent | None:
    """Put a candidate on today's edition. Idempotent."""
    day = group_today(by.now)
    scope = ActionScope(papers=(paper_id,), days=(day,))
    with record_action(by, "candidate-listed", subject=paper_subject(paper_id), scope=scope, day=day) as act:
        if Candidate.objects.filter(paper=paper_id, decided_at=None).update(decided_at=by.now):
            list_on_today(paper_id, by.curator, now=by.now)
    return act.event


def reject_candidate(*, paper_id: int, by: Actor) -> CurationEvent | None:
    """Take a candidate off the queue; its topic keeps it. Idempotent."""
    with record_action(
        by, "candidate-left-out", subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,))
    ) as act:
        Candidate.objects.filter(paper=paper_id, decided_at=None).update(decided_at=by.now)
    return act.event


def keep_comment(*, comment_id: int, by: Actor) -> CurationEvent | None:
    """Note that the reports of a comment were looked at and it stands. Idempotent."""
    return _settle_reports(comment_id, by, "comment-kept", is_deleted=False)


def remove_comment(*, comment_id: int, by: Actor) -> CurationEvent | None:
    """Take a reported comment away; its place in the thread stays. Idempotent."""
    return _settle_reports(comment_id, by, "comment-removed", is_deleted=True)


def _settle_reports(comment_id: int, by: Actor, action: str, *, is_deleted: bool) -> CurationEvent | None:
    comment = Comment.objects.get(pk=comment_id)
    mentions = list(Mention.objects.filter(comment=comment).values_list("pk", flat=True))
    reports = CommentReport.objects.filter(comment=comment)
    rows = {Comment: [comment_id], CommentReport: list(reports.values_list("pk", flat=True)), Mention: mentions}
    scope = ActionScope(papers=(comment.paper_id,), rows=rows)
    with record_action(by, action, subject=f"comment:{comment_id}", scope=scope) as act:
        reports.filter(resolved_at=None).update(resolved_at=by.now)
        if is_deleted:
            delete_comment(comment=comment)
    return act.event


def dismiss_record(*, record_id: int, by: Actor) -> CurationEvent | None:
    """Note that a record that could not be read is of no use. Idempotent."""
    scope = ActionScope(rows={RejectedRecord: [record_id]})
    with record_action(by, "record-dismissed", subject=f"record:{record_id}", scope=scope) as act:
        record = RejectedRecord.objects.filter(pk=record_id, resolved_at=None)
        act.before = {"record": record.values_list("identifier", flat=True).first() or ""}
        record.update(resolved_at=by.now)
    return act.event


def group_today(now: datetime) -> date:
    """The day by the group's clock."""
    return now.astimezone(group_settings().zone).date()


def list_on_today(paper_id: int, curator: User, *, now: datetime) -> None:
    """Inside the caller's transaction, which holds the paper's lock."""
    rule = ListingRule(by=Listing.By.CURATOR, user_id=curator.pk)
    add_listings([ListingEntry(paper_id, group_today(now))], rule, now=now)


def _count_unread(event: CurationEvent) -> None:
    """Who is named in a comment that is back has it to read again."""
    rows = (change["old"] for change in event.changes if change["table"] == "papers_mention" and change["old"])
    recount_unread_mentions([row["user_id"] for row in rows if "user_id" in row])


UNDO_HOOKS["comment-removed"] = lambda event: lambda: _count_unread(event)
