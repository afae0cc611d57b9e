"""The host rate limit over all workers and machines, in Postgres.

One row (`models.HostSlot`) is one connection that a group of hosts allows. A slot is a lease on a row: taken by a
conditional UPDATE, renewed while the request runs, and given back with the time before which nobody may ask again. A
process that dies leaves a lease that runs out. Who must wait has a row too (`models.HostWaiter`): announcements are
asked for before all else, and what is equal in the order in which it came. Only the database's clock is read, so that
no machine's own clock matters; no transaction is open while a request runs.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from papers.models import HostSlot, HostWaiter
from papers.outbound.client import Client, user_agent
from papers.outbound.errors import HostBusyError, SlotLostError
from papers.outbound.host_rate_limit import HostPolicy, host_policy_of
from papers.outbound.request import RequestReport

SLOT_SECONDS = 30.0
"""How long a lease lasts that is not renewed. A request renews it every 5 seconds, except during the look-up of a name
and the opening of a connection, which take up to 10 each. A worker that is killed keeps others waiting for so long."""
POLL_SECONDS = 0.25
"""Between two looks whether a slot that another process holds is free. Of one that nobody holds the time is known."""
_SHORTEST_SLEEP_SECONDS = 0.02
_QUEUE_POLL_SECONDS = 0.05
"""Between two looks at a slot that is free and another's, who takes it in a moment."""
_WAITER_GRACE_SECONDS = 2.0
"""A waiter that does not look again for so long after it wanted to is dead."""


def build_outbound_client(*, report: Callable[[RequestReport], None] | None = None, priority: int = 0) -> Client:
    """The outbound client of this installation, as the settings have it.

    Args:
        priority: of those that wait for the same hosts, the highest goes first.

    Raises:
        ValueError: BROADSHEET_FETCH_ALLOW or BROADSHEET_FETCH_PROXY can't be read.
    """
    return Client(
        user_agent=user_agent(version=settings.VERSION, site_url=settings.SITE_URL, admin=settings.ADMIN_EMAIL),
        rate_limiter=PostgresRateLimiter(priority=priority),
        allow=settings.FETCH_ALLOW,
        proxy=settings.FETCH_PROXY,
        report=report,
    )


