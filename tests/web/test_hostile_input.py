"""What nobody types and somebody sends: every address answers it with a page, and none with an error of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections, transaction
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from config.wsgi import application
from papers.models import Paper, Tag, User
from papers.services.reading.comments import add_comment
from papers.services.reading.library import set_library_state
from papers.services.reading.tags import add_tags, delete_tag, tag_names_of_paper
from papers.services.reading.votes import set_vote
from papers.services.recommend.staleness import mark_recommendations_stale
from papers.web.http import safe_next
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader, staff

NUL = "a\0b"
PEOPLE: dict[str, Callable[[], Client]] = {
    "stranger": anonymous_client,
    "reader": lambda: client_of(reader()),
    "administrator": lambda: client_of(staff()),
}
PLAIN = {
    "IntConverter": 1,
    "RowConverter": 1,
    "FormConverter": "bib",
    "FeedConverter": "atom",
    "SlugConverter": "x",
    "KeyConverter": "x",
    "DayConverter": "2026-03-05",
}


def addresses_with_nul(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """Every address of ours that takes a word, with a NUL for it."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from addresses_with_nul(pattern.url_patterns, pattern.namespace or namespace)
            continue
        given = {name: PLAIN.get(type(each).__name__, NUL) for name, each in pattern.pattern.converters.items()}
        if NUL in given.values():
            yield reverse(f"{namespace}:{pattern.name}" if namespace else str(pattern.name), kwargs=given)


def expected(path: str) -> tuple[int, ...]:
    """Leaving a mail always has a page; the API wants JSON, and a token to write."""
    if path.startswith("/u/"):
        return (200,)
    return (401, 404, 405, 415) if path.startswith("/api/") else (302, 404, 405)


@pytest.mark.django_db
@pytest.mark.parametrize("who", PEOPLE)
def test_no_address_breaks_on_a_nul(who: str) -> None:
    browser = PEOPLE[who]()
    tried = list(addresses_with_nul(get_resolver().url_patterns))
    assert len(tried) > 40
    for path in tried:
        cache.clear()  # else a stranger has asked too much after some hundred
        for ask in (browser.get, browser.post):
            assert ask(path).status_code in expected(path), path


@pytest.mark.parametrize(
    "target",
    [
        "papers:today",
        "papers:day",
        "1",
        "x",
        "…",
        "//evil.example/",
        "http://evil.example/",
        "javascript:alert(1)",
        "\\x",
    ],
)
def test_a_form_leads_back_to_a_page_of_this_site_or_to_its_own(target: str) -> None:
    given = QueryDict(mutable=True)
    given["next"] = target
    assert safe_next(RequestFactory().get("/", given), default="/own") == "/own"


@pytest.mark.parametrize("target", ["/", "/papers/new?after=x#paper-1", "http://testserver/papers"])
def test_a_form_leads_back_to_where_it_was(target: str) -> None:
    assert safe_next(RequestFactory().get("/", {"next": target}), default="/own") == target


@pytest.mark.django_db
def test_a_name_of_a_view_is_no_way_back() -> None:
    assert anonymous_client().post("/theme", {"theme": "dark", "next": "papers:day"})["Location"] == "/"


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example//", "/\\evil.example/"])
def test_a_slash_too_many_leads_to_no_other_site(path: str) -> None:
    answer = Client().generic("GET", "/", PATH_INFO=path)
    assert answer.status_code == 301
    there = answer["Location"]
    assert there[0] == "/"
    assert there[1] not in "/\\"


@pytest.mark.django_db(transaction=True)
class TestTwoWindowsOfOneReader:
    """Two buttons at once never wait for each other in a ring, which Postgres would end with an error for one."""

    def meanwhile(self, work: Any) -> Any:
        """Have `work` done by another connection until it waits for this one; what to wait for then."""
        is_under_way = Event()

        def run() -> None:
            try:
                is_under_way.set()
                work()
            finally:
                connections.close_all()

        pool = ThreadPoolExecutor(1)
        found = pool.submit(run)
        is_under_way.wait(10)
        wait([found], timeout=0.5)
        assert not found.done()
        pool.shutdown(wait=False)
        return found

    @pytest.fixture
    def rita(self) -> User:
        return reader()

    def test_a_tag_goes_while_it_is_put(self, rita: User) -> None:
        paper = factories.paper()
        add_tags(user=rita, paper_ids=[paper.pk], names=["ice"])
        with transaction.atomic():
            set_library_state(user=rita, paper_ids=[paper.pk], state="to_read")
            other = self.meanwhile(lambda: delete_tag(tag=Tag.objects.get()))
            add_tags(user=rita, paper_ids=[paper.pk], names=["ice", "snow"])
        other.result(10)
        assert tag_names_of_paper(user=rita, paper_id=paper.pk) == ["snow"]

    @pytest.mark.parametrize(
        "act",
        [
            lambda rita, paper: set_vote(user=rita, paper_id=paper.pk, on=True),
            lambda rita, paper: add_comment(user=rita, paper_id=paper.pk, body="Is it so?"),
        ],
    )
    def test_what_comes_while_its_reader_leaves_holds_no_paper(self, rita: User, act: Callable[..., object]) -> None:
        paper = factories.paper()
        with transaction.atomic():
            User.objects.select_for_update().get(pk=rita.pk)  # as leaving does, first of all
            other = self.meanwhile(lambda: act(rita, paper))
            Paper.objects.select_for_update(no_key=True, nowait=True).get(pk=paper.pk)
            rita.delete()
        with pytest.raises(PermissionDenied):
            other.result(10)

    def test_a_vote_comes_while_the_paper_is_saved(self, rita: User) -> None:
        paper = factories.paper()
        with transaction.atomic():
            mark_recommendations_stale(rita)  # as saving does, first of all
            other = self.meanwhile(lambda: set_vote(user=rita, paper_id=paper.pk, on=True))
            set_library_state(user=rita, paper_ids=[paper.pk], state="to_read")
        other.result(10)
        paper.refresh_from_db()
        assert paper.vote_count == 1


@pytest.mark.parametrize("charset", ["hex", "base64", "zip", "rot13", "undefined", "punycode", "utf-16", "nonsense"])
def test_no_header_says_how_an_address_is_read(charset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django takes the codec of a `Content-Type` for the query string, too, whatever kind of codec it is."""
    read: list[WSGIRequest] = []
    monkeypatch.setattr("config.wsgi.django_application", lambda environ, _: read.append(WSGIRequest(environ)))
    environ = RequestFactory().get("/papers?q=ice").environ | {"CONTENT_TYPE": f"text/plain; charset={charset}; x=y"}
    application(environ, lambda *_: None)  # type: ignore[arg-type]
    assert read[0].GET["q"] == "ice"
    assert read[0].META["CONTENT_TYPE"] == "text/plain; x=y"
