"""Backups that make themselves: once a day into a folder, read back, the old ones cleared away after a good new one."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from config.backup.archive import BackupError, open_archive
from config.backup.encryption import encrypt, read_recipients
from config.backup.retention import backup_name, backup_time, to_be_kept
from config.backup.writer import write_backup
from papers.enqueue import TaskName
from papers.locks import AdvisoryLock, try_session_lock
from papers.models import BackupRun
from papers.retry import RetrySchedule
from papers.services.operations.installation import group_settings

logger = logging.getLogger(__name__)

RUNS_KEPT = timedelta(days=365)
# After a failure it is tried again three times; then with the next day.
RETRIES = RetrySchedule(tuple(timedelta(minutes=minutes) for minutes in (10, 30, 90)), gives_up=True)


def due_backup(now: datetime) -> list[TaskName]:
    """For the scheduler: the task, where a backup is due. One query, where backups are on."""
    return [TaskName.WRITE_BACKUP] if is_due(now=now) else []


def is_due(*, now: datetime) -> bool:
    """Whether the day's backup is still to be made, by the group's clock; after a night off, as soon as it is back."""
    if settings.BACKUP_DIR is None:
        return False
    slot = last_slot(now)
    runs = list(BackupRun.objects.filter(started_at__gte=slot).order_by("-started_at")[: len(RETRIES.pauses) + 2])
    if not runs:
        return True
    if any(run.is_good for run in runs):
        return False
    pause = RETRIES.pause_after(len(runs))
    return pause is not None and now - (runs[0].ended_at or runs[0].started_at) >= pause


def last_slot(now: datetime) -> datetime:
    """When the backup that should be there by `now` was due: the last time that the group's clock passed the hour."""
    zone = group_settings().zone
    local = now.astimezone(zone)
    slot = datetime.combine(local.date(), time(settings.BACKUP_HOUR), tzinfo=zone)
    if slot > local:
        slot = datetime.combine(local.date() - timedelta(days=1), time(settings.BACKUP_HOUR), tzinfo=zone)
    return slot


def write_due_backup(*, now: datetime) -> BackupRun | None:
    """Write the backup that is due, and record how it ended; None where none is due, or another process is at it."""
    with try_session_lock(AdvisoryLock.BACKUP) as is_ours:
        return write_scheduled_backup(now=now) if is_ours and is_due(now=now) else None


def write_scheduled_backup(*, now: datetime) -> BackupRun:
    """Write a backup into the folder now, whole or not at all, and record how it ended."""
    began = clock.monotonic()
    run = BackupRun.objects.create(started_at=now)
    try:
        if settings.BACKUP_DIR is None:
            raise BackupError("No folder is named for backups: set BROADSHEET_BACKUP_DIR.")
        path = _write(now, settings.BACKUP_DIR)
        run.file, run.bytes, run.is_good = str(path), path.stat().st_size, True
        _clear_away(path.parent)
    except (BackupError, DatabaseError, OSError) as error:
        run.error = " ".join(str(error).split()) or type(error).__name__
    run.ended_at = now + timedelta(seconds=clock.monotonic() - began)
    run.save()
    BackupRun.objects.filter(started_at__lt=now - RUNS_KEPT).delete()
    return run


def _write(now: datetime, folder: Path) -> Path:
    recipients = settings.BACKUP_RECIPIENTS
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} can't be made ({error.strerror}): see BROADSHEET_BACKUP_DIR.") from error
    path = folder / backup_name(now, is_encrypted=bool(recipients))
    if not recipients:
        unfinished = folder / f".{path.name}.unchecked"
        _clear_unfinished(folder)
        _write_and_check(unfinished, now)
        unfinished.replace(path)
        return path
    read_recipients(recipients)  # before minutes of work
    with _room_for_plain() as plain:
        _clear_unfinished(folder)
        _write_and_check(plain, now)
        unfinished = folder / f".{path.name}.unchecked"
        try:
            unfinished.touch(mode=0o600)
            encrypt(plain, unfinished, recipients)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return path


def _write_and_check(path: Path, now: datetime) -> None:
    """Raises BackupError; then nothing is there."""
    try:
        write_backup(path, now=now, report=logger.debug)
        with open_archive(path) as backup:
            backup.check()
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _room_for_plain() -> Iterator[Path]:
    """A file beside the database itself, for a moment: what is not encrypted does not reach the folder of backups."""
    try:
        folder = Path(tempfile.mkdtemp(dir=settings.DATA_DIR.path, prefix=".backup."))
    except OSError as error:
        raise BackupError(f"{settings.DATA_DIR.path} can't be written ({error.strerror}).") from error
    try:
        yield folder / "plain.zip"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_unfinished(folder: Path) -> None:
    """What killed processes left; only one writes at a time."""
    for left in [*folder.glob(".broadsheet-*.unchecked"), *folder.glob("..broadsheet-*.unchecked.*")]:
        left.unlink(missing_ok=True)


def _clear_away(folder: Path) -> None:
    """Remove backups that are older than they are kept. What has another name is left alone."""
    names = [path.name for path in folder.iterdir() if path.is_file()]
    kept = to_be_kept(names, days=settings.BACKUPS_DAILY, weeks=settings.BACKUPS_WEEKLY, zone=group_settings().zone)
    for name in names:
        if backup_time(name) is not None and name not in kept:
            (folder / name).unlink(missing_ok=True)
