"""Comments of readers: threads, whom they name, what is reported. `Paper.comment_count` is kept beside the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from papers.hooks import lists_changed
from papers.models import Comment, CommentReport, Mention, Paper, User
from papers.services.reading.seen import mark_seen
from papers.text.html import find_mentions

MAX_COMMENT_LENGTH = 10_000
COMMENTS_PER_PAGE = 300
"""Comments on one page of a paper; the later ones are on further pages."""
_DEEPEST = 5
_MOST_MENTIONED = 20
MENTION_MAIL_DELAY = timedelta(minutes=2)
"""How long a mail about a mention waits, so that a slip can be mended and a second mention needs no second mail."""


@dataclass(slots=True)
class CommentThread:
    """A comment and its answers."""

    comment: Comment
    mentioned: frozenset[str]
    """The usernames it mentions, in lower case."""
    depth: int = 0
    """0 for one that answers nothing; not above 5, however deep it is."""
    parent_is_missing: bool = False
    """It answers a comment of an earlier page."""
    answers: list[CommentThread] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Discussion:
    """The comments of a paper as its page shows them: in the order of reading, each with how deep it stands."""

    threads: list[CommentThread]
    next_after: int
    """The key behind which the later ones are; 0 on the last page."""


def read_discussion(paper: Paper, *, after: int = 0) -> Discussion:
    """The comments of a paper, answers under what they answer. Two queries; one where there are none."""
    found = list(Comment.objects.of_paper(paper.pk, after=after)[: COMMENTS_PER_PAGE + 1])
    shown = found[:COMMENTS_PER_PAGE]
    names = mentioned_in(shown) if shown else {}
    threads = {comment.pk: CommentThread(comment, names.get(comment.pk, frozenset())) for comment in shown}
    tops: list[CommentThread] = []
    for thread in threads.values():
        parent = threads.get(thread.comment.parent_id or 0)
        if parent is None:
            thread.parent_is_missing = thread.comment.parent_id is not None
            tops.append(thread)
        else:
            thread.depth = min(parent.depth + 1, _DEEPEST)
            parent.answers.append(thread)
    return Discussion(threads=_in_order(tops), next_after=shown[-1].pk if len(found) > COMMENTS_PER_PAGE else 0)


def _in_order(tops: list[CommentThread]) -> list[CommentThread]:
    """Each thread followed by its answers. A thread may be as deep as it is long, so without recursion."""
    ordered: list[CommentThread] = []
    waiting = tops[::-1]
    while waiting:
        thread = waiting.pop()
        ordered.append(thread)
        waiting += thread.answers[::-1]
    return ordered


def mentioned_in(comments: Iterable[Comment]) -> dict[int, frozenset[str]]:
    """By comment, the usernames it mentions, in lower case. One query."""
    found: dict[int, set[str]] = {}
    mentions = Mention.objects.filter(comment__in=[comment.pk for comment in comments])
    for comment_id, name in mentions.values_list("comment_id", "user__username"):
        found.setdefault(comment_id, set()).add(name.lower())
    return {comment_id: frozenset(names) for comment_id, names in found.items()}


def mentioned_usernames(body: str) -> frozenset[str]:
    """The @names in a comment that are readers here, in lower case: for its preview. One query."""
    return frozenset(user.username.lower() for user in _named_users(body))


def add_comment(*, user: User, paper_id: int, body: str, parent: Comment | None = None) -> Comment:
    """Store a comment with its mentions, and count it. The paper counts as seen by its author.

    Raises:
        Paper.DoesNotExist: there is no visible paper with that id.
        PermissionDenied: the account was deleted meanwhile.
    """
    with transaction.atomic():
        User.objects.lock_against_deletion(user)
        _lock(paper_id)
        comment = Comment.objects.create(paper_id=paper_id, user=user, parent=parent, body=body)
        _count(paper_id)
        _mention(comment, body)
        mark_seen(user=user, paper_ids=[paper_id])
    return comment


def edit_comment(*, comment: Comment, body: str) -> None:
    """Change the text of a comment, and note that it was edited; new mentions are noted. Idempotent."""
    with transaction.atomic():
        fresh = Comment.objects.visible().select_for_update(no_key=True).filter(pk=comment.pk).exclude(body=body)
        if fresh.update(body=body, edited_at=timezone.now()):
            _mention(comment, body)


def delete_comment(*, comment: Comment) -> None:
    """Delete the text and the mentions of a comment; its place in the thread stays. Idempotent."""
    with transaction.atomic():
        _lock(comment.paper_id, also_hidden=True)
        gone = Comment.objects.visible().filter(pk=comment.pk).update(deleted_at=timezone.now(), body="")
        if gone:
            _count(comment.paper_id)
            people = list(Mention.objects.filter(comment=comment).values_list("user_id", flat=True))
            Mention.objects.filter(comment=comment).delete()
            recount_unread_mentions(people)


def report_comment(*, user: User, comment: Comment, reason: str) -> None:
    """Report a comment to the curators. A reader's second report changes the reason of the first. Idempotent.

    A report that curators had settled is open again, dated now.
    """
    with transaction.atomic():
        report, is_new = CommentReport.objects.select_for_update().get_or_create(
            comment=comment, user=user, defaults={"reason": reason}
        )
        if not is_new:
            report.reason = reason
            if report.resolved_at is not None:
                report.resolved_at, report.created_at = None, timezone.now()
            report.save(update_fields=["reason", "resolved_at", "created_at"])


def mark_mentions_read(*, user: User, now: datetime) -> None:
    """Mark all mentions of `user` as read. Idempotent."""
    with transaction.atomic():
        Mention.objects.filter(user=user, read_at=None).update(read_at=now)
        recount_unread_mentions([user.pk])


def _lock(paper_id: int, *, also_hidden: bool = False) -> None:
    """Lock the paper, so that its comments are counted one after the other."""
    papers = Paper.objects.all() if also_hidden else Paper.objects.visible()
    papers.select_for_update(no_key=True).filter(pk=paper_id).values_list("pk").get()


def _count(paper_id: int) -> None:
    """Count a paper's comments, under its lock. The count stands on the card, so the card changes with it."""
    count = Comment.objects.visible().filter(paper=paper_id).count()
    Paper.objects.filter(pk=paper_id).update(comment_count=count, changed_at=timezone.now())
    lists_changed.notify()


