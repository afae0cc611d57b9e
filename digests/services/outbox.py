"""The states of a mail on its way, each change one statement; the queue of record, whatever a broker loses.

    planned, retry ─lease─► leased ─DeliveryMarks─► sending ─DeliveryMarks─► sent
                                │                     └─► retry, failed, unknown
                                └─► retry, failed, skipped

A lease has an owner and an end. Whoever changes a leased mail names the owner, so that a worker that was thought dead
changes nothing after another took over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import connection

from digests.content.messages import LeasedDelivery
from digests.models import Suppression
from digests.models.delivery import WAITING_STATES

LEASE = timedelta(minutes=3)
# Longer than anybody waits for the reply to the end of the data.
SENDING_LEASE = timedelta(minutes=11)
BATCH = 200
WAITS = (
    ("digests_delivery", "not_before"),
    ("digests_delivery", "leased_until"),
    ("digests_notice", "not_before"),
    ("digests_signup", "not_before"),
    ("digests_sendingpause", "until"),
    ("digests_ratelimitbucket", "at"),
)
"""Columns by which mail waits; when a mail is due at all is a matter of the calendar, and not among them."""

_LEASE = """
    WITH free AS (
        SELECT delivery.id FROM digests_delivery delivery
        WHERE delivery.state = ANY(%(waiting)s) AND delivery.not_before <= %(now)s
          AND (%(paused_domains)s::text[] = '{}' OR NOT EXISTS (
            SELECT FROM digests_subscriber reader WHERE reader.id = delivery.subscriber_id
            AND split_part(lower(reader.email), '@', 2) = ANY(%(paused_domains)s::text[])))
        ORDER BY delivery.not_before, delivery.id LIMIT %(count)s FOR NO KEY UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE digests_delivery delivery SET state = 'leased', owner = %(owner)s, leased_until = %(until)s
        FROM free WHERE delivery.id = free.id RETURNING delivery.*
    )
    SELECT leased.id, leased.key_digest, leased.period_on, leased.due_at, leased.attempts, leased.content_spec,
        leased.paper_ids, leased.causes, leased.more_ids, leased.below_ids, leased.offers_weekly, leased.version_ids,
        leased.edition_count, leased.from_release, leased.to_release, leased.floor,
        leased.schedule_id, schedule.frequency, schedule.key_digest, reader.id, reader.email, reader.key_nonce,
        reader.key_digest, reader.user_id IS NOT NULL, reader.confirmed_at,
        CASE WHEN schedule.ended_at IS NOT NULL OR reader.confirmed_at IS NULL THEN 'unsubscribed'
            WHEN suppression.id IS NOT NULL THEN 'no mail to this address'
            WHEN EXISTS (SELECT FROM papers_user person WHERE NOT person.is_active
                AND (person.id = reader.user_id OR lower(person.email) = lower(reader.email)))
            THEN 'the account is suspended' ELSE '' END
    FROM leased
    JOIN digests_schedule schedule ON schedule.id = leased.schedule_id
    JOIN digests_subscriber reader ON reader.id = leased.subscriber_id
    LEFT JOIN digests_suppression suppression ON lower(suppression.address) = lower(reader.email)
    ORDER BY leased.id
"""


def lease(*, owner: str, count: int, now: datetime, paused_domains: Collection[str] = ()) -> list[LeasedDelivery]:
    """Take up to `count` mails that may be sent now; two workers never take the same.

    What its reader has left meanwhile is cancelled here, and what is for a suspended account. Two statements.
    """
    parameters: dict[str, Any] = {
        "waiting": [str(state) for state in WAITING_STATES],
        "now": now,
        "paused_domains": sorted(paused_domains),
        "count": count,
        "owner": owner,
        "until": now + LEASE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, parameters)
        rows = cursor.fetchall()
    unwanted = [(row[0], row[-1]) for row in rows if row[-1]]
    if unwanted:
        _cancel(unwanted, owner)
    return [LeasedDelivery(*row[:-1]) for row in rows if not row[-1]]


def _cancel(unwanted: Sequence[tuple[int, str]], owner: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE digests_delivery delivery SET state = 'cancelled', reason = unwanted.reason, owner = '',
                leased_until = NULL, content_spec = ''
            FROM unnest(%s::bigint[], %s::text[]) AS unwanted (id, reason)
            WHERE delivery.id = unwanted.id AND delivery.owner = %s
            """,
            [[pk for pk, _ in unwanted], [reason for _, reason in unwanted], owner],
        )


