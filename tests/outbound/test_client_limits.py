"""How long and how large an answer may be, and that half of one is never taken for a whole one."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from papers.outbound.client import Client
from papers.outbound.errors import DeadlineError, NetworkError, TooLargeError
from papers.outbound.request import FetchRequest, FetchResponse
from tests.support.fake_upstream import Behaviour, FakeUpstream, NoRateLimit, fake_upstream, unlimited_client
from tests.support.wire_server import WireServer, drip, wire_server

AGENT = "Broadsheet/test"


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream() as running:
        yield running


def get(upstream: FakeUpstream, path: str, **options: object) -> FetchResponse:
    return unlimited_client(upstream.host).fetch(FetchRequest(upstream.url + path, "arxiv", **options))  # type: ignore[arg-type]


def get_raw(answer: bytes, **options: object) -> FetchResponse:
    with wire_server(answer) as server:
        return fetch_from(server, **options)


def fetch_from(server: WireServer, **options: object) -> FetchResponse:
    return unlimited_client(server.host).fetch(FetchRequest(server.url, "arxiv", **options))  # type: ignore[arg-type]


def packed_answer(body: bytes, encoding: str = "gzip") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- time and size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "header", "continue"],
)
def test_a_slow_drip_ends_at_the_deadline(start, drop):
    with wire_server(drip(start, drop, 0.02)) as server:
        started = time.monotonic()
        with pytest.raises(DeadlineError):
            fetch_from(server, deadline_seconds=0.4, idle_seconds=5.0)
        assert 0.3 < time.monotonic() - started < 1.5


def test_silence_ends_before_the_deadline(upstream):
    upstream.script("/rss", Behaviour(stall_seconds=3))
    started = time.monotonic()
    with pytest.raises(NetworkError, match="Nothing came for"):
        get(upstream, "/rss/cs", idle_seconds=0.2)
    assert time.monotonic() - started < 1.5


def test_the_deadline_is_for_all_redirects_together(upstream):
    upstream.script("/loop", Behaviour(status=302, headers={"Location": "/loop"}, stall_seconds=0.2, times=10))
    with pytest.raises(DeadlineError):
        get(upstream, "/loop", deadline_seconds=0.5)
    assert len(upstream.log("/loop")) == 3


def test_a_turn_is_renewed_while_nothing_comes(upstream, monkeypatch):
    monkeypatch.setattr("papers.outbound.deadline._HEARTBEAT_SECONDS", 0.05)
    clock = NoRateLimit()
    upstream.script("/rss", Behaviour(stall_seconds=0.4))
    Client(user_agent=AGENT, rate_limiter=clock, allow=[upstream.host]).fetch(
        FetchRequest(f"{upstream.url}/rss/cs", "arxiv")
    )
    assert 3 <= clock.turns[0].renewals <= 9


def test_a_large_answer_is_refused_however_it_is_sent(upstream):
    with pytest.raises(TooLargeError, match="1,000 bytes"):
        get(upstream, "/rss/cs", max_bytes=1000)
    endless = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000, 0.001)
    with wire_server(endless) as server, pytest.raises(TooLargeError):
        fetch_from(server, max_bytes=100_000)
    size = len(get(upstream, "/feeds/blog.rss").body)
    assert len(get(upstream, "/feeds/blog.rss", max_bytes=size).body) == size
    with pytest.raises(TooLargeError):
        get(upstream, "/feeds/blog.rss", max_bytes=size - 1)


def test_a_gzip_bomb_is_not_unpacked(upstream):
    upstream.script("/rss", Behaviour(bomb_bytes=100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            get(upstream, "/rss/cs", max_bytes=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_packed_stream_that_unpacks_to_nothing_ends_at_the_cap():
    pack = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    nothing = b"".join(pack.compress(b"") + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(40_000))
    with pytest.raises(TooLargeError):
        get_raw(packed_answer(nothing), max_bytes=100_000)


def test_huge_headers_are_not_read(upstream):
    upstream.script("/rss", Behaviour(header_bytes=1_000_000))
    with pytest.raises(NetworkError):
        get(upstream, "/rss/cs")


# --- bodies --------------------------------------------------------------------------------------------------------

TEXT = "Grüße aus dem Feed".encode() * 500


def packed(text: bytes) -> bytes:
    """The same bytes at any time: every process must see the same tests."""
    return gzip.compress(text, mtime=0)


def deflated(body: bytes, wbits: int) -> bytes:
    pack = zlib.compressobj(wbits=wbits)
    return pack.compress(body) + pack.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (packed(TEXT), "gzip"),
        (packed(TEXT), "X-GZIP"),
        (packed(TEXT[:700]) + packed(TEXT[700:]), "gzip"),
        (packed(TEXT) + b"\0" * 50, "gzip"),
        (deflated(TEXT, zlib.MAX_WBITS), "deflate"),
        (deflated(TEXT, -zlib.MAX_WBITS), "deflate"),
        (TEXT, "identity"),
        (TEXT, ""),
    ],
)
def test_a_body_is_unpacked(body, encoding):
    assert get_raw(packed_answer(body, encoding)).body == TEXT


def test_a_packed_body_may_come_byte_by_byte(upstream):
    upstream.script("/feeds/blog.rss", Behaviour(is_gzipped=True, drip_seconds=0.0001))
    assert get(upstream, "/feeds/blog.rss").body.endswith(b"</rss>\n")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_packing_that_was_not_asked_for_is_an_error(encoding):
    with pytest.raises(NetworkError, match="not asked for"):
        get_raw(packed_answer(TEXT, encoding))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_damaged_packed_body_is_an_error(encoding):
    with pytest.raises(NetworkError, match="packed body"):
        get_raw(packed_answer(b"this is not packed at all", encoding))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed(TEXT)[:-9],
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["nothing", "half a header", "short of its length", "no last chunk", "half a gzip", "no HTTP"],
)
def test_half_an_answer_is_an_error_and_never_a_short_success(answer):
    with pytest.raises(NetworkError):
        get_raw(answer)


def test_a_cut_at_any_point_is_an_error(upstream):
    for part in (0.0, 0.01, 0.5, 0.999):
        upstream.script("/rss", Behaviour(cut=part), Behaviour(cut=part, is_gzipped=True))
        for _ in range(2):
            with pytest.raises(NetworkError, match="cut"):
                get(upstream, "/rss/cs")


def test_a_body_is_handed_over_as_it_came_whatever_its_charset(upstream):
    upstream.script("/rss", Behaviour(charset="latin-1"))
    body = get(upstream, "/rss/cs").body
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
