"""The politeness clock: who may ask a group of hosts, and when, over all workers and machines.

One Postgres row is one connection that the group allows. A turn is a lease on a row: taken by a conditional UPDATE,
renewed while the request runs, and given back with the time before which nobody may ask again. A process that dies
leaves a lease that runs out. Only the database's clock is read, so that no machine's own clock matters; no transaction
is open while a request runs.
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

from papers.models import HostSlot
from papers.outbound.client import Client, HostBusyError, RequestReport, SlotLostError, user_agent

# The longest a request is silent about itself is a name's look-up or a connection's opening, 10 seconds each.
SLOT_SECONDS = 60.0
# How often those who wait look whether the one before them is done. When nobody is before them, the time is known.
POLL_SECONDS = 0.25
_SHORTEST_SLEEP_SECONDS = 0.02

_HOUR = 3600.0
_DOUBLING = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0)


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """What one group of hosts bears. All times in seconds."""

    connections: int = 1
    spacing: float = 1.0
    """From the end of a request to the start of the next, on each connection."""
    jitter: float = 0.0
    """At most this much is added to the spacing, by chance."""
    refusals: frozenset[int] = frozenset({429, 503})
    """Statuses that ask for fewer requests."""
    steps: tuple[float, ...] = (60.0, 300.0, 1800.0, 7200.0)
    """For how long the group is closed after the first refusal, the second, …, when the answer does not say."""
    blocked: float = _HOUR
    """For how long it is closed after a 403."""
    also: str | None = None
    """Another group that a turn is taken at as well."""


HOST_POLICIES: Mapping[str, HostPolicy] = {
    # "One request every three seconds, single connection", for all machines together; asking on after a 403 counts as
    # an attack. https://info.arxiv.org/help/api/tou.html
    "arxiv": HostPolicy(spacing=3.0, jitter=0.5, refusals=frozenset({406, 429, 503}), blocked=12 * _HOUR),
    "huggingface": HostPolicy(connections=2),
    "crossref": HostPolicy(connections=2, spacing=0.2, steps=_DOUBLING),
    "datacite": HostPolicy(connections=2, spacing=0.2, steps=_DOUBLING),
    "semanticscholar": HostPolicy(spacing=3.5, steps=(5.0, 10.0, 20.0, 40.0, 60.0)),
    "openalex": HostPolicy(connections=2, spacing=0.2),
    "biorxiv": HostPolicy(steps=_DOUBLING),
    "pubmed": HostPolicy(spacing=0.4, steps=_DOUBLING),
    # The operator's own choice, often on the operator's own machine; it says itself when it is too much.
    "embeddings": HostPolicy(connections=4, spacing=0.0, blocked=60.0, steps=_DOUBLING),
    "feeds": HostPolicy(connections=4, spacing=0.0),
}
# Any other host: one connection to it, and four to all such hosts together.
FEED_POLICY = HostPolicy(blocked=24 * _HOUR, also="feeds")
# A page that a reader named; the next page of the same host may well be open.
PAGE_POLICY = HostPolicy(blocked=60.0, also="feeds")


def host_policy_of(group: str) -> HostPolicy:
    """Raises ValueError where there is no such group; `group_of(url)` names the right one."""
    if group.startswith("feed:"):
        return FEED_POLICY
    if group.startswith("page:"):
        return PAGE_POLICY
    if group not in HOST_POLICIES:
        raise ValueError(
            f"There is no host group {group!r}; use one of {', '.join(HOST_POLICIES)} feed:<host> or page:<host>."
        )
    return HOST_POLICIES[group]


def build_outbound_client(*, report: Callable[[RequestReport], None] | None = None) -> Client:
    """The outbound client of this installation, as the settings have it.

    Raises:
        ValueError: BROADSHEET_FETCH_ALLOW or BROADSHEET_FETCH_PROXY can't be read.
    """
    return Client(
        user_agent=user_agent(version=settings.VERSION, site_url=settings.SITE_URL, admin=settings.ADMIN_EMAIL),
        clock=PostgresRateLimiter(),
        allow=settings.FETCH_ALLOW,
        proxy=settings.FETCH_PROXY,
        report=report,
    )


class PostgresRateLimiter:
    """Gives out turns (`papers.outbound.request.HostRateLimiter`). Must not be used inside a transaction: it says so loudly."""

    def __init__(
        self, *, policy_of: Callable[[str], HostPolicy] = host_policy_of, lease_seconds: float = SLOT_SECONDS
    ) -> None:
        self._policy_of = policy_of
        self._lease_seconds = lease_seconds

    @contextmanager
    def turn(self, group: str, *, wait_seconds: float) -> Iterator[PostgresSlot]:
        """Wait for the group's turn, and hold it.

        Raises:
            BusyError: it would come later than in `wait_seconds`; raised at once when that is known at once.
            RuntimeError: a transaction is open.
        """
        policy = self._policy_of(group)
        end = time.monotonic() + wait_seconds
        with ExitStack() as leases:
            held = [leases.enter_context(self._lease(group, policy, end))]
            if policy.also is not None:
                held.append(leases.enter_context(self._lease(policy.also, self._policy_of(policy.also), end)))
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
        rows = _rows(group, policy)
        while True:
            if lease := self._take(rows, policy):
                return lease
            free_at, seconds = _next_chance(rows, policy)
            if free_at is None:
                _create(rows)
            elif seconds > max(end - time.monotonic(), 0.0):
                raise HostBusyError(
                    f"The hosts of {group} may be asked again in {seconds:.0f} seconds.",
                    not_before=free_at,
                    retry_after_seconds=seconds,
                )
            else:
                time.sleep(max(seconds, _SHORTEST_SLEEP_SECONDS))

    def _take(self, rows: Sequence[str], policy: HostPolicy) -> SlotRow | None:
        holder = uuid.uuid4()
        taken = _execute(
            """
            UPDATE {table} SET holder = %(holder)s, until = clock_timestamp() + %(lease)s * interval '1 s'
            WHERE "group" = (
                SELECT "group" FROM {table}
                WHERE "group" = ANY(%(rows)s) AND not_before <= clock_timestamp()
                  AND (holder IS NULL OR until + %(spacing)s * interval '1 s' <= clock_timestamp())
                ORDER BY "group" LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING "group"
            """,
            {"rows": rows, "holder": holder, "lease": self._lease_seconds, "spacing": policy.spacing},
        )
        return SlotRow(taken[0][0], holder, policy, self._lease_seconds) if taken else None


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One row held for a while by one request."""

    row: str
    holder: uuid.UUID
    policy: HostPolicy
    seconds: float

    def renew(self) -> None:
        """Raises TurnLostError where the lease had run out and another process took the row."""
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
    """A turn that is held (`papers.outbound.request.AcquiredSlot`)."""

    def __init__(self, clock: PostgresRateLimiter, group: str, policy: HostPolicy, leases: Sequence[SlotRow]) -> None:
        self._clock = clock
        self._group = group
        self._policy = policy
        self._leases = leases

    def renew(self) -> None:
        for lease in self._leases:
            lease.renew()

    def answered(self, status: int, retry_after_seconds: float | None) -> float | None:
        """Close the whole group after a refusal, the longer the more there were in a row; open it after success."""
        policy = self._policy
        rows = _rows(self._group, policy)
        if status < 400:
            _execute(
                'UPDATE {table} SET refusals = 0 WHERE "group" = ANY(%(rows)s) AND refusals > 0',
                {"rows": rows},
            )
            return None
        if status == 403:
            seconds = policy.blocked
        elif status in policy.refusals:
            seconds = retry_after_seconds or policy.steps[min(_count_refusal(rows), len(policy.steps)) - 1]
        else:
            return None
        seconds = max(seconds, policy.spacing)
        self._clock.back_off(self._group, seconds)
        return seconds


def _rows(group: str, policy: HostPolicy) -> list[str]:
    """The keys of a group's rows, one a connection that it allows."""
    if policy.connections == 1:
        return [group]
    return [f"{group}/{number}" for number in range(policy.connections)]


def _create(rows: Sequence[str]) -> None:
    _execute(
        """
        INSERT INTO {table} ("group", not_before, refusals)
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
        'UPDATE {table} SET refusals = least(refusals + 1, 1000) WHERE "group" = ANY(%(rows)s) RETURNING refusals',
        {"rows": rows},
    )
    return max(int(count) for (count,) in counts)


def _execute(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction of its own.

    `durable` makes Django raise where one is open already: a turn that can be rolled back is none, and a transaction
    held during a request would block every other process.
    """
    table = connection.ops.quote_name(HostSlot._meta.db_table)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(sql.format(table=table), params)
        return cursor.fetchall() if cursor.description else []
