"""A WSGI application without Django, by which a web server is tested."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any

LARGE = b"0123456789abcdef" * 250_000
"""4 MB, more than any kernel keeps for a browser that does not read."""


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/large":
        body = LARGE
    elif path == "/environ":
        known = {name: value for name, value in environ.items() if isinstance(value, str)}
        body = json.dumps(known).encode()
    elif path == "/parts":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"part\n" for _ in range(1000))
    elif path == "/parsed":  # takes half a second to read what was sent
        time.sleep(0.5)
        body = b"ok"
    elif path == "/unread":  # answers without a look at what was sent
        body = b"ok"
    else:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = f"{len(sent)} {hashlib.sha256(sent).hexdigest()}".encode()
    start_response("200 OK", [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    return [body]