def _named_users(body: str) -> list[User]:
    names = find_mentions(body)[:_MOST_MENTIONED]
    asked = Q()
    for name in names:
        asked |= Q(username__iexact=name)
    return list(User.objects.filter(asked, is_active=True)) if names else []


def _mention(comment: Comment, body: str) -> None:
    """Bring the mentions in line with the text. Nobody is mentioned by their own comment."""
    users = [user for user in _named_users(body) if user.pk != comment.user_id]
    Mention.objects.filter(comment=comment).exclude(user__in=users).delete()
    mail_at = timezone.now() + MENTION_MAIL_DELAY
    mentions = [Mention(comment=comment, user=user, mail_at=mail_at if user.mails_mentions else None) for user in users]
    Mention.objects.bulk_create(mentions, ignore_conflicts=True)
    recount_unread_mentions([user.pk for user in users])


def recount_unread_mentions(user_ids: Iterable[int]) -> None:
    """Count the unread mentions of these readers anew. Two queries a reader."""
    for user_id in sorted(user_ids):
        unread = Mention.objects.filter(user=user_id, read_at=None).aggregate(count=Count("pk"))["count"]
        User.objects.filter(pk=user_id).update(unread_mentions=unread)


_RECOUNT = """
    UPDATE papers_paper p SET comment_count = found.comments, changed_at = now()
    FROM (
        SELECT p.id, count(c.id) AS comments
        FROM papers_paper p LEFT JOIN papers_comment c ON c.paper_id = p.id AND c.deleted_at IS NULL
        WHERE p.comment_count > 0 OR c.id IS NOT NULL
        GROUP BY p.id
    ) found
    WHERE p.id = found.id AND p.comment_count <> found.comments
"""


def recount_comments() -> int:
    """Count all comments anew from their rows; returns the number of papers that were wrong. Idempotent."""
    with transaction.atomic(), connection.cursor() as cursor:
        # No comment comes or goes between counting and writing.
        cursor.execute("LOCK TABLE papers_comment IN SHARE MODE")
        cursor.execute(_RECOUNT)
        wrong = int(cursor.rowcount)
        lists_changed.notify()
    return wrong
