"""The import of one file: its parts, the processes that store them, and the summary."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO

from papers.models import ImportedPart
from papers.services.paper_import.file_reader import UnreadableFileError
from papers.services.paper_import.formats import FileItem, ReadOptions, detect_format
from papers.services.paper_import.parts import ROWS, FilePart, split_into_parts
from papers.services.paper_import.worker_process import ImportPlan, PartResult, result_of_stored_part
from papers.services.paper_import.writer_pool import WriterPool

KEPT_FOR = timedelta(days=30)
"""How long an import that was stopped can be gone on with."""
_DIGESTED = 1 << 20


@dataclass(frozen=True, slots=True)
class PaperImportOptions:
    """What is asked of an import."""

    site: str
    """Hugging Face's address, for links to its pages."""
    lists: frozenset[str] = frozenset()
    """Whose daily lists make editions; see `sources.json_rows.LISTS`."""
    processes: int = 1
    limit: int | None = None
    """Rows to read at most."""
    dry_run: bool = False
    restart: bool = False
    """Whether to begin anew what was stopped before."""
    rejected: Path | None = None
    """Where rejected rows go; None: beside the file."""


@dataclass(slots=True)
class PaperImportSummary:
    """What became of a file, in papers; `rows` and `rejected` in rows. While it is read: so far."""

    format: str = ""
    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    listed: int = 0
    rejected: int = 0
    resumed: int = 0
    """Rows that an earlier run had stored."""
    read: int = 0
    size: int = 0
    """Bytes of the file read, and all of them."""
    seconds: float = 0.0
    rejected_in: Path | None = None
    error: str = ""
    """Why it was not read to its end, as a sentence without its beginning and full stop."""

    @property
    def rows_a_second(self) -> float:
        """How many rows this run read a second, without those that were stored before; 0 where it took no time."""
        return (self.rows - self.resumed) / self.seconds if self.seconds else 0.0


def import_file(
    path: Path,
    *,
    options: PaperImportOptions,
    now: datetime,
    report: Callable[[PaperImportSummary], None] = lambda summary: None,
) -> PaperImportSummary:
    """Store the papers of a file; `report` is called with what was done so far.

    Each part is stored with a note of it in one transaction. So an import that was killed, of a file that did not
    change since, goes on behind the parts that are stored; the rest is done as if nothing had been.

    A file that can't be read, or not to its end, is no exception: the summary says so.

    Raises:
        WriterPoolLostError: run it again.
        OSError: the file of rejected rows can't be written.
    """
    started = time.monotonic()
    summary = PaperImportSummary()
    ImportedPart.objects.filter(stored_at__lt=now - KEPT_FOR).delete()
    try:
        with path.open("rb") as file, _Rejects(options.rejected or Path(f"{path}.rejected.jsonl")) as rejects:
            summary.size = os.fstat(file.fileno()).st_size
            run = _Import(path, file, summary, rejects, options=options, now=now)
            for _ in run.steps():
                summary.seconds = time.monotonic() - started
                report(summary)
    except UnreadableFileError as error:
        summary.error = str(error)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename != str(path):
            raise
        summary.error = f"it can't be opened ({error.strerror})"
    summary.seconds = time.monotonic() - started
    return summary


class _Import:
    """One run over one file."""

    def __init__(
        self,
        path: Path,
        file: BinaryIO,
        summary: PaperImportSummary,
        rejects: _Rejects,
        *,
        options: PaperImportOptions,
        now: datetime,
    ) -> None:
        self._file, self._summary, self._rejects, self._options = file, summary, rejects, options
        read_options = ReadOptions(name=path.name, site=options.site, lists=options.lists)
        key = _digest(file, options)
        self._plan = ImportPlan(file=key, options=read_options, now=now, dry_run=options.dry_run)
        if options.restart:
            ImportedPart.objects.filter(file=key).delete()
        numbers = ImportedPart.objects.filter(file=key).values_list("number", "last_place")
        self._stored: dict[int, int] = {} if options.dry_run else dict(numbers)
        self._read: dict[int, int] = {}

    def steps(self) -> Iterator[None]:
        """Store the file part by part; yields after each part that is done.

        Raises:
            UnreadableFileError: the file is not readable, or not to its end.
        """
        content = detect_format(self._file, self._plan.options)
        self._summary.format = content.format
        with WriterPool(self._options.processes) as writers:
            for result in self._results(writers, islice(content.items, self._options.limit)):
                self._add(result)
                yield
        if not self._options.dry_run:
            ImportedPart.objects.filter(file=self._plan.file).delete()

    def _results(self, writers: WriterPool, items: Iterable[FileItem]) -> Iterator[PartResult]:
        """The result of each part, also of those before the place from which the file can't be read on; then raises."""
        broken: UnreadableFileError | None = None
        try:
            for part in split_into_parts(items, self._file.tell):
                self._read[part.number] = part.read
                if self._is_stored(part):
                    yield self._known(part)
                else:
                    yield from writers.store(self._plan, part)
        except UnreadableFileError as error:
            broken = error
        yield from writers.finish()
        if broken:
            raise broken

    def _is_stored(self, part: FilePart) -> bool:
        return self._stored.get(part.number) == part.last_place

    def _known(self, part: FilePart) -> PartResult:
        stored = ImportedPart.objects.get(file=self._plan.file, number=part.number)
        self._summary.resumed += len(part.items)
        return result_of_stored_part(stored, rows=len(part.items))

    def _add(self, result: PartResult) -> None:
        summary = self._summary
        summary.rows += result.rows
        summary.new += result.new
        summary.updated += result.updated
        summary.unchanged += result.unchanged
        summary.listed += result.listed
        summary.rejected += len(result.rejected)
        summary.read = max(summary.read, self._read.pop(result.number, 0))
        if result.rejected:
            self._rejects.write(result.rejected)
            summary.rejected_in = self._rejects.path
        if result.number == 0 and len(result.rejected) == result.rows >= ROWS:
            raise UnreadableFileError(
                f"none of its first {result.rows:,} rows is a paper ({result.rejected[0]['reason']})"
            )


class _Rejects:
    """The file of rejected rows, made with the first of them. What an earlier run left there is removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> _Rejects:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rows: Iterable[dict[str, object]]) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        for row in rows:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()


def _digest(file: BinaryIO, options: PaperImportOptions) -> str:
    """What a file is recognised by when its import goes on: its size, its time of change, its first and last MB."""
    status = os.fstat(file.fileno())
    digest = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns} {sorted(options.lists)}".encode())
    digest.update(file.read(_DIGESTED))
    file.seek(max(status.st_size - _DIGESTED, 0))
    digest.update(file.read(_DIGESTED))
    file.seek(0)
    return digest.hexdigest()
