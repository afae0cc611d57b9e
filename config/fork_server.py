"""The process that web server, workers, embedder and beat are forked from, so that what they all need is loaded once.

    python -m config.fork_server SOCKET

It loads Django, the tasks, the pages and their templates, sets them aside from the garbage collector, which would write
to each of them, and waits. The supervisor asks for a part by a line of JSON; the part is forked twice, so that it
becomes the supervisor's own child. This process may be killed at any moment: the parts go on.

A second one stands by, forked from it, and shares with it what was loaded; of the two, whichever is killed is forked
from the other. Loading takes five seconds of a processor, and a web server that died meanwhile would have to wait.

It opens no connection and starts no thread, which a fork could not take along.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from config.local.forking import ANSWER_SECONDS, FORK_SERVER_MODULE, set_title
from config.local.launch import die_with_parent

_LOADED_LATE = (
    *("celery.apps.beat", "celery.apps.worker", "celery.concurrency.solo", "celery.events.state"),
    *("celery.contrib.django.task", "celery.worker.consumer.delayed_delivery", "celery.worker.autoscale"),
    *("celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log", "celery.backends.base"),
    "config.celery_command",
    *("celery.worker.components", "celery.worker.consumer", "celery.worker.control", "celery.worker.strategy"),
    *("kombu.transport.redis", "redis", "gunicorn.app.wsgiapp", "config.web_worker", "config.api_urls"),
    *("papers.accounts.sessions", "config.database.base", "config.redis_cache"),
)
"""What Celery, gunicorn and Django import by name when they need it."""
_MAX_WISH_BYTES = 20_000
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    load()
    arguments = [FORK_SERVER_MODULE, *sys.argv[1:]]
    while arguments and arguments[0] == FORK_SERVER_MODULE:  # this one at first, then one that was forked from it
        _have_title(arguments)
        arguments = serve(Path(arguments[1]))
    if arguments:
        _have_title(arguments)
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _have_title(arguments: list[str]) -> None:
    set_title(" ".join([sys.executable, "-m", *arguments]))


def load() -> None:
    """Import what parts share. Nothing here may ask the database, or read what a start is still to make."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["CELERY_SKIP_CHECKS"] = "true"  # they are made by `up`, and need the database
    import django

    django.setup()
    _load_workers()
    _load_pages()
    gc.collect()
    gc.freeze()


def _load_workers() -> None:
    for name in _LOADED_LATE:
        import_module(name)
    from config.celery import app

    app.loader.import_default_modules()
    app.finalize()


def _load_pages() -> None:
    from django.template import TemplateSyntaxError
    from django.template.loader import get_template
    from django.urls import get_resolver

    from config.local.paths import PROJECT

    get_resolver().url_patterns  # noqa: B018  reading it imports the pages
    folder = PROJECT / "templates"
    for file in folder.rglob("*.html"):
        with contextlib.suppress(TemplateSyntaxError):  # whoever opens its page is told
            get_template(str(file.relative_to(folder)))


def serve(path: Path) -> list[str]:
    """Fork what is asked for until a signal says to stop.

    Returns the arguments of the part that this process has become; none in the process that served.
    """
    stop, wake = os.pipe()
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: os.write(wake, b"x"))
    with socket.socket(socket.AF_UNIX) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(8)
        waits_for: list[socket.socket | int] = [listener, stop]
        while stop not in (ready := select.select(waits_for, [], [])[0]):
            if listener in ready and (arguments := _answer(listener)):
                os.close(stop)
                os.close(wake)
                return arguments
    path.unlink(missing_ok=True)
    return []


def _answer(listener: socket.socket) -> list[str]:
    """Answer one wish. Returns its arguments in the new process, none in this one."""
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(ANSWER_SECONDS)
        with contextlib.suppress(OSError, ValueError):
            wish: dict[str, Any] = json.loads(connection.makefile("rb").readline(_MAX_WISH_BYTES))
            if not wish:
                connection.sendall(b"{}\n")
            elif _is_grandchild():
                _become(wish, connection)
                listener.close()
                return list(wish["arguments"])
    return []


def _is_grandchild() -> bool:
    """Fork twice: the one between ends at once, so that the last one goes to the supervisor, and this one goes on."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return False
    between = os.getpid()
    try:
        if os.fork():
            os._exit(0)
    except OSError:
        os._exit(1)
    while os.getppid() == between:
        time.sleep(0.001)
    return True


def _become(wish: dict[str, Any], connection: socket.socket) -> None:
    """Be a process of its own: session, log, signals, parent. Ends where nobody waits for it any more."""
    try:
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        die_with_parent(wish["parent"], signal.SIGTERM)
        connection.sendall(f"{os.getpid()}\n".encode())
        if connection.recv(10) == b"go\n":
            return
    except (OSError, ValueError, KeyError, SystemExit):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
