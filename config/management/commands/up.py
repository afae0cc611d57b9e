"""Start Broadsheet: the embedded services unless others are named, web server, workers and beat, until Ctrl-C."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from config import startup
from config.local import programs
from config.local.forking import ForkServer, can_fork, fork_servers, forks_of
from config.local.paths import DataDir, OperatorError
from config.local.postgres import PostgresServer, start_postgres
from config.local.processes import Privileges
from config.local.supervisor import Supervisor, data_dir_lock
from config.local.valkey import ValkeyServer
from config.local.watch import Setup, become_watcher
from papers.accounts.security_keys import loopback_name_url
from papers.services.accounts.login_links import InactiveAccountError, create_login_link
from papers.services.embeddings.embedding_status import embedding_disabled_reason

READY_SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Start Broadsheet and keep it running until Ctrl-C. PostgreSQL and Valkey are started, too, inside the data "
        "folder, unless DATABASE_URL and REDIS_URL name others. See docs/configuration.md for what can be set."
    )
    # The checks need a database; they run when it is there.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        data: DataDir = settings.DATA_DIR
        supervisor = Supervisor(data, report=self.say)
        try:
            data.make()
            with data_dir_lock(data) as lock, supervisor.handle_stop_signals(), supervisor:
                privileges = self.start(supervisor)
                setup = Setup(settings.BIND, settings.PORT, settings.WORKER_PROCESSES, privileges)
                become_watcher(supervisor, setup, lock=lock)
                self.say("Stopping …")
                data.port_file.unlink(missing_ok=True)
        except KeyboardInterrupt:
            pass
        except OperatorError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database does not do what was asked: {str(error).strip()}") from error
        self.say("Stopped.")

    def start(self, supervisor: Supervisor) -> Privileges:
        """Start everything. Returns the account of the embedded servers."""
        supervisor.stop_stale_processes()
        check_address_available(settings.BIND, settings.PORT)
        settings.DATA_DIR.record_port(settings.PORT)
        self.say(f"Starting Broadsheet {settings.VERSION} …")
        forks = start_fork_server(supervisor)  # it loads while this process goes on
        privileges = start_embedded(supervisor)
        web, *others = self._programs()
        was_prepared = startup.is_prepared()
        if was_prepared:
            await_fork_server(supervisor, forks)
            supervisor.start(web)
        self.check(databases=["default"])
        startup.prepare(self.say)
        if not was_prepared:
            await_fork_server(supervisor, forks)
            supervisor.start(web)
        link = sign_in_link()
        connections.close_all()
        supervisor.wait_for(web, seconds=READY_SECONDS)
        reason = embedding_disabled_reason()
        for program in others:
            if program.name != programs.EMBEDDER.name or not reason:
                supervisor.start(program)
        for spare in forks[1:]:
            supervisor.start(spare)  # forked from the first, for which it stands by
        self.say(f"Broadsheet is ready: {settings.SITE_URL}")
        self.say(f"Sign in as {settings.ADMIN_EMAIL}, once: {link}")
        if named := loopback_name_url():
            self.say(f"For security keys and passkeys, which need a name, open {named}")
        self.say(f"Data and logs: {settings.DATA_DIR.path}")
        if reason:
            self.say(f"Search goes by words alone: {reason}")
        self.say("Ctrl-C stops it.")
        return privileges

    def _programs(self) -> list[programs.Program]:
        """All parts, the web server first, in the order in which they start."""
        return [
            program
            for part in programs.PARTS.values()
            for program in programs.programs_of(
                part, host=settings.BIND, port=settings.PORT, processes=settings.WORKER_PROCESSES
            )
        ]

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def start_fork_server(supervisor: Supervisor) -> list[ForkServer]:
    """Start the process that the parts are forked from. Returns it and its spare; none where that cannot be."""
    if not can_fork():
        return []
    servers = fork_servers(settings.DATA_DIR.fork_sockets)
    supervisor.start(servers[0])
    return servers


def await_fork_server(supervisor: Supervisor, servers: Sequence[ForkServer]) -> None:
    """Have the parts that are started from now on forked."""
    if servers:
        supervisor.wait_for(servers[0], seconds=READY_SECONDS)
        supervisor.use_forks(forks_of(servers), by=[server.name for server in servers])


def start_embedded(supervisor: Supervisor) -> Privileges:
    """Start PostgreSQL and Valkey where no others are named. Returns the account that they run as."""
    data: DataDir = settings.DATA_DIR
    privileges = Privileges()
    if settings.DATABASE_IS_EMBEDDED:
        postgres = PostgresServer(data)
        start_postgres(postgres, supervisor)
        privileges = postgres.privileges
    if settings.REDIS_IS_EMBEDDED:
        valkey = ValkeyServer(data, privileges=privileges)
        supervisor.start(valkey)
        supervisor.wait_for(valkey, seconds=READY_SECONDS)
    return privileges


def sign_in_link() -> str:
    try:
        return create_login_link(settings.ADMIN_EMAIL)
    except InactiveAccountError as error:
        return str(error)


def check_address_available(host: str, port: int) -> None:
    """Find out before anything is started whether the web server will be able to listen.

    Raises:
        OperatorError: it will not.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
            probe.bind(address)
    except (socket.gaierror, UnicodeError):
        raise OperatorError(f"BROADSHEET_BIND={host} is not an address of this machine.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"Port {port} on {host} is taken by another program: choose another, for example "
                f"`PORT={port + 1} make run`."
            ) from None
        if error.errno == errno.EACCES:
            raise OperatorError(f"Port {port} may only be used by root: choose one above 1023, with PORT.") from None
        raise OperatorError(f"BROADSHEET_BIND={host} cannot be listened on: {os.strerror(error.errno or 0)}.") from None
