"""A walk over all pages, as a visitor, a reader and an administrator: no link is dead, and the browser's rules hold."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from papers.models import PaperVersion
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db

MOST_PAGES = 150
# The admin is Django's own, and signing out by following a link is not possible: it is a form.
NOT_OURS = ("/admin", "/static/")
STARTS = ("/", "/papers/trending", "/status", "/sign-in", "/no-such-page", "/papers/date/2001-01-01")


@pytest.fixture
def _papers() -> None:
    rich = factories.paper(
        title=r"On $\alpha$",
        abstract=r"First paragraph with $x^2$ and https://example.org/." + "\n\n" + "Second one. " * 80,
        authors=[f"Author {number}" for number in range(40)],
        organization="CERN",
        venue="ACL 2026",
        comment="12 pages",
        links={"code": {"url": "https://github.com/a/b", "found": "abstract"}},
    )
    PaperVersion.objects.create(paper=rich, version=1, seen_at=NOW)
    factories.external_counts(rich, votes=12, comments=3)
    factories.listing(rich, by="submission", user=factories.user(), pinned_at=NOW)
    for place in range(3):
        factories.listing(factories.paper(withdrawn_at=NOW if place else None), position=place)
    factories.listing(day=TODAY.replace(day=3))
    factories.edition(announced_count=5, stored_count=4, missing=["2603.1"])
    factories.source(categories=["cs.CL"])


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("who", ["visitor", "reader", "administrator"])
def test_every_page_keeps_the_rules(who: str) -> None:
    client = {"visitor": anonymous_client, "reader": a_reader, "administrator": an_administrator}[who]()
    seen = 0
    for path, response, page in walk(client):
        check(path, response, page)
        seen += 1
    assert seen > 20


@pytest.mark.usefixtures("_papers")
def test_no_link_is_dead() -> None:
    dead = [path for path, response, _ in walk(a_reader()) if response.status_code == 404 and path != "/no-such-page"]
    assert dead == []


def a_reader() -> Client:
    return client_of(reader())


def an_administrator() -> Client:
    return client_of(staff())


def walk(client: Client) -> Iterator[tuple[str, HttpResponse, Any]]:
    """Every page that is reached by links, each once."""
    waiting, known = deque(STARTS), set(STARTS)
    while waiting and len(known) < MOST_PAGES:
        path = waiting.popleft()
        response: Any = client.get(path, follow=True)
        if not response.headers["Content-Type"].startswith("text/html"):
            continue
        page = parse_html(response.content.decode())
        yield path, response, page
        for link in page.iter("a"):
            there = urldefrag(urljoin(path, link.get("href", ""))).url
            if not urlsplit(there).netloc and there not in known and not there.startswith(NOT_OURS):
                known.add(there)
                waiting.append(there)


def check(path: str, response: HttpResponse, page: Any) -> None:
    assert response.status_code in (200, 404), path
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, path
    assert "unsafe" not in policy, path
    data = "[@type='application/ld+json']"  # which no browser runs
    assert not page.xpath(f"//style | //script[not(@src) and not(self::*{data})] | //@style"), path
    assert not page.xpath("//@*[starts-with(name(), 'on')]"), path
    assert all(json.loads(block.text) for block in page.xpath(f"//script{data}")), path
    assert not page.xpath("//a[starts-with(@href, 'javascript:')]"), path
    outside = [
        link for link in page.xpath("//script/@src | //link[@rel='stylesheet']/@href | //img/@src") if "//" in link
    ]
    assert outside == [], path
    twice = [name for name, times in Counter(page.xpath("//@id")).items() if times > 1]
    assert twice == [], path
    assert len(page.xpath("//h1")) == 1, path
    assert page.get("lang") == "en", path
    assert len(page.xpath("/html/head/title")) == 1, path


def test_pages_that_stand_alone_keep_the_rules_too(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    client = Client(raise_request_exception=False)
    monkeypatch.setattr("papers.views.editions.front_page", broken)
    settings.ALLOWED_HOSTS = ["testserver"]
    for response, status in ((client.get("/"), 500), (client.get("/", headers={"host": "evil.example"}), 400)):
        assert response.status_code == status
        page = parse_html(response.content.decode())
        assert not page.xpath("//style | //script | //@style")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_a_broken_page_has_a_number_that_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("papers.views.editions.front_page", broken)
    monkeypatch.setattr("papers.views.errors.logger.propagate", True)
    response = Client(raise_request_exception=False).get("/")
    (number,) = parse_html(response.content.decode()).xpath("//strong/text()")
    assert number in caplog.text
