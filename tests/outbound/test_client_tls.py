"""TLS of the outbound client: it dials a checked address and still verifies the name."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from papers.outbound.client import Client
from papers.outbound.errors import DeadlineError, NetworkError, RefusedError
from papers.outbound.request import FetchRequest
from tests.support.fake_upstream import NoRateLimit
from tests.support.wire_server import Answer, WireServer, drip, wire_server

FILES = Path(__file__).parents[1] / "answers" / "tls"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\nhello"


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FILES / "papers.test.pem")
    return context


def client_of(server: WireServer, *, authority: Path | None = FILES / "authority.pem") -> Client:
    """Takes every name for a public address, which leads to the server."""
    context = ssl.create_default_context(cafile=authority) if authority else None
    if context:
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    return Client(
        user_agent="Broadsheet/test",
        rate_limiter=NoRateLimit(),
        resolve=lambda host, port: ["1.1.1.1"],
        connect=lambda address, seconds: socket.create_connection(("127.0.0.1", server.port), seconds),
        ssl_context=context,
    )


def fetch(answer: Answer, host: str = "papers.test", *, deadline_seconds: float = 5.0) -> bytes:
    with wire_server(answer, server_context()) as server:
        request = FetchRequest(f"https://{host}/feed", "arxiv", deadline_seconds=deadline_seconds)
        return client_of(server).fetch(request).body


def test_the_certificate_is_checked_against_the_name_and_not_the_address():
    assert fetch(WHOLE) == b"hello"
    with pytest.raises(NetworkError, match=r"certificate of other\.test is not valid.*SSL_CERT_FILE"):
        fetch(WHOLE, host="other.test")


def test_an_authority_that_nobody_trusts_is_not_trusted():
    with wire_server(WHOLE, server_context()) as server, pytest.raises(NetworkError, match="not valid"):
        client_of(server, authority=None).fetch(FetchRequest("https://papers.test/", "arxiv"))


def test_an_authority_of_ones_own_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(FILES / "authority.pem"))
    with wire_server(WHOLE, server_context()) as server:
        client = client_of(server, authority=None)
        assert client.fetch(FetchRequest("https://papers.test/", "arxiv")).body == b"hello"


def test_an_end_without_goodbye_is_no_end_of_an_answer():
    """A body that ends with the connection is whole only where TLS said so; anybody can cut a TCP connection."""

    def say_goodbye(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        connection.sendall(UNTIL_CLOSED)
        connection.unwrap().close()

    assert fetch(say_goodbye) == b"hello"
    with pytest.raises(NetworkError, match="broke"):
        fetch(UNTIL_CLOSED)
    assert fetch(WHOLE) == b"hello", "an answer that gives its length needs no goodbye"


def test_a_slow_drip_ends_at_the_deadline_under_tls_too():
    with pytest.raises(DeadlineError):
        fetch(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x", 0.02), deadline_seconds=0.4)


def test_a_server_that_speaks_no_tls_is_told():
    with wire_server(WHOLE) as server, pytest.raises(NetworkError, match=r"No secure connection to papers\.test"):
        client_of(server).fetch(FetchRequest("https://papers.test/", "arxiv"))


def test_https_never_redirects_to_plain_http():
    with pytest.raises(RefusedError, match="from https to plain http"):
        fetch(b"HTTP/1.1 301 Moved\r\nLocation: http://papers.test/feed\r\nContent-Length: 0\r\n\r\n")
