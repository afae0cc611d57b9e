"""Every advisory lock that Broadsheet takes in Postgres, so that no two pieces of work share one by mistake.

A lock has two numbers: the first is the member's, below a prefix that keeps it apart from locks of other programs in
the same database; the second is 0, or a checksum of the one thing that is locked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum, unique

from django.db import InterfaceError, OperationalError, connection

_PREFIX = 0x62730000
"""The bytes "bs" before two bytes for the member."""


@unique
class AdvisoryLock(IntEnum):
    """What is done by one process at a time."""

    MIGRATIONS = 1
    RELEASES = 2
    SOURCE_SETUP = 3
    MAIL_PLANNING = 4
    MAIL_COUNTS = 5
    EMBEDDING_MODEL = 6
    EMBEDDING_INDEX = 7
    TOPIC_MATCHING = 8
    CURATION_SUBJECT = 9
    RECOMMENDATIONS = 10
    LIST_RULES = 11
    WORD_COUNTS = 12
    IMPORTED_PART = 13
    LIBRARY_UPLOADS = 14
    LIBRARY_IMPORT = 15
    SUBMISSION = 16
    SOURCE_FETCH = 17
    WANTED_RECORDS = 18
    SEARCH_REINDEX = 19
    THUMBNAILS = 20
    CHANGES = 21
    BACKUP = 22
    SENTENCE_ROLES = 23
    CLUB = 24
    DAY_CLUSTERS = 25


def lock_numbers(lock: AdvisoryLock, key: str = "") -> tuple[int, int]:
    """The two numbers of a lock, each of 32 bits with a sign."""
    return _PREFIX | lock, zlib.crc32(key.encode()) - 2**31 if key else 0


def lock_transaction(lock: AdvisoryLock, key: str = "") -> None:
    """Wait for a lock and hold it until the transaction ends; with a key, that of one thing. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", lock_numbers(lock, key))


def try_lock_transaction(lock: AdvisoryLock, key: str = "") -> bool:
    """Hold a lock until the transaction ends, unless another holds it: False. Never waits. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", lock_numbers(lock, key))
        return bool(cursor.fetchone()[0])


@contextmanager
def session_lock(lock: AdvisoryLock) -> Iterator[None]:
    """Wait for a lock and hold it inside the block, over any number of transactions; it ends with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock_numbers(lock))
    try:
        yield
    finally:
        release_session_lock(lock)


@contextmanager
def try_session_lock(lock: AdvisoryLock, key: str = "") -> Iterator[bool]:
    """As `session_lock`, but never waits: tells the block whether it has the lock; with a key, that of one thing.

    A claim held so is free the moment its process dies, with the connection.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock_numbers(lock, key))
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            release_session_lock(lock, key)


def release_session_lock(lock: AdvisoryLock, key: str = "") -> None:
    """Give back a lock; nothing where the connection has ended, and the lock with it."""
    with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock_numbers(lock, key))
