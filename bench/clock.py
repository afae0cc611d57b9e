"""Times whole HTTP requests over a kept-open connection, with as little work of its own as possible."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

_CHUNK = 262_144


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought."""

    status: int
    body: bytes
    seconds: float


class Connection:
    """One browser's kept-open connection."""

    def __init__(self, port: int, *, cookies: str = "", token: str = "") -> None:
        self._port = port
        accept = "application/json" if token else "text/html"
        own = f"Authorization: Bearer {token}" if token else f"Cookie: {cookies}" if cookies else "DNT: 1"
        self._headers = f"Host: 127.0.0.1:{port}\r\nAccept: {accept}\r\n{own}\r\n"
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def get(self, path: str) -> Answer:
        """From the first byte sent to the last received, in seconds. Opens the connection anew where it was closed."""
        request = f"GET {path} HTTP/1.1\r\n{self._headers}\r\n".encode()
        started = time.perf_counter()
        try:
            status, body, is_kept = self._ask(request)
        except (ConnectionError, EOFError):  # the server ends a kept connection now and then
            self._close()
            started = time.perf_counter()
            status, body, is_kept = self._ask(request)
        seconds = time.perf_counter() - started
        if not is_kept:
            self._close()
        return Answer(status, body, seconds)

    def _ask(self, request: bytes) -> tuple[int, bytes, bool]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive(self._socket)
        head = received[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        parts, missing = [received[end + 4 :]], length - (len(received) - end - 4)
        while missing > 0:
            parts.append(self._receive(self._socket))
            missing -= len(parts[-1])
        return int(head.split(b" ", 2)[1]), b"".join(parts), b"connection: close" not in head

    @staticmethod
    def _receive(sock: socket.socket) -> bytes:
        if chunk := sock.recv(_CHUNK):
            return chunk
        raise EOFError

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(frozen=True, slots=True)
class Times:
    """What many requests took."""

    seconds: list[float]
    bytes_each: int

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)] * 1000


def measure(port: int, paths: Sequence[str], *, times: int, warm_up: int, cookies: str = "", token: str = "") -> Times:
    """One client after another's answer: `times` requests over the paths in turn, after `warm_up` unmeasured ones.

    Raises:
        RuntimeError: an answer was not 200, so its time says nothing.
    """
    turns = itertools.cycle(paths)
    with Connection(port, cookies=cookies, token=token) as connection:
        for _ in range(warm_up):
            _checked(connection, next(turns))
        answers = [_checked(connection, next(turns)) for _ in range(times)]
    return Times([answer.seconds for answer in answers], len(answers[-1].body))


@dataclass(frozen=True, slots=True)
class CrowdTimes:
    """What some clients saw that asked at once, each one request after the other. Times in milliseconds."""

    clients: int
    a_second: float
    p50: float
    p95: float
    p99: float
    errors: int
    """Answers that were not 200, and none at all."""


def ask_at_once(
    port: int, paths: Sequence[str], *, clients: int, seconds: float, cookies: Iterable[str] = ("",)
) -> CrowdTimes:
    """Have so many clients ask for so long."""
    took: list[list[float]] = [[] for _ in range(clients)]
    errors = [0] * clients
    end = time.perf_counter() + seconds

    def ask(number: int, cookie: str) -> None:
        with Connection(port, cookies=cookie) as connection:
            for path in itertools.cycle(paths[number % len(paths) :] or paths):
                if time.perf_counter() >= end:
                    return
                try:
                    answer = connection.get(path)
                except (OSError, EOFError):
                    errors[number] += 1
                    continue
                errors[number] += answer.status != 200
                took[number].append(answer.seconds)

    names = itertools.cycle(cookies)
    threads = [threading.Thread(target=ask, args=(number, next(names))) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = Times([one for own in took for one in own] or [0.0], 0)
    return CrowdTimes(
        clients, len(times.seconds) / seconds,
        times.percentile(0.5), times.percentile(0.95), times.percentile(0.99), sum(errors),
    )  # fmt: skip


def _checked(connection: Connection, path: str) -> Answer:
    answer = connection.get(path)
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}.")
    return answer
