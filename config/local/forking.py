"""How the supervisor has parts made by fork: asks the process that has loaded what they share (config/fork_server.py).

On Linux only, where the children of others can become our own. Where the fork server does not answer, a part is started
by itself, as anywhere else: it then only shares nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.local.launch import call_libc
from config.local.programs import Program
from config.local.supervisor import Fork, Service

FORK_SERVERS = ("forkserver", "forkserver2")
"""The process that has loaded what parts share, and a fork of it that stands by. Each is forked anew from the other."""
FORK_SERVER_MODULE = "config.fork_server"
ANSWER_SECONDS = 10.0
"""How long a fork may take on a busy machine before the part is started without it."""
PR_SET_CHILD_SUBREAPER = 36
# `ps` shows a process's arguments where the kernel put them; a forked part writes its own over them.
TITLE_ROOM = " " * 240


def can_fork() -> bool:
    """Whether this system hands a process whose parent has ended to an ancestor that asked for it (prctl(2))."""
    return sys.platform == "linux"


def become_subreaper() -> None:
    """Become the parent of processes whose own parent ends below this one. Stays so through exec."""
    call_libc("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclass(frozen=True)
class ForkServer(Program):
    """The process that all parts are forked from, as the supervisor keeps it running."""

    path: Path = Path()
    """Its socket."""

    def before_start(self) -> None:
        """Remove the socket of a killed one."""
        self.path.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        try:
            with self._connected() as connection:
                connection.sendall(b"{}\n")
                return connection.recv(100) == b"{}\n"
        except OSError:
            return False

    def fork(self, program: Program, *, log: Path, parent: int) -> int:
        """Have a program started as a child of `parent`, which is this process, writing to `log`.

        Returns its process; 0 where that could not be done, and then nothing was started.
        """
        wish = {"arguments": program.arguments, "log": str(log), "parent": parent}
        try:
            with self._connected() as connection:
                connection.sendall(json.dumps(wish).encode() + b"\n")
                answer = connection.recv(100)
                if not answer.endswith(b"\n"):
                    return 0
                pid = int(answer)
                connection.sendall(b"go\n")  # who does not hear it ends: we have started another one by then
                return pid
        except (OSError, ValueError):
            return 0

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(self.path))
            # The folder may be that of the account that the embedded servers run as, and we may be root.
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            if struct.unpack("3i", credentials)[1] != os.geteuid():
                raise PermissionError(f"{self.path} is another account's")
        except OSError:
            connection.close()
            raise
        return connection


def fork_servers(paths: Iterable[Path]) -> list[ForkServer]:
    """Both, which listen at these paths."""
    return [
        ForkServer(name, (FORK_SERVER_MODULE, str(path), TITLE_ROOM), stage=1, stop_seconds=5, path=path)
        for name, path in zip(FORK_SERVERS, paths, strict=True)
    ]


def forks_of(servers: Iterable[ForkServer]) -> Fork:
    """What `Supervisor.use_forks` takes: has the first of the servers that answers fork, and no server itself.

    The calling process becomes the parent of what is forked.
    """
    become_subreaper()

    def fork(service: Service, log: Path) -> int:
        if isinstance(service, Program):
            for server in servers:
                if service.name != server.name and (pid := server.fork(service, log=log, parent=os.getpid())):
                    return pid
        return 0

    return fork


def set_title(title: str) -> None:
    """Have `ps` show this command for the process from now on, as far as there is room."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # proc(5): arg_start, arg_end
    if room := end - start - 1:
        ctypes.memmove(start, title.encode(errors="replace")[:room].ljust(room + 1, b"\0"), room + 1)
