"""A Broadsheet of its own for a measurement: embedded services and web server as `manage.py up` starts them.

Everything is in one folder, which is removed afterwards unless it was named; whatever DATABASE_URL and REDIS_URL name
is left alone. Django may be imported only inside `broadsheet()`, because its settings follow from the folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.local.paths import DataDir
from config.local.programs import Program, WebServer
from config.local.supervisor import Supervisor

READY_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def broadsheet(folder: str = "") -> Iterator[Supervisor]:
    """The embedded services, the tables made and the static files collected, for as long as the block runs."""
    path = Path(folder or tempfile.mkdtemp(prefix="broadsheet-bench-"))
    for name in [name for name in os.environ if name.startswith("BROADSHEET_")] + ["DATABASE_URL", "REDIS_URL"]:
        os.environ.pop(name, None)
    os.environ |= {
        "BROADSHEET_DATA_DIR": str(path),
        "PORT": str(free_port()),
        "BROADSHEET_UPGRADE_BACKUP": "off",  # what is measured can be made again
        "PYTHON_DOTENV_DISABLED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    data = DataDir(path)
    data.make()
    try:
        with Supervisor(data) as supervisor:
            _prepare(supervisor)
            yield supervisor
    finally:
        if not folder:
            shutil.rmtree(path, ignore_errors=True)


def _prepare(supervisor: Supervisor) -> None:
    import django

    django.setup()
    from config import startup
    from config.management.commands.up import start_embedded

    supervisor.stop_stale_processes()
    start_embedded(supervisor)
    startup.migrate(say)
    startup.collect_static(say)


def start_web(supervisor: Supervisor) -> int:
    """Start the product's web server, as `up` does; its port."""
    from config.local.programs import WEB, program_of

    port = int(os.environ["PORT"])
    _start(supervisor, program_of(WEB, host="127.0.0.1", port=port))
    return port


def start_embedder(supervisor: Supervisor, *, seconds: float) -> None:
    """Start the process that embeds questions, as `up` does, and wait until it has its model.

    Raises:
        RuntimeError: it has not in that time.
    """
    from config.local.programs import EMBEDDER, program_of
    from papers.services.embeddings.query_vectors import query_vector

    supervisor.start(program_of(EMBEDDER))
    end = time.monotonic() + seconds
    while query_vector("ready") is None:
        if time.monotonic() > end:
            raise RuntimeError("The process that embeds questions does not answer.")
        time.sleep(0.5)


def start_empty(supervisor: Supervisor) -> int:
    """Start the same server with a view that does nothing; its port."""
    port = free_port()
    words = ("gunicorn", "-c", "python:config.gunicorn", "--bind", f"127.0.0.1:{port}", "bench.empty")
    _start(supervisor, WebServer(name="empty", arguments=words, stage=2, stop_seconds=5, host="127.0.0.1", port=port))
    return port


def _start(supervisor: Supervisor, program: Program) -> None:
    supervisor.start(program)
    supervisor.wait_for(program, seconds=READY_SECONDS)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
