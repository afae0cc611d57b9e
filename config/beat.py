"""The Celery app of beat, which sends names of tasks at their times and needs neither the tasks nor Django's apps.

Without them it takes a third of the memory.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from celery.signals import beat_init
from kombu.exceptions import OperationalError

from config.queues import configuration
from papers.enqueue import TaskName

# Celery's own fixup would load the apps. It is beat's only, and never the one that tasks belong to where it is imported.
app = Celery("broadsheet-beat", fixups=[], set_as_current=False)
app.conf.update(configuration())


@beat_init.connect
def begin_at_once(**_: Any) -> None:
    """Have due work collected as soon as beat starts, which waits for half a minute by itself. It is the workers' first
    sign of life, too: until it comes the pages say that nobody has heard of them."""
    try:
        app.send_task(TaskName.ENQUEUE_DUE_WORK, retry=False)
    except OperationalError:
        logging.getLogger(__name__).warning("The queue does not answer yet; due work is collected in half a minute")
