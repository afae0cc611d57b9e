"""Run one part of Broadsheet in the foreground, as containers and several machines want it."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.local import programs
from config.local.paths import PROJECT


class Command(BaseCommand):
    help = (
        "Become one part of Broadsheet: the web server, the worker, the worker that fetches, the one that sends mail, "
        "the embedder, which is wanted beside each web server, or beat, which has the workers look for what is due. "
        "For several machines, each with the same DATABASE_URL, REDIS_URL and SECRET_KEY; `up` runs all of them on "
        "one. Any number of each may run; a second beat does no harm."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=tuple(programs.PARTS))

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_IS_EMBEDDED or settings.REDIS_IS_EMBEDDED:
            raise CommandError("Set DATABASE_URL and REDIS_URL: a part alone does not start the embedded services.")
        part = programs.PARTS[options["part"]]
        program = programs.program_of(part, host=settings.BIND, port=settings.PORT, processes=settings.WORKER_PROCESSES)
        os.chdir(PROJECT)
        os.execve(sys.executable, [sys.executable, "-m", *program.arguments], dict(program.environment))  # noqa: S606
