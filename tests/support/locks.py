"""Advisory locks held by somebody else, over a database connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.db import connection

from papers.locks import AdvisoryLock, lock_numbers


@contextmanager
def held_elsewhere(lock: AdvisoryLock, key: str = "") -> Iterator[None]:
    """Another session holds the lock inside the block."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock_numbers(lock, key))
        yield
        # A session that only ends may hold its locks for a moment longer.
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock_numbers(lock, key))
