"""The one outbound HTTP client: guarded addresses, deadlines, caps, redirects by hand, and a turn for every request.

It does not retry. A request ends in a `FetchResponse` or in one of the errors of `papers.outbound.errors`.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

import httpcore
import httpx

from papers.outbound.address_guard import AllowList, check_proxy_target, check_url
from papers.outbound.decompression import read_body, read_start
from papers.outbound.errors import (
    ConnectionLostError,
    DeadlineError,
    FetchError,
    HostBusyError,
    HttpStatusError,
    NetworkError,
    RefusedError,
    SlotLostError,
    TooLargeError,
)
from papers.outbound.network_backend import Connect, Deadline, GuardedNetworkBackend, ResolveName, resolve_name
from papers.outbound.request import AcquiredSlot, FetchRequest, FetchResponse, HostRateLimiter, RequestReport
from papers.outbound.retry_headers import parse_rate_limit, parse_retry_after
from papers.text.hostnames import ascii_address

__all__ = [
    "AcquiredSlot",
    "Client",
    "ConnectionLostError",
    "DeadlineError",
    "FetchError",
    "FetchRequest",
    "FetchResponse",
    "HostBusyError",
    "HostRateLimiter",
    "HttpStatusError",
    "NetworkError",
    "RefusedError",
    "RequestReport",
    "SlotLostError",
    "TooLargeError",
    "host_group_of",
    "page_host_group_of",
    "user_agent",
]

logger = logging.getLogger(__name__)

MAX_REDIRECTS = 5
MAX_ERROR_BYTES = 64 * 1024
CONNECT_SECONDS = 10.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_SUCCESS = frozenset({200, 203})
_SUCCESS_OF_POSTS = _SUCCESS | {201, 202, 204}
_GROUPS = {
    "arxiv.org": "arxiv",
    "huggingface.co": "huggingface",
    "crossref.org": "crossref",
    "doi.org": "crossref",
    "datacite.org": "datacite",
    "crosscite.org": "datacite",
    "semanticscholar.org": "semanticscholar",
    "openalex.org": "openalex",
    "biorxiv.org": "biorxiv",
    "eutils.ncbi.nlm.nih.gov": "pubmed",
}
_HINTS = {
    401: "It asks for a sign-in; check the source's token.",
    403: "It does not want to be asked; wait, and look whether the group's address is blocked there.",
    404: "There is no such page; check the source's address.",
    410: "The page is gone for good; give the source another address or turn it off.",
    429: "It wants fewer requests.",
}


def host_group_of(url: str) -> str:
    """The group of hosts that share one politeness clock: `arxiv` for all of arXiv's, else `feed:<host>`.

    Raises:
        RefusedError: it is no address.
    """
    return _group_of_host(_host(_parse_url(url)))


def page_host_group_of(url: str) -> str:
    """The group for a page that a reader named: a known one, else `page:<host>`, so that no feed of that host is
    stopped where the page refuses.

    Raises:
        RefusedError: it is no address.
    """
    return _page_group(host_group_of(url))


def _page_group(group: str) -> str:
    return group.replace("feed:", "page:", 1) if group.startswith("feed:") else group


def user_agent(*, version: str, site_url: str, admin: str) -> str:
    """Who asks, with the addresses at which a server's operator can complain."""
    return f"Broadsheet/{version} (+{site_url}; mailto:{admin})"


@dataclass(slots=True)
class _Answer:
    """What one exchange brought. Filled in as it comes, so that a broken one can still be reported."""

    url: httpx.URL
    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    wire_bytes: int = 0
    seconds: float = 0.0
    retry_after_seconds: float | None = None
    is_allowed_host: bool = False
    is_private: bool = False
    is_post: bool = False

    @property
    def is_success(self) -> bool:
        return self.status in (_SUCCESS_OF_POSTS if self.is_post else _SUCCESS)

    @property
    def location(self) -> str | None:
        return self.headers.get("location") if self.status in _REDIRECTS else None

    def validator(self, name: bytes) -> str:
        """A header in the very bytes it came in, so that it can be sent back verbatim."""
        return next((value.decode("latin-1") for key, value in self.headers.raw if key.lower() == name), "")


