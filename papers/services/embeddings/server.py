"""The one process of a host that has the model in memory: it answers queries over a socket and embeds what waits.

`on_demand.py` forks it when it is needed. It may be killed at any moment: search goes by words until it is back.
Nothing is loaded before a paper waits or a query comes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import socket
import socketserver
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from papers.models import EmbeddingModel
from papers.services.embeddings import model_switch, worker
from papers.services.embeddings.embedder import Embedder, EmbeddingError
from papers.services.embeddings.embedding_status import HEARTBEAT
from papers.services.operations.heartbeat import record_heartbeat

logger = logging.getLogger(__name__)

IDLE_SECONDS = 3.0
ERROR_PAUSE_SECONDS = 30.0
MAINTENANCE_SECONDS = 60.0
RECOUNT_INTERVAL = timedelta(hours=20)
MAX_LINE_BYTES = 20_000
LINE_TIMEOUT_SECONDS = 5.0
WAKING_LINE = b'{"state": "waking"}\n'
"""Sent before the answer where that takes longer, because the model is being loaded."""
_NICENESS = 10
_BACKLOG = 64
_FAREWELL_SECONDS = 1.0


class EmbedderCache:
    """The models that were needed so far, each loaded once."""

    def __init__(self, load: Callable[[str], Embedder] = worker.load_embedder) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: dict[str, Embedder] = {}
        self.used_at = time.monotonic()
        """When somebody last asked for one."""

    def has(self, name: str) -> bool:
        """Whether it is in memory."""
        return name in self._loaded

    def get(self, name: str) -> Embedder:
        """Raises EmbeddingError where it cannot run."""
        self.used_at = time.monotonic()
        with self._lock:
            if name not in self._loaded:
                began = time.monotonic()
                self._loaded[name] = self._load(name)
                self.used_at = time.monotonic()
                logger.info("Loaded the model %s in %.2f s", name, self.used_at - began)
            return self._loaded[name]


class EmbeddingServer:
    """Queries in threads of their own, the backlog in others, which give way to everything else on the machine."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        threads: int,
        models: EmbedderCache | None = None,
        idle_seconds: float = IDLE_SECONDS,
        ends_after_seconds: float = 0.0,
    ) -> None:
        """`idle_seconds` are between two looks for papers that wait.

        With `ends_after_seconds` it ends when no model was used for so long, or its parent process is gone.
        """
        self.models = models or EmbedderCache()
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._ends_after_seconds = ends_after_seconds
        self._has_kept_house = False
        self._at_work: set[int] = set()
        """The threads that are at a batch: it would wait for its lease to run out."""
        self._stop = threading.Event()
        self._recounted_at: datetime | None = None
        self._threads = [
            threading.Thread(target=self._in_a_loop, args=(self._embed, True), daemon=True) for _ in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._in_a_loop, args=(self._keep_house, False), daemon=True))

    def run(self, listener: socket.socket | None = None) -> None:
        """Listen and answer, on a socket of its own or on `listener`, until `stop()` or the end of its time."""
        with contextlib.ExitStack() as stack:
            listener = listener or stack.enter_context(open_listener())
            server = stack.enter_context(_Server(listener, self.models))
            for thread in self._threads:
                thread.start()
            threading.Thread(target=self._stop_server, args=(server,), daemon=True).start()
            server.serve_forever(poll_interval=0.5)
        for thread in self._threads:
            thread.join(_FAREWELL_SECONDS)

    def stop(self) -> None:
        self._stop.set()

    def _stop_server(self, server: socketserver.BaseServer) -> None:
        parent = os.getppid()
        while not self._stop.wait(1.0 if self._ends_after_seconds else None):
            is_idle = time.monotonic() - self.models.used_at > self._ends_after_seconds
            if (is_idle and self._has_kept_house and not self._at_work) or os.getppid() != parent:
                self._stop.set()
        server.shutdown()

    def _in_a_loop(self, act: Callable[[], float], gives_way: bool) -> None:
        if gives_way and sys.platform == "linux":  # where a thread has a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while not self._stop.is_set():
            pause = ERROR_PAUSE_SECONDS
            close_old_connections()
            try:
                pause = act()
            except EmbeddingError as error:
                pause = min(max(error.retry_after_seconds or pause, 1.0), 3600.0)
                logger.warning("Embedding waits for %.0f s: %s", pause, error)
            except DatabaseError as error:
                logger.warning("Embedding waits for the database: %s", error)
            except Exception:  # questions are answered all the same, and it is tried again
                logger.exception("Embedding failed")
            self._stop.wait(pause)
        connection.close()

    def _embed(self) -> float:
        """One batch. Seconds to wait before the next."""
        name = EmbeddingModel.objects.filter(is_target=True).values_list("name", flat=True).first()
        if name is None or not settings.EMBEDDINGS:
            return self._idle_seconds
        self._at_work.add(threading.get_ident())
        try:
            done = worker.embed_batch(_LazyEmbedder(self.models, name), name, clock=self._clock)
        finally:
            self._at_work.discard(threading.get_ident())
        if not done.taken:
            return self._idle_seconds
        self._has_kept_house = False  # the model may serve now
        return 0.0

    def _keep_house(self) -> float:
        now = self._clock()
        self._has_kept_house = False
        model_switch.ensure_target_model(model_switch.target_model())
        record_heartbeat(now=now, name=HEARTBEAT)
        if self._recounted_at is None or now - self._recounted_at > RECOUNT_INTERVAL:
            model_switch.recount_vectors()
            self._recounted_at = now
        model_switch.promote_when_ready(now=now)
        while model_switch.delete_superseded_vectors() and not self._stop.is_set():
            record_heartbeat(now=self._clock(), name=HEARTBEAT)
        self._has_kept_house = True
        return MAINTENANCE_SECONDS


