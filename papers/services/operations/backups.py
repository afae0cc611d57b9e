"""How the backups stand that make themselves: `config/backup/schedule.py` writes them, /status shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from papers.models import BackupRun

LATE_AFTER = timedelta(hours=36)
"""A last good backup that is older is said to be late."""


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """How backups stand."""

    is_on: bool
    last_good: BackupRun | None
    last_failed: BackupRun | None
    """The last attempt, where that failed."""
    is_late: bool
    """They are on, and the last good one is older than a day and a half; or there is none, and one was tried."""

    @property
    def is_well(self) -> bool:
        return not self.is_on or not (self.is_late or self.last_failed)


def read_backups(*, now: datetime) -> BackupStatus:
    """How backups stand at `now`. Two queries."""
    is_on = settings.BACKUP_DIR is not None
    good = BackupRun.objects.good().first()
    last = BackupRun.objects.exclude(ended_at=None).order_by("-started_at").first()
    failed = last if last is not None and not last.is_good else None
    is_late = is_on and (now - good.started_at > LATE_AFTER if good else failed is not None)
    return BackupStatus(is_on=is_on, last_good=good, last_failed=failed if is_on else None, is_late=is_late)
