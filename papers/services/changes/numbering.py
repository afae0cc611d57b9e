"""Positions of changes, given after their commit.

Why not a sequence drawn by the writer: of two writers the one with the smaller number may commit later, and a mirror
that has read the larger one by then never looks back. Why not the lock of releases: every vote would wait for every
import. Why not the transaction's id and the oldest one running (`pg_snapshot_xmin`): one forgotten transaction would
hold up all mirrors, and a restored backup begins with small ids again.

So writers add rows without positions (`migrations/sql/0009_changes.sql`), and whoever numbers takes those that are
committed, under a lock that is held until the numbers are committed, too. There is one at a time, so positions appear
in their order: who has read up to one has been shown all below it.
"""

from __future__ import annotations

import time
from datetime import datetime

from django.db import connection, transaction

from papers.locks import AdvisoryLock, lock_transaction
from papers.models import PendingChange

MOST_AT_ONCE = 20_000
"""Rows a transaction: a tenth of a second or two."""

_NUMBER = """
    WITH taken AS (
        DELETE FROM papers_pendingchange
        WHERE id IN (SELECT id FROM papers_pendingchange ORDER BY id LIMIT %(most)s)
        RETURNING id, paper_id
    ), touched AS (
        SELECT paper_id, min(id) AS first FROM taken GROUP BY paper_id
    ), named AS (
        SELECT touched.paper_id, touched.first, coalesce(paper.public_id, known.public_id) AS public_id
        FROM touched
        LEFT JOIN papers_paper paper ON paper.id = touched.paper_id
        LEFT JOIN papers_changedpaper known ON known.paper_id = touched.paper_id
    ), stored AS (
        INSERT INTO papers_changedpaper (paper_id, public_id, position, changed_at)
        SELECT paper_id, public_id, nextval('papers_change_position'), %(now)s
        FROM (SELECT * FROM named WHERE public_id IS NOT NULL ORDER BY first) AS ordered
        ON CONFLICT (paper_id) DO UPDATE
            SET public_id = excluded.public_id, position = excluded.position, changed_at = excluded.changed_at
    )
    SELECT count(*) FROM taken
"""


def number_changes(*, now: datetime, most: int = MOST_AT_ONCE) -> int:
    """Give positions to what was committed, and commit them; returns how many notes were worked off.

    Outside a transaction of the caller's, or others would wait for its end. One query where there is nothing to do.
    """
    if not PendingChange.objects.exists():
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        # A statement of its own: the next one sees what the last holder of the lock committed.
        lock_transaction(AdvisoryLock.CHANGES)
        cursor.execute(_NUMBER, {"now": now, "most": most})
        return int(cursor.fetchone()[0])


def number_waiting_changes(*, now: datetime, seconds: float = 10.0) -> int:
    """Number what waits, part by part, for so long at most: what an import leaves is worked off over some turns."""
    done, until = 0, time.monotonic() + seconds
    while (part := number_changes(now=now)) and time.monotonic() < until:
        done += part
    return done + part


def newest_position() -> int:
    """The last position given; 0 where there is none. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position), 0) FROM papers_changedpaper")
        return int(cursor.fetchone()[0])
