"""A file that a worker, or beat, touches every few seconds, for whoever looks after its container.

Its age says whether the loop that takes messages goes round; to ask a worker by the broker would start Celery and
Django each time, and say no more. Only where BROADSHEET_ALIVE_FILE names one: each part needs a file of its own.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import bootsteps
from django.conf import settings

TOUCH_SECONDS = 10.0


def touch() -> None:
    """Say that this process is alive. A full disk stops no worker, but makes it look like one that stopped."""
    if settings.ALIVE_FILE:
        with suppress(OSError):
            Path(settings.ALIVE_FILE).touch()


class TouchAliveFile(bootsteps.StartStopStep):
    """Part of a worker that has its loop touch the file."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        self._timer: Any = None
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        touch()
        self._timer = worker.timer.call_repeatedly(TOUCH_SECONDS, touch)

    def stop(self, worker: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
