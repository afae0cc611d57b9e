"""The backups that were made on their schedule, and how each ended."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class BackupRunQuerySet(models.QuerySet["BackupRun"]):
    def good(self) -> BackupRunQuerySet:
        """Those that were read back and stand in their folder, the newest first."""
        return self.filter(is_good=True).order_by("-started_at")


class BackupRun(models.Model):
    """One attempt at a backup. Kept for a year; written by `config/backup/schedule.py`."""

    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it runs, or its process died.")
    is_good = models.BooleanField(default=False, help_text="The file is whole, and was read back.")
    file = models.TextField(blank=True)
    bytes = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, help_text="What went wrong, and what to do.")

    objects = BackupRunQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="backup_good", condition=Q(is_good=True))]

    def __str__(self) -> str:
        return f"backup of {self.started_at:%Y-%m-%d %H:%M}"
