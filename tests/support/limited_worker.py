"""A worker's app whose tasks can be made to hang, for tests that start it: celery -A tests.support.limited_worker."""

from __future__ import annotations

import time

from config.celery import app

app.conf.worker_max_tasks_per_child = 3


@app.task(name="tests.sleep", soft_time_limit=1, time_limit=60)
def sleep() -> None:
    """Takes long, but can be interrupted."""
    time.sleep(50)


@app.task(name="tests.hang", soft_time_limit=1, time_limit=3)
def hang() -> None:
    """Never lets anything else of Python happen."""
    sum(range(10**13))


@app.task(name="tests.nothing")
def nothing() -> None:
    """Is done at once."""
