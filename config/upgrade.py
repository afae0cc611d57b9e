"""Migrations as an upgrade applies them: all or none, and never for long in the way of a site that runs.

All of them are one transaction: when one fails in the middle, the tables are those of before, and the old program runs
on them as it did. A migration that waits for a lock makes all who come after it wait, too, readers included; so it
waits for some seconds only, steps back, and tries again.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import LockNotAvailable

from config.local.paths import OperatorError
from papers.retry import RetrySchedule

# Six attempts, within about a minute beside the waiting itself.
ATTEMPTS = RetrySchedule(tuple(timedelta(seconds=seconds) for seconds in (1, 3, 8, 15, 30)))
# Some tens of megabytes of small objects, nearly all of them rubbish by then: the process grows no larger for it.
_OBJECTS_BETWEEN_COLLECTIONS = 300_000
_COLLECTIONS_BETWEEN_OLDER = (1, 1)
_OLDEST = """
    SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int, coalesce(nullif(application_name, ''), '?')
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 1
"""


def apply_migrations(
    report: Callable[[str], None], *, pause: Callable[[float], None] = time.sleep, attempts: RetrySchedule = ATTEMPTS
) -> None:
    """Apply all migrations that are missing, or none.

    Raises:
        OperatorError: others hold the tables; nothing was changed.
        DatabaseError: a migration failed; nothing was changed. Which one it was is reported before.
    """
    failures = 0
    while True:
        progress = _Progress()
        try:
            _apply_once(progress)
            return
        except DatabaseError as error:
            if not (isinstance(error, OperationalError) and isinstance(error.__cause__, LockNotAvailable)):
                if progress.migration:
                    report(
                        f"The migration {progress.migration} failed, and nothing was changed: the version of before "
                        "runs on this database as it did. Go back to it, and report this."
                    )
                raise
            failures += 1
            blocker = oldest_transaction()
            wait = attempts.pause_after(failures)
            if wait is None:
                raise OperatorError(
                    f"The tables could not be changed: others held them for {settings.MIGRATION_LOCK_SECONDS} s in "
                    f"each of {failures} attempts{blocker}. Nothing was changed, and what ran goes on. Stop the other "
                    "parts of Broadsheet, or what else uses the database, and try again."
                ) from error
            report(f"Others hold a table that is to change{blocker}; trying again in {wait.total_seconds():.0f} s …")
            pause(wait.total_seconds())


class _Progress:
    """Follows an executor through the migrations of one transaction."""

    migration = ""
    """The one that is being applied; empty where none is, or not in the one transaction of all."""

    def __call__(self, action: str, migration: object = "", *_: object) -> None:
        """After each migration: check the keys that it wrote now, or the next one could not change those tables."""
        if action == "apply_start":
            self.migration = str(migration)
        if action == "apply_success":
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def rare_collections() -> Iterator[None]:
    """Inside, what was there before is not looked through for rubbish, and new objects seldom.

    Migrations make the classes of all models hundreds of times, each of thousands of small objects: to look for
    rubbish at Python's usual pace is a third of the work from an empty database on.
    """
    before, was_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    if not was_frozen:
        gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *_COLLECTIONS_BETWEEN_OLDER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not was_frozen:
            gc.unfreeze()


def _apply_once(progress: _Progress) -> None:
    with rare_collections(), transaction.atomic() if is_one_transaction() else nullcontext():
        with connection.cursor() as cursor:
            # For the transaction alone; without one, for this connection until it is reset below.
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, %s)",
                [f"{settings.MIGRATION_LOCK_SECONDS}s", connection.in_atomic_block],
            )
        try:
            if connection.in_atomic_block:
                executor = MigrationExecutor(connection, progress)
                executor.migrate(executor.loader.graph.leaf_nodes())
            call_command("migrate", interactive=False, verbosity=0)  # what is left, and what follows migrations
        finally:
            if not connection.in_atomic_block:
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = 0")


def is_one_transaction() -> bool:
    """Whether all missing migrations can run in one transaction: not where one of them is marked `atomic = False`."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return all(migration.atomic for migration, _ in plan)


def oldest_transaction() -> str:
    """Who most likely is in the way, in a few words; empty where nobody is."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        row = cursor.fetchone()
    if row is None:
        return ""
    pid, seconds, name = row
    clean = "".join(letter for letter in name if letter.isprintable())[:40]
    return f" (the longest transaction is that of process {pid} of the server, {clean}, since {seconds} s)"
