"""The limits of tasks in a worker that is one process (Celery's pool "solo"), where Celery itself keeps none.

At the soft limit the task is interrupted by an exception, as in a pool of processes. At the hard limit the process
ends, from a thread of C that needs no lock of Python's, so that code which never gives it up is ended, too; where every
thread stood is in the log. The supervisor starts another one, and what the task had claimed is free with its session.
After some hundred tasks, or grown too large, a worker ends between two tasks, as processes of a pool do. So does one
that keeps what a long task took (numpy, a day's papers) when no long one came for some minutes: the next is forked from
what all parts share, so a site at rest takes little, whatever it did before. It looks every minute, since at rest there
may be no next task for hours.
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
from celery.signals import task_postrun, task_prerun, worker_init, worker_ready
from celery.worker import state

LONG_SECONDS = 1.0
"""What takes longer is work; all else looks whether there is some."""
REST_SECONDS = 180.0
"""How long no work came when a worker that has grown gives back what it took for the last."""
LOOK_SECONDS = 60.0
GROWN_KILOBYTES = 4_000
"""More than this beyond what it had before its first task is worth a fork, a third of a second of a processor."""


class TaskLimits:
    """Looks after the one task that this process does at a time."""

    def __init__(self, *, tasks: int, kilobytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        """The worker ends after so many `tasks`, or when it has more than so many `kilobytes` in memory. `clock`
        tells seconds."""
        self._tasks_left = tasks
        self._kilobytes = kilobytes
        self._clock = clock
        self._is_running = False
        self._began = clock()
        self._worked_at = float("inf")
        """When the last long task ended; infinite where none came since the last look at rest."""
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
        now = self._clock()
        if now - self._began > LONG_SECONDS:
            self._worked_at = now
        if self._tasks_left <= 0 or resident_kilobytes() > self._kilobytes:
            _stop()

    def look(self) -> None:
        """End where it keeps what it took for work, and none came for a while. For when no task runs."""
        if self._is_running or self._clock() - self._worked_at <= REST_SECONDS:
            return
        self._worked_at = float("inf")  # short tasks alone are no reason: each new process would end like this one
        if resident_kilobytes() - self._had_kilobytes > GROWN_KILOBYTES:
            _stop()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._is_running:
            raise SoftTimeLimitExceeded


def _stop() -> None:
    """Have this worker end in order, before it takes another task."""
    state.should_stop = os.EX_OK  # type: ignore[assignment]


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
        worker_ready.connect(lambda sender, **_: sender.timer.call_repeatedly(LOOK_SECONDS, limits.look), weak=False)
