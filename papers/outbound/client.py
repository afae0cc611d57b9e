"""The one outbound HTTP client: guarded addresses, deadlines, caps, redirects by hand, and a slot for every request.

It does not retry. A request ends in a `FetchResponse` or in one of the errors of `papers.outbound.errors`.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

import httpcore
import httpx

from papers.outbound.address_guard import AllowList, check_proxy_target
from papers.outbound.addresses import host_of, origin_of, parse_address, parse_proxy, redirect_target, without_query
from papers.outbound.deadline import Deadline
from papers.outbound.decompression import read_body, read_start
from papers.outbound.errors import (
    ConnectionLostError,
    FetchError,
    HttpStatusError,
    RefusedError,
)
from papers.outbound.host_rate_limit import (
    HostRateLimiter,
    as_page_group,
    group_of_host,
    is_page_group,
    parse_rate_limit,
    parse_retry_after,
)
from papers.outbound.network_backend import Connect, GuardedNetworkBackend, ResolveName, resolve_name
from papers.outbound.request import FetchRequest, FetchResponse, RequestReport

logger = logging.getLogger(__name__)

MAX_REDIRECTS = 5
MAX_ERROR_BYTES = 64 * 1024
CONNECT_SECONDS = 10.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_SUCCESS = frozenset({200, 203})
_SUCCESS_OF_POSTS = _SUCCESS | {201, 202, 204}
_HINTS = {
    401: "It asks for a sign-in; check the source's token.",
    403: "It does not want to be asked; wait, and look whether the group's address is blocked there.",
    404: "There is no such page; check the source's address.",
    410: "The page is gone for good; give the source another address or turn it off.",
    429: "It wants fewer requests.",
}


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
        rate_limiter: HostRateLimiter,
        allow: Iterable[str] = (),
        proxy: str | None = None,
        report: Callable[[RequestReport], None] | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        resolve: ResolveName = resolve_name,
        connect: Connect = socket.create_connection,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`allow` is read by `AllowList.parse`; `proxy` is an http:// address, and allowed hosts are asked directly.

        Raises:
            ValueError: `allow` or `proxy` can't be read.
        """
        self._user_agent = user_agent
        self._rate_limiter = rate_limiter
        self._allow = AllowList.parse(allow)
        self._proxy = parse_proxy(proxy) if proxy else None
        self._report = report
        self._connect_seconds = connect_seconds
        self._resolve = resolve
        self._connect = connect
        # Reads SSL_CERT_FILE and SSL_CERT_DIR, for a lab with an authority of its own.
        self._ssl_context = ssl_context or httpx.create_ssl_context()

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Ask for one address, following redirects; each of them takes a slot of its own.

        Raises:
            HostBusyError: no slot of the group is free soon enough; nothing was sent.
            RefusedError, NetworkError, DeadlineError, TooLargeError, SlotLostError: no answer that can be used.
            HttpStatusError: an answer that is no success.
        """
        first = url = parse_address(request.url, request.params)
        group, allow, trail = request.group, self._allow, _Trail()
        is_page = is_page_group(group)
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = self._ask(url, group, allow, request, trail, with_headers=origin_of(url) == origin_of(first))
                if answer.location is None:
                    return _finish(request, answer, trail)
                if request.body:
                    raise RefusedError(f"{without_query(url)} redirects, and what is posted goes nowhere else.")
                target = redirect_target(url, answer.location)
            except FetchError as error:
                error.url = error.url or without_query(url)
                raise
            trail.follow(answer, target)
            if host_of(target) != host_of(url):
                found = group_of_host(host_of(target))
                group = as_page_group(found) if is_page else found
            if not answer.is_allowed_host:
                allow = AllowList()  # a stranger does not lead us into our own network
            url = target
        asked = without_query(first)
        raise RefusedError(f"{asked} redirects more than {MAX_REDIRECTS} times.", url=asked)

    def _ask(
        self, url: httpx.URL, group: str, allow: AllowList, request: FetchRequest, trail: _Trail, *, with_headers: bool
    ) -> _Answer:
        answer, error = _Answer(url, is_private=request.is_private, is_post=bool(request.body)), ""
        with self._rate_limiter.acquire(group, wait_seconds=request.wait_seconds) as slot:
            started = time.monotonic()
            deadline = Deadline(request.deadline_seconds - trail.seconds, slot.renew)
            try:
                self._exchange(answer, allow, deadline, request, with_headers=with_headers)
            except FetchError as failure:
                error = str(failure)
                raise
            finally:
                answer.seconds = time.monotonic() - started
                trail.seconds += answer.seconds
                self._report_request(answer, error)
            closed_for = slot.record_response(answer.status, answer.retry_after_seconds)
        if closed_for is not None:
            answer.retry_after_seconds = closed_for
        return answer

    def _exchange(
        self, answer: _Answer, allow: AllowList, deadline: Deadline, request: FetchRequest, *, with_headers: bool
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
            self._transport(answer.url, allow, deadline) as transport,
            closing(transport.handle_request(asked)) as response,
        ):
            answer.status, answer.headers = response.status_code, response.headers
            answer.is_allowed_host = transport.backend.has_used_allow_list
            encoding = response.headers.get("content-encoding", "")
            chunks = _counted(response, answer)
            if answer.is_success:
                answer.body = read_body(chunks, encoding=encoding, max_bytes=request.max_bytes)
            elif answer.status >= HTTPStatus.BAD_REQUEST:
                answer.body = read_start(chunks, encoding=encoding, max_bytes=MAX_ERROR_BYTES)
                answer.retry_after_seconds = _wait_asked_for(response.headers)

    def _transport(self, url: httpx.URL, allow: AllowList, deadline: Deadline) -> _Transport:
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        proxy = None if allow.has_host(host_of(url), port) else self._proxy
        if proxy is not None:
            check_proxy_target(host_of(url), port)
            allow = AllowList(names=frozenset({(host_of(proxy), proxy.port)}))
        backend = GuardedNetworkBackend(
            deadline, allow, resolve=self._resolve, connect=self._connect, connect_seconds=self._connect_seconds
        )
        return _Transport(backend, self._ssl_context, proxy)

    def _report_request(self, answer: _Answer, error: str) -> None:
        report = RequestReport(
            url=str(answer.url.copy_with(raw_path=b"/")) if answer.is_private else without_query(answer.url),
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
    """Sends httpx's requests over connections that our backend opens; one request, then it is closed."""

    def __init__(self, backend: GuardedNetworkBackend, ssl_context: ssl.SSLContext, proxy: httpx.URL | None) -> None:
        self.backend = backend
        if proxy is None:
            self._pool = httpcore.ConnectionPool(ssl_context=ssl_context, network_backend=backend)
            return
        self._pool = httpcore.HTTPProxy(
            proxy_url=str(proxy.copy_with(userinfo=b"")),
            proxy_auth=(proxy.username, proxy.password) if proxy.userinfo else None,
            ssl_context=ssl_context,
            network_backend=backend,
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
    """What goes wrong on the wire, as our own error. Our errors from within the backend pass unchanged."""
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
            url=without_query(answer.url),
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
    parts = [f"{without_query(answer.url)} answered {answer.status} {phrase}".rstrip() + "."]
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
