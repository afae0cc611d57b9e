"""The processes that a storm kills: the product's own workers and beat, or for a small storm forks of this one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

SENDERS = 3
PROJECT = Path(__file__).resolve().parent.parent
# Sooner after its start a worker has hardly begun.
STARTED_SECONDS = 2.0


def shorten_waits() -> None:
    """Shorten leases and pauses, in this process and in those it forks.

    Leases so that what a killed sender held is soon taken over, and no living one is thought dead.
    """
    from digests.services import outbox, sending
    from papers.retry import RetrySchedule

    outbox.LEASE, outbox.SENDING_LEASE = timedelta(seconds=15), timedelta(seconds=15)
    sending.RETRIES = RetrySchedule((timedelta(seconds=1),), gives_up=False)
    sending.STOPPED_FOR = sending.DOMAIN_PAUSED_FOR = timedelta(seconds=2)
    sending.IN_DOUBT_PAUSE = timedelta(seconds=1)


class Senders(Protocol):
    """Processes that send what is waiting."""

    def start(self) -> None: ...

    def kill(self, rng: random.Random) -> bool:
        """`kill -9` one of them, and start it again; False when none is at work."""

    def stop(self) -> None:
        """Idempotent."""


class ForkedSenders:
    """Copies of this process, which reclaim expired leases and send, for ever."""

    def __init__(self) -> None:
        self._pids: list[int] = []

    def start(self) -> None:
        from django.db import connections

        shorten_waits()
        connections.close_all()
        self._pids = [_fork(_send) for _ in range(SENDERS)]

    def kill(self, rng: random.Random) -> bool:
        place = rng.randrange(SENDERS)
        os.kill(self._pids[place], signal.SIGKILL)
        os.waitpid(self._pids[place], 0)
        self._pids[place] = _fork(_send)
        return True

    def stop(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        self._pids = []


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def _send() -> None:
    from django.conf import settings
    from django.db import InterfaceError, OperationalError, close_old_connections
    from django.utils import timezone

    from digests.services import outbox
    from digests.services.sending import send_waiting

    while True:
        try:
            outbox.reclaim_expired_leases(now=timezone.now(), mark_unknown=settings.MAIL_IN_DOUBT == "skip")
            if not send_waiting().counts:
                time.sleep(0.1)
        except (OperationalError, InterfaceError):  # Postgres is started anew
            close_old_connections()
            time.sleep(0.2)


class CelerySenders:
    """Three mail workers, the worker for the rest, and beat, as `manage.py up` starts them."""

    def __init__(self, *, port: int, in_doubt: str, logs: Path) -> None:
        self._logs = logs
        self._environment = {
            **os.environ,
            "BROADSHEET_SITE_URL": "https://papers.example.org",
            "BROADSHEET_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "BROADSHEET_MAIL_FROM": "Language Lab <papers@example.org>",
            "BROADSHEET_MAIL_IN_DOUBT": in_doubt,
        }
        self._commands = {
            **{f"mailer{number}": _worker(f"mailer{number}", queue="mail") for number in range(SENDERS)},
            "worker": _worker("worker", queue="default"),
            "beat": ("beat", "--pidfile", "", "--schedule", str(logs / "beat"), "--loglevel", "WARNING"),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}

    def start(self) -> None:
        for name in self._commands:
            self._spawn(name)

    def kill(self, rng: random.Random) -> bool:
        """A mail worker: its sender alone, which it replaces, or all of it; and at times the worker for the rest."""
        grown_up = [
            name
            for name in self._commands
            if name.startswith("mailer") and time.monotonic() - self._started[name] > STARTED_SECONDS
        ]
        if not grown_up or not _is_at_work():
            return False
        if rng.random() < 0.1:
            self._kill_whole("worker")
        name = rng.choice(grown_up)
        senders = _children(self._running[name].pid)
        if senders and rng.random() < 0.6:
            os.kill(rng.choice(senders), signal.SIGKILL)
        else:
            self._kill_whole(name)
        return True

    def stop(self) -> None:
        for process in self._running.values():
            _kill_group(process)
        self._running = {}

    def _kill_whole(self, name: str) -> None:
        _kill_group(self._running[name])
        self._spawn(name)

    def _spawn(self, name: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "bench.storm_workers", *self._commands[name]]
        with (self._logs / f"storm-{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, cwd=PROJECT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._started[name] = time.monotonic()


def _worker(name: str, *, queue: str) -> Sequence[str]:
    quiet = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")
    return ("worker", "-Q", queue, "-c", "1", "-n", f"{name}@%h", *quiet)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _is_at_work() -> bool:
    from django.db import connections

    from digests.models import Delivery
    from digests.models.delivery import IN_HAND_STATES

    try:
        return Delivery.objects.filter(state__in=IN_HAND_STATES).exists()
    finally:
        connections.close_all()
