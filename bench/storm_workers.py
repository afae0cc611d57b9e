"""The Celery app of a storm's workers: the product's own, where what takes minutes takes seconds."""

from __future__ import annotations

import django

django.setup()

from bench.storm_senders import shorten_waits  # noqa: E402  needs the apps
from config.celery import app  # noqa: E402

app.conf.beat_schedule = {"digests.run_scheduled_work": {"task": "digests.run_scheduled_work", "schedule": 2.0}}
shorten_waits()
