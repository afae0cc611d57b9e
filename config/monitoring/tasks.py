"""Each task is counted and timed under its name, and its log lines bear its id and that of the request that wanted it.

By Celery's signals, so tasks and whoever enqueues them know nothing of it.
"""

from __future__ import annotations

import time
from typing import Any

from celery.signals import before_task_publish, task_failure, task_postrun, task_prerun, worker_process_shutdown
from celery.signals import worker_shutdown as worker_ends

from config.monitoring import log_context
from config.monitoring.counts import PROCESS_COUNTS, count_task
from config.monitoring.tracing import begin_task_span, end_task_span, trace_headers
from papers.enqueue import TaskName

REQUEST_HEADER = "broadsheet_request_id"
_NAMES = frozenset(str(name) for name in TaskName)
_running: dict[str, tuple[float, bool]] = {}
"""By id: when a task of this process began, and whether it has failed."""


@before_task_publish.connect
def send_ids(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """A task is enqueued: it takes along which request that was for."""
    if headers is None:
        return
    if request_id := log_context.current_ids().get("request_id"):
        headers[REQUEST_HEADER] = request_id
    headers.update(trace_headers())


@task_prerun.connect
def begin(task_id: str = "", task: Any = None, **_: Any) -> None:
    _running[task_id] = time.perf_counter(), False
    given = getattr(task.request, REQUEST_HEADER, "") or ""
    log_context.begin_task(log_context.clean_id(task_id), log_context.clean_id(str(given)))
    begin_task_span(task_id, name_of(task), task.request)


@task_failure.connect
def fail(task_id: str = "", sender: Any = None, **_: Any) -> None:
    """It failed; or its process was killed, and the worker says so in its stead: then no end of it comes."""
    if task_id in _running:
        _running[task_id] = _running[task_id][0], True
    else:
        count_task(name_of(sender), "failed", 0.0)


@task_postrun.connect
def end(task_id: str = "", task: Any = None, **_: Any) -> None:
    began, has_failed = _running.pop(task_id, (0.0, False))
    if began:
        count_task(name_of(task), "failed" if has_failed else "done", time.perf_counter() - began)
    end_task_span(task_id, has_failed=has_failed)
    log_context.end_task()


@worker_process_shutdown.connect
@worker_ends.connect
def say_the_rest(**_: Any) -> None:
    """What this process counted last is not lost with it."""
    PROCESS_COUNTS.flush()


def name_of(task: Any) -> str:
    """A task's name, of those that there are; a message may name whatever it likes."""
    name = str(getattr(task, "name", ""))
    return name if name in _NAMES else "other"
