"""Log lines as JSON with ids, from a request into the task that it starts, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.celery import app
from config.log_json import JsonFormatter
from config.log_redaction import redact_handlers
from config.monitoring import log_context
from config.monitoring import tasks as observed
from config.monitoring.counts import PROCESS_COUNTS
from config.monitoring.requests import ID_HEADER, ObservedRequestMiddleware, request_id_of

ROOT = Path(__file__).parents[2]
KEY = "abcdefghijklmnopqrstuvwx"
logger = logging.getLogger("papers.tests")


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile, as a program reads it."""
    out = io.StringIO()
    found: list[dict[str, Any]] = []
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    level, logger.level = logger.level, logging.INFO
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)
    found.extend(json.loads(line) for line in out.getvalue().splitlines())


def formatted(message: str, *args: Any, **options: Any) -> dict[str, Any]:
    record = logging.LogRecord("papers.x", logging.WARNING, "f", 1, message, args, options.get("exc_info"))
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_is_an_object_with_these_words() -> None:
    found = formatted("Visited %s", "source “1”\nand")
    assert found.pop("time").endswith("Z")
    assert found == {"level": "warning", "logger": "papers.x", "message": "Visited source “1”\nand"}


def test_secrets_are_taken_out_of_messages_and_traces() -> None:
    try:
        raise ValueError(f"bsh_{KEY} at /u/{KEY}")
    except ValueError:
        found = formatted(f"GET /u/{KEY} bsh_{KEY}", exc_info=sys.exc_info())
    assert KEY not in json.dumps(found)
    assert "ValueError" in found["trace"]
    assert "GET /u/… bsh_…" in found["message"]


def test_handlers_of_others_are_made_to_write_objects() -> None:
    other = logging.Logger("other")
    other.addHandler(logging.StreamHandler())
    redact_handlers(other, as_json=True)
    assert isinstance(other.handlers[0].formatter, JsonFormatter)


def test_the_setting_says_so_at_every_place(tmp_path: Path) -> None:
    script = (
        "import django; django.setup(); import logging; logging.getLogger('papers').warning('Well')\n"
        "from celery.signals import after_setup_logger\n"
        "other = logging.Logger('x'); other.addHandler(logging.StreamHandler())\n"
        "after_setup_logger.send(sender=None, logger=other); other.warning('There')"
    )
    environment = {
        "PATH": os.defpath,
        "BROADSHEET_DATA_DIR": str(tmp_path),
        "PYTHON_DOTENV_DISABLED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BROADSHEET_LOG_FORMAT": "json",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [json.loads(line)["message"] for line in ended.stderr.splitlines()] == ["Well", "There"]


# --- ids ---


class TestRequestId:
    def test_a_strangers_is_not_taken(self) -> None:
        request = RequestFactory().get("/", headers={"X-Request-ID": "theirs"})
        assert request_id_of(request) not in ("", "theirs")
        assert request_id_of(request) != request_id_of(request)

    def test_a_trusted_proxys_is_taken_and_cleaned(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = (ip_network("127.0.0.0/8"),)
        for given, clean in (
            ("7f-A_b.9", "7f-A_b.9"),
            ('a"b\\c <script>', "abcscript"),
            ("x" * 900, "x" * 64),
        ):
            assert request_id_of(RequestFactory().get("/", headers={"X-Request-ID": given})) == clean
        assert request_id_of(RequestFactory().get("/", headers={"X-Request-ID": "\x7f ü"})) != ""

    def test_what_is_logged_meanwhile_bears_it_and_nothing_after(self, lines: list[dict[str, Any]]) -> None:
        seen: list[str] = []

        def view(request: HttpRequest) -> HttpResponse:
            logger.info("Inside")
            seen.append(log_context.current_ids()["request_id"])
            return HttpResponse(status=503)

        response = ObservedRequestMiddleware(view)(RequestFactory().get("/"))
        logger.info("After")
        assert response[ID_HEADER] == seen[0]
        assert log_context.current_ids() == {}

    def test_an_error_on_the_way_leaves_none_behind(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            raise ValueError

        with pytest.raises(ValueError):
            ObservedRequestMiddleware(view)(RequestFactory().get("/"))
        assert log_context.current_ids() == {}


def test_lines_bear_the_ids_in_force() -> None:
    token = log_context.begin_request("abc")
    try:
        assert formatted("x")["request_id"] == "abc"
    finally:
        log_context.end_request(token)
    assert "request_id" not in formatted("x")


@pytest.fixture
def _logging_stays() -> Iterator[None]:
    """A worker that starts in this process does not take the handlers and the level of all logging for itself."""

    def leave_as_it_is(**_: Any) -> None:
        """Where somebody listens to this signal, Celery sets up nothing."""

    setup_logging.connect(leave_as_it_is)
    yield
    setup_logging.disconnect(leave_as_it_is)


@pytest.mark.slow
@pytest.mark.usefixtures("_logging_stays")
def test_a_request_is_known_in_the_task_that_it_starts() -> None:
    """Through the broker, into a worker: the lines of the task, and of a task that it starts, bear the request's id."""
    # A worker that has grown ends after a task; this one lives in the process of ten thousand tests.
    kilobytes, app.conf.worker_max_memory_per_child = app.conf.worker_max_memory_per_child, 10**9
    queue = f"test-{uuid.uuid4()}"  # what other tests left in the others is none of this worker's work
    seen: dict[str, dict[str, str]] = {}

    @app.task(name="tests.first", shared=False)
    def first() -> None:
        seen["first"] = log_context.current_ids()
        app.send_task("tests.second", queue=queue)

    @app.task(name="tests.second", shared=False)
    def second() -> None:
        seen["second"] = log_context.current_ids()
        raise ValueError("On purpose.")

    PROCESS_COUNTS.flush()
    try:
        with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR", queues=[queue]):
            token = log_context.begin_request("from-a-request")
            app.send_task("tests.first", queue=queue)
            log_context.end_request(token)
            give_up_at = time.monotonic() + 60  # of patience with a machine that is busy
            while not ("second" in seen and not observed._running) and time.monotonic() < give_up_at:
                time.sleep(0.05)
    finally:
        app.conf.worker_max_memory_per_child = kilobytes
        queues: Any = app.amqp.queues
        queues.pop(queue)
        queues._consume_from = None  # as if no worker had been started here
        app.tasks.pop("tests.first")
        app.tasks.pop("tests.second")
    assert seen["first"]["request_id"] == seen["second"]["request_id"] == "from-a-request"
    assert len({found["task_id"] for found in seen.values()}) == 2
    assert "task_id" not in log_context.current_ids()


def test_a_name_of_no_task_of_ours_is_no_label() -> None:
    class Odd:
        name = "strangers.task"

    assert observed.name_of(Odd) == "other"
    assert observed.name_of(None) == "other"
