"""How many mails may leave now: a provider's limit, kept over all workers in one row."""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.db import connection

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(r"(\d{1,9})/([smhd])")


def parse_rate(text: str) -> tuple[int, int] | None:
    """`100/d` as mails and seconds; None for an empty text.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return None
    found = _RATE.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ValueError("A rate looks like 10/s, 60/m, 500/h or 100/d.")
    return int(found[1]), _SECONDS[found[2]]


def take_send_tokens(wanted: int, *, now: datetime) -> int:
    """How many of `wanted` may be sent now; they count as sent. All of them where there is no limit."""
    rate = parse_rate(settings.MAIL_RATE)
    if rate is None:
        return wanted
    limit, seconds = rate
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO digests_ratelimitbucket (name, tokens, at) VALUES ('mail', %s, %s) ON CONFLICT DO NOTHING",
            [limit, now],
        )
        cursor.execute(
            """
            UPDATE digests_ratelimitbucket SET at = greatest(at, %(now)s),
                tokens = full_now - least(%(wanted)s, floor(full_now))
            FROM (
                SELECT least(%(limit)s,
                    tokens + greatest(extract(epoch FROM %(now)s - at), 0) * %(limit)s / %(seconds)s) AS full_now
                FROM digests_ratelimitbucket WHERE name = 'mail' FOR UPDATE
            ) now_there
            WHERE name = 'mail' RETURNING least(%(wanted)s, floor(full_now))
            """,
            {"now": now, "wanted": wanted, "limit": limit, "seconds": seconds},
        )
        return int(cursor.fetchone()[0])
