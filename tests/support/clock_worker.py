"""Celery's real workers by a clock of the test's: `celery -A tests.support.clock_worker worker …`.

Tasks, queues, limits and database are those of the product. What differs: the tasks read the time that the test wrote,
hosts are asked without the seconds between requests, and each message is counted, so that the test knows when all that
was sent is done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import redis
from celery import Celery
from celery.signals import before_task_publish, task_postrun, worker_ready
from django.apps import apps
from django.conf import settings
from django.db import connection

from config.celery import app
from config.local.paths import DataDir
from config.local.processes import Privileges
from config.local.programs import FETCHER, WORKER
from config.local.supervisor import Supervisor
from config.local.valkey import ValkeyServer
from config.queues import broker_options
from papers.enqueue import TaskName
from papers.outbound import host_rate_limit

ROOT = Path(__file__).parents[2]
NOW, SENT, DONE = "clock-worker:now", "clock-worker:sent", "clock-worker:done"
READY = "clock-worker:ready"
IS_WORKER = "BROADSHEET_CLOCK_WORKER"
START_SECONDS = 120
IDLE_SECONDS = 120


class _Clock:
    """Stands where the tasks look for `django.utils.timezone`."""

    def __init__(self, store: redis.Redis) -> None:
        self._store = store

    def now(self) -> datetime:
        said: Any = self._store.get(NOW)
        return datetime.fromisoformat(said.decode()) if said else datetime.now(UTC)


class WorkerDriver:
    """Sends to the workers as beat does, and waits until they are done."""

    def __init__(self, url: str) -> None:
        self.store = redis.Redis.from_url(url)
        self._app = Celery("clock-worker-driver", set_as_current=False)
        self._app.conf.update(broker_options(url), task_ignore_result=True)

    def close(self) -> None:
        self.store.close()

    def set_time(self, now: datetime) -> None:
        self.store.set(NOW, now.isoformat())

    def run(self, task: TaskName, *, queue: str = WORKER.queue) -> None:
        """Have a task done, and all that follows from it.

        Raises:
            AssertionError: they are not done within two minutes.
        """
        self.store.incr(SENT)
        self._app.send_task(task, queue=queue)
        until = time.monotonic() + IDLE_SECONDS
        while not self.is_idle():
            assert time.monotonic() < until, "the workers do not come to an end"
            time.sleep(0.02)

    def is_idle(self) -> bool:
        """Whether all that was sent is done. Done is read first: whoever sends something is not done yet."""
        done, sent = (int(self.store.get(key) or 0) for key in (DONE, SENT))
        return done == sent

    def forget(self) -> None:
        """Empty the cache and the counters, between two scenarios; only while the workers are idle."""
        for key in self.store.scan_iter("*"):
            if not key.startswith(b"broadsheet-queue:") and b"_kombu" not in key:
                self.store.delete(key)


@contextmanager
def running_workers(environment: Mapping[str, str]) -> Iterator[WorkerDriver]:
    """Two processes that take short work and fetches, as `manage.py up` starts them, on this test's database. Their
    queue is one of their own: other tests send messages, too."""
    with (
        _queue() as data,
        closing(WorkerDriver(data.redis_url)) as driver,
        (data.log_dir / "workers.log").open("w") as log,
    ):
        command = [sys.executable, "-m", "celery", "-A", "tests.support.clock_worker", "worker", "-c", "2"]
        command += ["-Q", f"{WORKER.queue},{FETCHER.queue}", "-n", "clock@%h", "--loglevel", "CRITICAL"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        names = {
            IS_WORKER: str(connection.settings_dict["NAME"]),
            "REDIS_URL": data.redis_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        environment = {**os.environ, **environment, **names}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + START_SECONDS
            while not driver.store.exists(READY):
                assert process.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < until, "the workers did not start in time"
                time.sleep(0.1)
            yield driver
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def _queue() -> Iterator[DataDir]:
    folder = tempfile.mkdtemp(prefix="broadsheet-queue-")
    data = DataDir(folder)
    data.make()
    try:
        with Supervisor(data) as supervisor:
            valkey = ValkeyServer(data, privileges=Privileges())
            supervisor.start(valkey)
            supervisor.wait_for(valkey, seconds=30)
            yield data
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _become_worker(database: str) -> None:
    """What the process of the workers does before it takes its first task."""
    settings.DATABASES["default"]["NAME"] = database
    if not apps.ready:
        django.setup()

    tasks: Any = import_module("papers.tasks")
    store = redis.Redis.from_url(settings.REDIS_URL)
    tasks.timezone = _Clock(store)
    groups: Any = host_rate_limit.HOST_GROUPS
    for name, known in groups.items():
        groups[name] = replace(known, policy=replace(known.policy, spacing=0.0, jitter=0.0))
    before_task_publish.connect(lambda **_: store.incr(SENT), weak=False)
    task_postrun.connect(lambda **_: store.incr(DONE), weak=False)
    worker_ready.connect(lambda **_: store.set(READY, 1), weak=False)


if IS_WORKER in os.environ:
    _become_worker(os.environ[IS_WORKER])

__all__ = ["WorkerDriver", "app", "running_workers"]
