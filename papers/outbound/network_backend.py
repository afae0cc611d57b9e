"""Opens the sockets of the outbound client: to checked addresses only, and for no longer than its request may take.

The address that was checked is the one that is connected to, so a name that answers differently the second time gains
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
from papers.outbound.deadline import Deadline
from papers.outbound.errors import NetworkError, describe_network_error

ResolveName = Callable[[str, int], Sequence[str]]
"""A name and port to its IP addresses, best first. Raises OSError."""
Connect = Callable[[tuple[str, int], float], socket.socket]
"""Opens a TCP connection to an IP address and port within some seconds. Raises OSError."""

_MIN_CONNECT_SECONDS = 2.0


def resolve_name(host: str, port: int) -> list[str]:
    """The addresses the system knows for a name, without repeats, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedNetworkBackend(httpcore.NetworkBackend):
    """httpcore's way to the network. Connecting takes at most `connect_seconds` over all addresses of a name."""

    def __init__(
        self, deadline: Deadline, allow: AllowList, *, resolve: ResolveName, connect: Connect, connect_seconds: float
    ) -> None:
        self._deadline = deadline
        self._allow = allow
        self._resolve = resolve
        self._connect = connect
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
        """Resolve, check, and connect to one of the very addresses that were checked."""
        end = time.monotonic() + self._connect_seconds
        addresses = allowed_addresses(host, port, self._lookup(host, port), self._allow)
        last_error: OSError | None = None
        for position, address in enumerate(addresses):
            left = end - time.monotonic()
            if left <= 0:
                break
            share = max(left / (len(addresses) - position), _MIN_CONNECT_SECONDS)
            try:
                opened = self._connect((address, port), min(share, left, self._deadline.remaining()))
            except OSError as error:
                last_error = error
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.has_used_allow_list = self._allow.has_name(host, port) or self._allow.has_address(address, port)
            return DeadlineStream(opened, self._deadline, self._connect_seconds)
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
            answer = answers.get(timeout=min(self._connect_seconds, self._deadline.remaining()))
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

    def __init__(self, connection: socket.socket, deadline: Deadline, connect_seconds: float) -> None:
        self._socket = connection
        self._deadline = deadline
        self._connect_seconds = connect_seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = time.monotonic() + (timeout or float("inf"))
        while True:
            self._socket.settimeout(self._deadline.next_timeout(end - time.monotonic()))
            try:
                return self._socket.recv(max_bytes)
            except TimeoutError:
                if time.monotonic() >= end:
                    raise NetworkError(f"Nothing came for {timeout:.0f} seconds.") from None
            except OSError as error:
                raise NetworkError(f"The connection broke ({describe_network_error(error)}).") from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._socket.settimeout(self._deadline.remaining())
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
            self._socket.settimeout(min(self._connect_seconds, self._deadline.remaining()))
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
        return DeadlineStream(wrapped, self._deadline, self._connect_seconds)

    def get_extra_info(self, info: str) -> Any:
        """Nothing: connections are used once, so nobody asks whether one can be used again."""
        return None
