"""Make the database and the static files ready for this version: what `manage.py up` does by itself."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config import startup
from config.local.paths import OperatorError


class Command(BaseCommand):
    help = (
        "Apply the migrations that are missing, make the first edition and collect the static files; `up` does it by "
        "itself. Idempotent; several at once do it one after another."
    )
    # The checks need a database; they run when it is there.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--static-only", action="store_true", help="collect the static files and touch no database (for images)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["static_only"]:
            startup.collect_static(self.stdout.write)
            return
        try:
            self.check(databases=["default"])
            startup.prepare(self.stdout.write)
        except OperatorError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database does not do what was asked: {str(error).strip()}") from error
        self.stdout.write("Ready.")
