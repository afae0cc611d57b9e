"""What the workers do that is of no app: the backup on its schedule."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from config.backup import schedule
from papers.enqueue import TaskName

logger = logging.getLogger(__name__)
LIMIT_SECONDS = 5 * 60 * 60


@shared_task(name=TaskName.WRITE_BACKUP, soft_time_limit=LIMIT_SECONDS - 60, time_limit=LIMIT_SECONDS)
def write_backup() -> None:
    """Write the backup that is due, if it still is and no other worker is at it."""
    run = schedule.write_due_backup(now=timezone.now())
    if run is None:
        return
    if run.is_good:
        logger.info("Wrote the backup %s, %d bytes", run.file, run.bytes)
    else:
        logger.error("The backup failed: %s", run.error)
