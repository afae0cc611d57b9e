"""Small pictures of papers' first pages."""

from __future__ import annotations

from django.db import models


class Thumbnail(models.Model):
    """The first page of a paper as a small picture. An empty one says that none could be made."""

    paper = models.OneToOneField("papers.Paper", on_delete=models.CASCADE, primary_key=True, related_name="thumbnail")
    image = models.BinaryField(blank=True, help_text="PNG, in shades of grey.")
    width = models.PositiveSmallIntegerField(default=0)
    height = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(db_index=True)
    reason = models.TextField(blank=True, help_text="Why there is no picture.")

    def __str__(self) -> str:
        return f"{self.width}x{self.height} of {self.paper_id}"
