"""A server that sends bytes as they are, for what no well-behaved HTTP server would send."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = bytes | Callable[[socket.socket], None]


class WireServer:
    """Answers each connection once with the same bytes, or has a function answer; keeps what it was sent."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/"

    def stop(self) -> None:
        self._is_stopped.set()
        self._thread.join(timeout=5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._is_stopped.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(5)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self.requests.append(_read_request(connection))
            if callable(self._answer):
                self._answer(connection)
            else:
                connection.sendall(self._answer)
            if not isinstance(connection, ssl.SSLSocket):
                connection.shutdown(socket.SHUT_WR)
            connection.close()


def _read_request(connection: socket.socket) -> bytes:
    """A request with its body, which may come in a packet of its own; what there is of one that ends early."""
    request = b""
    while part := connection.recv(65536):
        request += part
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return request


@contextmanager
def wire_server(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[WireServer]:
    server = WireServer(answer, tls)
    try:
        yield server
    finally:
        server.stop()


def drip(start: bytes, drop: bytes, every_seconds: float) -> Callable[[socket.socket], None]:
    """Send `start`, then `drop` again and again for as long as somebody listens, a minute at most."""

    def send(connection: socket.socket) -> None:
        connection.sendall(start)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(every_seconds)
            connection.sendall(drop)

    return send
