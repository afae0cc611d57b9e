"""`call_isolated`: a function's result, worked out in a child process that has a deadline and a limit of memory.

Each process that asks has one server (`server.py`), started when it is first needed, which forks a child for each job.
Nothing but pure functions of this project is called so. A fork takes some milliseconds, a server's start half a second.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from papers.isolation.limits import DEADLINE_SECONDS, MEMORY_BYTES
from papers.isolation.wire import MAX_RESULT_BYTES, REQUEST_BYTES, STARTED, Job, Outcome, pack, unpack_outcome

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_PROJECT = Path(__file__).resolve().parents[2]
_GRACE_SECONDS = 5.0
"""After its deadline the kernel ends a child; this much later it is taken for ended."""
_ATTEMPTS = 3
"""A server may end, having had nothing to do, just as a job is sent to it."""


class IsolationError(Exception):
    """The child did not bring a result; the message says why, and ends a sentence such as "It could not be read:"."""


class ChildTooSlowError(IsolationError):
    """The child was ended at its deadline."""

    def __init__(self) -> None:
        super().__init__(f"reading it takes longer than {DEADLINE_SECONDS:.0f} seconds")


class ChildTooLargeError(IsolationError):
    """The child needed more memory than it may have."""

    def __init__(self) -> None:
        super().__init__(f"reading it takes more memory than {MEMORY_BYTES // 1024**2} MB")


class ChildEndedError(IsolationError):
    """The child ended in the middle, or sent what could not be understood."""

    def __init__(self) -> None:
        super().__init__("the process that read it ended in the middle")


def call_isolated(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """`function(*args, **kwargs)`, called in a child. The function is one of a module of `papers`, and pure.

    Raises:
        IsolationError: it took too long or too much memory, or the child ended.
        Exception: what the function raised, with the child's traceback as a note.
    """
    job = Job(function.__module__, function.__qualname__, args, kwargs)
    outcome = _run(job)
    if outcome.error is None:
        result: Result = outcome.value
        return result
    if isinstance(outcome.error, MemoryError):
        raise ChildTooLargeError
    outcome.error.add_note(outcome.traceback)
    raise outcome.error


def _run(job: Job) -> Outcome:
    request = pack(job)
    for _ in range(_ATTEMPTS):
        # The child's own clock starts between these two: one that was ended at its deadline has had no less than this.
        started = time.monotonic()
        with _servers.connect(job.module) as connection:
            until = time.monotonic() + DEADLINE_SECONDS + _GRACE_SECONDS
            answer = _exchange(connection, request, until=until)
        if not answer:
            _servers.restart()
            continue
        try:
            return unpack_outcome(answer.removeprefix(STARTED))
        except EOFError:
            if time.monotonic() - started >= DEADLINE_SECONDS:
                raise ChildTooSlowError from None
            raise ChildEndedError from None
        except (pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError) as error:
            raise ChildEndedError from error
    raise ChildEndedError


def _exchange(connection: socket.socket, request: bytes, *, until: float) -> bytes:
    """Send the job and read until the child closes its end; what it sent, in whole or in part."""
    chunks: list[bytes] = []
    size = 0
    # Where the child is gone, or has outlived its deadline, what came so far says which.
    with suppress(OSError):
        connection.settimeout(max(until - time.monotonic(), 0.01))
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while size <= MAX_RESULT_BYTES:
            connection.settimeout(max(until - time.monotonic(), 0.01))
            chunk = connection.recv(1 << 20)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
    return b"".join(chunks)


class _Servers:
    """The server of this process: one, whatever thread asks; a process that was forked starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def connect(self, module: str) -> socket.socket:
        """A connection to a child that has been, or is being, forked with `module`."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            control = self._control if self._pid == os.getpid() else None
            # It may have ended: then the connection is closed, which the caller sees.
            with suppress(OSError):
                socket.send_fds(control or self._start(), [module.encode().ljust(REQUEST_BYTES)], [theirs.fileno()])
        return ours

    def restart(self) -> None:
        """Have the next job served by a new server."""
        with self._lock:
            self._stop()

    def _start(self) -> socket.socket:
        if self._pid != os.getpid():
            # The other process's: not ours to end.
            if self._control is not None:
                self._control.close()
            self._forget()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "papers.isolation.server", str(theirs.fileno())],
                cwd=_PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        return self._control

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._forget()


_servers = _Servers()
os.register_at_fork(after_in_child=lambda: setattr(_servers, "_lock", threading.Lock()))