class PostgresRateLimiter:
    """The `HostRateLimiter` of the product. Raises RuntimeError inside a transaction, where it would not work."""

    def __init__(
        self,
        *,
        policy_of: Callable[[str], HostPolicy] = host_policy_of,
        lease_seconds: float = SLOT_SECONDS,
        priority: int = 0,
    ) -> None:
        self._policy_of = policy_of
        self._priority = priority
        self._lease_seconds = lease_seconds

    @contextmanager
    def acquire(self, group: str, *, wait_seconds: float) -> Iterator[PostgresSlot]:
        """Wait for a slot of the group, and hold it.

        Raises:
            HostBusyError: none would be free within `wait_seconds`; raised at once when that is known at once.
            RuntimeError: a transaction is open.
        """
        policy = self._policy_of(group)
        end = time.monotonic() + wait_seconds
        with ExitStack() as leases:
            held = [leases.enter_context(self._lease(group, policy, end))]
            if (parent := policy.parent_group) is not None:
                held.append(leases.enter_context(self._lease(parent, self._policy_of(parent), end)))
            yield PostgresSlot(self, group, policy, held)

    def back_off(self, group: str, seconds: float) -> None:
        """Let nobody ask the group for some seconds from now, or longer if it is closed for longer already."""
        rows = _rows(group, self._policy_of(group))
        _create(rows)
        _execute(
            """
            UPDATE {table} SET not_before = greatest(not_before, clock_timestamp() + %(seconds)s * interval '1 s')
            WHERE "group" = ANY(%(rows)s)
            """,
            {"rows": rows, "seconds": seconds},
        )

    @contextmanager
    def _lease(self, group: str, policy: HostPolicy, end: float) -> Iterator[SlotRow]:
        lease = self._wait(group, policy, end)
        try:
            yield lease
        finally:
            lease.release()

    def _wait(self, group: str, policy: HostPolicy, end: float) -> SlotRow:
        rows, waiter = _rows(group, policy), _Waiter(group, self._priority)
        try:
            while True:
                if lease := self._take(rows, policy, waiter):
                    return lease
                free_at, seconds = _next_chance(rows, policy)
                left = max(end - time.monotonic(), 0.0)
                if free_at is None:
                    _create(rows)
                elif seconds > left or (left == 0.0 and seconds == 0.0):
                    raise HostBusyError(
                        f"The hosts of {group} may be asked again in {seconds:.0f} seconds.",
                        not_before=free_at,
                        retry_after_seconds=seconds,
                    )
                else:
                    # Free, and not for us: others wait for it who come first.
                    pause = max(seconds, _SHORTEST_SLEEP_SECONDS) if seconds else _QUEUE_POLL_SECONDS
                    waiter.wait(pause)
        finally:
            waiter.leave()

    def _take(self, rows: Sequence[str], policy: HostPolicy, waiter: _Waiter) -> SlotRow | None:
        """Take a free row, unless somebody waits who comes first."""
        holder = uuid.uuid4()
        taken = _execute(
            """
            UPDATE {table} SET holder = %(holder)s, until = clock_timestamp() + %(lease)s * interval '1 s'
            WHERE "group" = (
                SELECT "group" FROM {table}
                WHERE "group" = ANY(%(rows)s) AND not_before <= clock_timestamp()
                  AND (holder IS NULL OR until + %(spacing)s * interval '1 s' <= clock_timestamp())
                  AND NOT EXISTS (
                    SELECT FROM {waiters} other WHERE other."group" = %(waited_for)s AND other.id <> %(waiter)s
                        AND other.until > clock_timestamp()
                        AND (other.priority > %(priority)s OR (other.priority = %(priority)s AND other.since < coalesce(
                            (SELECT since FROM {waiters} own WHERE own.id = %(waiter)s), clock_timestamp()))))
                ORDER BY "group" LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING "group"
            """,
            {
                **{"rows": rows, "holder": holder, "lease": self._lease_seconds, "spacing": policy.spacing},
                **{"waited_for": waiter.group, "waiter": waiter.id, "priority": waiter.priority},
            },
        )
        return SlotRow(taken[0][0], holder, policy, self._lease_seconds) if taken else None


