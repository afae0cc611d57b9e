"""Workers that are one process: a task that hangs is ended, by itself or with its process, and none works for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from celery.worker import state

from config.celery import app
from config.task_limits import REST_SECONDS, TaskLimits, resident_kilobytes
from tests.e2e.running_site import ROOT


def a_task(*, soft: float, hard: float) -> Any:
    return SimpleNamespace(soft_time_limit=soft, time_limit=hard, app=app)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[TaskLimits]:
    monkeypatch.setattr(state, "should_stop", None)
    before = signal.getsignal(signal.SIGALRM)
    limits = TaskLimits(tasks=2, kilobytes=10**9)
    signal.signal(signal.SIGALRM, limits._interrupt)
    yield limits
    limits.end()
    signal.signal(signal.SIGALRM, before)


def test_a_task_is_interrupted_at_its_soft_limit(limits: TaskLimits) -> None:
    limits.begin(task=a_task(soft=0.1, hard=600))
    with pytest.raises(SoftTimeLimitExceeded):
        time.sleep(30)


def test_a_task_that_is_done_is_not_interrupted_afterwards(limits: TaskLimits) -> None:
    limits.begin(task=a_task(soft=0.1, hard=600))
    limits.end()
    time.sleep(0.3)


def test_a_worker_ends_after_some_tasks_or_grown_too_large(limits: TaskLimits) -> None:
    limits.end()
    assert state.should_stop is None
    limits.end()
    assert state.should_stop == os.EX_OK
    state.should_stop = None
    TaskLimits(tasks=9, kilobytes=resident_kilobytes() // 2).end()
    assert state.should_stop == os.EX_OK


def test_a_worker_that_has_grown_gives_its_memory_back_when_no_work_came_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "should_stop", None)
    moment = [1000.0]
    limits = TaskLimits(tasks=900, kilobytes=10**9, clock=lambda: moment[0])

    def does(seconds: float) -> bool:
        limits.begin(task=a_task(soft=600, hard=600))
        moment[0] += seconds
        limits.look()  # a timer may ring in the middle of a task
        limits.end()
        limits.look()
        return state.should_stop is not None

    def rests(seconds: float) -> bool:
        moment[0] += seconds
        limits.look()
        return state.should_stop is not None

    assert not does(2.0)
    assert not rests(2 * REST_SECONDS), "it has not grown"
    taken = bytearray(b"x" * 40_000_000)
    assert not does(0.1)
    assert not rests(2 * REST_SECONDS), "no work came: the next process would grow as much"
    assert not does(2.0), "it works"
    assert not rests(REST_SECONDS / 2)
    assert not does(2.0), "work came again"
    assert not rests(REST_SECONDS / 2)
    assert rests(REST_SECONDS)
    del taken


@contextmanager
def worker(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], None]]]:
    """A worker as `up` runs it, on a queue of its own, and how it is given tasks."""
    queue = f"test-{uuid.uuid4()}"
    command = [sys.executable, "-m", "celery", "--skip-checks", "-A", "tests.support.limited_worker", "worker"]
    command += ["-Q", queue, "-n", f"{queue}@%h", "--pool", "solo", "--loglevel", "INFO"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process, lambda name: void(app.send_task(name, queue=queue))
    finally:
        process.kill()
        process.wait()
        queues: Any = app.amqp.queues
        queues.pop(queue, None)  # a queue that is named is known from then on


def void(_: object) -> None: ...


@pytest.mark.slow
def test_what_hangs_costs_its_process_and_the_log_says_where(tmp_path: Path) -> None:
    with worker(tmp_path) as (process, send):
        send("tests.hang")
        assert process.wait(timeout=120) == 1
    assert "in hang" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_after_its_share_of_tasks_a_worker_ends_in_order(tmp_path: Path) -> None:
    with worker(tmp_path) as (process, send):
        for name in ("tests.sleep", "tests.nothing", "tests.nothing"):
            send(name)
        assert process.wait(timeout=120) == 0
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "SoftTimeLimitExceeded" in log
    assert log.count("succeeded in") == 2