@dataclass(slots=True)
class _Trail:
    """Where a request has been led so far."""

    moved_to: str | None = None
    permanent: int = 0
    is_only_permanent: bool = True
    seconds: float = 0.0

    def follow(self, answer: _Answer, target: httpx.URL) -> None:
        is_permanent = answer.status in _PERMANENT
        self.permanent += is_permanent
        self.is_only_permanent = self.is_only_permanent and is_permanent
        if self.is_only_permanent:
            self.moved_to = str(target)


class Client:
    """Fetches, within the rules above. Holds no connection, no cookie and no state: one may serve many threads."""

    def __init__(
        self,
        *,
        user_agent: str,
        clock: HostRateLimiter,
        allow: Iterable[str] = (),
        proxy: str | None = None,
        report: Callable[[RequestReport], None] | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        resolve: ResolveName = resolve_name,
        dial: Connect = socket.create_connection,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`allow` is read by `AllowList.parse`; `proxy` is an http:// address, and allowed hosts are asked directly.

        Raises:
            ValueError: `allow` or `proxy` can't be read.
        """
        self._user_agent = user_agent
        self._clock = clock
        self._allow = AllowList.parse(allow)
        self._proxy = _parse_proxy(proxy) if proxy else None
        self._report = report
        self._connect_seconds = connect_seconds
        self._resolve = resolve
        self._dial = dial
        # Reads SSL_CERT_FILE and SSL_CERT_DIR, for a lab with an authority of its own.
        self._ssl_context = ssl_context or httpx.create_ssl_context()

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Ask for one address, following redirects; each of them takes a turn of its own.

        Raises:
            BusyError: the group's turn does not come soon enough; nothing was sent.
            RefusedError, NetworkError, DeadlineError, TooLargeError, TurnLostError: no answer that can be used.
            HttpStatusError: an answer that is no success.
        """
        first = url = _parse_url(request.url, request.params)
        group, allow, trail = request.group, self._allow, _Trail()
        is_page = group.startswith("page:")
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = self._ask(url, group, allow, request, trail, with_headers=_origin(url) == _origin(first))
                if answer.location is None:
                    return _finish(request, answer, trail)
                if request.body:
                    raise RefusedError(f"{_plain(url)} redirects, and what is posted goes nowhere else.")
                target = _redirect_target(url, answer.location)
            except FetchError as error:
                error.url = error.url or _plain(url)
                raise
            trail.follow(answer, target)
            if _host(target) != _host(url):
                found = _group_of_host(_host(target))
                group = _page_group(found) if is_page else found
            if not answer.is_allowed_host:
                allow = AllowList()  # a stranger does not lead us into our own network
            url = target
        raise RefusedError(f"{_plain(first)} redirects more than {MAX_REDIRECTS} times.", url=_plain(first))

    def _ask(
        self, url: httpx.URL, group: str, allow: AllowList, request: FetchRequest, trail: _Trail, *, with_headers: bool
    ) -> _Answer:
        answer, error = _Answer(url, is_private=request.is_private, is_post=bool(request.body)), ""
        with self._clock.turn(group, wait_seconds=request.wait_seconds) as turn:
            started = time.monotonic()
            watch = Deadline(request.deadline_seconds - trail.seconds, turn.renew)
            try:
                self._exchange(answer, allow, watch, request, with_headers=with_headers)
            except FetchError as failure:
                error = str(failure)
                raise
            finally:
                answer.seconds = time.monotonic() - started
                trail.seconds += answer.seconds
                self._tell(answer, error)
            closed_for = turn.answered(answer.status, answer.retry_after_seconds)
        if closed_for is not None:
            answer.retry_after_seconds = closed_for
        return answer

    def _exchange(
        self, answer: _Answer, allow: AllowList, watch: Deadline, request: FetchRequest, *, with_headers: bool
    ) -> None:
        asked = httpx.Request(
            request.method if request.body else "GET",
            answer.url,
            headers=_request_headers(request, self._user_agent, with_own=with_headers),
            content=request.body or None,
            extensions={"timeout": httpx.Timeout(request.idle_seconds).as_dict()},
        )
        # Straight to the transport: httpx's own client would heed Location headers, cookies and the environment.
        with (
            _network_errors(),
            self._transport(answer.url, allow, watch) as transport,
            closing(transport.handle_request(asked)) as response,
        ):
            answer.status, answer.headers = response.status_code, response.headers
            answer.is_allowed_host = transport.dialer.has_used_allow_list
            encoding = response.headers.get("content-encoding", "")
            chunks = _counted(response, answer)
            if answer.is_success:
                answer.body = read_body(chunks, encoding=encoding, max_bytes=request.max_bytes)
            elif answer.status >= HTTPStatus.BAD_REQUEST:
                answer.body = read_start(chunks, encoding=encoding, max_bytes=MAX_ERROR_BYTES)
                answer.retry_after_seconds = _wait_asked_for(response.headers)

    def _transport(self, url: httpx.URL, allow: AllowList, watch: Deadline) -> _Transport:
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        proxy = None if allow.has_host(_host(url), port) else self._proxy
        if proxy is not None:
            check_proxy_target(_host(url), port)
            allow = AllowList(names=frozenset({(_host(proxy), proxy.port)}))
        dialer = GuardedNetworkBackend(
            watch, allow, resolve=self._resolve, dial=self._dial, connect_seconds=self._connect_seconds
        )
        return _Transport(dialer, self._ssl_context, proxy)

    def _tell(self, answer: _Answer, error: str) -> None:
        report = RequestReport(
            url=str(answer.url.copy_with(raw_path=b"/")) if answer.is_private else _plain(answer.url),
            status=answer.status or None,
            wire_bytes=answer.wire_bytes,
            decoded_bytes=len(answer.body),
            seconds=round(answer.seconds, 3),
            error=error,
        )
        if error:
            logger.warning("Asked %s in vain (%.2f s): %s", report.url, report.seconds, error)
        else:
            logger.info(
                "Asked %s: %s, %d bytes in %.2f s", report.url, report.status, report.wire_bytes, report.seconds
            )
        if self._report is not None:
            self._report(report)


class _Transport(httpx.BaseTransport):
    """Sends httpx's requests over connections that our dialer opens; one request, then it is closed."""

    def __init__(self, dialer: GuardedNetworkBackend, ssl_context: ssl.SSLContext, proxy: httpx.URL | None) -> None:
        self.dialer = dialer
        if proxy is None:
            self._pool = httpcore.ConnectionPool(ssl_context=ssl_context, network_backend=dialer)
            return
        self._pool = httpcore.HTTPProxy(
            proxy_url=str(proxy.copy_with(userinfo=b"")),
            proxy_auth=(proxy.username, proxy.password) if proxy.userinfo else None,
            ssl_context=ssl_context,
            network_backend=dialer,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.content,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Chunks(answer))

    def close(self) -> None:
        self._pool.close()


class _Chunks(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _network_errors() -> Iterator[None]:
    """What goes wrong on the wire, as our own error. Our errors from within the dialer pass unchanged."""
    try:
        yield
    except (httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise ConnectionLostError(f"The answer was broken or cut ({error}).") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpx.HTTPError) as error:
        raise ConnectionLostError(f"The connection broke ({error}).") from error


def _counted(response: httpx.Response, answer: _Answer) -> Iterator[bytes]:
    for chunk in response.iter_raw():
        answer.wire_bytes += len(chunk)
        yield chunk


def _request_headers(request: FetchRequest, agent: str, *, with_own: bool) -> httpx.Headers:
    own = request.headers if with_own else {}
    headers = {
        "Accept": request.accept,
        **own,
        "User-Agent": agent,
        "Accept-Encoding": "gzip, deflate",
        "Connection": "close",
    }
    if request.content_type:
        headers["Content-Type"] = request.content_type
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    return httpx.Headers(headers, encoding="latin-1")


def _finish(request: FetchRequest, answer: _Answer, trail: _Trail) -> FetchResponse:
    is_unchanged = answer.status == HTTPStatus.NOT_MODIFIED and bool(request.etag or request.last_modified)
    if not answer.is_success and not is_unchanged:
        raise HttpStatusError(
            _status_message(answer),
            url=_plain(answer.url),
            status=answer.status,
            body=answer.body,
            retry_after_seconds=answer.retry_after_seconds,
        )
    etag, last_modified = answer.validator(b"etag"), answer.validator(b"last-modified")
    return FetchResponse(
        url=str(answer.url),
        status=answer.status,
        headers={name.lower(): value for name, value in answer.headers.items()},
        body=answer.body,
        etag=etag or (request.etag if is_unchanged else ""),
        last_modified=last_modified or (request.last_modified if is_unchanged else ""),
        moved_to=trail.moved_to,
        permanent_redirects=trail.permanent,
        wire_bytes=answer.wire_bytes,
        seconds=trail.seconds,
    )


def _status_message(answer: _Answer) -> str:
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
    words = answer.body[:400].decode("utf-8", errors="replace")
    excerpt = " ".join("".join(char if char.isprintable() else " " for char in words).split())[:200]
    parts = [f"{_plain(answer.url)} answered {answer.status} {phrase}".rstrip() + "."]
    if hint := _HINTS.get(answer.status):
        parts.append(hint)
    if answer.retry_after_seconds:
        parts.append(f"To be asked again in {answer.retry_after_seconds:.0f} seconds.")
    if excerpt:
        parts.append(f"It said: {excerpt}")
    return " ".join(parts)


def _wait_asked_for(headers: httpx.Headers) -> float | None:
    wait = parse_retry_after(headers.get("retry-after", ""), now=datetime.now(UTC))
    return wait if wait is not None else parse_rate_limit(headers.get("ratelimit", ""))


def _redirect_target(url: httpx.URL, location: str) -> httpx.URL:
    try:
        target = url.join(ascii_address(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedError(f"{_plain(url)} redirects to something that is no address ({error}).") from error
    _check(target)
    if url.scheme == "https" and target.scheme == "http":
        raise RefusedError(f"{_plain(url)} redirects from https to plain http, to {_plain(target)}.")
    return target


def _parse_url(text: str, params: Mapping[str, str | int] | None = None) -> httpx.URL:
    try:
        url = httpx.URL(ascii_address(text))
        url = url.copy_merge_params(params) if params else url
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedError(f"{text!r} is no address ({error}).") from error
    _check(url)
    return url


def _check(url: httpx.URL) -> None:
    check_url(scheme=url.scheme, host=_host(url), has_credentials=bool(url.userinfo))


def _host(url: httpx.URL) -> str:
    """As it is asked for, in ASCII: httpx's own `host` decodes `xn--…`, and raises where that is nonsense."""
    return url.raw_host.decode("ascii")


def _parse_proxy(text: str) -> httpx.URL:
    try:
        url = httpx.URL(ascii_address(text))
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"The proxy {text!r} is no address ({error}).") from error
    if url.scheme != "http" or not url.raw_host:
        raise ValueError(f"The proxy must be an address such as http://proxy.example:3128, not {text!r}.")
    return url.copy_with(port=url.port or 80)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, _host(url), url.port


def _plain(url: httpx.URL) -> str:
    """An address without its query, which may hold a key."""
    return str(url.copy_with(query=None, fragment=None))


def _group_of_host(host: str) -> str:
    name = host.lower().rstrip(".")
    for domain, group in _GROUPS.items():
        if name == domain or name.endswith(f".{domain}"):
            return group
    return f"feed:{name}"
