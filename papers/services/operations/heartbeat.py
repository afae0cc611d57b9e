"""Heartbeats of what nobody sees: the workers write them, the pages read them.

"Nothing new arrived" mostly means a worker that nobody knows is dead. A heartbeat is a row of the database: it is there
when the broker is gone, and a lost cache doesn't look like a dead worker.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from papers.models import Heartbeat

WORKERS = "workers"
"""Written by the task that beat enqueues every minute and a worker runs: it needs beat, the broker and a worker."""

QUIET_AFTER = timedelta(minutes=4)


def record_heartbeat(*, now: datetime, name: str = WORKERS) -> None:
    """Store that `name` is alive at `now`. One statement; idempotent."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=now)], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
    )


def last_heartbeat(name: str = WORKERS) -> datetime | None:
    """When `name` was last alive (UTC), None when never. One query."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def is_alive(at: datetime | None, *, now: datetime) -> bool:
    """Whether a heartbeat is less than four minutes old. No queries.

    Nor in the future by as much: it was left by a clock that was ahead, and tells nothing.
    """
    return at is not None and abs(now - at) < QUIET_AFTER
