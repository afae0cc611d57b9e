"""One connection of a browser, read and written without ever waiting: the worker's loop moves bytes, threads never do.

Only where a request ends is looked for here. What it means is read by gunicorn's own parser, from the same bytes.
"""

from __future__ import annotations

import errno
import re
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO
from urllib.parse import unquote_to_bytes

HEAD_SECONDS = 10.0
"""From a request's first byte to the end of its head; also how long a new connection may stay silent."""
GRACE_SECONDS = 10.0
BYTES_PER_SECOND = 4_000
"""A body has to come, and an answer to be taken, at least this fast, once the grace is over."""
MAX_HEAD_BYTES = 64_000
MAX_BODY_BYTES = 16_000_000
"""More than any form takes (`papers/web/uploads.py`). A body up to `MAX_THROWN_AWAY` is read and thrown away, and its
request goes on without it, marked, for a page that says so (`papers/web/middleware.py`)."""
MAX_THROWN_AWAY = 200_000_000
IN_MEMORY_BYTES = 64_000
"""Of a body, and of an answer that its reader does not take; what is more goes to the disk."""

THROWN_AWAY_HEADER = "X-Broadsheet-Body-Thrown-Away"
_END = b"\r\n\r\n"
_FIELD = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.I)

_SIGN_IN_PATHS = (b"/sign-in", b"/sign-up", b"/forgotten")
# Without a body its type may not be looked at: multipart without a boundary is an error of its own.
_OF_BODY = frozenset((b"content-length", b"content-type", b"expect"))


@dataclass(frozen=True, slots=True)
class Head:
    """What has to be known of a request before its body."""

    length: int
    """Bytes of the head, with the empty line."""
    body_length: int
    waits_for_go_on: bool
    """The browser sends the body once it has "100 Continue"."""
    is_chunked: bool
    is_sign_in: bool = False
    """Whether it is a form for which a password is computed, which takes a processor for a quarter of a second."""


def read_head(data: bytes | bytearray, seen: int = 0) -> Head | None:
    """The head that `data` begins with; None while it is not complete. It does not end within the first `seen` bytes.

    A Content-Length that is not a number counts as 0: gunicorn refuses such a request by itself.
    """
    end = data.find(_END, seen)
    if end < 0:
        return None
    fields: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(data, 0, end):
        fields.setdefault(name.lower(), value.strip())
    said = fields.get(b"content-length", b"")
    return Head(
        length=end + len(_END),
        body_length=int(said) if said.isdigit() and len(said) < 16 else 0,
        waits_for_go_on=fields.get(b"expect", b"").lower() == b"100-continue",
        is_chunked=b"transfer-encoding" in fields,
        is_sign_in=_is_sign_in(bytes(data[: data.find(b"\r\n")])),
    )


def _is_sign_in(line: bytes) -> bool:
    """Whether a request line sends a form of `/sign-in`, `/sign-up` or `/forgotten`, at whatever sub-path."""
    method, _, rest = line.partition(b" ")
    path = unquote_to_bytes(rest.partition(b" ")[0].partition(b"?")[0])
    return method == b"POST" and any(name in path for name in _SIGN_IN_PATHS)


def without_body(head: bytes | bytearray) -> bytes:
    """The head with an empty body, and a header that says that the body was thrown away.

    A client that sends this header itself is only refused.
    """
    line, *fields = bytes(head).removesuffix(_END).split(b"\r\n")
    kept = [field for field in fields if field.partition(b":")[0].strip().lower() not in _OF_BODY]
    return b"\r\n".join((line, *kept, b"Content-Length: 0", f"{THROWN_AWAY_HEADER}: 1".encode(), b"", b""))


class TurnedAwayError(Exception):
    """The request gets this answer from the loop itself, and its connection is closed."""

    def __init__(self, status: str, sentence: str = "") -> None:
        super().__init__(status)
        body = f"{sentence or status}\n".encode()
        self.answer = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        ).encode() + body


