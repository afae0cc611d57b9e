"""Figures of this machine and of the queue: memory by part, room on the disk, tasks that wait in the broker."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from celery import current_app
from django.conf import settings

from config.local.paths import DataDir
from config.local.programs import PARTS
from config.monitoring.text_format import Family, gauge

QUEUE_PREFIX = "broadsheet-queue:"
"""Before the names of Celery's lists: `global_keyprefix` in config/queues.py; a test compares."""
MEMORY_SECONDS = 15.0
_PROC = Path("/proc")
_SERVERS = ("postgres", "valkey")
SUPERVISOR = "supervisor"


def queue_names() -> list[str]:
    """The queues that workers take tasks from."""
    return sorted(current_app.amqp.queues)


def broker_families(client: redis.Redis) -> Iterator[Family]:
    """Tasks that wait. Lost ones are found again in rows, so this is how busy workers are, not what is due.

    Raises:
        RedisError: it does not answer.
    """
    family = gauge("broadsheet_queued_tasks", "Tasks that wait in the broker, by queue.")
    pipeline = client.pipeline(transaction=False)
    for name in queue_names():
        pipeline.llen(QUEUE_PREFIX + name)
    for name, length in zip(queue_names(), pipeline.execute(), strict=True):
        family.add(length, queue=name)
    yield family


def machine_families() -> Iterator[Family]:
    """Memory and disk of the machine that this process runs on."""
    memory = gauge("broadsheet_memory_bytes", "Proportional memory of a part's processes on this machine.")
    count = gauge("broadsheet_processes", "Processes of a part on this machine.")
    for name, (size, processes) in sorted(memory_by_part(settings.DATA_DIR).items()):
        memory.add(size, part=name)
        count.add(processes, part=name)
    yield from (memory, count)
    path = settings.DATA_DIR.path
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return
    yield gauge("broadsheet_disk_free_bytes", "Room where the data folder is.", usage.free)
    yield gauge("broadsheet_disk_bytes", "The size of the disk where the data folder is.", usage.total)


_measured: dict[str, tuple[float, dict[str, tuple[int, int]]]] = {}


def memory_by_part(data: DataDir) -> dict[str, tuple[int, int]]:
    """Bytes and processes by part: of what the supervisor of this folder runs, else of this web server alone.

    Measured at most every 15 seconds: the kernel looks through all pages of a process for it. Empty where there is no
    /proc.
    """
    key = str(data.path)
    at, found = _measured.get(key, (0.0, {}))
    if not at or time.monotonic() - at > MEMORY_SECONDS:
        found = _measure(data) if sys.platform == "linux" else {}
        _measured[key] = time.monotonic(), found
    return found


def _measure(data: DataDir) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name, pid in _parts(data):
        family = [pid] if name == SUPERVISOR else _descendants(pid)
        sizes = [size for size in map(_proportional_bytes, family) if size]
        if sizes:
            found[name] = (sum(sizes), len(sizes))
    return found


def _parts(data: DataDir) -> list[tuple[str, int]]:
    """The first process of each part: the supervisor's files `2-web.pid`, by the names that are known."""
    found = []
    for file in sorted(data.run_dir.glob("*.pid")):
        name = file.stem.partition("-")[2]
        try:
            pid = int(file.read_text(encoding="utf-8").split()[0])
        except (OSError, ValueError, IndexError):
            continue
        if name in PARTS or name in _SERVERS:
            found.append((name, pid))
    parents = {int(fields[1]) for _, pid in found if (fields := _stat(pid))} - {0, 1}
    return [*found, *((SUPERVISOR, pid) for pid in parents)] if found else [("web", os.getpid())]


def _stat(pid: int) -> list[str]:
    """The fields after the name (proc(5)): state, parent, …; empty when it is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _descendants(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += _children(one)
    return found


def _children(pid: int) -> list[int]:
    """Those of all its threads. The kernel's own list; a look at all processes takes far longer."""
    found: list[int] = []
    try:
        for thread in os.listdir(_PROC / str(pid) / "task"):  # noqa: PTH208  names, no paths
            found += map(int, (_PROC / str(pid) / "task" / thread / "children").read_text(encoding="ascii").split())
    except OSError:  # gone meanwhile
        pass
    return found


def _proportional_bytes(pid: int) -> int:
    """What a process takes, shared pages divided among those that share them; 0 when it is gone or not ours to see."""
    try:
        with (_PROC / str(pid) / "smaps_rollup").open(encoding="ascii") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0