class _Waiter:
    """One request's place among those that wait for a group; no row until it waits."""

    def __init__(self, group: str, priority: int) -> None:
        self.id = uuid.uuid4()
        self.group = group
        self.priority = priority
        self._has_row = False

    def wait(self, seconds: float) -> None:
        """Stand in the queue, sleep, and be taken for dead some time after that."""
        _execute(
            """
            INSERT INTO {waiters} (id, "group", priority, since, until)
            VALUES (%(id)s, %(group)s, %(priority)s, clock_timestamp(),
                clock_timestamp() + %(seconds)s * interval '1 s')
            ON CONFLICT (id) DO UPDATE SET until = excluded.until
            """,
            {
                **{"id": self.id, "group": self.group, "priority": self.priority},
                "seconds": seconds + _WAITER_GRACE_SECONDS,
            },
        )
        self._has_row = True
        time.sleep(seconds)

    def leave(self) -> None:
        """Leave the queue, and take those along who died in it."""
        if self._has_row:
            _execute(
                "DELETE FROM {waiters} WHERE id = %(id)s OR until < clock_timestamp() - interval '1 minute'",
                {"id": self.id},
            )


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One row held for a while by one request."""

    row: str
    holder: uuid.UUID
    policy: HostPolicy
    seconds: float

    def renew(self) -> None:
        """Hold the row for longer.

        Raises:
            SlotLostError: the lease had run out, and another process took the row.
        """
        renewed = _execute(
            """
            UPDATE {table} SET until = clock_timestamp() + %(lease)s * interval '1 s'
            WHERE "group" = %(row)s AND holder = %(holder)s RETURNING 1
            """,
            {"row": self.row, "holder": self.holder, "lease": self.seconds},
        )
        if not renewed:
            raise SlotLostError(f"The turn at {self.row} went to another process; the request was given up.")

    def release(self) -> None:
        """Give the row back; the spacing starts now. Does nothing where the row went to another."""
        _execute(
            """
            UPDATE {table} SET holder = NULL, until = NULL, not_before = greatest(
                not_before, clock_timestamp() + (%(spacing)s + random() * %(jitter)s) * interval '1 s')
            WHERE "group" = %(row)s AND holder = %(holder)s
            """,
            {
                "row": self.row,
                "holder": self.holder,
                "spacing": self.policy.spacing,
                "jitter": self.policy.jitter,
            },
        )


class PostgresSlot:
    """A slot that is held: an `AcquiredSlot`, on a row of its group and one of the parent group."""

    def __init__(
        self, rate_limiter: PostgresRateLimiter, group: str, policy: HostPolicy, leases: Sequence[SlotRow]
    ) -> None:
        self._rate_limiter = rate_limiter
        self._group = group
        self._policy = policy
        self._leases = leases

    def renew(self) -> None:
        for lease in self._leases:
            lease.renew()

    def record_response(self, status: int, retry_after_seconds: float | None) -> float | None:
        """Close the whole group after a refusal, the longer the more there were in a row; open it after success."""
        policy = self._policy
        rows = _rows(self._group, policy)
        if status < 400:
            _execute(
                'UPDATE {table} SET refusal_count = 0 WHERE "group" = ANY(%(rows)s) AND refusal_count > 0',
                {"rows": rows},
            )
            return None
        if status == 403:
            seconds = policy.blocked_seconds
        elif status in policy.refusal_statuses:
            # "Retry-After: 0" says when to come again, as any other number does.
            pause = policy.refusal_pauses.pause_after(_count_refusal(rows)) if retry_after_seconds is None else None
            seconds = pause.total_seconds() if pause else retry_after_seconds or 0.0
        else:
            return None
        seconds = max(seconds, policy.spacing)
        self._rate_limiter.back_off(self._group, seconds)
        return seconds


def _rows(group: str, policy: HostPolicy) -> list[str]:
    """The keys of a group's rows, one a connection that it allows."""
    if policy.connections == 1:
        return [group]
    return [f"{group}/{number}" for number in range(policy.connections)]


def _create(rows: Sequence[str]) -> None:
    _execute(
        """
        INSERT INTO {table} ("group", not_before, refusal_count)
        SELECT unnest(%(rows)s::text[]), clock_timestamp(), 0 ON CONFLICT DO NOTHING
        """,
        {"rows": list(rows)},
    )


def _next_chance(rows: Sequence[str], policy: HostPolicy) -> tuple[datetime | None, float]:
    """When one of the rows may be free, and in how many seconds; (None, 0) where a row is missing.

    Of a row that is held nothing is known but when its lease runs out: then it is when to look again.
    """
    [(count, free_at, seconds)] = _execute(
        """
        SELECT count(*), min(free_at), coalesce(extract(epoch FROM min(free_at) - clock_timestamp()), 0)::float8
        FROM (
            SELECT greatest(not_before, CASE WHEN holder IS NOT NULL THEN least(
                until + %(spacing)s * interval '1 s', clock_timestamp() + %(poll)s * interval '1 s') END) AS free_at
            FROM {table} WHERE "group" = ANY(%(rows)s)
        ) AS chances
        """,
        {"rows": rows, "spacing": policy.spacing, "poll": POLL_SECONDS},
    )
    return (free_at, max(seconds, 0.0)) if count == len(rows) else (None, 0.0)


def _count_refusal(rows: Sequence[str]) -> int:
    """One refusal more; how many there were in a row."""
    counts = _execute(
        """
        UPDATE {table} SET refusal_count = least(refusal_count + 1, 1000)
        WHERE "group" = ANY(%(rows)s) RETURNING refusal_count
        """,
        {"rows": rows},
    )
    return max(int(count) for (count,) in counts)


def _execute(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction of its own.

    `durable` makes Django raise where one is open already: a slot that can be rolled back protects nothing, and a
    transaction held during a request would block every other process.
    """
    table, waiters = (connection.ops.quote_name(model._meta.db_table) for model in (HostSlot, HostWaiter))
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(sql.format(table=table, waiters=waiters), params)
        return cursor.fetchall() if cursor.description else []
