"""A small OpenID Connect provider on this machine, which lets in whoever the test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

CLIENT_ID, SECRET = "broadsheet", "a-secret-of-the-provider-that-is-long"


@dataclass(frozen=True)
class Answer:
    """What it answers in place of what it should."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    location: str = ""
    drip_seconds: float = 0.0
    """Between one byte and the next."""


@dataclass
class Provider:
    """What it says of whoever signs in there."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    verifiers: list[str] = field(default_factory=list)
    """The PKCE verifiers that came with codes."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """By path."""


@contextmanager
def fake_provider() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path in provider.answers:
                self.answer_strangely(provider.answers[path])
            elif path == "/.well-known/openid-configuration":
                ends = {f"{name}_endpoint": f"{provider.url}/{name}" for name in ("authorization", "token", "userinfo")}
                self.answer({"issuer": provider.url, "jwks_uri": f"{provider.url}/keys", **ends})
            elif path == "/userinfo" and self.headers["Authorization"] == "Bearer opens":
                self.answer(provider.claims)
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if self.path in provider.answers:
                self.answer_strangely(provider.answers[self.path])
                return
            if form.get("code") != ["good"]:
                self.answer({"error": "invalid_grant"}, status=400)
                return
            provider.verifiers += form.get("code_verifier", [])
            now = int(time.time())
            claims = {**provider.claims, "iss": provider.url, "aud": CLIENT_ID, "iat": now, "exp": now + 60}
            token = jwt.encode(claims, SECRET, algorithm="HS256")
            self.answer({"access_token": "opens", "token_type": "Bearer", "id_token": token})

        def answer(self, data: Any, status: int = 200) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer_strangely(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            if answer.location:
                self.send_header("Location", answer.location)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            step = 1 if answer.drip_seconds else max(len(answer.body), 1)
            with suppress(OSError):  # the other side had enough
                for start in range(0, len(answer.body), step):
                    self.wfile.write(answer.body[start : start + step])
                    self.wfile.flush()
                    time.sleep(answer.drip_seconds)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
