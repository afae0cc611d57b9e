"""Writing a backup, by hand and before an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.backup import tables
from config.backup.archive import KEY, MANIFEST, BackupError, Manifest, TableEntry, writing

KEPT = 3
_LARGE_ROWS = 10_000


def save(path: Path, *, now: datetime, say: Callable[[str], None]) -> Manifest:
    """Write the whole database, as it is at one moment, and the site's key. Readers may go on meanwhile.

    Raises:
        BackupError: the file can't be written.
    """
    with writing(path) as file, tables.one_moment():
        manifest = Manifest(
            version=settings.VERSION,
            created_at=now.isoformat(timespec="seconds"),
            migrations=sorted(MigrationRecorder(connection).applied_migrations()),
        )
        for name, columns in tables.tables().items():
            rows = tables.row_count(name)
            if rows >= _LARGE_ROWS:
                say(f"  {name}: {rows:,} rows …")
            entry = TableEntry(name=name, columns=columns, rows=rows, sha256="")
            digest = file.stream(entry.member, tables.copy_out(name, columns))
            manifest.tables.append(TableEntry(name=name, columns=columns, rows=rows, sha256=digest))
        manifest.sequences = tables.sequences()
        file.text(KEY, settings.SECRET_KEY)
        file.text(MANIFEST, manifest.to_json())
    return manifest


def save_before_upgrade(*, now: datetime, say: Callable[[str], None]) -> Path | None:
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
    say(f"Writing a backup before the tables change: {path} …")
    save(path, now=now, say=say)
    for old in sorted(folder.glob("before-*.zip"), key=lambda found: found.stat().st_mtime)[:-KEPT]:
        old.unlink()
    return path
