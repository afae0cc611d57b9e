"""The program that forks a child for each job: `python -m papers.isolation.server FD`.

FD is a socket to the process that started it. Each message on it is the name of a module, with a socket: the module is
imported here once, so that children are forked with it, and the job is read from the socket by the child. The kernel
ends a child at its deadline, and gives it no more memory than its limit. The program ends when it has had nothing to
do for a minute, or when the process that started it has ended.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import socket
import sys
import traceback

from papers.isolation.limits import DEADLINE_SECONDS, IDLE_SECONDS, MEMORY_BYTES
from papers.isolation.wire import REQUEST_BYTES, STARTED, Outcome, pack, unpack_job


def main() -> None:
    """Serve until there is nothing to do any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets ended children by itself
    control = socket.socket(fileno=int(sys.argv[1]))
    control.settimeout(IDLE_SECONDS)
    while True:
        try:
            module, fds, _flags, _address = socket.recv_fds(control, REQUEST_BYTES, 1)
        except TimeoutError:
            return
        if not module or not fds:
            return
        _serve(control, module.decode().strip(), fds[0])


def _serve(control: socket.socket, module: str, fd: int) -> None:
    """Fork a child for the job on `fd`. Where that can't be, closing it says so."""
    try:
        importlib.import_module(module)
        if os.fork() == 0:
            control.close()
            _run_job(fd)
    except (ImportError, OSError):
        traceback.print_exc()
    os.close(fd)


def _run_job(fd: int) -> None:
    """Read the job, do it, send its outcome, and end this process."""
    try:
        # With the default action of its signal the timer ends the process whatever it does.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, DEADLINE_SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with socket.socket(fileno=fd) as connection:
            connection.sendall(STARTED)
            with connection.makefile("rb") as stream:
                data = stream.read()
            connection.sendall(_outcome(data))
    except BaseException:  # noqa: BLE001  # nothing of the server may go on in a child
        os._exit(1)
    os._exit(0)


def _outcome(data: bytes) -> bytes:
    try:
        job = unpack_job(data)
        del data
        function = getattr(importlib.import_module(job.module), job.function)
        return pack(Outcome(value=function(*job.args, **job.kwargs)))
    except MemoryError:
        return pack(Outcome(error=MemoryError()))
    except Exception as error:  # noqa: BLE001  # it is raised again in the process that asked
        text = traceback.format_exc()
        try:
            return pack(Outcome(error=error, traceback=text))
        except Exception:  # noqa: BLE001  # such as one that holds what can't be pickled
            return pack(Outcome(error=RuntimeError(repr(error)), traceback=text))


if __name__ == "__main__":
    main()
