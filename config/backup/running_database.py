"""A database for a command to work on: the one that runs, or the embedded one, started until the command ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections

from config.local.paths import DataDir
from config.local.postgres import PostgresServer, start_postgres
from config.local.supervisor import Supervisor, data_dir_lock


@contextmanager
def running_database(*, exclusive: bool, report: Callable[[str], None]) -> Iterator[None]:
    """While this is open, the database answers. With `exclusive`, no Broadsheet runs on this data folder meanwhile.

    Raises:
        OperatorError: it does, or the embedded server can't be started.
    """
    if not settings.DATABASE_IS_EMBEDDED:
        yield
        return
    data: DataDir = settings.DATA_DIR
    server = PostgresServer(data)
    if not exclusive and server.is_ready():
        yield
        return
    data.make()
    supervisor = Supervisor(data, report=report)
    with data_dir_lock(data), supervisor.handle_stop_signals(), supervisor:
        supervisor.stop_stale_processes()
        start_postgres(server, supervisor)
        try:
            yield
        finally:
            connections.close_all()
