"""Opens the sockets of the outbound client: to checked addresses only, and for no longer than its request may take.

The address that was checked is the one that is dialled, so a name that answers differently the second time gains
nothing. TLS and the Host header still use the name.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from papers.outbound.address_guard import AllowList, allowed_addresses
from papers.outbound.errors import DeadlineError, NetworkError, describe_network_error

ResolveName = Callable[[str, int], Sequence[str]]
"""A name and port to its IP addresses, best first. Raises OSError."""
Connect = Callable[[tuple[str, int], float], socket.socket]
"""Opens a TCP connection to an IP address and port within some seconds. Raises OSError."""

_BEAT_SECONDS = 5.0
_SHORTEST_DIAL_SECONDS = 2.0


class Deadline:
    """The time that one request may take, and the sign of life it gives meanwhile."""

    def __init__(self, seconds: float, beat: Callable[[], None]) -> None:
        self._seconds = seconds
        self._beat = beat
        self._ends_at = time.monotonic() + seconds
        self._next_beat_at = time.monotonic() + _BEAT_SECONDS

    def left(self) -> float:
        """Seconds that are left, more than 0; gives the sign of life where it is due.

        Raises:
            DeadlineError: none are left.
        """
        now = time.monotonic()
        if now >= self._ends_at:
            raise DeadlineError(f"The answer did not end within {self._seconds:.0f} seconds.")
        if now >= self._next_beat_at:
            self._beat()
            self._next_beat_at = time.monotonic() + _BEAT_SECONDS
        return self._ends_at - now

    def step(self, seconds: float) -> float:
        """How long to wait at once, so that the deadline and the next sign of life are kept."""
        return max(min(seconds, self.left(), self._next_beat_at - time.monotonic()), 0.001)


def resolve_name(host: str, port: int) -> list[str]:
    """The addresses the system knows for a name, without repeats, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedNetworkBackend(httpcore.NetworkBackend):
    """httpcore's way to the network. Connecting takes at most `connect_seconds` over all addresses of a name."""

    def __init__(
        self, watch: Deadline, allow: AllowList, *, resolve: ResolveName, dial: Connect, connect_seconds: float
    ) -> None:
        self._watch = watch
        self._allow = allow
        self._resolve = resolve
        self._dial = dial
        self._connect_seconds = connect_seconds
        self.has_used_allow_list = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, and dial one of the very addresses that were checked."""
        end = time.monotonic() + self._connect_seconds
        addresses = allowed_addresses(host, port, self._lookup(host, port), self._allow)
        last_error: OSError | None = None
        for position, address in enumerate(addresses):
            left = end - time.monotonic()
            if left <= 0:
                break
            share = max(left / (len(addresses) - position), _SHORTEST_DIAL_SECONDS)
            try:
                opened = self._dial((address, port), min(share, left, self._watch.left()))
            except OSError as error:
                last_error = error
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.has_used_allow_list = self._allow.has_name(host, port) or self._allow.has_address(address, port)
            return DeadlineStream(opened, self._watch, self._connect_seconds)
        why = describe_network_error(last_error) if last_error else "timed out"
        raise NetworkError(f"No connection to {host}:{port} ({why}).") from last_error

    def _lookup(self, host: str, port: int) -> Sequence[str]:
        # The system's resolver knows no timeout: it is asked in a thread that can be left behind.
        answers: queue.SimpleQueue[Sequence[str] | OSError | UnicodeError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        try:
            answer = answers.get(timeout=min(self._connect_seconds, self._watch.left()))
        except queue.Empty:
            raise NetworkError(f"The name {host} could not be looked up in time.") from None
        if isinstance(answer, OSError | UnicodeError):
            raise NetworkError(
                f"The name {host} could not be looked up ({describe_network_error(answer)})."
            ) from answer
        if not answer:
            raise NetworkError(f"The name {host} has no address.")
        return answer


class DeadlineStream(httpcore.NetworkStream):
    """One connection. Every wait is cut into short ones, between which the deadline is looked at."""

    def __init__(self, connection: socket.socket, watch: Deadline, connect_seconds: float) -> None:
        self._socket = connection
        self._watch = watch
        self._connect_seconds = connect_seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = time.monotonic() + (timeout or float("inf"))
        while True:
            self._socket.settimeout(self._watch.step(end - time.monotonic()))
            try:
                return self._socket.recv(max_bytes)
            except TimeoutError:
                if time.monotonic() >= end:
                    raise NetworkError(f"Nothing came for {timeout:.0f} seconds.") from None
            except OSError as error:
                raise NetworkError(f"The connection broke ({describe_network_error(error)}).") from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._socket.settimeout(self._watch.left())
            self._socket.sendall(buffer)
        except OSError as error:
            # httpcore then still reads what the server had to say before it closed.
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(min(self._connect_seconds, self._watch.left()))
            # A connection closed without TLS's goodbye may be a cut one, and is not taken for the end of an answer.
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname, suppress_ragged_eofs=False)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise NetworkError(
                f"The certificate of {server_hostname} is not valid ({error.verify_message}). "
                "If it is signed by an authority of your own, name its file in SSL_CERT_FILE."
            ) from error
        except OSError as error:
            self.close()
            raise NetworkError(
                f"No secure connection to {server_hostname} ({describe_network_error(error)})."
            ) from error
        return DeadlineStream(wrapped, self._watch, self._connect_seconds)

    def get_extra_info(self, info: str) -> Any:
        """Nothing: connections are used once, so nobody asks whether one can be used again."""
        return None
