"""Writing a backup, by hand and before an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.backup import tables
from config.backup.archive import (
    MANIFEST_MEMBER,
    SECRET_KEY_MEMBER,
    BackupError,
    BackupManifest,
    TableEntry,
    create_archive,
)

KEPT_UPGRADE_BACKUPS = 3


def write_backup(path: Path, *, now: datetime, report: Callable[[str], None], with_key: bool = True) -> BackupManifest:
    """Write the whole database, as it is at one moment, and the site's key. Readers may go on meanwhile.

    Without the key the file does not open what is stored encrypted.

    Raises:
        BackupError: the file can't be written.
    """
    with create_archive(path) as file, tables.consistent_snapshot():
        manifest = BackupManifest(
            version=settings.VERSION,
            created_at=now.isoformat(timespec="seconds"),
            migrations=sorted(MigrationRecorder(connection).applied_migrations()),
            has_key=with_key,
        )
        for name, columns in tables.table_columns().items():
            rows = tables.row_count(name)
            if rows >= tables.LARGE_ROWS:
                report(f"  {name}: {rows:,} rows …")
            entry = TableEntry(name=name, columns=columns, rows=rows, sha256="")
            digest = file.stream(entry.member, tables.copy_out(name, columns))
            manifest.tables.append(TableEntry(name=name, columns=columns, rows=rows, sha256=digest))
        manifest.sequences = tables.sequences()
        if with_key:
            file.text(SECRET_KEY_MEMBER, settings.SECRET_KEY)
        file.text(MANIFEST_MEMBER, manifest.to_json())
    return manifest


def write_upgrade_backup(*, now: datetime, report: Callable[[str], None]) -> Path | None:
    """Write a backup into the data folder if there is anything to lose, and keep the last three such.

    Raises:
        BackupError: it can't be written.
    """
    if not MigrationRecorder(connection).applied_migrations():
        return None
    folder: Path = settings.DATA_DIR.path / "backups"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} can't be made ({error.strerror}).") from error
    path = folder / f"before-{settings.VERSION}-{now:%Y%m%dT%H%M%S}.zip"
    report(f"Writing a backup before the tables change: {path} …")
    write_backup(path, now=now, report=report)
    for old in sorted(folder.glob("before-*.zip"), key=lambda found: found.stat().st_mtime)[:-KEPT_UPGRADE_BACKUPS]:
        old.unlink()
    return path
