"""Celery's queues, limits, and what beat calls when. What is due is found in rows; see papers/enqueue.py.

Apart from the apps that use them (`config/celery.py`, `config/beat.py`), because an app of Celery loads Django's.
"""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

from celery.signals import after_setup_logger, after_setup_task_logger
from django.conf import settings
from kombu import Exchange, Queue

from config.local.programs import FETCHER, MAILER, PARTS, WORKER
from config.log_redaction import redact_handlers
from papers.enqueue import TaskName

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

HARD_LIMIT_SECONDS = 60 * 60


def broker_options(redis_url: str) -> dict[str, Any]:
    """REDIS_URL in Celery's words, which has a form of its own for Unix sockets."""
    parts = urlsplit(redis_url)
    url = redis_url
    if parts.scheme == "unix":
        database = parse_qs(parts.query).get("db", ["0"])[0]
        url = f"redis+socket://{parts.path}?virtual_host={database}"
    return {
        "broker_url": url,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            # A message that no worker has answered for is given to another after this. Above the hard limit, or a
            # long task would run twice.
            "visibility_timeout": 2 * HARD_LIMIT_SECONDS,
            # The cache lives in the same Redis.
            "global_keyprefix": "broadsheet-queue:",
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        },
    }


def configuration() -> dict[str, Any]:
    """What both apps are told."""
    return dict(
        **broker_options(settings.REDIS_URL),
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        timezone="UTC",
        task_soft_time_limit=HARD_LIMIT_SECONDS - 5 * 60,
        task_time_limit=HARD_LIMIT_SECONDS,
        # Fetching waits for minutes until a source may be asked again; all other work does not wait behind it.
        task_queues=[
            Queue(part.queue, Exchange(part.queue), routing_key=part.queue) for part in PARTS.values() if part.queue
        ],
        task_default_queue=WORKER.queue,
        task_routes={
            "digests.send_*": {"queue": MAILER.queue},  # a server that does not answer is waited for
            "papers.fetch_*": {"queue": FETCHER.queue},
            TaskName.WRITE_BACKUP: {"queue": FETCHER.queue},  # it takes minutes
            "digests.post_*": {"queue": FETCHER.queue},
        },
        task_publish_retry_policy={"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2},
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=500,
        worker_max_memory_per_child=600_000,  # kilobytes
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # No `expires`: after a pause a worker would throw its work away. No memory of the last run either: that is
        # in rows.
        beat_scheduler="config.beat:SteadyScheduler",
        beat_max_loop_interval=15,  # so soon it is noticed that the clock was set back
        beat_schedule={
            task: {"task": task, "schedule": seconds}
            for task, seconds in (
                (TaskName.ENQUEUE_DUE_WORK, 30.0),
                (TaskName.SEND_CONFIRMATIONS, 60.0),
                (TaskName.SEND_MENTIONS, 60.0),
                (TaskName.SEND_SECURITY, 60.0),
                (TaskName.SEND_CLUB_MAIL, 60.0),
                (TaskName.POST_NOTICES, 60.0),
                (TaskName.RUN_SCHEDULED_MAIL, 60.0),
            )
        },
    )


@after_setup_logger.connect
@after_setup_task_logger.connect
def redact_logs(logger: logging.Logger, **_: Any) -> None:
    """Celery sets up handlers of its own, which write what tasks and libraries log."""
    redact_handlers(logger, as_json=settings.LOG_FORMAT == "json")
