"""What curators decide on reported comments: they stand, or are removed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from papers.models import Comment, CommentReport, CurationEvent, Mention
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import comment_subject
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.reading.comments import delete_comment, recount_unread_mentions


def keep_comment(*, comment_id: int, actor: Actor) -> CurationEvent | None:
    """Settle the reports of a comment, which stands. None where nothing was open. Idempotent."""
    return _settle_reports(comment_id, actor, CurationAction.COMMENT_KEPT, is_deleted=False)


def remove_comment(*, comment_id: int, actor: Actor) -> CurationEvent | None:
    """Delete a reported comment; its place in the thread stays. None where that was done. Idempotent."""
    return _settle_reports(comment_id, actor, CurationAction.COMMENT_REMOVED, is_deleted=True)


def _settle_reports(comment_id: int, actor: Actor, action: CurationAction, *, is_deleted: bool) -> CurationEvent | None:
    comment = Comment.objects.get(pk=comment_id)
    mentions = list(Mention.objects.filter(comment=comment).values_list("pk", flat=True))
    reports = CommentReport.objects.filter(comment=comment)
    rows = {Comment: [comment_id], CommentReport: list(reports.values_list("pk", flat=True)), Mention: mentions}
    scope = ActionScope(papers=(comment.paper_id,), rows=rows)
    with record_action(actor, action, subject=comment_subject(comment_id), scope=scope) as entry:
        reports.filter(resolved_at=None).update(resolved_at=actor.now)
        if is_deleted:
            delete_comment(comment=comment)
    return entry.event


def _after_undo(event: CurationEvent) -> Callable[[], None]:
    """A reader who is mentioned in a comment that is back has it to read again."""
    rows = (change["old"] for change in event.changes if change["table"] == "papers_mention" and change["old"])
    return partial(recount_unread_mentions, [row["user_id"] for row in rows if "user_id" in row])


UNDO_HOOKS[CurationAction.COMMENT_REMOVED] = _after_undo
