"""The HTTP server: finds the answer, spoils it as the script says, sends it, and writes down what it was asked."""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.fake_upstream import arxiv_api, arxiv_feed, arxiv_oai, doi, huggingface
from tests.support.fake_upstream.answer import Answer, UpstreamState, bad_request
from tests.support.fake_upstream.behaviour import Behaviour, Script
from tests.support.fake_upstream.recorded import RecordedAnswers

FEEDS = Path(__file__).resolve().parents[2] / "answers" / "feeds"
_FEED_TYPES = {".rss": "application/rss+xml", ".atom": "application/atom+xml", ".rdf": "application/rdf+xml"}
_CHUNK_BYTES = 64 * 1024


@dataclass(slots=True)
class LogEntry:
    """One request. Times are Unix times; `ended_at` is None while the answer is being sent."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    started_at: float
    ended_at: float | None = None
    status: int | None = None
    sent_bytes: int = 0


class UpstreamServer(ThreadingHTTPServer):
    """Serves until `stop()`. Every request has a thread, so that two at once can be seen."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, state: UpstreamState, *, port: int = 0, folder: Path | None = None) -> None:
        self.state = state
        self.script = Script()
        self.recorded = RecordedAnswers(folder) if folder else None
        self.log: list[LogEntry] = []
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        """Stop serving; answers that stall are given up."""
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up in the middle is what much of this is about."""

    def answer(self, path: str, pairs: list[tuple[str, str]], behaviour: Behaviour) -> Answer:
        """What this server has at a path, with what the behaviour changes in it."""
        params = dict(pairs)
        if self.recorded is not None:
            return self.recorded.answer(path, params)
        if path == "/api/query":
            return arxiv_api.answer(self.state, params, behaviour)
        if path == "/oai":
            return arxiv_oai.answer(self.state, pairs, behaviour)
        if path.startswith(("/rss/", "/atom/")):
            kind, _, query = path[1:].partition("/")
            return arxiv_feed.answer(self.state, kind, query, behaviour)
        if path == "/api/daily_papers":
            return huggingface.answer_list(self.state, params, behaviour)
        if path.startswith("/api/papers/"):
            return huggingface.answer_paper(self.state, path.removeprefix("/api/papers/"), behaviour)
        if path.startswith("/feeds/"):
            return _feed(path.removeprefix("/feeds/"))
        if path.startswith("/doi/"):
            return doi.answer_record(path.removeprefix("/doi/"), self.url)
        if path.startswith("/pages/"):
            return doi.answer_page(path.removeprefix("/pages/"))
        return Answer("Not found\n", "text/plain; charset=utf-8", status=404)


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    server: UpstreamServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/_"):
            self._control("GET", parts.path, {})
            return
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        path = unquote(parts.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        entry = LogEntry(path, dict(pairs), headers, started_at=time.time())
        self.server.log.append(entry)
        try:
            behaviour = self.server.script.next(path, entry.params)
            self.server.stopping.wait(behaviour.stall_seconds)
            self._send(self._answer(path, pairs, behaviour), behaviour, entry)
        finally:
            entry.ended_at = time.time()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._control("POST", urlsplit(self.path).path, json.loads(body or b"{}"))

    def do_DELETE(self) -> None:
        self._control("DELETE", urlsplit(self.path).path, {})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the screen: the log is asked for."""

    def _answer(self, path: str, pairs: list[tuple[str, str]], behaviour: Behaviour) -> Answer:
        if behaviour.status is not None:
            body = "" if behaviour.body is None else behaviour.body
            return Answer(body, "text/plain; charset=utf-8", behaviour.status, behaviour.headers)
        answer = self.server.answer(path, pairs, behaviour)
        if behaviour.headers:
            answer = Answer(answer.body, answer.content_type, answer.status, {**answer.headers, **behaviour.headers})
        # arXiv's own server never answers 304; other feeds do.
        if path.startswith("/feeds/") and self.headers.get("If-None-Match", "") == answer.headers.get("ETag"):
            return Answer(b"", answer.content_type, 304, answer.headers)
        return answer

    def _send(self, answer: Answer, behaviour: Behaviour, entry: LogEntry) -> None:
        body, packed = _packed(answer, behaviour)
        entry.status = answer.status
        phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Odd"
        self.send_response(answer.status, phrase)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(body)), **answer.headers}
        if packed:
            headers["Content-Encoding"] = "gzip"
        if behaviour.header_bytes:
            headers["X-Padding"] = "x" * behaviour.header_bytes
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        end = len(body) if behaviour.cut is None else int(len(body) * behaviour.cut)
        step = 1 if behaviour.drip_seconds else _CHUNK_BYTES
        for start in range(0, end, step):
            self.wfile.write(body[start : min(start + step, end)])
            entry.sent_bytes = min(start + step, end)
            if behaviour.drip_seconds and self.server.stopping.wait(behaviour.drip_seconds):
                return

    def _control(self, method: str, path: str, values: Mapping[str, Any]) -> None:
        act = _CONTROLS.get((method, path))
        try:
            answer = act(self.server, values) if act else bad_request(f"{method} {path} is no control\n")
        except (KeyError, TypeError, ValueError) as error:
            answer = bad_request(f"{error}\n")
        body, _ = _packed(answer, Behaviour())
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _packed(answer: Answer, behaviour: Behaviour) -> tuple[bytes, bool]:
    """The body as it is sent, and whether that is a gzip stream."""
    if behaviour.bomb_bytes:
        pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        zeros = b"\0" * 1_000_000
        return b"".join(pack.compress(zeros) for _ in range(behaviour.bomb_bytes // len(zeros))) + pack.flush(), True
    body = answer.body
    if behaviour.replaced and isinstance(body, str):
        body = body.replace(*behaviour.replaced, 1)
    if isinstance(body, str):
        body = body.encode(behaviour.charset or "utf-8", errors="xmlcharrefreplace" if behaviour.charset else "strict")
    return (gzip.compress(body), True) if behaviour.is_gzipped else (body, False)


def _feed(name: str) -> Answer:
    """A feed written by hand, with validators."""
    path = FEEDS / Path(name).name
    if not path.is_file():
        return Answer("No such feed\n", "text/plain; charset=utf-8", status=404)
    body = path.read_bytes()
    headers = {"ETag": f'W/"{zlib.crc32(body):08x}"', "Last-Modified": "Fri, 20 Nov 2026 08:05:52 GMT"}
    return Answer(body, f"{_FEED_TYPES.get(path.suffix, 'text/xml')}; charset=utf-8", headers=headers)


def _json(values: object) -> Answer:
    return Answer(json.dumps(values), "application/json")


def _add_script(server: UpstreamServer, values: Mapping[str, Any]) -> Answer:
    server.script.add(values["path"], [Behaviour.from_json(each) for each in values["behaviours"]])
    return _json({})


def _clear_script(server: UpstreamServer, values: Mapping[str, Any]) -> Answer:
    server.script.clear()
    return _json({})


def _set_state(server: UpstreamServer, values: Mapping[str, Any]) -> Answer:
    state = server.state
    state.today = date.fromisoformat(values.get("today", state.today.isoformat()))
    state.page_size = int(values.get("page_size", state.page_size))
    state.feed_cap = int(values.get("feed_cap", state.feed_cap))
    return _json({"today": state.today.isoformat(), "page_size": state.page_size, "feed_cap": state.feed_cap})


def _clear_log(server: UpstreamServer, values: Mapping[str, Any]) -> Answer:
    server.log.clear()
    return _json({})


_CONTROLS: Mapping[tuple[str, str], Callable[[UpstreamServer, Mapping[str, Any]], Answer]] = {
    ("POST", "/_script"): _add_script,
    ("DELETE", "/_script"): _clear_script,
    ("GET", "/_log"): lambda server, _: _json([asdict(entry) for entry in list(server.log)]),
    ("DELETE", "/_log"): _clear_log,
    ("GET", "/_state"): _set_state,
    ("POST", "/_state"): _set_state,
}
