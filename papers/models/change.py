"""What a mirror of the papers has to hear of: one row a paper, at the position of its last change."""

from __future__ import annotations

from typing import NamedTuple

from django.db import models


class ChangePosition(NamedTuple):
    """How far a mirror has read."""

    position: int


class ChangedPaper(models.Model):
    """The last change of a paper: of its record, its listings, its votes, or that it is gone. Never deleted, so that a
    mirror that was away hears of papers that are gone. Of a paper that is gone the row stays, so it is no foreign key.
    """

    paper_id = models.BigIntegerField(primary_key=True)
    public_id = models.TextField(help_text="As it was last known.")
    position = models.BigIntegerField(unique=True, help_text="Grows in the order of commits; moves at each change.")
    changed_at = models.DateTimeField(help_text="When the change was given its position.")

    def __str__(self) -> str:
        return f"{self.public_id} at {self.position}"


class PendingChange(models.Model):
    """A change that has no position yet; written by triggers of the database, once a change."""

    id = models.BigAutoField(primary_key=True)
    paper_id = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.paper_id)
