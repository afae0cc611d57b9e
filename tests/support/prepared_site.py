"""The data folder of a site before its first start, with all that such a start makes: once for all processes of tests.

A first start spends ten seconds of a processor on its cluster, its tables and its static files; a start on a copy of
this folder spends none. `tests/config/test_up_command.py` and the journey of the newcomer start without it.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from config.local.paths import DataDir
from config.local.postgres import PostgresServer, start_postgres
from config.local.supervisor import Supervisor
from config.local.valkey import ValkeyServer
from tests.e2e.running_site import ROOT, free_port, site_environment

# Not the sockets' folder, which is noted in a file where it lies elsewhere, nor logs and notes of what runs.
KEPT = ("postgres", "static", "secret_key")
# A site of the tests that a crash ruins is made again: nothing waits for the disk.
WAITS_FOR_THE_DISK = ("fsync", "synchronous_commit", "full_page_writes")


def prepared_folder(folder: Path) -> Path:
    """Have the folder made where it is not there yet. Processes that ask at the same moment get the same one."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half_made = folder.with_suffix(".half")
            shutil.rmtree(half_made, ignore_errors=True)
            _prepare(half_made)
            half_made.rename(folder)
    return folder


def copy_prepared(prepared: Path, folder: Path) -> None:
    """Make `folder` the data folder of another site. It holds nothing of what a site holds."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in KEPT:
        copy = shutil.copytree if (prepared / name).is_dir() else shutil.copy2
        copy(prepared / name, folder / name)


def _prepare(folder: Path) -> None:
    """As `manage.py up` does, but for the parts: nothing is fetched, no work is begun."""
    data = DataDir(folder)
    data.make()
    postgres = PostgresServer(data, settings=dict.fromkeys(WAITS_FOR_THE_DISK, "off"))
    with Supervisor(data) as supervisor:
        start_postgres(postgres, supervisor)
        with psycopg.connect(data.database_url, autocommit=True) as connection:
            for name in WAITS_FOR_THE_DISK:
                connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        valkey = ValkeyServer(data, privileges=postgres.privileges)
        supervisor.start(valkey)
        supervisor.wait_for(valkey, seconds=30)
        ended = subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            cwd=ROOT,
            env=site_environment(folder, free_port(), None),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
