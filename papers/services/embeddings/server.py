"""The one process of a host that has the model in memory: it answers queries over a socket and embeds what waits.

`manage.py up` keeps it running; containers run `manage.py embed --serve`. It may be killed at any moment: search goes
by words until it is back. Nothing is loaded before a paper waits or a query comes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
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
from papers.services.embeddings.query_vectors import WAKING
from papers.services.operations.heartbeat import record_heartbeat

logger = logging.getLogger(__name__)

IDLE_SECONDS = 3.0
ERROR_PAUSE_SECONDS = 30.0
MAINTENANCE_SECONDS = 60.0
RECOUNT_INTERVAL = timedelta(hours=20)
MAX_LINE_BYTES = 20_000
LINE_TIMEOUT_SECONDS = 5.0
_NICENESS = 10


class EmbedderCache:
    """The models that were needed so far, each loaded once."""

    def __init__(self, load: Callable[[str], Embedder] = worker.load_embedder) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: dict[str, Embedder] = {}

    def is_loaded(self, name: str) -> bool:
        """Whether `get` answers at once."""
        return name in self._loaded

    def get(self, name: str) -> Embedder:
        """Raises EmbeddingError where it cannot run."""
        with self._lock:
            if name not in self._loaded:
                began = time.monotonic()
                self._loaded[name] = self._load(name)
                logger.info("Loaded the model %s in %.2f s", name, time.monotonic() - began)
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
    ) -> None:
        self.models = models or EmbedderCache()
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._stop = threading.Event()
        self._recounted_at: datetime | None = None
        self._threads = [
            threading.Thread(target=self._in_a_loop, args=(self._embed, True), daemon=True) for _ in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._in_a_loop, args=(self._keep_house, False), daemon=True))

    def run(self) -> None:
        """Listen on the socket and answer, until `stop()` is called from another thread."""
        with _listening(self.models) as server:
            for thread in self._threads:
                thread.start()
            threading.Thread(target=self._stop_server, args=(server,), daemon=True).start()
            server.serve_forever(poll_interval=0.5)

    def stop(self) -> None:
        self._stop.set()

    def _stop_server(self, server: socketserver.BaseServer) -> None:
        self._stop.wait()
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
            except Exception:
                logger.exception("Embedding failed")
            self._stop.wait(pause)
        connection.close()

    def _embed(self) -> float:
        """One batch. Seconds to wait before the next."""
        name = EmbeddingModel.objects.filter(is_target=True).values_list("name", flat=True).first()
        if name is None or not settings.EMBEDDINGS:
            return self._idle_seconds
        done = worker.embed_batch(_LazyEmbedder(self.models, name), name, clock=self._clock)
        return 0.0 if done.taken else self._idle_seconds

    def _keep_house(self) -> float:
        now = self._clock()
        model_switch.ensure_target_model(model_switch.target_model())
        record_heartbeat(now=now, name=HEARTBEAT)
        if self._recounted_at is None or now - self._recounted_at > RECOUNT_INTERVAL:
            model_switch.recount_vectors()
            self._recounted_at = now
        model_switch.promote_when_ready(now=now)
        while model_switch.delete_superseded_vectors() and not self._stop.is_set():
            record_heartbeat(now=self._clock(), name=HEARTBEAT)
        self._load_serving()
        return MAINTENANCE_SECONDS

    def _load_serving(self) -> None:
        """Before the first query needs it; not before there is a vector that a query could be compared with."""
        model = model_switch.current_model()
        if model is not None:
            with contextlib.suppress(EmbeddingError):
                self.models.get(model.name)


class _LazyEmbedder:
    """A model that is loaded when the first text comes."""

    batch_size = 16

    def __init__(self, models: EmbedderCache, name: str) -> None:
        self._models = models
        self._name = name

    def embed(self, texts: Any) -> list[list[float]]:
        return self._models.get(self._name).embed(texts)


class _Handler(socketserver.StreamRequestHandler):
    """One question: a line of JSON with `model` and `text`; or `{}`, which asks whether the process answers.

    Where the model must be loaded first, a line says so before the one with the vector.
    """

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
        text = str(question["text"])
        if not self.server.models.is_loaded(str(question["model"])):  # the page waits longer, when it knows
            self.wfile.write(json.dumps({"state": WAKING}).encode() + b"\n")
        (vector,) = self.server.models.get(str(question["model"])).embed([text])
        return {"vector": base64.b64encode(array("f", vector)).decode("ascii")}


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True


@contextlib.contextmanager
def _listening(models: EmbedderCache) -> Iterator[socketserver.BaseServer]:
    parts = urlsplit(settings.EMBEDDER)
    server: Any
    if parts.scheme == "tcp":
        server = _TcpServer((parts.hostname or "", parts.port or 0), _Handler)
    else:
        Path(parts.path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(parts.path).unlink(missing_ok=True)  # left by a killed one
        server = _UnixServer(parts.path, _Handler)
        Path(parts.path).chmod(0o600)
    server.models = models
    with server:
        yield server
    if parts.scheme != "tcp":
        Path(parts.path).unlink(missing_ok=True)
