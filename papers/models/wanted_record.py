"""Records that are still to be fetched from their own source."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q


class WantedRecordQuerySet(models.QuerySet["WantedRecord"]):
    def due(self, now: datetime) -> WantedRecordQuerySet:
        """Those to ask for now, the longest due first."""
        return self.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")


class WantedRecord(models.Model):
    """A paper that waits for the record of an arXiv id or DOI, at arXiv or doi.org: its own, of which only a third
    party's words are here; or that of the paper which a feed's entry says to be about."""

    paper = models.OneToOneField(
        "papers.Paper", on_delete=models.CASCADE, primary_key=True, related_name="wanted_record"
    )
    scheme = models.CharField(max_length=12, help_text="arxiv or doi.")
    value = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="While a worker is at it: when its time is up. None: given up."
    )
    reason = models.TextField(blank=True, help_text="Why the last try failed.")

    objects = WantedRecordQuerySet.as_manager()

    class Meta:
        indexes = [
            # Who waits for a record that comes.
            models.Index(fields=["scheme", "value"], name="record_wanted"),
            # What the workers have to do.
            models.Index(fields=["next_attempt_at"], name="record_due", condition=Q(next_attempt_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"
