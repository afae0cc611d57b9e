"""Under which path the site stands is said by its own address alone: not by a header, a server or a process."""

from __future__ import annotations

import importlib
from io import BytesIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import Client
from django.test.client import FakePayload
from django.urls import get_script_prefix, set_script_prefix
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create

from config.site_url import Site
from tests.support import factories
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db

EVIL = "//evil.example"


@pytest.fixture(autouse=True)
def _paper() -> Any:
    cache.clear()
    factories.listing(factories.paper(public_id="2603.99001", categories=["cs.CL"], organization="CERN"))
    yield
    cache.clear()
    set_script_prefix("/")


def web_server() -> Config:
    """gunicorn's settings, as config/gunicorn.py sets them."""
    ours, known = vars(importlib.import_module("config.gunicorn")), Config()
    for name in known.settings.keys() & ours.keys():
        known.set(name, ours[name])
    return known


def environ_of(request: bytes, peer: Any = ("127.0.0.1", 4000)) -> dict[str, Any]:
    """What gunicorn makes of a request that comes from this host, where a proxy is."""
    settings = web_server()
    parsed = next(RequestParser(settings, iter([request]), peer))
    return dict(create(parsed, None, peer, ("127.0.0.1", 8000), settings)[1])


def hostile(path: str = "/papers/date/2026-03-04") -> bytes:
    headers = f"Host: 127.0.0.1\r\nSCRIPT_NAME: {EVIL}\r\nScript-Name: {EVIL}\r\nPATH_INFO: /status\r\nREMOTE_USER: ada"
    return f"GET {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode()


def call(environ: dict[str, Any]) -> tuple[str, dict[str, str], str]:
    """The answer of config/wsgi.py: status, headers, body."""
    application = importlib.import_module("config.wsgi").application
    answered: list[Any] = []
    environ = {**environ, "wsgi.input": FakePayload(b""), "wsgi.errors": BytesIO()}
    request_started.disconnect(close_old_connections)  # as the test client does: a test is one transaction
    try:
        body = application(environ, lambda status, headers, *_: answered.append((status, dict(headers))))
    finally:
        request_started.connect(close_old_connections)
    return (*answered[0], b"".join(body).decode())


def visible(page: Any) -> str:
    return str(page.content.decode())


@pytest.mark.parametrize("peer", [("127.0.0.1", 4000), ("::1", 4000, 0, 0), ("10.0.0.7", 4000)])
def test_the_web_server_takes_it_from_no_header(peer: Any) -> None:
    environ = environ_of(hostile(), peer)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/papers/date/2026-03-04")
    assert "REMOTE_USER" not in environ
    assert not any("evil" in str(environ.get(name)) for name in ("RAW_URI", "HOST"))


def test_the_web_server_takes_it_from_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/elsewhere")
    importlib.reload(importlib.import_module("config.gunicorn"))
    assert environ_of(hostile())["SCRIPT_NAME"] == ""


@pytest.mark.parametrize("name", [EVIL, "/elsewhere", "https://evil.example/", "/\r\nx", ""])
def test_what_a_server_says_reaches_no_page_and_no_cached_card(name: str) -> None:
    status, _, page = call({**environ_of(hostile()), "SCRIPT_NAME": name})
    later = visible(Client().get("/papers/date/2026-03-04"))
    assert status.startswith("200")
    for text in (page, later):
        assert 'href="/papers/2603.99001"' in text
        assert "evil.example" not in text
        assert "/elsewhere" not in text


def test_nor_does_it_reach_readers_nor_where_they_are_led() -> None:
    browser = client_of(reader())
    assert "evil" not in visible(browser.get("/papers/date/2026-03-04", SCRIPT_NAME=EVIL))
    assert "evil" not in visible(browser.get("/papers/date/2026-03-04"))
    assert Client().get("/library", SCRIPT_NAME=EVIL)["Location"] == "/sign-in?next=/library"
    assert Client().get("/papers/", SCRIPT_NAME=EVIL)["Location"] == "/papers"
    assert get_script_prefix() == "/"


@pytest.mark.parametrize("path", ["/of-our-lab/api/daily_papers", "/api/daily_papers"])
@pytest.mark.parametrize("said", ["", EVIL, "/of-our-lab"])
def test_programs_are_led_on_below_the_sub_path_too(path: str, said: str, settings: Any) -> None:
    settings.SITE = Site.from_url("http://127.0.0.1/of-our-lab")
    settings.FORCE_SCRIPT_NAME = settings.SITE.path
    factories.listing()
    factories.listing()
    status, headers, _ = call({**environ_of(hostile(f"{path}?limit=1")), "SCRIPT_NAME": said})
    assert status.startswith("200")
    assert headers["Link"] == '<http://127.0.0.1/of-our-lab/api/daily_papers?p=1&limit=1>; rel="next"'
    settings.ACCESS = "members"
    status, headers, said_then = call({**environ_of(hostile(path)), "SCRIPT_NAME": said})
    assert status.startswith("401")
    assert headers["X-Error-Message"] in said_then


@pytest.mark.parametrize("path", ["/of-our-lab/papers/date/2026-03-04", "/papers/date/2026-03-04"])
@pytest.mark.parametrize("said", ["", EVIL, "/of-our-lab"])
def test_a_site_under_a_sub_path_has_its_own_in_every_link(path: str, said: str, settings: Any) -> None:
    """Whether or not a proxy leaves the sub-path on."""
    settings.SITE = Site.from_url("http://127.0.0.1/of-our-lab")
    settings.FORCE_SCRIPT_NAME = settings.SITE.path
    status, _, page = call({**environ_of(hostile(path)), "SCRIPT_NAME": said})
    assert status.startswith("200")
    assert 'href="/of-our-lab/papers/2603.99001"' in page
    assert "evil" not in page
    assert 'href="/papers/2603.99001"' not in page
