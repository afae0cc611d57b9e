"""What every start does before the first page: migrations, static files, a first edition. All of it idempotent."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection as default_connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config.backup.archive import BackupError
from config.backup.writer import write_upgrade_backup
from config.local.paths import OperatorError
from config.prerelease import refuse_prerelease_database
from config.upgrade import apply_migrations
from papers.locks import AdvisoryLock, session_lock


def is_prepared() -> bool:
    """Whether nothing is left to do for `prepare()` but to look."""
    return not missing_migrations() and is_static_collected()


def prepare(report: Callable[[str], None]) -> None:
    """Make the database and the files ready for this version. Hosts that start together do it one after another.

    Raises:
        OperatorError: the tables are of before the first release, or no backup can be written; nothing was changed.
    """
    with session_lock(AdvisoryLock.MIGRATIONS):
        refuse_prerelease_database()
        migrate(report)
        renew_secrets(report)
        add_first_edition(report)
    collect_static(report)


def missing_migrations(connection: BaseDatabaseWrapper = default_connection) -> int:
    """How many migrations the database still needs. One or two queries."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(report: Callable[[str], None]) -> None:
    """Apply the migrations that are missing, all or none. What is there is written into a backup first.

    Raises:
        OperatorError: the backup can't be written, or others hold the tables; nothing was changed.
    """
    if missing := missing_migrations():
        if settings.UPGRADE_BACKUP:
            write_backup_or_stop(report)
        report(f"Making the tables ready ({missing} migrations) …")
        apply_migrations(report)


def renew_secrets(report: Callable[[str], None]) -> None:
    """Encrypt by SECRET_KEY what one of its fallbacks encrypted; say what none of them opens. The site runs anyway."""
    # It needs the models, which are not loaded with this module.
    from config.stored_secrets import renew_stored_secrets

    state = renew_stored_secrets()
    if state.renewed:
        report(f"Encrypted {state.renewed} stored secrets with SECRET_KEY.")
    if sentence := state.sentence():
        report(sentence)


def write_backup_or_stop(report: Callable[[str], None]) -> None:
    try:
        write_upgrade_backup(now=timezone.now(), report=report)
    except BackupError as error:
        raise OperatorError(
            f"No backup could be written before the tables change, so nothing was changed. {error} "
            "To go on without one, set BROADSHEET_UPGRADE_BACKUP=off."
        ) from error


def add_first_edition(report: Callable[[str], None]) -> None:
    """Have something on the page of a new database, and sources that will bring more."""
    # These need the models, which are not loaded with this module.
    from papers.services.operations.sample import ensure_sample
    from papers.services.operations.setup import prepare_sources
    from papers.services.topics.seed_topics import seed_topics

    prepare_sources(now=timezone.now())
    seed_topics(now=timezone.now())
    if added := ensure_sample():
        report(f"Added a sample of {added} papers, until the first real edition is there.")


def is_static_collected() -> bool:
    return _stamp().exists() and _stamp().read_text(encoding="ascii") == static_fingerprint()


def collect_static(report: Callable[[str], None]) -> None:
    """Collect the static files where they have changed since they were collected last. One process at a time."""
    if is_static_collected():
        return
    with _static_locked():
        if is_static_collected():  # by another process while this one waited
            return
        report("Collecting the static files …")
        ours = _stamp().exists()  # else the folder may hold something that is not for us to clear away
        call_command("collectstatic", interactive=False, clear=ours, verbosity=0)
        _stamp().write_text(static_fingerprint(), encoding="ascii")


@contextmanager
def _static_locked() -> Iterator[None]:
    """Hold the folder of static files: several starts on one machine may share it. The lock goes with the process."""
    folder = Path(settings.STATIC_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _stamp() -> Path:
    """Says which static files the folder holds."""
    return Path(settings.STATIC_ROOT) / ".collected"


def static_fingerprint() -> str:
    """Changes when any static file changes, and with the version."""
    digest = hashlib.sha256(settings.VERSION.encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            with storage.open(name) as file:
                digest.update(name.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
