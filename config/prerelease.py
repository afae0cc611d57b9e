"""The state of before the first release: other tables, and migrations that don't lead from them to those of today."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.local.paths import OperatorError

_BEFORE = ("papers", "0001_initial")
_SINCE = ("papers", "0001_first_release")

_WHAT_TO_DO = (
    "lists of papers that are saved as JSON there (their address with .json behind it) can be brought into this one "
    "with `manage.py import_papers`."
)
DATABASE_MESSAGE = (
    "This database was made by a Broadsheet from before the first release, whose tables this one can't read, so "
    f"nothing was changed: go on with that version, or name an empty database or another data folder; {_WHAT_TO_DO}"
)
BACKUP_MESSAGE = (
    "This backup was written by a Broadsheet from before the first release, whose tables this one can't read, so "
    f"nothing was changed: restore it with that version; {_WHAT_TO_DO}"
)


def is_prerelease(applied: Iterable[tuple[str, str]]) -> bool:
    """Whether these migrations, as (app, name), made the tables of before the first release."""
    applied = set(applied)
    return _BEFORE in applied and _SINCE not in applied


def is_database_prerelease() -> bool:
    """Whether the database has the tables of before the first release. One or two queries."""
    return is_prerelease(MigrationRecorder(connection).applied_migrations())


def refuse_prerelease_database() -> None:
    """Stop before anything is done to tables that this version can't read.

    Raises:
        OperatorError: the database is of before the first release.
    """
    if is_database_prerelease():
        raise OperatorError(DATABASE_MESSAGE)