def release_leases(*, owner: str) -> None:
    """Let others send what is leased and was not begun. One statement."""
    _run(
        "UPDATE digests_delivery SET state = CASE WHEN attempts > 0 THEN 'retry' ELSE 'planned' END, owner = '', "
        "leased_until = NULL WHERE owner = %s AND state = 'leased'",
        owner,
    )


_SENT = """
    UPDATE digests_delivery SET state = 'sent', sent_at = %s, owner = '', leased_until = NULL, content_spec = '',
        reason = ''
    WHERE id = %s AND owner = %s AND state = 'sending'
"""


def mark_sent(pk: int, *, owner: str, now: datetime) -> None:
    """Commit that the server has it."""
    _run(_SENT, now, pk, owner)


def schedule_retry(pk: int, *, owner: str, reason: str, until: datetime, counts: bool = False) -> None:
    """Have a mail sent again from `until` on. What it is made of stays, so that it will be the same. One statement.

    `counts`: whether it was an attempt although the mail never came as far as `sending`, with which others are counted.
    """
    _run(
        "UPDATE digests_delivery SET state = 'retry', reason = %s, not_before = %s, owner = '', leased_until = NULL, "
        "attempts = attempts + CASE WHEN %s AND state = 'leased' THEN 1 ELSE 0 END "
        "WHERE id = %s AND owner = %s AND state IN ('leased', 'sending')",
        reason,
        until,
        counts,
        pk,
        owner,
    )


_SETTLE = """
    WITH settled AS (
        UPDATE digests_delivery SET state = %(state)s, reason = %(reason)s, owner = '', leased_until = NULL,
            content_spec = CASE WHEN %(state)s = 'unknown' THEN content_spec ELSE '' END
        WHERE id = %(pk)s AND owner = %(owner)s AND state IN ('leased', 'sending')
        RETURNING schedule_id, from_release
    )
    UPDATE digests_schedule schedule SET last_release = least(schedule.last_release, settled.from_release)
    FROM settled WHERE schedule.id = settled.schedule_id AND %(state)s IN ('failed', 'skipped')
"""


def end_unsent(pk: int, *, owner: str, state: str, reason: str) -> None:
    """End it without having sent it: unknown; or failed or skipped, and the next mail brings what is left of it."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"pk": pk, "owner": owner, "state": state, "reason": reason})


def suppress_address(address: str, *, reason: str, detail: str) -> None:
    """Send nothing to this address any more. Idempotent."""
    Suppression.objects.bulk_create(
        [Suppression(address=address.lower(), reason=reason, detail=detail)], ignore_conflicts=True
    )


_SWEEP = """
    UPDATE digests_delivery SET
        state = CASE WHEN state = 'sending' AND %(leaves)s THEN 'unknown'
            WHEN state = 'sending' OR attempts > 0 THEN 'retry' ELSE 'planned' END,
        reason = CASE WHEN state = 'sending' THEN 'its worker ended before the server had answered' ELSE reason END,
        owner = '', leased_until = NULL
    WHERE state IN ('leased', 'sending') AND leased_until < %(now)s
    RETURNING state
"""


def reclaim_expired_leases(*, now: datetime, mark_unknown: bool) -> int:
    """Take mails from workers whose lease has run out; returns how many.

    What was between `sending` and `sent` is sent again, or with `mark_unknown` listed as unknown. Idempotent.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, {"now": now, "leaves": mark_unknown})
        return len(cursor.fetchall())


def count_waiting(*, now: datetime, at_most: int) -> int:
    """How many may be sent now, counted no further than `at_most`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM ("
            "SELECT FROM digests_delivery WHERE state = ANY(%s) AND not_before <= %s LIMIT %s) AS few",
            [[str(state) for state in WAITING_STATES], now, at_most],
        )
        return int(cursor.fetchone()[0])


def resend_delivery(pk: int, *, now: datetime) -> bool:
    """Send a mail of which nobody knows whether it arrived, after a person said so. It is the same to the byte."""
    return (
        _run(
            "UPDATE digests_delivery SET state = 'retry', not_before = %s WHERE id = %s AND state = 'unknown'", now, pk
        )
        == 1
    )


def _run(statement: str, *parameters: object) -> int:
    """Rows changed, by a statement that the server prepares.

    Django's own cursors put the parameters into the statement, which the server then reads and plans anew each time.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, parameters, prepare=True).rowcount
