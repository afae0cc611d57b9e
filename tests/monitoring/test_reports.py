"""Errors to Sentry and traces to OpenTelemetry: only where they are set, and nothing of people or secrets in them."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import decompress
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.monitoring.errors import scrub
from config.monitoring.optional import needed

ROOT = Path(__file__).parents[2]
KEY = "abcdefghijklmnopqrstuvwx"


class Received(http.server.ThreadingHTTPServer):
    """Takes what it is sent, and keeps it."""

    bodies: list[tuple[str, bytes]]


@contextmanager
def receiver() -> Iterator[Received]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = decompress(body)
            elif self.headers.get("Content-Encoding") == "deflate":
                body = zlib.decompress(body)
            server.bodies.append((self.path, body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = Received(("127.0.0.1", 0), Handler)
    server.bodies = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()


def run(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.defpath,
        "BROADSHEET_DATA_DIR": str(folder),
        "PYTHON_DOTENV_DISABLED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **more,
    }
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_nothing_is_imported_that_is_not_set(tmp_path: Path) -> None:
    # redis looks for the outermost package of OpenTelemetry itself, and finds it where it is installed.
    script = (
        "import django; django.setup()\n"
        "import sys, config.wsgi, config.tasks\n"
        "names = ('sentry_sdk', 'opentelemetry.sdk.trace', 'opentelemetry.exporter', 'pyrage', 'prometheus_client')\n"
        "print([name for name in names if name in sys.modules])"
    )
    ended = run(script, tmp_path)
    assert (ended.stdout, ended.returncode) == ("[]\n", 0), ended.stderr


@pytest.mark.parametrize(
    ("variable", "value", "package"),
    [
        ("BROADSHEET_SENTRY_DSN", "https://key@errors.example.org/1", "sentry_sdk"),
        ("BROADSHEET_OTEL_ENDPOINT", "https://traces.example.org", "opentelemetry"),
    ],
)
def test_a_missing_package_is_said_in_a_sentence(variable: str, value: str, package: str, tmp_path: Path) -> None:
    script = f"import sys; sys.modules[{package!r}] = None\nimport django; django.setup()"
    ended = run(script, tmp_path, **{variable: value})
    last = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 1
    assert f"{variable} is set" in last
    assert "requirements/monitoring.txt" in last


def test_what_is_there_is_found_without_importing_it() -> None:
    needed("json", "X")
    for module in ("no_such_module", "no_such_module.inside", "json.none"):
        with pytest.raises(ImproperlyConfigured, match=module):
            needed(module, "X")


def test_an_address_of_no_project_is_said() -> None:
    pytest.importorskip("sentry_sdk")
    ended = run("import django; django.setup()", Path("/tmp"), BROADSHEET_SENTRY_DSN="nonsense")  # noqa: S108
    assert "BROADSHEET_SENTRY_DSN is not the address" in ended.stderr


# --- what leaves ---


def test_an_event_is_stripped_of_people_and_secrets() -> None:
    event = {
        "message": f"GET /u/{KEY}",
        "request": {
            "method": "POST",
            "url": f"https://lab.example.org/u/{KEY}?q=secret",
            "headers": {"Cookie": "x"},
            "cookies": {"a": "b"},
            "data": {"password": "p"},
            "query_string": "q=secret",
            "env": {"REMOTE_ADDR": "203.0.113.5"},
        },
        "user": {"ip_address": "203.0.113.5"},
        "breadcrumbs": {"values": [1]},
        "exception": {"values": [{"value": f"bsh_{KEY}", "deep": [[f"/u/{KEY}"]]}]},
    }
    said = json.dumps(scrub(event, {}))
    for secret in (KEY, "secret", "203.0.113.5", "Cookie", "password"):
        assert secret not in said
    assert "POST" in said


@pytest.mark.slow
def test_an_error_reaches_a_server_of_sentrys_protocol_without_what_is_nobodys_business(tmp_path: Path) -> None:
    pytest.importorskip("sentry_sdk")
    script = (
        "import django; django.setup()\n"
        "import logging, sentry_sdk\n"
        f"local_secret = 'local-{KEY}'\n"
        "try:\n"
        f"    raise ValueError('at /u/{KEY}')\n"
        "except ValueError:\n"
        f"    logging.getLogger('papers').exception('Failed for bsh_{KEY}')\n"
        "sentry_sdk.flush()\n"
    )
    with receiver() as server:
        ended = run(script, tmp_path, BROADSHEET_SENTRY_DSN=f"http://key@127.0.0.1:{server.server_port}/1")
    assert ended.returncode == 0, ended.stderr
    assert len(server.bodies) == 1
    said = server.bodies[0][1].decode()
    assert "ValueError" in said
    assert r"at /u/\u2026" in said
    assert KEY not in said


@pytest.mark.slow
def test_a_trace_goes_from_a_request_into_its_task_and_names_nobody(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    script = (
        "import django; django.setup()\n"
        "from types import SimpleNamespace\n"
        "from django.http import HttpResponse\n"
        "from django.test import RequestFactory\n"
        "from config.monitoring import tasks, tracing\n"
        "from config.monitoring.requests import ObservedRequestMiddleware\n"
        "headers = {}\n"
        "def view(request):\n"
        "    tasks.send_ids(headers=headers)\n"
        "    return HttpResponse()\n"
        f"ObservedRequestMiddleware(view)(RequestFactory().get('/u/{KEY}?q=secret'))\n"
        "task = SimpleNamespace(name='papers.cleanup', request=SimpleNamespace(**headers))\n"
        "tasks.begin(task_id='7', task=task)\n"
        "tasks.end(task_id='7', task=task)\n"
        "from opentelemetry import trace\n"
        "print(headers['traceparent'].split('-')[1], headers['broadsheet_request_id'] != '')\n"
        "tracing.tracer().span_processor.force_flush()\n"
    )
    with receiver() as server:
        ended = run(script, tmp_path, BROADSHEET_OTEL_ENDPOINT=f"http://127.0.0.1:{server.server_port}")
    assert ended.returncode == 0, ended.stderr
    trace_id = bytes.fromhex(ended.stdout.split()[0])
    said = b"".join(body for _, body in server.bodies)
    assert {path for path, _ in server.bodies} == {"/v1/traces"}
    assert said.count(trace_id) == 2
    assert b"papers.cleanup" in said
    assert KEY.encode() not in said
    assert b"secret" not in said
