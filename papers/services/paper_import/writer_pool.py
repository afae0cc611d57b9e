"""The processes that store the parts of a file. However many there are, the tables end as with one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self

from django.db import connection

from papers.services.operations.semaphores import has_semaphores
from papers.services.paper_import.parts import FilePart, part_identifiers
from papers.services.paper_import.worker_process import ImportPlan, PartResult, start_worker, store_part

# Parts that wait for each process, so that none stands still while the file is being read.
_WAITING = 2


class WriterPoolLostError(Exception):
    """A process that stores has died."""


class WriterPool:
    """Gives parts to processes. Parts that may speak of the same paper are stored one after the other, in order."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._pending: dict[Future[PartResult], frozenset[str]] = {}

    def __enter__(self) -> Self:
        if self._processes > 1 and has_semaphores():
            self._pool = ProcessPoolExecutor(
                self._processes,
                # Not forked: a copy of this process would share its connection to Postgres.
                mp_context=multiprocessing.get_context("spawn"),
                initializer=start_worker,
                initargs=(connection.settings_dict["NAME"],),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is being stored now; parts that wait are dropped after an error."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=error is not None)

    def store(self, plan: ImportPlan, part: FilePart) -> Iterator[PartResult]:
        """Give a part to a process as soon as it may be stored, and return the results of parts that ended meanwhile.

        Raises:
            WriterPoolLostError: run the import again.
        """
        if self._pool is None:
            yield store_part(plan, part)
            return
        names = part_identifiers(part)
        while len(self._pending) >= _WAITING * self._processes or any(
            names & other for other in self._pending.values()
        ):
            yield from self._ended()
        try:
            self._pending[self._pool.submit(store_part, plan, part)] = names
        except BrokenProcessPool as error:
            raise _lost() from error

    def finish(self) -> Iterator[PartResult]:
        """Wait for all parts that are still being stored, and return their results.

        Raises:
            WriterPoolLostError: as `store`.
        """
        while self._pending:
            yield from self._ended()

    def _ended(self) -> Iterator[PartResult]:
        done, _ = wait(self._pending, return_when=FIRST_COMPLETED)
        for future in done:
            del self._pending[future]
            try:
                yield future.result()
            except BrokenProcessPool as error:
                raise _lost() from error


def _lost() -> WriterPoolLostError:
    return WriterPoolLostError("A process that stores was killed, perhaps for want of memory.")
