"""Write all papers to a file that `import_papers` reads: to hand a catalogue on, or to read it elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from papers.services.changes.export_papers import export_rows
from papers.text.counts import counted


class Command(BaseCommand):
    help = (
        "Write the papers that readers may see to FILE, JSON lines with one paper each, in the fields that "
        "import_papers reads; to standard output where no FILE is named. Votes, comments and lists are not "
        "in it: see backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["file"]
        if path is None:
            for row in export_rows():
                self.stdout.write(_line(row))
            return
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("w", encoding="utf-8") as file:
                count = 0
                for count, row in enumerate(export_rows(), start=1):  # noqa: B007
                    file.write(_line(row))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)  # never half a file under this name
        except OSError as error:
            raise CommandError(f"The file can't be written: {error}") from error
        self.stderr.write(f"{path}: {counted(count, 'paper')}")


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
