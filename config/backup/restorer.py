"""Restoring a backup into an empty database, or in place of what is there."""

from __future__ import annotations

from collections.abc import Callable

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.recorder import MigrationRecorder

from config.backup import tables
from config.backup.archive import ArchiveReader, BackupError, BackupManifest


def paper_count() -> int:
    """How many papers restoring a backup would replace; 0 for a database without tables or without papers."""
    here = tables.table_columns()
    return tables.row_count("papers_paper") if "papers_paper" in here else 0


def account_count() -> int:
    here = tables.table_columns()
    return tables.row_count("papers_user") if "papers_user" in here else 0


def restore_backup(backup: ArchiveReader, *, report: Callable[[str], None]) -> None:
    """Put the content of a backup in place of the database's, and bring it up to this version.

    The file is read and checked as a whole before anything is changed. Then the old tables go, the new ones are made
    and filled, all in one transaction: until it ends the database holds what it held, and whatever stops it (an error,
    a kill, a power cut) leaves that. Meanwhile the disk holds both. Bringing what was restored up to this version
    comes after it, as in any upgrade: stopped there, the next start goes on with it.

    Raises:
        BackupError: the file is damaged, or this Broadsheet can't read it; nothing was changed.
        DatabaseError: the server refused; until the last step nothing was changed.
    """
    manifest = backup.manifest
    report("Checking the backup …")
    backup.check()
    targets = _leaves(manifest)
    with transaction.atomic():
        report("Making the tables …")
        tables.drop_everything()
        MigrationExecutor(connection).migrate(targets)
        _load(backup, report)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    report("Bringing the tables up to this version …")
    call_command("migrate", interactive=False, verbosity=0)


def _load(backup: ArchiveReader, report: Callable[[str], None]) -> None:
    here = tables.table_columns()
    for entry in backup.manifest.tables:
        tables.check_columns(entry.name, entry.columns, here)
    with tables.without_triggers(here):
        tables.truncate_tables(here)
        for entry in backup.manifest.tables:
            if entry.rows >= tables.LARGE_ROWS:
                report(f"  {entry.name}: {entry.rows:,} rows …")
            tables.copy_in(entry.name, entry.columns, backup.chunks(entry))
            if (stored := tables.row_count(entry.name)) != entry.rows:
                raise BackupError(f"Of {entry.rows} rows of {entry.name}, {stored} were stored.")
    tables.set_sequences(backup.manifest.sequences)


def _leaves(manifest: BackupManifest) -> list[tuple[str, str]]:
    """The last migrations of each app that the backup had.

    Raises:
        BackupError: it has some that this Broadsheet does not know.
    """
    graph = MigrationExecutor(connection).loader.graph
    applied = set(manifest.migrations)
    if unknown := sorted(applied - set(graph.nodes)):
        raise BackupError(
            f"The backup was written by Broadsheet {manifest.version}, which is newer than this one (it has "
            f"{unknown[0][0]} {unknown[0][1]}): restore it with that version."
        )
    return sorted(node for node in applied if not any(child in applied for child in _children(graph, node)))


def _children(graph: MigrationGraph, node: tuple[str, str]) -> list[tuple[str, str]]:
    """The migrations of the same app that follow a migration."""
    return [child.key for child in graph.node_map[node].children if child.key[0] == node[0]]


def is_database_empty() -> bool:
    """Whether nothing would be lost."""
    return not MigrationRecorder(connection).applied_migrations() or not (paper_count() or account_count())
