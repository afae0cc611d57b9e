"""The vector of a query: from the cache, or from the one process of this host that has the model loaded.

A line of JSON goes there and one comes back, over a Unix socket (or TCP between containers). When no answer comes in
time, there is no vector, and search goes by words; for two seconds after that the process is not asked again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import socket
import time
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache

from papers.models import SHIPPED_MODEL
from papers.services.embeddings.embedder import prefixed
from papers.services.embeddings.model_switch import CurrentModel, current_model

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 2_000
MAX_ANSWER_BYTES = 200_000  # of an answer; 4,000 dimensions are 22,000
# The longest a page waits. An endpoint on another machine takes longer than the model in the next process.
QUERY_TIMEOUT_SECONDS = 0.1
ENDPOINT_TIMEOUT_SECONDS = 0.5
# Where the process says that it is loading its model, because nobody has asked for ten minutes.
WAKING_TIMEOUT_SECONDS = 1.0
FAILURE_PAUSE_SECONDS = 2.0
_KEPT_SECONDS = 60 * 60 * 24


@dataclass(frozen=True, slots=True)
class QueryVector:
    """A query's meaning, of length 1, to be compared with vectors of the same model only."""

    model: str
    """As in `PaperVector.model`."""
    vector: tuple[float, ...]


class _Pause:
    """Until when the process is not asked, after a failure, so that a page does not wait in vain each time."""

    until = 0.0


# They wait for the embedding process only; no one of them touches the database.
_waiters = ThreadPoolExecutor(max_workers=16, thread_name_prefix="query-vector")


def query_vector(text: str) -> QueryVector | None:
    """The vector of a query by the model that search uses now.

    None when there is no model or no vector of a paper yet, and when the embedding process does not answer in time. At
    most one query, mostly none; kept in the cache for a day.
    """
    return request_query_vector(text)()


def request_query_vector(text: str) -> Callable[[], QueryVector | None]:
    """Ask now and go on with something else: what comes back waits for the answer of `query_vector`."""
    text = " ".join(text.split())[:MAX_CHARACTERS]
    model = current_model() if text else None
    if model is None:
        return lambda: None
    if model.name != SHIPPED_MODEL:
        text = prefixed(text, settings.EMBEDDINGS_QUERY_PREFIX)
    digest = hashlib.sha256(f"{model.name}\n{text}".encode(errors="replace")).hexdigest()
    key = f"query-vector:{digest}"
    kept: str | None = cache.get(key)
    if kept is not None:
        return lambda: _unpacked(model, base64.b64decode(kept))
    answer = _waiters.submit(_ask, model.name, text)

    def wait() -> QueryVector | None:
        packed = answer.result()
        if packed is None or len(packed) != 4 * model.dimensions:
            return None
        cache.set(key, base64.b64encode(packed).decode("ascii"), _KEPT_SECONDS)
        return _unpacked(model, packed)

    return wait


def _unpacked(model: CurrentModel, packed: bytes) -> QueryVector:
    return QueryVector(model.name, tuple(array("f", packed)))


def _ask(model: str, text: str) -> bytes | None:
    """The vector as 32-bit floats of this machine's order; None when it cannot be had now."""
    if time.monotonic() < _Pause.until:
        return None
    patience = QUERY_TIMEOUT_SECONDS if model == SHIPPED_MODEL else ENDPOINT_TIMEOUT_SECONDS
    try:
        answer = call_embedder({"model": model, "text": text}, timeout_seconds=patience)
        return base64.b64decode(answer["vector"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        _Pause.until = time.monotonic() + FAILURE_PAUSE_SECONDS
        logger.info("No vector for a query: %s", error)
        return None


def call_embedder(question: dict[str, str], *, timeout_seconds: float) -> dict[str, Any]:
    """Send one question to the embedding process of this host and return its answer.

    Raises:
        OSError: it is not there or does not answer within `timeout_seconds`, all together; within
            `WAKING_TIMEOUT_SECONDS` where it says in time that it is waking.
        ValueError: it answers something else, or nothing.
    """
    began = time.monotonic()
    with _connected(timeout_seconds) as connection:
        connection.sendall(json.dumps(question).encode() + b"\n")
        answer = json.loads(_read_line(connection, until=began + timeout_seconds))
        if answer == {"state": "waking"}:
            answer = json.loads(_read_line(connection, until=began + max(timeout_seconds, WAKING_TIMEOUT_SECONDS)))
    if not isinstance(answer, dict) or "error" in answer:
        raise ValueError(answer["error"] if isinstance(answer, dict) else "no answer")
    return answer


def _read_line(connection: socket.socket, *, until: float) -> bytes:
    """What comes up to the end of a line, before a time of `time.monotonic()`."""
    received = b""
    while not received.endswith(b"\n") and len(received) <= MAX_ANSWER_BYTES:
        connection.settimeout(max(0.001, until - time.monotonic()))
        # Not beyond the line: another one may follow at once.
        chunk = connection.recv(65536, socket.MSG_PEEK)
        if not chunk:
            break
        end = chunk.find(b"\n")
        received += connection.recv(end + 1 if end >= 0 else len(chunk))
    return received


def _connected(timeout_seconds: float) -> socket.socket:
    parts = urlsplit(settings.EMBEDDER)
    if parts.scheme == "tcp":
        return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=timeout_seconds)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_seconds)
    try:
        connection.connect(parts.path)
    except OSError:
        connection.close()
        raise
    return connection