class _LazyEmbedder:
    """A model that is loaded when the first text comes."""

    batch_size = 16

    def __init__(self, models: EmbedderCache, name: str) -> None:
        self._models = models
        self._name = name

    def embed(self, texts: Any) -> list[list[float]]:
        return self._models.get(self._name).embed(texts)


class _Handler(socketserver.StreamRequestHandler):
    """One question: a line of JSON with `model` and `text`; or `{}`, which asks whether the process answers."""

    timeout = LINE_TIMEOUT_SECONDS
    server: Any

    def handle(self) -> None:
        try:
            answer = self._answer(json.loads(self.rfile.readline(MAX_LINE_BYTES)))
        except (ValueError, TypeError, KeyError, OSError, RecursionError):
            answer = {"error": "not a question"}
        except EmbeddingError as error:
            answer = {"error": str(error)}
        finally:
            connection.close()  # an endpoint's host rate limit opened one
        with contextlib.suppress(OSError):  # the page that asked has waited long enough
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def _answer(self, question: dict[str, Any]) -> dict[str, str]:
        if not question:
            return {"state": "ok"}
        text, name = str(question["text"]), str(question["model"])
        if not self.server.models.has(name):
            with contextlib.suppress(OSError):
                self.wfile.write(WAKING_LINE)
        (vector,) = self.server.models.get(name).embed([text])
        return {"vector": base64.b64encode(array("f", vector)).decode("ascii")}


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Answers on a socket that somebody else has opened, and may go on listening on."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, models: EmbedderCache) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener.dup()
        self.models = models

    def get_request(self) -> tuple[socket.socket, Any]:
        return self.socket.accept()


@contextlib.contextmanager
def open_listener() -> Iterator[socket.socket]:
    """The socket that the settings name, listening; a file is removed in the end."""
    parts = urlsplit(settings.EMBEDDER)
    if parts.scheme == "tcp":
        with socket.create_server((parts.hostname or "", parts.port or 0), backlog=_BACKLOG) as listener:
            yield listener
        return
    path = Path(parts.path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # left by a killed one
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
        yield listener
    path.unlink(missing_ok=True)
