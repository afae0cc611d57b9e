"""The outbound client: what it sends, what it takes, and how it fails. Real sockets on 127.0.0.1, no mocks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from papers.outbound.client import Client, user_agent
from papers.outbound.errors import HttpStatusError, NetworkError, RefusedError, describe_network_error
from papers.outbound.host_rate_limit import host_group_of, parse_rate_limit, parse_retry_after
from papers.outbound.request import FetchRequest, FetchResponse, RequestReport
from tests.support.fake_upstream import Behaviour, FakeUpstream, NoRateLimit, fake_upstream, unlimited_client
from tests.support.wire_server import wire_server

AGENT = user_agent(version="1.2", site_url="https://papers.example", admin="admin@papers.example")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PUBLIC = "1.1.1.1"


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream() as running:
        yield running


def get(upstream: FakeUpstream, path: str, **options: object) -> FetchResponse:
    return unlimited_client(upstream.host).fetch(FetchRequest(upstream.url + path, "arxiv", **options))  # type: ignore[arg-type]


# --- what is sent and what comes back ------------------------------------------------------------------------------


def test_every_request_says_who_asks_and_what_for(upstream):
    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), allow=[upstream.host])
    client.fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv", params={"a b": "ü&c"}))
    [entry] = upstream.log()
    assert entry.headers["user-agent"] == "Broadsheet/1.2 (+https://papers.example; mailto:admin@papers.example)"
    assert entry.headers["accept"] == "application/atom+xml, application/xml;q=0.9, */*;q=0.8"
    assert entry.headers["accept-encoding"] == "gzip, deflate"
    assert entry.headers["connection"] == "close"
    assert entry.headers["host"] == upstream.host
    assert entry.params == {"a b": "ü&c"}
    assert not {"cookie", "authorization", "if-none-match", "if-modified-since"} & set(entry.headers)


def test_an_answer_is_reported_with_its_cost(upstream):
    reports: list[RequestReport] = []
    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), allow=[upstream.host], report=reports.append)
    upstream.script("/rss", Behaviour(is_gzipped=True, stall_seconds=0.1))
    answer = client.fetch(FetchRequest(f"{upstream.url}/rss/cs?key=secret", "arxiv"))
    [report] = reports
    assert report.url == f"{upstream.url}/rss/cs", "a query may hold a key"
    assert (report.status, report.error) == (200, "")
    assert report.decoded_bytes == len(answer.body) > report.wire_bytes == answer.wire_bytes > 100
    assert report.seconds >= 0.1
    assert answer.content_type == "application/xml; charset=utf-8"


def test_a_failure_is_reported_too(upstream):
    reports: list[RequestReport] = []
    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), allow=[upstream.host], report=reports.append)
    upstream.script("/rss", Behaviour(cut=0.5))
    with pytest.raises(NetworkError) as error:
        client.fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv"))
    assert error.value.url == f"{upstream.url}/rss/cs"
    assert (reports[0].status, reports[0].error) == (200, str(error.value))
    assert reports[0].wire_bytes > 0


def test_surroundings_name_no_proxy(upstream, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(upstream, "/rss/cs").status == 200


def test_a_group_is_all_hosts_of_one_service():
    for host in (
        "export.arxiv.org",
        "oaipmh.arxiv.org",
        "rss.arxiv.org",
        "arxiv.org",
        "www.arxiv.org",
        "WWW.ARXIV.ORG.",
    ):
        assert host_group_of(f"https://{host}/x") == "arxiv"
    assert host_group_of("https://huggingface.co/api/daily_papers") == "huggingface"
    assert host_group_of("https://notarxiv.org/feed") == "feed:notarxiv.org"
    assert host_group_of("http://Example.org:8080/feed") == "feed:example.org"


# --- conditional requests ------------------------------------------------------------------------------------------


def test_validators_are_sent_back_verbatim_and_304_is_an_answer(upstream):
    first = get(upstream, "/feeds/blog.rss")
    assert first.etag.startswith('W/"')
    second = get(upstream, "/feeds/blog.rss", etag=first.etag, last_modified=first.last_modified)
    assert second.is_not_modified
    assert (second.body, second.etag, second.last_modified) == (b"", first.etag, first.last_modified)
    headers = upstream.log()[-1].headers
    assert (headers["if-none-match"], headers["if-modified-since"]) == (first.etag, first.last_modified)


def test_a_validator_of_odd_bytes_survives_the_round_trip():
    etag = 'W/"\xe9\xff"'
    answer = f"HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: 1\r\n\r\nx".encode("latin-1")
    with wire_server(answer) as server:
        client = unlimited_client(server.host)
        first = client.fetch(FetchRequest(server.url, "arxiv"))
        client.fetch(FetchRequest(server.url, "arxiv", etag=first.etag))
        assert first.etag == etag
        assert f"If-None-Match: {etag}\r\n".encode("latin-1") in server.requests[1]


def test_a_304_that_nobody_asked_for_is_a_failure(upstream):
    upstream.script("/rss", Behaviour(status=304))
    with pytest.raises(HttpStatusError) as error:
        get(upstream, "/rss/cs")
    assert error.value.status == 304


# --- statuses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [202, 204, 206, 300, 400, 403, 404, 406, 410, 429, 500, 503, 599])
def test_what_is_no_success_is_an_error_with_its_words(upstream, status):
    upstream.script("/rss", Behaviour(status=status, body="Rate\x00 exceeded.\n" if status >= 400 else ""))
    with pytest.raises(HttpStatusError) as error:
        get(upstream, "/rss/cs")
    assert error.value.status == status
    assert f"answered {status}" in str(error.value)
    if status >= 400:
        assert error.value.body == b"Rate\x00 exceeded.\n"
        assert str(error.value).endswith("It said: Rate exceeded.")


def test_the_body_of_an_error_can_be_read_by_the_source(upstream):
    with pytest.raises(HttpStatusError) as error:
        get(upstream, "/api/query", params={"id_list": "abc"})
    assert error.value.status == 400
    assert b"incorrect_id_format_for_abc" in error.value.body


def test_a_long_error_page_is_cut(upstream):
    upstream.script("/rss", Behaviour(status=500, body="x" * 200_000))
    with pytest.raises(HttpStatusError) as error:
        get(upstream, "/rss/cs")
    assert len(error.value.body) == 64 * 1024
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "999999999999999999999"}, 86400),
        ({"Retry-After": "soon"}, None),
        ({"RateLimit": '"api";r=0;t=123'}, 123),
        ({"Retry-After": "5", "RateLimit": '"api";r=0;t=123'}, 5),
        ({}, None),
    ],
)
def test_an_error_says_when_to_come_again(upstream, headers, seconds):
    upstream.script("/rss", Behaviour(status=429, headers=headers))
    with pytest.raises(HttpStatusError) as error:
        get(upstream, "/rss/cs")
    assert error.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("86401", 86400),
        ("9" * 400, 86400),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Friday, 20-Nov-26 12:00:30 GMT", 30),
        ("Fri Nov 20 12:00:30 2026", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 20 Nov 9026 11:00:00 GMT", 86400),
        ("-5", None),
        ("1.5", None),
        ("\u0661\u0662", None),
        ("", None),
        ("tomorrow", None),
        ("Fri, 99 Nov 2026 12:00:30 GMT", None),
        ("Fri, 20 Nov 99999999999999 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


def test_a_date_in_retry_after_is_read_by_the_real_clock(upstream):
    soon = datetime.now(UTC) + timedelta(seconds=60)
    upstream.script("/rss", Behaviour(status=503, headers={"Retry-After": f"{soon:%a, %d %b %Y %H:%M:%S} GMT"}))
    with pytest.raises(HttpStatusError) as error:
        get(upstream, "/rss/cs")
    assert error.value.retry_after_seconds == pytest.approx(59, abs=3)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ('"api";r=0;t=123', 123),
        ('"api"; r=0; t=123', 123),
        ('"pages";r=0;t=9, "api";r=0;t=40', 40),
        ('"pages";r=17;t=99, "api";r=0;t=40', 40),
        ('"api";r=17;t=123', None),
        ('"api";r=0;t=99999999', 86400),
        ('"api";r=0', None),
        ("garbage", None),
        ("", None),
    ],
)
def test_a_spent_budget_says_when_it_opens_again(value, seconds):
    assert parse_rate_limit(value) == seconds


# --- redirects -----------------------------------------------------------------------------------------------------


def redirect(to: str, status: int = 302) -> Behaviour:
    return Behaviour(status=status, headers={"Location": to})


def test_a_redirect_is_followed_and_takes_a_turn_of_its_own(upstream):
    clock = NoRateLimit()
    client = Client(user_agent=AGENT, rate_limiter=clock, allow=[upstream.host])
    upstream.script("/feeds/old", redirect("blog.rss?x=1", 307))
    answer = client.fetch(FetchRequest(f"{upstream.url}/feeds/old", "feed:127.0.0.1"))
    assert answer.url == f"{upstream.url}/feeds/blog.rss?x=1"
    assert [turn.group for turn in clock.turns] == ["feed:127.0.0.1"] * 2
    assert (answer.permanent_redirects, answer.moved_to) == (0, None)


def test_only_a_permanent_move_gives_a_new_address(upstream):
    upstream.script("/feeds/1", redirect("/feeds/2", 301))
    upstream.script("/feeds/2", redirect("/feeds/3", 308))
    upstream.script("/feeds/3", redirect("/feeds/blog.rss", 302))
    answer = get(upstream, "/feeds/1")
    assert answer.permanent_redirects == 2
    assert answer.moved_to == f"{upstream.url}/feeds/3"
    assert answer.url == f"{upstream.url}/feeds/blog.rss"


def test_a_permanent_move_behind_a_temporary_one_gives_none(upstream):
    upstream.script("/feeds/1", redirect("/feeds/2", 302))
    upstream.script("/feeds/2", redirect("/feeds/blog.rss", 301))
    answer = get(upstream, "/feeds/1")
    assert (answer.permanent_redirects, answer.moved_to) == (1, None)


def test_redirects_end_after_five(upstream):
    upstream.script("/loop", Behaviour(status=302, headers={"Location": "/loop"}, times=10))
    with pytest.raises(RefusedError, match="more than 5 times"):
        get(upstream, "/loop")
    assert len(upstream.log("/loop")) == 6


@pytest.mark.parametrize(
    "target",
    ["ftp://a.example/x", "file:///etc/passwd", "http://u:p@127.0.0.1/", "http://[::1/", "gopher:x", "http:\x7f"],
)
def test_a_redirect_to_what_is_no_web_address_is_refused(upstream, target):
    upstream.script("/rss", redirect(target))
    with pytest.raises(RefusedError):
        get(upstream, "/rss/cs")


@pytest.mark.parametrize(
    "target", ["http://xn--a.example/", "//xn--.example/x", "http://☃.example/", "http://a..b/", "http://" + "a" * 64]
)
def test_a_redirect_to_a_host_without_a_valid_name_is_refused(upstream, target):
    upstream.script("/rss", redirect(target.encode().decode("latin-1")))
    with pytest.raises(RefusedError):
        get(upstream, "/rss/cs")
    with pytest.raises(RefusedError):
        host_group_of(target)


def test_a_host_beyond_ascii_is_asked_by_its_own_name(upstream):
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    port = upstream.url.rpartition(":")[2]
    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), allow=[f"Straße.example:{port}"], resolve=resolve)
    answer = client.fetch(FetchRequest(f"http://STRAßE.example:{port}/rss/cs", "feed:x"))
    assert asked == ["xn--strae-oqa.example"]
    assert answer.url == f"http://xn--strae-oqa.example:{port}/rss/cs"
    [entry] = upstream.log()
    assert entry.headers["host"] == f"xn--strae-oqa.example:{port}"
    for url in ("https://straße.example/x", "https://xn--strae-oqa.example/"):
        assert host_group_of(url) == "feed:xn--strae-oqa.example"


def test_a_redirect_inwards_is_refused(upstream):
    for target in ("http://10.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest"):
        upstream.script("/rss", redirect(target))
        with pytest.raises(RefusedError, match="not on the public internet"):
            get(upstream, "/rss/cs")


def test_a_stranger_leads_nobody_to_an_allowed_host(upstream):
    """The allow-list is for addresses that the operator wrote, and for what allowed hosts themselves lead to."""
    with wire_server(f"HTTP/1.1 302 Found\r\nLocation: {upstream.url}/rss/cs\r\n\r\n".encode()) as stranger:
        client = Client(
            user_agent=AGENT,
            rate_limiter=NoRateLimit(),
            allow=[upstream.host],
            resolve=lambda host, port: [PUBLIC] if host == "stranger.example" else ["127.0.0.1"],
            connect=lambda address, seconds: socket.create_connection(
                ("127.0.0.1", stranger.port) if address[0] == PUBLIC else address, seconds
            ),
        )
        with pytest.raises(RefusedError, match="not on a port of the web"):
            client.fetch(FetchRequest("http://stranger.example/", "feed:stranger.example"))
    assert upstream.log() == []


def test_tokens_stay_with_the_host_they_are_for(upstream):
    with fake_upstream() as other:
        upstream.script("/feeds/1", redirect("/feeds/2"))
        upstream.script(
            "/feeds/2", Behaviour(status=302, headers={"Location": f"{other.url}/rss/cs", "Set-Cookie": "a=b"})
        )
        client = unlimited_client(upstream.host, other.host)
        client.fetch(FetchRequest(f"{upstream.url}/feeds/1", "arxiv", headers={"Authorization": "Bearer t"}))
        assert [entry.headers.get("authorization") for entry in upstream.log()] == ["Bearer t", "Bearer t"]
        [entry] = other.log()
        assert not {"authorization", "cookie"} & set(entry.headers)
        assert entry.headers["accept"].startswith("application/atom+xml")


def test_another_host_is_asked_in_its_own_group(upstream):
    clock = NoRateLimit()
    client = Client(
        user_agent=AGENT,
        rate_limiter=clock,
        allow=[upstream.host, f"export.arxiv.org:{upstream.url.rpartition(':')[2]}"],
        resolve=lambda host, port: ["127.0.0.1"],
    )
    upstream.script("/feeds/1", redirect(f"http://export.arxiv.org:{upstream.url.rpartition(':')[2]}/rss/cs"))
    client.fetch(FetchRequest(f"{upstream.url}/feeds/1", "feed:127.0.0.1"))
    assert [turn.group for turn in clock.turns] == ["feed:127.0.0.1", "arxiv"]


# --- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "0177.1", "127.1", "0", "[::ffff:127.0.0.1]"),
        *("10.0.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[64:ff9b::7f00:1]", "[fd00::1]"),
    ],
)
def test_no_spelling_of_an_inner_address_is_opened(host):
    def dial(address: tuple[str, int], seconds: float) -> socket.socket:
        raise AssertionError(f"dialled {address}")

    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), connect=dial)
    with pytest.raises(RefusedError, match="not on the public internet"):
        client.fetch(FetchRequest(f"http://{host}/", "arxiv"))


def test_the_checked_address_is_the_one_that_is_dialled(upstream):
    """A name that answers differently the second time (DNS rebinding) is never asked a second time."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    dialled: list[str] = []

    def dial(address: tuple[str, int], seconds: float) -> socket.socket:
        dialled.append(address[0])
        return socket.create_connection(("127.0.0.1", int(upstream.url.rpartition(":")[2])), seconds)

    client = Client(
        user_agent=AGENT, rate_limiter=NoRateLimit(), resolve=lambda host, port: next(answers), connect=dial
    )
    assert client.fetch(FetchRequest("http://rebind.example/rss/cs", "arxiv")).status == 200
    assert dialled == [PUBLIC]
    assert upstream.log()[-1].headers["host"] == "rebind.example"
    with pytest.raises(RefusedError):
        client.fetch(FetchRequest("http://rebind.example/rss/cs", "arxiv"))
    assert dialled == [PUBLIC]


