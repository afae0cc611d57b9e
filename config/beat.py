"""The Celery app of beat, which sends names of tasks at their times and needs neither the tasks nor Django's apps.

Without them it takes a third of the memory.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from celery.signals import beat_init
from kombu.exceptions import OperationalError

from config.alive_file import touch
from config.queues import configuration
from papers.enqueue import TaskName

# Celery's own fixup would load the apps. It is beat's only, and never the one that tasks belong to where it is
# imported.
app = Celery("broadsheet-beat", fixups=[], set_as_current=False)
app.conf.update(configuration())


CLOCK_SLACK = timedelta(seconds=5)


class SteadyScheduler(Scheduler):
    """Celery's own, which also rings when the clock was set back: that one waits until it is as late as before."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Have what is due enqueued. Returns the seconds until something may be due again."""
        touch()
        now = self.app.now()
        entries = list(self.schedule.values())
        if any(entry.last_run_at and entry.last_run_at > now + CLOCK_SLACK for entry in entries):
            logging.getLogger(__name__).warning("The clock was set back; everything is due now")
            for entry in entries:
                entry.last_run_at = now - timedelta(days=1)
            self._heap = None
        seconds: float = super().tick(*args, **kwargs)
        return seconds


@beat_init.connect
def begin_at_once(**_: Any) -> None:
    """Have due work collected as soon as beat starts, which waits for half a minute by itself. It is the workers' first
    sign of life, too: until it comes the pages say that nobody has heard of them."""
    try:
        app.send_task(TaskName.ENQUEUE_DUE_WORK, retry=False)
    except OperationalError:
        logging.getLogger(__name__).warning("The queue does not answer yet; due work is collected in half a minute")
