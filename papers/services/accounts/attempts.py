"""Attempts that are counted in Postgres: guesses, which a lost cache must not give anybody more of."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import connection

from papers.models import AttemptCount

# One statement: a row is locked while it is read and written, so of many that come at once no more get in than may.
# One too many is not counted: what is given back makes room for another.
_TAKE = """
    INSERT INTO papers_attemptcount AS counted (key_digest, attempts, ends_at)
    VALUES (%(key)s, 1, clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (key_digest) DO UPDATE SET
        attempts = CASE WHEN counted.ends_at <= clock_timestamp() THEN 1 ELSE counted.attempts + 1 END,
        ends_at = CASE WHEN counted.ends_at <= clock_timestamp() THEN excluded.ends_at ELSE counted.ends_at END
    WHERE counted.ends_at <= clock_timestamp() OR counted.attempts < %(most)s
    RETURNING attempts
"""
_GIVE_BACK = """
    UPDATE papers_attemptcount SET attempts = attempts - 1
    WHERE key_digest = %s AND attempts > 0 AND ends_at > clock_timestamp()
"""


def take_attempt(*, name: str, key: str, most: int, seconds: int) -> bool:
    """Count an attempt of `key` if it has made fewer than `most` in `seconds`; False where it has not. One statement.

    By the database's clock, from the first attempt. To be called outside a transaction: what is rolled back was not
    counted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"key": _digest(name, key), "most": most, "seconds": seconds})
        return cursor.fetchone() is not None


def give_back_attempt(*, name: str, key: str) -> None:
    """Uncount an attempt that turned out not to be a guess: the password was right. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [_digest(name, key)])


def delete_old_attempts(*, now: datetime) -> int:
    """Delete counts whose time is over; how many."""
    return AttemptCount.objects.filter(ends_at__lt=now).delete()[0]


def _digest(name: str, key: str) -> str:
    return hashlib.sha256(f"{name}\0{key}".encode()).hexdigest()
