"""Restore a backup."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config.backup.archive import ArchiveReader, BackupError, open_archive
from config.backup.encryption import decrypted
from config.backup.restorer import account_count, is_database_empty, paper_count, restore_backup
from config.backup.running_database import running_database
from config.local.paths import OperatorError
from config.stored_secrets import renew_stored_secrets


class Command(BaseCommand):
    help = (
        "Restore a backup: the database becomes what it was then, brought up to this version. Stop Broadsheet first. "
        "Where there are papers or people already, it asks before it replaces them."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the backup to read")
        parser.add_argument(
            "--identity", type=Path, metavar="KEYFILE", help="the file with the key of an encrypted backup"
        )
        parser.add_argument("--yes", action="store_true", help="replace what is there without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"].absolute()
        try:
            with (
                decrypted(path, options["identity"], folder=room_for_plain(path)) as readable,
                open_archive(readable) as backup,
                running_database(exclusive=True, report=self.say),
            ):
                if not options["yes"] and not is_database_empty():
                    self.ask(backup)
                restore_backup(backup, report=self.say)
                self.restore_key(backup)
        except (BackupError, OperatorError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused: {str(error).strip()}") from error
        self.say("Done. Start Broadsheet again; all who were signed in still are.")

    def ask(self, backup: ArchiveReader) -> None:
        self.say(f"The backup is of {backup.manifest.created_at}, by Broadsheet {backup.manifest.version}.")
        self.say(f"The database has {paper_count():,} papers and {account_count():,} accounts. They will be REPLACED.")
        if not sys.stdin.isatty():
            raise CommandError("Nothing was changed. To replace them without being asked, say --yes.")
        if input("Replace them? Type yes: ").strip().lower() != "yes":
            raise CommandError("Nothing was changed.")

    def restore_key(self, backup: ArchiveReader) -> None:
        """The site's key goes back into the data folder; one from the environment is the operator's to set.

        What is stored encrypted is encrypted anew by the key that the next start will have.
        """
        here, there = settings.SECRET_KEY, backup.secret_key or settings.SECRET_KEY
        if there != here and settings.SECRET_KEY_IS_SET:
            self.say("SECRET_KEY in the environment is not the backup's: links in mails sent until then stop working.")
            keys = (here, there)
        else:
            keys = (there, here)
        if keys[0] != here:
            settings.DATA_DIR.replace_secret_key(there)
        if sentence := renew_stored_secrets((*keys, *settings.SECRET_KEY_FALLBACKS)).sentence():
            self.say(sentence)

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def room_for_plain(path: Path) -> Path:
    """Where a decrypted copy may lie meanwhile: where the data are, else beside the backup."""
    folder: Path = settings.DATA_DIR.path
    return folder if folder.is_dir() else path.parent