class IncomingRequest:
    """The bytes of one request as they come, the head in memory, a long body on the disk."""

    def __init__(self, now: float) -> None:
        self.since = now
        self.is_begun = False
        self.head: Head | None = None
        self.received = 0
        self._data = bytearray()
        self._body: IO[bytes] | None = None
        self._is_thrown_away = False

    @property
    def on_disk(self) -> int:
        """How many of its bytes are on the disk, at most."""
        return self.received if self._body is not None else 0

    @property
    def is_sign_in(self) -> bool:
        """Whether its head says that it is a form with a password (`Head.is_sign_in`)."""
        return self.head is not None and self.head.is_sign_in

    @property
    def is_complete(self) -> bool:
        return self.head is not None and self.received >= self.head.body_length

    def add(self, data: bytes, now: float) -> bool:
        """Take what has come; True when the browser waits for "100 Continue".

        Raises:
            TurnedAwayError: no such request is answered.
        """
        if not self.is_begun:
            self.is_begun, self.since = True, now
        if self.head is not None:
            self._add_to_body(data)
            return False
        seen = max(0, len(self._data) - len(_END))
        self._data += data
        self.head = read_head(self._data, seen)
        if self.head is None:
            if len(self._data) > MAX_HEAD_BYTES:
                raise TurnedAwayError("431 Request Header Fields Too Large")
            return False
        self._begin_body(self.head, now)
        return self.head.waits_for_go_on and not self.is_complete

    def _begin_body(self, head: Head, now: float) -> None:
        if head.is_chunked:
            raise TurnedAwayError("411 Length Required")
        if head.body_length > MAX_THROWN_AWAY:
            raise TurnedAwayError("413 Content Too Large")
        self.since = now
        self._is_thrown_away = head.body_length > MAX_BODY_BYTES
        if head.body_length > IN_MEMORY_BYTES and not self._is_thrown_away:
            self._body = tempfile.TemporaryFile()  # noqa: SIM115  closed with the request
        rest = bytes(self._data[head.length :])
        del self._data[head.length :]
        self._add_to_body(rest)

    def _add_to_body(self, data: bytes) -> None:
        self.received += len(data)
        if self._is_thrown_away:
            if self.is_complete:
                self._data = bytearray(without_body(self._data))
        elif self._body is not None:
            self._body.write(data)
        else:
            self._data += data

    def is_too_slow(self, now: float) -> bool:
        """Whether it has had its time."""
        if self.head is None:
            return now - self.since > HEAD_SECONDS
        return (now - self.since - GRACE_SECONDS) * BYTES_PER_SECOND > self.received

    def finish(self) -> None:
        """It is complete: from now on `recv` reads it from its beginning."""
        if self._body is not None:
            self._body.seek(0)

    def recv(self, size: int, *_flags: int) -> bytes:
        """The next bytes, for gunicorn's parser; nothing at the end, never a wait."""
        if self._data:
            found = bytes(self._data[:size])
            del self._data[:size]
            return found
        return self._body.read(size) if self._body is not None else b""

    def close(self) -> None:
        """Give the memory and the disk back."""
        self._data.clear()
        if self._body is not None:
            self._body.close()


class OutgoingSocket:
    """A socket whose `sendall` never waits: what the browser does not take at once is kept for the loop.

    It looks like a blocking socket to gunicorn; what would close it or wait on it does nothing.
    """

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.is_broken = False
        self._kept: IO[bytes] | None = None
        self._unsent = 0
        self._sent = 0

    @property
    def pending(self) -> int:
        """Bytes that wait to be sent."""
        return self._unsent

    def fileno(self) -> int:
        return self.raw.fileno()

    def sendall(self, data: bytes) -> None:
        """Send what goes at once, keep the rest.

        Raises:
            BrokenPipeError: the browser is gone.
        """
        view = memoryview(data)
        if not self._unsent:
            view = view[self._send(view) :]
        if self.is_broken:
            raise BrokenPipeError(errno.EPIPE, "the browser is gone")
        if view:
            if self._kept is None:
                self._kept = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  closed with the socket
            self._kept.seek(0, 2)
            self._kept.write(view)
            self._unsent += len(view)

    def send(self, data: bytes) -> int:
        """All of it. "100 Continue" was said by the loop already."""
        if not data.startswith(b"HTTP/1.1 100 "):
            self.sendall(data)
        return len(data)

    def flush(self) -> bool:
        """Send what goes; True when nothing is left, or nobody is there to take it."""
        while self._unsent and self._kept is not None and not self.is_broken:
            self._kept.seek(-self._unsent, 2)
            sent = self._send(memoryview(self._kept.read(min(self._unsent, 256_000))))
            if not sent:
                return self.is_broken
            self._unsent -= sent
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        return True

    def is_too_slow(self, seconds: float) -> bool:
        """Whether the browser has taken too little in the `seconds` since the answer was ready."""
        return (seconds - GRACE_SECONDS) * BYTES_PER_SECOND > self._sent

    def begin(self) -> None:
        """Count what is taken anew."""
        self._sent = 0

    def _send(self, view: memoryview) -> int:
        sent = 0
        try:
            while sent < len(view):
                sent += self.raw.send(view[sent:])
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.is_broken = True
        self._sent += sent
        return sent

    def gettimeout(self) -> float:
        return 0.0

    def settimeout(self, _seconds: float | None) -> None:
        pass

    def setblocking(self, _blocking: bool) -> None:
        pass

    def shutdown(self, _how: int) -> None:
        pass

    def recv(self, _size: int) -> bytes:
        return b""

    def close(self) -> None:
        pass

    def close_now(self) -> None:
        """Close the socket and what is kept for it; `close`, which gunicorn calls, leaves both to the loop."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._unsent = 0
        with suppress(OSError):
            self.raw.close()
