"""Releases: a number that grows in commit order, stamped on listings and topic matches.

A digest asks for what was released after its last one. Clock times and plain sequences would lose rows: a transaction
that began earlier can commit later. So the number is drawn under a lock that is held until the commit.
"""

from __future__ import annotations

from django.db import connection

from papers.locks import AdvisoryLock, lock_transaction, session_lock


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

    Waits until whoever is stamping now has ended; never for longer, and lets nobody wait for this transaction.
    """
    with session_lock(AdvisoryLock.RELEASES), connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM papers_release")
        return int(cursor.fetchone()[0])
