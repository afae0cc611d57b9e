"""Write a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from config.backup.archive import BackupError
from config.backup.running_database import running_database
from config.backup.writer import write_backup
from config.local.paths import OperatorError


class Command(BaseCommand):
    help = (
        "Write the whole database and the site's key into one file. Broadsheet may run meanwhile. Keep the file where "
        "only you can read it: it opens every account."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the backup to write, such as broadsheet.zip")
        parser.add_argument(
            "--without-key", action="store_true", help="leave the site's key out: keep SECRET_KEY elsewhere, then"
        )
        parser.add_argument("--replace", action="store_true", help="write over a file that is there")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"].absolute()
        if path.is_dir():
            raise CommandError(f"{path} is a folder: name a file, such as {path / 'broadsheet.zip'}.")
        if path.exists() and not options["replace"]:
            raise CommandError(f"{path} is there already: name another file, or say --replace.")
        try:
            with running_database(exclusive=False, report=self.say):
                self.say(f"Writing {path} …")
                manifest = write_backup(path, now=timezone.now(), report=self.say, with_key=not options["without_key"])
        except (BackupError, OperatorError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database could not be read: {str(error).strip()}") from error
        rows = sum(entry.rows for entry in manifest.tables)
        size = path.stat().st_size / 1_000_000
        self.say(f"Done: {rows:,} rows of {len(manifest.tables)} tables, {size:,.1f} MB.")
        self.say(
            "It holds the site's key, which opens what is stored encrypted: keep it where only you can read it."
            if manifest.has_key
            else "It does not hold the site's key: second factors and channels open only where SECRET_KEY is the same."
        )
        self.say(f"Restore it with: manage.py restore {path}")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
