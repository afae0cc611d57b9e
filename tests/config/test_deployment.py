"""What browsers are told on https: cookies whose names hold promises, headers on every answer, nothing to fix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config.local.paths import PROJECT
from config.site_url import Site
from papers.web.http import Request
from papers.web.middleware import ResponseHeadersMiddleware
from tests.support.people import anonymous_client, client_of, reader

SEEN = """
import json
from django.conf import settings
names = ("SESSION_COOKIE", "CSRF_COOKIE")
print(json.dumps([[getattr(settings, f"{n}_{f}") for f in ("NAME", "PATH", "SECURE")] for n in names]))
"""


def manage(*arguments: str, site: str, tmp_path: Any, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    environment |= {"BROADSHEET_SITE_URL": site, "BROADSHEET_DATA_DIR": str(tmp_path), "PYTHON_DOTENV_DISABLED": "1"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment | more, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("site", "prefix", "path"),
    [
        ("https://papers.example.org", "__Host-", "/"),
        ("https://lab.example.org/papers", "__Secure-", "/papers"),
        ("http://127.0.0.1:8000", "", "/"),
    ],
)
def test_cookies_of_a_site(site: str, prefix: str, path: str, tmp_path: Any) -> None:
    found = json.loads(manage("shell", "--no-imports", "-c", SEEN, site=site, tmp_path=tmp_path).stdout)
    secure = bool(prefix)
    assert found == [[f"{prefix}broadsheet_session", path, secure], [f"{prefix}broadsheet_csrf", path, secure]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("site", "prefix", "path"),
    [("https://papers.example.org", "__Host-", "/"), ("https://lab.example.org/papers", "__Secure-", "/papers")],
)
def test_our_own_cookies_too(site: str, prefix: str, path: str, settings: Any) -> None:
    settings.SITE = Site.from_url(site)
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_SECURE = path, True
    answers = [Client().post("/theme", {"theme": "dark"}), client_of(reader()).post("/hide-seen")]
    names = {f"{prefix}broadsheet_theme", f"{prefix}broadsheet_notes"}
    ours = {name: each for answer in answers for name, each in answer.cookies.items() if name in names}
    assert f"{prefix}broadsheet_theme" in ours
    for cookie in ours.values():
        assert (cookie["path"], bool(cookie["secure"]), cookie["domain"]) == (path, True, "")
    for answer in answers:
        others = set(answer.cookies) - {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
        assert all(name.startswith(prefix) for name in others)


@pytest.mark.django_db
def test_a_note_is_shown_once_and_its_cookie_is_the_site_s(settings: Any) -> None:
    settings.SITE = Site.from_url("https://lab.example.org/papers")
    settings.SESSION_COOKIE_PATH = "/papers"
    browser = client_of(reader())
    answer = browser.post("/account/muted", {"query": "ice"})
    cookie = answer.cookies.get("__Secure-broadsheet_notes")
    if cookie is not None:
        assert cookie["path"] == "/papers"
    assert "messages" not in answer.cookies


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/", "/no-such-page", "/health/live", "/sign-in", "/papers.atom", "/robots.txt", "/papers/", "/account"]
)
def test_headers_of_every_answer(path: str) -> None:
    check_headers(anonymous_client().get(path))


@pytest.mark.django_db
def test_headers_of_refusals_and_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    check_headers(Client(enforce_csrf_checks=True).post("/sign-in"))
    check_headers(anonymous_client().get("/", headers={"Host": "evil.example"}))
    monkeypatch.setattr("papers.views.editions.front_page", broken)
    failed = Client(raise_request_exception=False).get("/")
    assert failed.status_code == 500
    check_headers(failed)


def test_scripts_leave_without_what_only_documents_heed() -> None:
    """On a page's eight files it would be a thirtieth of all its bytes."""

    def answer(kind: str) -> HttpResponse:
        answered = ResponseHeadersMiddleware(lambda _: HttpResponse("x", content_type=kind))
        return answered(cast(Request, RequestFactory().get("/")))

    assert "Permissions-Policy" in answer("text/html; charset=utf-8")
    assert "Permissions-Policy" in answer("image/svg+xml")
    for kind in ("text/css", 'text/javascript; charset="utf-8"', "image/png"):
        assert "Permissions-Policy" not in answer(kind)
        assert answer(kind)["X-Content-Type-Options"] == "nosniff"


def check_headers(answer: Any) -> None:
    assert answer["Cross-Origin-Opener-Policy"] == answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb"):
        assert f"{feature}=()" in answer["Permissions-Policy"]
    assert answer["Cache-Control"]


@pytest.mark.parametrize(
    ("site", "hsts"),
    [("https://papers.example.org", "0"), ("https://lab.example.org/papers", "365d"), ("http://127.0.0.1:8000", "0")],
)
def test_django_s_own_list_has_nothing_left(site: str, hsts: str, tmp_path: Any) -> None:
    more = {"BROADSHEET_HSTS": hsts, "BROADSHEET_TRUSTED_PROXIES": "127.0.0.1"}
    smtp = {"BROADSHEET_SMTP_URL": "smtp+starttls://mail.example.org:587"}
    told = manage("check", "--deploy", "--fail-level", "WARNING", site=site, tmp_path=tmp_path, **more, **smtp)
    assert told.returncode == 0, told.stderr + told.stdout
