"""A clock that was ahead and has been set right: what was written by it would keep work waiting for as long.

Rows say "not before" and "leased until"; after the clock is set back by a day, these lie a day too far ahead: no source
is fetched, no mail sent again. Each of the scheduler's rounds leaves the time of the database's own clock, so a machine
among several whose clock is wrong is no step. Who finds that time in the future pulls in what waits by the difference.
Where the clock is set ahead, what waits is due at once, and nothing has to be done.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.cache import cache
from django.db import connection, transaction
from psycopg import sql

from papers import hooks

logger = logging.getLogger(__name__)

CLOCK = "clock"
SMALLEST_STEP = timedelta(seconds=10)
"""Less is how clocks are kept right anyway; no wait is so short that it would matter."""
WAITS = (
    ("papers_source", "next_fetch_at"),
    ("papers_hostslot", "not_before"),
    ("papers_hostslot", "until"),
    ("papers_hostwaiter", "since"),
    ("papers_hostwaiter", "until"),
    ("papers_submission", "next_attempt_at"),
    ("papers_wantedrecord", "next_attempt_at"),
    ("papers_libraryimportrow", "next_attempt_at"),
    ("papers_embeddingbacklog", "not_before"),
    ("papers_duplicatecheck", "next_at"),
    ("papers_attemptcount", "ends_at"),
    ("papers_heartbeat", "at"),
)
"""Columns of which a moment in the future holds something up, or, of heartbeats, hides that nobody is alive."""

_SEEN = """
    INSERT INTO papers_heartbeat AS clock (name, at) VALUES (%(name)s, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""
_STEP = "SELECT at - clock_timestamp() FROM papers_heartbeat WHERE name = %s FOR UPDATE"
_PULL = """
    UPDATE {table} SET {column} =
        greatest(clock_timestamp() - interval '5 seconds', {column} - make_interval(secs => %(step)s))
    WHERE {column} > clock_timestamp()
"""


def mend_clock_step() -> timedelta:
    """Pull in what waits, if the database's clock has been set back since the last call; by how much it was.

    Nothing waits longer than it would have with the right clock; what was written before the clock was wrong waits
    shorter, as it did while the clock was ahead. The cache is emptied, whose times are of that clock, too.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STEP, [CLOCK])
        row = cursor.fetchone()
        step: timedelta = row[0] if row else timedelta()
        cursor.execute(_SEEN, {"name": CLOCK})
        if step < SMALLEST_STEP:
            return timedelta()
        for table, column in (*WAITS, *hooks.waiting_columns):
            seconds = {"step": step.total_seconds()}
            names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
            cursor.execute(sql.SQL(_PULL).format(**names), seconds)
    cache.clear()
    logger.warning("The clock was set back by %s; what waits was pulled in by as much", step)
    return step
