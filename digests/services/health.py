"""Whether mail leaves on time, in words for /status."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from digests.models.delivery import IN_HAND_STATES, LATE_AFTER, WAITING_STATES
from digests.models.send_limits import ALL_MAIL

_OPEN = [str(state) for state in (*WAITING_STATES, *IN_HAND_STATES)]
_STATE = """
    SELECT EXISTS (SELECT FROM digests_sendingpause WHERE name = %(all_mail)s AND (until IS NULL OR until > %(now)s)),
        EXISTS (SELECT FROM digests_delivery WHERE due_at < %(then)s
            AND state = ANY(%(open)s))
        OR EXISTS (SELECT FROM digests_schedule WHERE next_due_at < %(then)s)
        OR EXISTS (SELECT FROM digests_clubmail WHERE state IN ('waiting', 'leased', 'sending')
            AND planned_at < %(then)s)
"""


def mail_problems(now: datetime) -> list[str]:
    """What is wrong with mail at `now`, a sentence each, without addresses. One short query."""
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {"now": now, "then": now - LATE_AFTER, "all_mail": ALL_MAIL, "open": _OPEN}
        cursor.execute(_STATE, parameters)
        is_stopped, is_late = cursor.fetchone()
    found = []
    if is_stopped:
        found.append("No mail leaves at the moment: the mail server refuses ours. It is tried again within the hour.")
    if is_late:
        found.append("Some mail is late. Nothing is lost; it leaves as soon as it can.")
    return found