def test_the_next_address_is_tried_when_one_does_not_answer(upstream):
    dialled: list[str] = []

    def dial(address: tuple[str, int], seconds: float) -> socket.socket:
        dialled.append(address[0])
        if address[0] != "9.9.9.9":
            raise ConnectionRefusedError("no")
        return socket.create_connection(("127.0.0.1", int(upstream.url.rpartition(":")[2])), seconds)

    found = ["2600::1", "10.0.0.1", PUBLIC, "9.9.9.9"]
    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), resolve=lambda host, port: found, connect=dial)
    assert client.fetch(FetchRequest("http://many.example/rss/cs", "arxiv")).status == 200
    assert dialled == ["2600::1", PUBLIC, "9.9.9.9"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the name is not known"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "no name server answers"),
        (socket.gaierror(99, "?"), "the look-up failed"),
        (UnicodeError("label too long"), "it is not a valid host name"),
        (ConnectionRefusedError(111, "Connection refused"), "refused"),
        (ConnectionResetError(104, "Connection reset by peer"), "closed by the other side"),
        (TimeoutError("timed out"), "timed out"),
        (OSError(101, "Network is unreachable"), "no way there from this machine"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_an_error_of_the_network_is_told_in_words(error, words):
    assert describe_network_error(error) == words


def test_a_name_that_is_not_found_and_a_closed_port_are_told():
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), resolve=fail)
    with pytest.raises(NetworkError, match=r"nosuch\.example could not be looked up .*not known"):
        client.fetch(FetchRequest("http://nosuch.example/", "arxiv"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(NetworkError, match=f"No connection to {host}"):
            unlimited_client(host).fetch(FetchRequest(f"http://{host}/", "arxiv"))


def test_a_name_server_that_does_not_answer_is_not_waited_for():
    def sleep(host: str, port: int) -> list[str]:
        time.sleep(2)
        return [PUBLIC]

    client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), resolve=sleep, connect_seconds=0.1)
    started = time.monotonic()
    with pytest.raises(NetworkError, match="in time"):
        client.fetch(FetchRequest("http://slow.example/", "arxiv"))
    assert time.monotonic() - started < 1


