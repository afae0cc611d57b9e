"""The parts of Broadsheet itself that run under the supervisor: web server, workers, embedder, beat."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from config.local.paths import PROJECT
from config.local.processes import Privileges, launch_command
from papers.services.operations.semaphores import has_semaphores

CELERY = "config.celery_command"
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "2"}
"""For glibc: what a large upload or answer took is given back when it is done with. By itself glibc raises these limits
with each large block that is freed, and a process keeps what it once needed (mallopt(3))."""


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
        return {**ALLOCATOR, **os.environ, "PYTHONUNBUFFERED": "1"}

    def command(self, *, parent: int) -> list[str]:
        return launch_command(
            [sys.executable, "-m", *self.arguments], privileges=Privileges(), folder=PROJECT, parent=parent
        )

    def before_start(self) -> None:
        """Does nothing: a killed program leaves nothing behind."""

    def is_ready(self) -> bool:
        return True


@dataclass(frozen=True)
class WebServer(Program):
    """The web server, ready when it answers."""

    host: str = "127.0.0.1"
    port: int = 8000

    def is_ready(self) -> bool:
        return is_answering(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of Broadsheet: what `run` can become, and what `up` starts."""

    name: str
    stage: int
    """Parts of a higher stage use those of a lower one."""
    stop_seconds: float
    arguments: tuple[str, ...] = ()
    """The module to run and its arguments; of a worker they follow from its queue."""
    queue: str = ""
    """Of a worker: the queue of Celery whose tasks it does."""
    has_processes: bool = False
    """Whether a worker has as many processes as the settings say; else it has one."""


WEB = Part("web", 2, 12, ("gunicorn", "-c", "python:config.gunicorn", "config.wsgi"))
# A task that is killed in the middle leaves the tables as they were and is found again: workers need no long farewell.
WORKER = Part("worker", 1, 10, queue="default", has_processes=True)
"""Does everything that is short: it collects due work, and recounts."""
FETCHER = Part("fetcher", 1, 10, queue="fetch", has_processes=True)
"""Talks to the sources, and mostly waits for its slot there."""
MAILER = Part("mailer", 1, 10, queue="mail")
"""Hands mails to the mail server, and mostly waits for its answers. One connection; more of them may run."""
EMBEDDER = Part("embedder", 1, 5, ("manage", "embed", "--serve"))
"""Has the embedding model in memory, alone on this machine: answers the web server's queries, embeds new papers."""
BEAT = Part("beat", 2, 5, (CELERY, "beat", "config.beat", "--loglevel", "WARNING", "--pidfile", ""))
"""Enqueues the task that collects due work, again and again."""

PARTS = {part.name: part for part in (WEB, WORKER, FETCHER, MAILER, EMBEDDER, BEAT)}
"""All parts by name, in the order in which `up` starts them."""


def programs_of(part: Part, *, host: str = "127.0.0.1", port: int = 8000, processes: int = 1) -> list[Program]:
    """What `up` runs for a part: itself, or the processes of a worker, each by itself, with none above them.

    The first has the part's name, the others that with their number.
    """
    if not part.queue:
        return [program_of(part, host=host, port=port)]
    numbers = range(2, processes + 1 if part.has_processes else 2)
    names = [part.name, *(f"{part.name}{number}" for number in numbers)]
    return [
        Program(name, _worker_arguments(part, name=name, pool=("--pool", "solo")), part.stage, part.stop_seconds)
        for name in names
    ]


def program_of(part: Part, *, host: str = "127.0.0.1", port: int = 8000, processes: int = 1) -> Program:
    """The one program that is this part, as `run` becomes it.

    The web server listens at `host` and `port`; `processes` is that of workers.
    """
    if part is WEB:
        return WebServer(part.name, part.arguments, part.stage, part.stop_seconds, host=host, port=port)
    arguments = part.arguments
    if part.queue:
        pool = ("-c", str(processes if part.has_processes else 1)) if has_semaphores() else ("--pool", "solo")
        arguments = _worker_arguments(part, name=part.name, pool=pool)
    return Program(part.name, arguments, part.stage, part.stop_seconds)


def _worker_arguments(part: Part, *, name: str, pool: tuple[str, ...]) -> tuple[str, ...]:
    return (
        *(CELERY, "worker", "config.celery"),
        *("-Q", part.queue, "-n", f"{name}@%h", *pool),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    )


def is_answering(host: str, port: int) -> bool:
    """Whether a Broadsheet answers at this address."""
    # Here, because it brings TLS and e-mail with it: three megabytes of the supervisor, which never asks.
    import http.client

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
