"""Submissions by readers, and the public log of what curators did."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Submission(models.Model):
    """A reader's arXiv id, DOI or address, waiting for a worker or a curator."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        ACCEPTED = "accepted", "accepted"
        REJECTED = "rejected", "rejected"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    given = models.TextField(help_text="What the reader typed.")
    paper = models.ForeignKey(
        "papers.Paper", on_delete=models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.given} ({self.state})"


class CurationEvent(models.Model):
    """Who did what to which paper or day, when and why; before and after, so that it can be undone."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="curation_events",
    )
    action = models.CharField(max_length=40)
    paper = models.ForeignKey(
        "papers.Paper", on_delete=models.SET_NULL, null=True, blank=True, related_name="curation_events"
    )
    day = models.DateField(null=True, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="curation_newest")]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_id}"
