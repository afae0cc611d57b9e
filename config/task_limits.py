"""The limits of tasks in a worker that is one process (Celery's pool "solo"), where Celery itself keeps none.

At the soft limit the task is interrupted by an exception, as in a pool of processes. At the hard limit the process
ends, from a thread of C that needs no lock of Python's, so that code which never gives it up is ended, too; where every
thread stood is in the log. The supervisor starts another one, and what the task had claimed is free with its session.
After some hundred tasks, or grown too large, a worker ends between two tasks, as processes of a pool do. So does one
that keeps what a long task took (numpy, a day's papers) when no long one came for some minutes: the next is forked from
what all parts share, so a site at rest takes little, whatever it did before.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import task_postrun, task_prerun, worker_init
from celery.worker import state

LONG_SECONDS = 1.0
"""What takes longer is work; all else looks whether there is some."""
REST_SECONDS = 180.0
"""How long no work came when a worker that has grown gives back what it took for the last."""
GROWN_KILOBYTES = 16_000


class TaskLimits:
    """Looks after the one task that this process does at a time."""

    def __init__(self, *, tasks: int, kilobytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        """The worker ends after so many `tasks`, or when it has more than so many `kilobytes` in memory. `clock`
        tells seconds."""
        self._tasks_left = tasks
        self._kilobytes = kilobytes
        self._clock = clock
        self._is_running = False
        self._began = self._worked_at = clock()
        self._had_kilobytes = 0
        """What it took before its first task."""

    def install(self) -> None:
        signal.signal(signal.SIGALRM, self._interrupt)
        task_prerun.connect(self.begin, weak=False)
        task_postrun.connect(self.end, weak=False)

    def begin(self, *, task: Task[Any, Any], **_: Any) -> None:
        conf = task.app.conf
        self._is_running = True
        self._began = self._clock()
        self._had_kilobytes = self._had_kilobytes or resident_kilobytes()
        hard = task.time_limit or conf.task_time_limit
        faulthandler.dump_traceback_later(hard, exit=True, file=sys.__stderr__ or 2)
        signal.setitimer(signal.ITIMER_REAL, task.soft_time_limit or conf.task_soft_time_limit)

    def end(self, **_: Any) -> None:
        self._is_running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        self._tasks_left -= 1
        has_kilobytes = resident_kilobytes()
        if self._tasks_left <= 0 or has_kilobytes > self._kilobytes or self._gives_back(has_kilobytes):
            state.should_stop = os.EX_OK  # type: ignore[assignment]

    def _gives_back(self, has_kilobytes: int) -> bool:
        """Whether it keeps what it took for work, and no work came for a while."""
        now = self._clock()
        if now - self._began > LONG_SECONDS:
            self._worked_at = now
        has_grown = has_kilobytes - (self._had_kilobytes or has_kilobytes) > GROWN_KILOBYTES
        return has_grown and now - self._worked_at > REST_SECONDS

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._is_running:
            raise SoftTimeLimitExceeded


def resident_kilobytes() -> int:
    """What this process has in memory, with what it shares; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@worker_init.connect
def limit_tasks_of_one_process(sender: Any, **_: Any) -> None:
    """Called for each worker; those with a pool of processes leave it to that."""
    if "solo" in str(sender.pool_cls):
        conf = sender.app.conf
        limits = TaskLimits(tasks=conf.worker_max_tasks_per_child, kilobytes=conf.worker_max_memory_per_child)
        limits.install()
