"""A database to work on for a command: the one that runs, or the embedded one, started for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections

from config.local.paths import DataDir, OperatorError
from config.local.postgres import PostgresServer
from config.local.supervisor import Supervisor, data_dir_lock

READY_SECONDS = 600.0


@contextmanager
def running_database(*, alone: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Inside, the database answers. With `alone`, no Broadsheet runs on this data folder meanwhile.

    Raises:
        LocalError: it does, or the embedded server can't be started.
    """
    if not settings.DATABASE_IS_EMBEDDED:
        yield
        return
    data: DataDir = settings.DATA_DIR
    server = PostgresServer(data)
    if not alone and server.is_ready():
        yield
        return
    data.make()
    supervisor = Supervisor(data, say=say)
    with data_dir_lock(data), supervisor.handle_stop_signals(), supervisor:
        supervisor.stop_stale_processes()
        server.prepare()
        supervisor.start(server)
        supervisor.wait_for(server, seconds=READY_SECONDS)
        server.create_database()
        try:
            yield
        finally:
            connections.close_all()


__all__ = ["OperatorError", "running_database"]
