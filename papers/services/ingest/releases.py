"""Releases: a number that grows in commit order, stamped on listings, topic matches, entries of lists.

A digest asks for what was released after its last one. Clock times and plain sequences would lose rows: a transaction
that began earlier can commit later. So the number is drawn under a lock that is held until the commit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from papers.locks import AdvisoryLock, lock_transaction, session_lock
from papers.models import FollowedPaper, TopicMatch

RELEASE_WINDOW = timedelta(days=30)
"""Papers listed longer ago than this are not new to topics and followers: no mail brings them."""


def next_release() -> int:
    """A number above every one that is committed. Call it late: others wait for this transaction's end.

    Raises:
        RuntimeError: outside a transaction the lock would be gone before the row is there.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A release is drawn inside the transaction that uses it.")
    with connection.cursor() as cursor:
        # Two statements: in one, the number could be drawn before the lock is held.
        lock_transaction(AdvisoryLock.RELEASES)
        cursor.execute("SELECT nextval('papers_release')")
        return int(cursor.fetchone()[0])


def current_release() -> int:
    """The newest number of which everything is committed: later statements of this transaction see all up to it.

    Waits until the transactions that are stamping now have ended; never for longer, and no other waits for this one.
    """
    with session_lock(AdvisoryLock.RELEASES), connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM papers_release")
        return int(cursor.fetchone()[0])


# Both stamp the papers' rows with a new release, and return nothing.
_STAMP_LISTINGS = """
    UPDATE papers_listing SET release = %(release)s WHERE paper_id = ANY(%(papers)s) AND hidden_at IS NULL
"""
_STAMP_MATCHES = """
    UPDATE {} found SET release = %(release)s, matched_at = %(now)s FROM papers_paper paper
    WHERE found.paper_id = ANY(%(papers)s) AND found.release > 0
      AND paper.id = found.paper_id AND paper.listed_at >= %(oldest)s
"""
# A paper of any age is news to who subscribes to a list that it is put on.
_STAMP_ENTRIES = """
    UPDATE papers_sharedlistpaper entry SET release = %(release)s, released_at = %(now)s
    WHERE id IN (
        SELECT id FROM papers_sharedlistpaper WHERE paper_id = ANY(%(papers)s) AND released_at >= %(oldest)s
        ORDER BY id FOR NO KEY UPDATE)
"""
_STATEMENTS = (
    _STAMP_LISTINGS,
    _STAMP_MATCHES.format(TopicMatch._meta.db_table),
    _STAMP_MATCHES.format(FollowedPaper._meta.db_table),
    _STAMP_ENTRIES,
)


def re_release(paper_ids: Collection[int], *, now: datetime) -> None:
    """Release papers again that no mail could bring for a while: they were hidden, off their day, or the sample's.

    A mail that went out meanwhile has passed their releases, and would never look back. Whoever got them before does
    not get them again. Inside a transaction that holds the papers' locks; four statements, none for no paper.
    """
    if not paper_ids:
        return
    asked: dict[str, Any] = {
        "papers": list(paper_ids),
        "release": next_release(),
        "now": now,
        "oldest": now - RELEASE_WINDOW,
    }
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, asked)
