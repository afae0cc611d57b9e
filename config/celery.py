"""The Celery app of the workers, and of whoever gives them work."""

from __future__ import annotations

import gc
from typing import Any

from celery import Celery
from celery.signals import worker_before_create_process

from config import task_limits  # noqa: F401  connects to the worker's signals
from config.alive_file import TouchAliveFile
from config.queues import configuration

app = Celery("broadsheet")
app.conf.update(configuration())
app.steps["worker"].add(TouchAliveFile)


@worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """Keep the collector away from what is loaded: a look at each object would copy its page into the new process."""
    gc.collect()
    gc.freeze()


app.autodiscover_tasks()
# Web threads, too, send through this app, and not through Celery's own default one.
app.set_default()
