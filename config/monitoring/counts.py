"""What happened, counted over all processes and machines: requests and tasks, with how long they took.

Each process adds up in its own memory, and a few seconds after the first of them adds its sums to one hash in Redis.
So a request costs two additions, and nothing is written to a disk. Where Redis is away the sums wait; where it lost the
hash, counting begins anew, as after a restart: Prometheus knows counters that begin anew. A process that is killed
takes a few seconds of counts with it.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping

import redis
from django.conf import settings

HASH = "broadsheet-counts"
SIGHTINGS = "broadsheet-sightings"
FLUSH_SECONDS = 5.0
NOTE_SECONDS = 60.0
MOST_DETAIL = 100
TIMEOUT_SECONDS = 1.0
MOST_SERIES = 20_000
"""Sums that wait for Redis in one process; labels are few, so that is never reached but by a mistake of ours."""
REQUEST_EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TASK_EDGES = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
Key = tuple[str, ...]


class ProcessCounts:
    """The sums of this process that are not in Redis yet."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """Begin at nothing: in a forked process, whose parent has and adds what was there."""
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._waiting: Counter[Key] = Counter()
        self._timer: threading.Timer | None = None
        self._client: redis.Redis | None = None
        self._noted: dict[str, tuple[float, str]] = {}
        self._told: dict[str, float] = {}

    def note(self, kind: str, detail: str) -> None:
        """Keep that something was seen, for `manage.py doctor`; of each kind once a minute and process."""
        if time.monotonic() - self._told.get(kind, -NOTE_SECONDS) < NOTE_SECONDS:
            return
        with self._lock:
            self._told[kind] = time.monotonic()
            self._noted[kind] = time.time(), detail[:MOST_DETAIL]

    def add(self, key: Key, seconds_key: Key, seconds: float) -> None:
        """Count one under `key`, and its time, in microseconds, under the other."""
        with self._lock:
            if len(self._waiting) < MOST_SERIES:
                self._waiting[key] += 1
                self._waiting[seconds_key] += int(seconds * 1_000_000)
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def count(self, key: Key) -> None:
        """Count one more under `key`, with what comes next."""
        with self._lock:
            if len(self._waiting) < MOST_SERIES:
                self._waiting[key] += 1

    def flush(self) -> bool:
        """Add the sums to those of the others. False where Redis did not answer: they go on waiting.

        What was counted before has arrived when it returns, also where a flush was under way: a process that ends
        would end that one with it.
        """
        with self._flushing:
            return self._flush()

    def _flush(self) -> bool:
        with self._lock:
            taken, self._waiting, self._timer = self._waiting, Counter(), None
            noted, self._noted = self._noted, {}
            if not taken and not noted:
                return True
        try:
            if self._client is None:
                self._client = connect()
            pipeline = self._client.pipeline(transaction=True)  # all of it or nothing
            for key, value in taken.items():
                pipeline.hincrby(HASH, "\t".join(key), value)
            for kind, (at, detail) in noted.items():
                pipeline.hset(SIGHTINGS, kind, f"{at:.0f}\t{detail}")
            pipeline.hset(SIGHTINGS, f"site:{site_mark()}", f"{time.time():.0f}\t")
            pipeline.execute()
        except redis.RedisError:
            with self._lock:
                self._waiting.update(taken)
            return False
        return True

    def waiting(self) -> dict[Key, int]:
        """What is not in Redis yet."""
        with self._lock:
            return dict(self._waiting)


PROCESS_COUNTS = ProcessCounts()
os.register_at_fork(after_in_child=PROCESS_COUNTS._forget)


def connect() -> redis.Redis:
    """A client that does not wait for long."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )


def count_request(view: str, status: str, seconds: float) -> None:
    """A request was answered. `view` is the name of an address of ours, `status` a class such as 2xx."""
    PROCESS_COUNTS.add(
        ("request", view, status, _bucket(seconds, REQUEST_EDGES)), ("request-time", view, status), seconds
    )


def count_task(task: str, outcome: str, seconds: float) -> None:
    """A task ended: `done` or `failed`."""
    PROCESS_COUNTS.add(("task", task, outcome, _bucket(seconds, TASK_EDGES)), ("task-time", task, outcome), seconds)


def _bucket(seconds: float, edges: tuple[float, ...]) -> str:
    for place, edge in enumerate(edges):
        if seconds <= edge:
            return str(place)
    return str(len(edges))


def read_counts(client: redis.Redis) -> dict[Key, int]:
    """All sums that Redis has.

    Raises:
        RedisError: it does not answer.
    """
    found: Mapping[bytes, bytes] = client.hgetall(HASH)  # type: ignore[assignment]  # its types are of two clients
    read: dict[Key, int] = {}
    for name, value in found.items():
        if value.lstrip(b"-").isdigit():
            read[tuple(name.decode("utf-8", "replace").split("\t"))] = int(value)
    return read


def site_mark() -> str:
    """What tells this site from another one in the same Redis, and says nothing of its key."""
    return hashlib.sha256(b"broadsheet-site:" + settings.SECRET_KEY.encode()).hexdigest()[:12]


def read_sightings(client: redis.Redis) -> dict[str, tuple[float, str]]:
    """By kind: when it was last seen (seconds since 1970), and a detail that may come from a stranger.

    Raises:
        RedisError: it does not answer.
    """
    found: Mapping[bytes, bytes] = client.hgetall(SIGHTINGS)  # type: ignore[assignment]
    read: dict[str, tuple[float, str]] = {}
    for kind, value in found.items():
        at, _, detail = value.decode("utf-8", "replace").partition("\t")
        if at.isdigit():
            read[kind.decode("utf-8", "replace")] = float(at), detail
    return read
