"""Comments of readers on papers, whom they mention, and reports of comments."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.urls import reverse

from papers.models.user import User


class CommentPosition(NamedTuple):
    """What comments are sorted by, either way: their key, which grows."""

    pk: int


class CommentQuerySet(models.QuerySet["Comment"]):
    def newest(self, *, after: CommentPosition | None = None) -> CommentQuerySet:
        """Those to be read, on any paper, the newest first: the primary key, backwards. With paper and writer."""
        found = self if after is None else self.filter(pk__lt=after.pk)
        found = found.visible().filter(paper__hidden_at=None).select_related("user", "paper")
        return found.defer("paper__title_raw", "paper__abstract_raw", "paper__search_vector").order_by("-pk")

    def of_paper(self, paper_id: int, *, after: int = 0) -> CommentQuerySet:
        """In the order they were written, behind the key `after`, with who wrote them."""
        return self.filter(paper=paper_id, pk__gt=after).select_related("user").order_by("pk")

    def visible(self) -> CommentQuerySet:
        """Comments that were not deleted."""
        return self.filter(deleted_at=None)


class Comment(models.Model):
    """A comment, in a thread; deleting keeps the row so that answers keep their place."""

    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="comments"
    )
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers")
    body = models.TextField(help_text="Markdown.")
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        indexes = [
            # A paper's comments in order.
            models.Index(fields=["paper", "id"], name="comment_of_paper"),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk} on {self.paper_id}"

    def get_absolute_url(self) -> str:
        """Asks for the paper, so with `select_related("paper")`."""
        return f"{reverse('papers:paper', args=[self.paper.public_id])}#comment-{self.pk}"


class MentionQuerySet(models.QuerySet["Mention"]):
    def of(self, user: User) -> MentionQuerySet:
        """Where `user` is named, newest first, in comments that are there to be read."""
        found = self.filter(user=user, comment__deleted_at=None, comment__paper__hidden_at=None)
        return found.select_related("comment__user", "comment__paper").order_by("-pk")


class Mention(models.Model):
    """A reader named in a comment, as @username."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)
    mail_at = models.DateTimeField(null=True, blank=True, help_text="When a mail is to say so; empty: none is.")
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    objects = MentionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="mention_once")]
        indexes = [models.Index(fields=["mail_at"], name="mention_to_mail", condition=models.Q(mail_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.user_id} in comment {self.comment_id}"


class CommentReport(models.Model):
    """A reader reports a comment to the curators."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="reports")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="comment_reports"
    )
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="comment_report_once")]
        indexes = [
            # What waits for a curator.
            models.Index(fields=["created_at"], name="comment_report_open", condition=models.Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return f"report of comment {self.comment_id}"
