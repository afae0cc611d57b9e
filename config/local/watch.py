"""What `manage.py up` becomes when everything runs: the same process without Django, which keeps the services going.

Starting needs Django, for the checks and the migrations; keeping needs a list of processes. As exec keeps the process
number, the children, their orders to die with their parent and the lock of the data folder stay as they are, and the
more than a hundred megabytes that starting took are given back.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

from config.local.forking import ForkServer, fork_servers, forks_of
from config.local.paths import PROJECT, DataDir
from config.local.postgres import PostgresServer
from config.local.processes import Privileges
from config.local.programs import PARTS, programs_of
from config.local.supervisor import STOP_SIGNALS, Service, Supervisor
from config.local.valkey import ValkeyServer


@dataclass(frozen=True, slots=True)
class Setup:
    """What services are made of again, beside their names."""

    host: str
    port: int
    processes: int
    """Of each worker that may have several."""
    privileges: Privileges
    """Those of the embedded servers."""

    def service(self, name: str, data: DataDir) -> Service:
        """The service of this name."""
        if name == PostgresServer.name:
            postgres = PostgresServer(data)
            postgres.privileges = self.privileges
            return postgres
        if name == ValkeyServer.name:
            return ValkeyServer(data, privileges=self.privileges)
        programs = (
            program
            for part in PARTS.values()
            for program in programs_of(part, host=self.host, port=self.port, processes=self.processes)
        )
        return next(program for program in (*fork_servers(data.fork_sockets), *programs) if program.name == name)


def become_watcher(supervisor: Supervisor, setup: Setup, *, lock: int) -> None:
    """Go on as the small process. Returns only where somebody has asked to stop meanwhile.

    `lock` is the descriptor that holds the data folder (`data_dir_lock`); it stays open.
    """
    # Whoever asks to stop between here and the other program's handlers is heard when they are there.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    if supervisor.is_stopping:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        return
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:  # far less than the 16 kB that every pipe takes
        json.dump({"data": str(supervisor.data.path), "setup": asdict(setup), "children": supervisor.describe()}, pipe)
    for descriptor in (reader, lock):
        os.set_inheritable(descriptor, True)
    sys.stdout.flush()
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", __name__, str(reader)])  # noqa: S606


def main() -> None:
    with os.fdopen(int(sys.argv[1]), encoding="utf-8") as pipe:
        given: dict[str, Any] = json.load(pipe)
    data = DataDir(given["data"])
    privileges = Privileges(**given["setup"].pop("privileges"))
    setup = Setup(**given["setup"], privileges=privileges)
    supervisor = Supervisor(data, report=say)
    servers = []
    for child in given["children"]:
        service = setup.service(child.pop("name"), data)
        supervisor.adopt(service, **child)
        if isinstance(service, ForkServer):
            servers.append(service)
    if servers:
        supervisor.use_forks(forks_of(servers), by=[server.name for server in servers])
    try:
        with supervisor.handle_stop_signals(), supervisor:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            supervisor.run()
            say("Stopping …")
            data.port_file.unlink(missing_ok=True)
    except KeyboardInterrupt:  # asked in the moment of the change
        data.port_file.unlink(missing_ok=True)
    say("Stopped.")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