# --- through a proxy -----------------------------------------------------------------------------------------------


def test_a_proxy_is_asked_for_public_names_and_own_hosts_are_asked_directly(upstream):
    with wire_server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy") as proxy:
        client = Client(
            user_agent=AGENT, rate_limiter=NoRateLimit(), allow=[upstream.host], proxy=f"http://u:p@{proxy.host}"
        )
        assert client.fetch(FetchRequest("http://papers.example/feed?a=1", "arxiv")).body == b"proxy"
        assert proxy.requests[0].startswith(b"GET http://papers.example/feed?a=1 HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dTpw\r\n" in proxy.requests[0]
        for url in ("http://127.0.0.1/", "http://2130706433/", "http://intranet/", "http://papers.example:22/"):
            with pytest.raises(RefusedError):
                client.fetch(FetchRequest(url, "arxiv"))
        assert len(proxy.requests) == 1
        assert client.fetch(FetchRequest(f"{upstream.url}/rss/cs", "arxiv")).body != b"proxy"


def test_a_proxy_that_refuses_is_an_error():
    with wire_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        client = Client(user_agent=AGENT, rate_limiter=NoRateLimit(), proxy=f"http://{proxy.host}")
        with pytest.raises(NetworkError, match="407"):
            client.fetch(FetchRequest("https://papers.example/feed", "arxiv"))
        assert proxy.requests[0].startswith(b"CONNECT papers.example:443 HTTP/1.1\r\n")


@pytest.mark.parametrize("proxy", ["https://proxy.lab:3128", "proxy.lab", "socks5://proxy.lab"])
def test_a_proxy_of_another_kind_is_named(proxy):
    with pytest.raises(ValueError, match=r"http://proxy\.example:3128"):
        Client(user_agent=AGENT, rate_limiter=NoRateLimit(), proxy=proxy)
