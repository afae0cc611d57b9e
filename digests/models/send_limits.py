"""What holds mail back: a pause of all mail or of one domain, and a provider's limit on mails an hour."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

ALL_MAIL = ""
"""The name of the pause of all mail."""


class SendingPauseQuerySet(models.QuerySet["SendingPause"]):
    def active(self, now: datetime) -> SendingPauseQuerySet:
        """Pauses that are in force at `now`."""
        return self.filter(Q(until=None) | Q(until__gt=now))


class SendingPause(models.Model):
    """Nothing is sent while it is on: to anybody, or to one domain."""

    name = models.CharField(primary_key=True, max_length=255, help_text="A domain; empty: all mail.")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until somebody releases it.")
    reason = models.TextField(help_text="What the server said, and what to do.")

    objects = SendingPauseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name or 'all mail'} since {self.since:%Y-%m-%d %H:%M}"


class RateLimitBucket(models.Model):
    """How many mails a provider still takes at the moment; one row, over all workers."""

    name = models.CharField(primary_key=True, max_length=20)
    tokens = models.FloatField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.tokens:.0f} for {self.name}"
