"""Whether mail leaves on time, in words for /status and figures for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from digests.models.delivery import LATE_AFTER, DeliveryState

_STATE = """
    SELECT EXISTS (SELECT FROM digests_sendingpause WHERE name = '' AND (until IS NULL OR until > %(now)s)),
        EXISTS (SELECT FROM digests_delivery WHERE due_at < %(then)s
            AND state IN ('planned', 'leased', 'sending', 'retry'))
        OR EXISTS (SELECT FROM digests_schedule WHERE next_due_at < %(then)s)
"""


def mail_problems(now: datetime) -> list[str]:
    """What is wrong with mail at `now`, a sentence each, without addresses. One short query."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"now": now, "then": now - LATE_AFTER})
        is_stopped, is_late = cursor.fetchone()
    found = []
    if is_stopped:
        found.append("No mail leaves at the moment: the mail server refuses ours. It is tried again within the hour.")
    if is_late:
        found.append("Some mail is late. Nothing is lost; it leaves as soon as it can.")
    return found


@dataclass(frozen=True, slots=True)
class Figures:
    """The queue, and how mails of the last days ended."""

    waiting: int
    oldest_due_at: datetime | None
    by_state: dict[str, int]
    """State → mails planned in the last seven days."""
    by_reason: list[tuple[str, str, int]]
    """State, reason, mails: why they did not go out; the most frequent first."""


def figures(*, now: datetime) -> Figures:
    """For operators. Three queries over a week of mails."""
    since = now - timedelta(days=7)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(due_at) FROM digests_delivery "
            "WHERE state IN ('planned', 'retry', 'leased', 'sending')"
        )
        waiting, oldest = cursor.fetchone()
        cursor.execute(
            "SELECT state, count(*) FROM digests_delivery WHERE planned_at >= %s GROUP BY state ORDER BY state", [since]
        )
        by_state = dict(cursor.fetchall())
        cursor.execute(
            "SELECT state, left(reason, 120), count(*) FROM digests_delivery WHERE planned_at >= %s AND reason <> '' "
            "AND state <> %s GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20",
            [since, DeliveryState.SENT],
        )
        return Figures(waiting, oldest, by_state, cursor.fetchall())
