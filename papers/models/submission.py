"""What readers submit: an id or address, fetched by a worker, then listed or waiting for a curator."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from papers.models.user import User


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def due(self, now: datetime) -> SubmissionQuerySet:
        """Those that a worker is to fetch now, the longest due first."""
        return self.filter(state=Submission.State.FETCHING, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")

    def of(self, user: User) -> SubmissionQuerySet:
        """A reader's own, newest first, with their papers."""
        return self.filter(user=user).select_related("paper").order_by("-created_at", "-pk")

    def about(self, scheme: str, value: str) -> SubmissionQuerySet:
        """Those of this identifier that led to a paper, newest first."""
        found = self.filter(scheme=scheme, value=value, paper__isnull=False)
        return found.select_related("paper").order_by("-created_at")


class Submission(models.Model):
    """A reader's arXiv id, DOI or address: fetched by a worker, then listed, or waiting for a curator."""

    class State(models.TextChoices):
        FETCHING = "fetching", "being fetched"
        FAILED = "failed", "could not be fetched"
        WAITING = "waiting", "waiting for a curator"
        ACCEPTED = "accepted", "accepted"
        REJECTED = "rejected", "declined"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    reference = models.TextField(help_text="What the reader typed.")
    scheme = models.CharField(max_length=12, blank=True, help_text="arxiv, doi or url.")
    value = models.TextField(blank=True, help_text="What was typed, in its one form.")
    is_for_edition = models.BooleanField(default=True, help_text="Whether it is to be on an edition, not only here.")
    saves_to_library = models.BooleanField(
        default=False, help_text="Whether it goes into the reader's library, to be read."
    )
    tags = ArrayField(models.TextField(), default=list, blank=True, help_text="The reader's tags to put on it.")
    by_curator = models.BooleanField(
        default=False, help_text="Whether it was given with a curator's rights, and so needs none to accept it."
    )
    paper = models.ForeignKey(
        "papers.Paper", on_delete=models.SET_NULL, null=True, blank=True, related_name="submissions"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True, help_text="Why it failed, waits or was rejected, in the reader's words.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Until it is fetched or has failed.")
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            # A form that is sent twice makes one.
            models.UniqueConstraint(
                fields=["user", "scheme", "value"], name="submission_open_once", condition=Q(state="fetching")
            ),
        ]
        indexes = [
            # A reader's own list.
            models.Index(fields=["user", "-created_at"], name="submission_of_reader"),
            # Whether this was given before, whatever names its paper has.
            models.Index(fields=["scheme", "value"], name="submission_about"),
            # What the workers have to do; nearly always empty.
            models.Index(fields=["next_attempt_at"], name="submission_due", condition=Q(state="fetching")),
            # The curators' queue.
            models.Index(fields=["created_at"], name="submission_waiting", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.reference[:80]} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("papers:submission", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.state == self.State.FETCHING
