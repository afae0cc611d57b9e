"""No line of a log holds what opens something: walked over all addresses, and over whoever writes such lines."""

from __future__ import annotations

import io
import logging
import logging.config
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import after_setup_logger
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver
from gunicorn.config import Config

from config.log_redaction import redact
from config.secret_addresses import SECRET_ADDRESSES, SECRET_ARGUMENTS
from config.urls import urlpatterns
from config.web_log import WebServerLogger
from papers.web import ratelimit
from papers.web.ratelimit import RateLimit

KEY = "aB3-dE6_gH9jK2mN5pQ8sT"
# Named as keys are, and none: the number of a row.
NO_SECRETS = frozenset({"papers:unmute", "papers:curate-decide", "papers:curate-record"})
_LOOKS_SECRET = re.compile(r"key|token|secret|uid|code|nonce|hash|sig", re.IGNORECASE)


def addresses(patterns: Any, namespace: str = "", before: str = "") -> Iterator[tuple[str, str, set[str]]]:
    """Name, route without converters, and arguments of each address but the admin's."""
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            if one.namespace != "admin":
                yield from addresses(one.url_patterns, f"{one.namespace}:" if one.namespace else namespace, route)
        elif isinstance(one, URLPattern):
            yield f"{namespace}{one.name}", re.sub(r"<\w+:", "<", route), set(one.pattern.converters)


def test_the_table_has_every_address_that_looks_as_if_it_held_a_secret() -> None:
    found = {
        name: route
        for name, route, arguments in addresses(urlpatterns)
        if any(_LOOKS_SECRET.search(argument) for argument in arguments) and name not in NO_SECRETS
    }
    assert found == SECRET_ADDRESSES
    assert all(re.findall(r"<(\w+)>", route) for route in SECRET_ADDRESSES.values())
    assert {"key", "token"} == SECRET_ARGUMENTS


@pytest.mark.parametrize("route", SECRET_ADDRESSES.values(), ids=SECRET_ADDRESSES.keys())
@pytest.mark.parametrize(
    "line",
    [
        "Not Found: {}",
        "Forbidden (CSRF cookie not set.): {}",
        'GET {}?next=1 HTTP/1.1" 404',
        "Traceback …\n  ValueError: {}\n",
        "https://papers.example.org/lab{}, and {}",
        "/sign-in?next={}",
    ],
)
def test_no_line_holds_it(route: str, line: str) -> None:
    path = "/" + re.sub(r"<(key|token)>", KEY, route).replace("<uidb36>", "1a").replace("<form>", "atom")
    for written in (path, path.replace("/", "%2F")):
        found = redact(line.replace("{}", written))
        assert KEY not in found
        assert "/…" in found
        assert redact(found) == found


@pytest.mark.parametrize(
    "line",
    [
        "Asked https://export.arxiv.org/abs/2603.01234v1: 200, 10 bytes in 0.10 s",
        "Not Found: /subscriptions/move",
        "Not Found: /following/stop",
        "Not Found: /u/rita",
        "/papers/date/2026-03-04",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize("piece", ["/u/", "/subscriptions/a", "%2Fu%2F", "/forgotten/a/", "a" * 10])
def test_it_takes_time_in_proportion(piece: str) -> None:
    began = time.perf_counter()
    redact(piece * 100_000)
    assert time.perf_counter() - began < 2


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the handlers of the settings write, of Django too."""
    out = io.StringIO()
    logging_settings: Any = settings.LOGGING
    console = {**logging_settings["handlers"]["console"], "stream": out}
    config = {**logging_settings, "handlers": {"console": console}}
    before = {name: list(logging.getLogger(name).handlers) for name in ("", "papers", "digests", "config")}
    logging.config.dictConfig(config)
    yield out
    for name, handlers in before.items():
        logging.getLogger(name).handlers = handlers


@pytest.mark.django_db
def test_a_page_that_is_not_there_a_form_of_another_site_and_one_too_many(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "sign-in-link": RateLimit(1, 60)})
    for method, path in (
        *(("get", f"/subscriptions/{KEY}"), ("get", f"/mail/{KEY}"), ("get", f"/papers/for-you/{KEY}.atom")),
        *(("post", f"/sign-in/link/{KEY}"), ("get", f"/sign-in/link/{KEY}"), ("get", f"/sign-in/link/{KEY}")),
        ("post", f"/forgotten/1a/{KEY}"),
    ):
        getattr(Client(enforce_csrf_checks=True), method)(path)
    written = lines.getvalue()
    for words in ("Not Found: /subscriptions/…", "Forbidden", "Too Many Requests: /sign-in/link/…"):
        assert words in written
    assert KEY not in written


def test_the_web_server_s_own_lines() -> None:
    logger = WebServerLogger(Config())
    out = io.StringIO()
    for one in (logger.error_log, logger.access_log):
        for handler in one.handlers:
            handler.setStream(out)
    try:
        raise ValueError(f"/u/{KEY}")
    except ValueError:
        logger.exception("Error handling request %s", f"/u/{KEY}")
    assert "Error handling request /u/…" in out.getvalue()
    assert KEY not in out.getvalue()


def test_a_worker_s_own_lines() -> None:
    out = io.StringIO()
    logger = logging.Logger("celery-of-a-test")
    logger.addHandler(logging.StreamHandler(out))
    after_setup_logger.send(sender=None, logger=logger)
    logger.error("Task failed: %s", f"https://papers.example.org/subscriptions/{KEY}")
    assert out.getvalue() == "Task failed: https://papers.example.org/subscriptions/…\n"
