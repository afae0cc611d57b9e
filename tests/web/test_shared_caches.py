"""What one visitor's browser, or an attacker's, says of itself reaches nobody else: not through a page that is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from config.site_url import Site
from tests.config.test_sub_path import call, environ_of
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db

EVIL = "evil.example"
# All that `cache_for_anonymous` keeps, and what else is put together from cached parts or may be kept on the way.
KEPT = (
    "/", f"/papers/date/{TODAY}", f"/papers/date/{TODAY}?sort=newest", "/papers/week", "/papers/week/2026-W10",
    "/papers/month", "/papers/month/2026-03", "/papers/trending", "/papers/new", "/papers/new?category=cs.CL",
)  # fmt: skip
PUT_TOGETHER = (
    "/papers/2603.99001", "/papers?q=ice", "/organizations/cern", "/authors/ada-lovelace", "/topics", "/tags",
    "/papers.atom", "/papers.json", "/papers/trending.atom", "/curate/log.atom", "/robots.txt",
)  # fmt: skip
HOSTILE = (
    {"Host": EVIL},
    {"Host": "127.0.0.1:1234", "Cookie": "broadsheet_theme=dark"},
    {"Host": "localhost", "Cookie": f"broadsheet_theme=\"><script>{EVIL}"},
    {
        "X-Forwarded-Host": EVIL, "X-Host": EVIL, "X-Original-Host": EVIL, "X-HTTP-Host-Override": EVIL,
        "X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "X-Forwarded-Scheme": EVIL, "X-Url-Scheme": "https",
        "X-Forwarded-For": f"{EVIL}, 127.0.0.1", "X-Real-Ip": EVIL, "True-Client-Ip": EVIL, "Client-Ip": EVIL,
        "X-Forwarded-Port": "666", "X-Forwarded-Server": EVIL, "Via": EVIL,
        "X-Forwarded-Prefix": f"//{EVIL}", "X-Script-Name": f"//{EVIL}", "X-Forwarded-Path": f"/{EVIL}",
        "SCRIPT_NAME": f"//{EVIL}", "Script-Name": f"//{EVIL}", "PATH_INFO": "/status", "X-Original-Url": f"/{EVIL}",
        "X-Rewrite-Url": f"/{EVIL}", "X-Original-Uri": f"/{EVIL}", "X-Http-Method-Override": "POST",
        "Forwarded": f"for={EVIL};host={EVIL};proto=https;by={EVIL}",
    },
    {"Cookie": f"broadsheet_theme={EVIL}; broadsheet_session={EVIL}; broadsheet_csrf={EVIL}; messages={EVIL}"},
    {
        "Accept-Language": f"de, {EVIL}", "Accept": f"text/{EVIL}", "Accept-Encoding": EVIL, "Accept-Charset": EVIL,
        "User-Agent": EVIL, "Referer": f"https://{EVIL}/", "Origin": f"https://{EVIL}", "From": EVIL,
        "Authorization": f"Basic {EVIL}", "Range": "bytes=0-10", "If-None-Match": f'"{EVIL}"', "Cache-Control": EVIL,
        "X-Forwarded-User": "ada", "REMOTE_USER": "ada", "Remote-User": "ada", "X-Csrftoken": EVIL,
    },
    {"HX-Request": "true", "HX-Target": EVIL, "HX-Current-URL": f"https://{EVIL}/", "HX-Boosted": "true"},
    {"HX-Request": "true", "HX-History-Restore-Request": "true", "HX-Prompt": EVIL, "HX-Trigger": EVIL},
)  # fmt: skip
QUERIES = (f"utm_source={EVIL}&next=//{EVIL}", f"category={EVIL}&after={EVIL}&sort={EVIL}")


@pytest.fixture(autouse=True)
def _papers(settings: Any) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = 3600
    paper = factories.paper(
        public_id="2603.99001", title="Ice", authors=["Ada Lovelace"], categories=["cs.CL"], organization="CERN"
    )
    factories.listing(paper)


def ask(path: str, headers: dict[str, str], method: str = "GET") -> tuple[str, dict[str, str], str]:
    """The answer to a request as the web server hands it on."""
    lines = {"Host": "127.0.0.1", **headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return call(environ_of(f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode()))


def compared(answer: tuple[str, dict[str, str], str]) -> tuple[str, dict[str, str], str]:
    """Without what is new in every answer, and what only the one who asks is told."""
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name not in ("Date", "Expires")}, body


@pytest.mark.parametrize("path", [*KEPT, *PUT_TOGETHER])
def test_the_next_visitor_sees_nothing_of_it(path: str) -> None:
    cache.clear()
    right = compared(ask(path, {}))
    assert right[0].startswith("200"), right[0]
    for headers in HOSTILE:
        cache.clear()
        ask(path, headers)
        after = compared(ask(path, {}))
        assert after == right, headers
        assert EVIL not in str(after)
    joined = "&" if "?" in path else "?"
    for query in QUERIES:
        cache.clear()
        ask(f"{path}{joined}{query}", {})
        assert compared(ask(path, {})) == right, query


@pytest.mark.parametrize("path", KEPT[:2])
def test_nor_on_a_site_with_a_name_behind_a_proxy(path: str, settings: Any) -> None:
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.ALLOWED_HOSTS = settings.SITE.allowed_hosts()
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    usual = {"Host": "papers.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    cache.clear()
    right = compared(ask(path, usual))
    for headers in HOSTILE:
        cache.clear()
        ask(path, {**usual, **headers})
        assert compared(ask(path, usual)) == right, headers


@pytest.mark.parametrize("path", KEPT)
def test_a_kept_page_has_nothing_of_a_person(path: str) -> None:
    """No token, no cookie, and no address but the page's own."""
    for _ in range(2):
        answer = anonymous_client().get(path)
        assert not answer.cookies
        assert b"csrf" not in answer.content
        page = parse_html(answer.content.decode())
        for address in page.xpath("//@href | //@action | //@src"):
            assert EVIL not in address
    assert set(answer.headers["Vary"].split(", ")) >= {"Cookie", "HX-Request"}


def test_what_a_visitor_gets_may_be_kept_and_asked_for_again_and_no_more() -> None:
    assert anonymous_client().get(KEPT[0])["Cache-Control"] == "no-cache"
    assert anonymous_client().get("/papers/2603.99001")["Cache-Control"] == "private"


@pytest.mark.parametrize("person", [reader, staff])
def test_a_session_makes_every_page_private(person: Any) -> None:
    browser = client_of(person())
    for path in (*KEPT, *PUT_TOGETHER, "/no-such-page", "/papers/date/x"):
        assert "private" in browser.get(path)["Cache-Control"], path
    forged = Client()
    forged.cookies["broadsheet_session"] = "made-up"
    assert "private" in forged.get(KEPT[0])["Cache-Control"]


def test_an_answer_that_begins_a_session_is_private() -> None:
    ada = reader("ada")
    answer = Client().post("/sign-in", {"username": ada.email, "password": "correct-horse-battery"})
    assert answer.status_code == 302
    assert "private" in answer["Cache-Control"]


def test_the_links_of_mails_follow_no_request(mailoutbox: list[Any], settings: Any) -> None:
    ada = reader("ada")
    settings.MAIL_IS_SENT = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    said = {"Host": "127.0.0.1:1234", "X-Forwarded-Host": EVIL}
    assert Client().post("/forgotten", {"email": ada.email}, headers=said).status_code == 302
    (mail,) = mailoutbox
    assert "127.0.0.1:1234" not in mail.body
    assert EVIL not in mail.body
    assert "http://127.0.0.1:8000/forgotten/" in mail.body
