"""How a fetch fails. Every message says what happened and, where there is something to do, what."""

from __future__ import annotations

import errno
import socket
from datetime import datetime


class SourceError(Exception):
    """A fetch failed as a whole. The message says what happened and what to do about it.

    `retry_after_seconds` is set where it is known when to come again.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class FetchError(SourceError):
    """One request failed; `url` is the address that was asked, without its query."""

    def __init__(self, message: str, *, url: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.url = url


class RefusedError(FetchError):
    """We don't ask such an address: not http(s), not a public host, a redirect that leads where it must not."""


class NetworkError(FetchError):
    """No whole answer came: name not found, no connection, bad certificate, broken or cut answer."""


class ConnectionLostError(NetworkError):
    """The connection was there, and broke: what was sent may have arrived."""


class DeadlineError(NetworkError):
    """The answer did not end within the time that one request may take."""


class TooLargeError(FetchError):
    """The answer is larger than what the request allows, after unpacking."""


class HttpStatusError(FetchError):
    """The answer came, with a status that is not success. `body` holds its first 64 KB, decoded.

    `retry_after_seconds` is what the answer asked for, else how long its host group is closed by the rate limit.
    """

    def __init__(
        self, message: str, *, url: str, status: int, body: bytes, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, url=url, retry_after_seconds=retry_after_seconds)
        self.status = status
        self.body = body


class HostBusyError(FetchError):
    """No slot of this group of hosts within the time that the request may wait; nothing was sent.

    Not a failure of the source: come again after `retry_after_seconds`, at `not_before` (aware, the database's clock).
    """

    retry_after_seconds: float

    def __init__(self, message: str, *, not_before: datetime, retry_after_seconds: float) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.not_before = not_before


class SlotLostError(FetchError):
    """This process was stopped for longer than its slot lasts, which went to another; the request was given up."""


# By kind of error, so that no page shows `[Errno -2]`.
_WORDS: tuple[tuple[type[OSError], str], ...] = (
    (ConnectionRefusedError, "refused"),
    (ConnectionResetError, "closed by the other side"),
    (BrokenPipeError, "closed by the other side"),
    (TimeoutError, "timed out"),
)
_WORDS_OF_NUMBERS = {
    socket.EAI_NONAME: "the name is not known",
    socket.EAI_AGAIN: "no name server answers",
    socket.EAI_FAIL: "the name server refuses",
}
_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)


def describe_network_error(error: OSError | UnicodeError) -> str:
    """What went wrong with the network, in words for the page of sources, without numbers such as [Errno -2]."""
    if isinstance(error, UnicodeError):
        return "it is not a valid host name"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, socket.gaierror):
        return _WORDS_OF_NUMBERS.get(error.errno or 0, "the look-up failed")
    if error.errno in _UNREACHABLE:
        return "no way there from this machine"
    return error.strerror or str(error)
