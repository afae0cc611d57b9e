"""Bring in papers from files: a catalogue somebody handed on, or answers of sources that were kept."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from papers.management import arguments
from papers.services.paper_import.importer import PaperImportOptions, PaperImportSummary, import_file
from papers.services.paper_import.writer_pool import WriterPoolLostError
from papers.sources.json_rows import LISTS

REPORT_EVERY_SECONDS = 10.0
"""Where there is no terminal to draw a bar on."""
_FAILED, _REJECTED, _STOPPED = 1, 3, 130


class Command(BaseCommand):
    help = (
        "Store the papers in FILEs: JSON lines with one paper each, arXiv's Atom, RSS or OAI-PMH (arXivRaw, arXiv), "
        "Hugging Face's daily papers; also packed with gzip, xz or bzip2. What a file holds is told by its content. "
        "An import that was stopped goes on where it was when it is run again. Ends with 0 when every row is in, "
        "3 when rows were rejected, 1 when a file could not be read to its end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--list",
            action="append",
            default=[],
            choices=LISTS,
            dest="lists",
            help="also put the papers on the editions of their days: arxiv, the days they were announced on; "
            "huggingface, the days of its list; may be given twice",
        )
        parser.add_argument(
            "--processes",
            type=arguments.positive_int,
            default=min(2, os.cpu_count() or 1),
            metavar="N",
            help="how many store at once (here: %(default)s); the tables end as with one",
        )
        parser.add_argument(
            "--limit", type=arguments.positive_int, metavar="N", help="read the first N rows of each file only"
        )
        parser.add_argument("--dry-run", action="store_true", help="read and check everything, and store nothing")
        parser.add_argument("--restart", action="store_true", help="begin anew what was stopped before")
        parser.add_argument(
            "--rejected-in",
            type=Path,
            metavar="FOLDER",
            help="where rejected rows are written, as FILE.rejected.jsonl; without it: beside each file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        summaries = []
        for path in options["files"]:
            try:
                summaries.append(self._import(path, options))
            except KeyboardInterrupt:
                raise CommandError(
                    "Stopped. What is stored stays; run the same command again to go on.", returncode=_STOPPED
                ) from None
            except WriterPoolLostError as error:
                raise CommandError(f"{error} {_GO_ON}", returncode=_FAILED) from error
            except DatabaseError as error:
                raise CommandError(f"The database did not take it: {error}\n{_GO_ON}", returncode=_FAILED) from error
            except OSError as error:
                raise CommandError(
                    f"The rejected rows can't be written ({error}). Name a folder for them with --rejected-in.",
                    returncode=_FAILED,
                ) from error
        if any(summary.error for summary in summaries):
            raise CommandError("Not every file could be read; why is said above.", returncode=_FAILED)
        if any(summary.rejected for summary in summaries):
            sys.exit(_REJECTED)

    def _import(self, path: Path, options: dict[str, Any]) -> PaperImportSummary:
        folder = options["rejected_in"] or path.parent
        asked = PaperImportOptions(
            site=settings.HUGGINGFACE_URL,
            lists=frozenset(options["lists"]),
            processes=options["processes"],
            limit=options["limit"],
            dry_run=options["dry_run"],
            restart=options["restart"],
            rejected=folder / f"{path.name}.rejected.jsonl",
        )
        with _Progress(path, self._say) as progress:
            summary = import_file(path, options=asked, now=timezone.now(), report=progress.show)
        self._tell(path, summary, is_dry=options["dry_run"])
        return summary

    def _tell(self, path: Path, summary: PaperImportSummary, *, is_dry: bool) -> None:
        if summary.error:
            self.stderr.write(f"{path}: {summary.error}.")
            if not summary.rows:
                return
        words = ("would be new", "are known") if is_dry else ("new", "unchanged")
        counts = [f"{summary.new:,} {words[0]}"]
        counts += [] if is_dry else [f"{summary.updated:,} updated"]
        counts.append(f"{summary.unchanged:,} {words[1]}")
        if summary.listed:
            counts.append(f"{summary.listed:,} put on editions")
        counts.append(f"{summary.rejected:,} rejected")
        self._say(f"{path} ({summary.format}): {summary.rows:,} rows; {', '.join(counts)}")
        again = f", {summary.resumed:,} of them by an earlier run" if summary.resumed else ""
        self._say(f"  {summary.seconds:.1f} s, {summary.rows_a_second:,.0f} papers/s{again}")
        if summary.rejected_in:
            self._say(f"  The rejected rows, each with its line and the reason: {summary.rejected_in}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


_GO_ON = "What is stored stays; run the same command again, and it goes on where it was."


@dataclass
class _Progress:
    """A bar by the bytes of the file, or a line now and then where nobody looks."""

    path: Path
    say: Callable[[str], None]

    def __enter__(self) -> _Progress:
        self._bar: tqdm[Any] | None = None
        self._said = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, summary: PaperImportSummary) -> None:
        if sys.stderr.isatty():
            self._draw(summary)
        elif time.monotonic() - self._said >= REPORT_EVERY_SECONDS:
            self._said = time.monotonic()
            part = summary.read / summary.size if summary.size else 1.0
            self.say(
                f"{self.path.name}: {part:.0%}, {summary.rows:,} rows, {summary.rows_a_second:,.0f} papers/s, "
                f"{summary.rejected:,} rejected"
            )

    def _draw(self, summary: PaperImportSummary) -> None:
        bar = self._bar
        if bar is None:
            bar = self._bar = tqdm(total=summary.size, unit="B", unit_scale=True, desc=self.path.name, leave=False)
        bar.set_postfix_str(f"{summary.rows:,} rows, {summary.rows_a_second:,.0f} papers/s", refresh=False)
        bar.update(summary.read - bar.n)
