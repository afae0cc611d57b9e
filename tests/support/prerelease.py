"""The state of before the first release, as it is known by: the names of the migrations that made its tables."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


def make_prerelease() -> None:
    """Let the test's database say that the migrations of before the first release made it."""
    recorder = MigrationRecorder(connection)
    for app in ("papers", "digests"):
        recorder.migration_qs.filter(app=app).delete()
        recorder.record_applied(app, "0001_initial")
