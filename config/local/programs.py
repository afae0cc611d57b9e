"""The parts of Broadsheet itself that run under the supervisor: web server, workers, embedder, beat."""

import http.client
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local.processes import Privileges, launch_command
from papers.services.operations.semaphores import has_semaphores

PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Program:
    """A Python module with arguments, run from the project's folder with this process's own environment."""

    name: str
    arguments: tuple[str, ...]
    stage: int
    stop_seconds: float
    stop_signal: int = signal.SIGTERM
    force_stop_signal: int = signal.SIGKILL

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONUNBUFFERED": "1"}

    def command(self, *, parent: int) -> list[str]:
        return launch_command(
            [sys.executable, "-m", *self.arguments], rights=Privileges(), folder=PROJECT, parent=parent
        )

    def before_start(self) -> None:
        """Nothing is left behind."""

    def is_ready(self) -> bool:
        return True


@dataclass(frozen=True)
class WebServer(Program):
    """The web server, ready when it answers."""

    host: str = "127.0.0.1"
    port: int = 8000

    def is_ready(self) -> bool:
        return is_answering(self.host, self.port)


def web(*, host: str, port: int) -> WebServer:
    return WebServer(
        name="web",
        arguments=("gunicorn", "-c", "python:config.gunicorn", "config.wsgi"),
        stage=2,
        stop_seconds=12,
        host=host,
        port=port,
    )


def worker(*, processes: int) -> Program:
    """Does everything that is short: ticks, recounts."""
    return _celery_worker("worker", queue="default", processes=processes)


def fetcher(*, processes: int) -> Program:
    """Talks to the sources, and mostly waits for its turn there."""
    return _celery_worker("fetcher", queue="fetch", processes=processes)


def mailer() -> Program:
    """Hands mails to the mail server, and mostly waits for its answers. One connection; more of them may run."""
    return _celery_worker("mailer", queue="mail", processes=1)


def _celery_worker(name: str, *, queue: str, processes: int) -> Program:
    arguments = ("celery", "-A", "config.celery", "worker", "-Q", queue, "-c", str(processes), "-n", f"{name}@%h")
    pool = () if has_semaphores() else ("--pool", "solo")
    quiet = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")
    # A task that is killed in the middle leaves the tables as they were and is found again: no long farewell.
    return Program(name=name, arguments=(*arguments, *pool, *quiet), stage=1, stop_seconds=10)


def embedder() -> Program:
    """Has the embedding model in memory, alone on this machine: answers the web server's queries, embeds new papers."""
    return Program(name="embedder", arguments=("manage", "embed", "--serve"), stage=1, stop_seconds=5)


def beat() -> Program:
    arguments = ("celery", "-A", "config.celery", "beat", "--loglevel", "WARNING", "--pidfile", "")
    return Program(name="beat", arguments=arguments, stage=2, stop_seconds=5)


def is_answering(host: str, port: int) -> bool:
    """Whether a Broadsheet answers at this address."""
    connection = http.client.HTTPConnection(connect_address(host), port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def connect_address(host: str) -> str:
    """The address to ask at for one that is listened on: "everywhere" is not a place to connect to."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
