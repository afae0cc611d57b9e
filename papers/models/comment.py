"""What readers say of a paper."""

from django.conf import settings
from django.db import models


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

    class Meta:
        indexes = [models.Index(fields=["paper", "created_at"], name="comment_of_paper")]

    def __str__(self) -> str:
        return f"comment {self.pk} on {self.paper_id}"
