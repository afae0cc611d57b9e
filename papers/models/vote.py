"""A reader's upvote."""

from django.conf import settings
from django.db import models


class Vote(models.Model):
    """One vote a reader and paper. `Paper.vote_count` and `Listing.vote_count` are counted from these rows."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="votes")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="votes")
    is_unnamed = models.BooleanField(default=False, help_text="The voter's name is not shown.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "paper"], name="vote_once")]
        indexes = [models.Index(fields=["paper", "created_at"], name="vote_of_paper")]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.paper_id}"
