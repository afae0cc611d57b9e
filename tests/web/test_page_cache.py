"""Pages kept for visitors: the same for all of them, never anybody's own, and never behind a vote."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from config.monitoring.counts import PROCESS_COUNTS
from papers.process_memory import forget_everything
from papers.services.curation.audit_log import Actor
from papers.services.curation.place_paper import hide_paper
from papers.services.operations.installation import save_group_settings
from papers.services.reading.votes import set_vote
from papers.services.topics.topic_editor import TopicDraft, delete_topic, update_topic
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import cards_on
from tests.support.people import anonymous_client, client_of, curator, reader

pytestmark = pytest.mark.django_db

DAY = f"/papers/date/{TODAY}"
Queries = Callable[[str, Client], int]


@pytest.fixture(autouse=True)
def _kept(settings: Settings) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = 60


def queries(path: str, client: Client, **headers: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path, headers=headers).status_code in (200, 304)
    return len(captured)


def test_a_second_visitor_costs_no_query() -> None:
    factories.listing()
    assert queries(DAY, anonymous_client()) > 0
    assert queries(DAY, anonymous_client()) == 0


def test_a_vote_is_seen_by_the_next_visitor(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    paper = factories.paper()
    factories.listing(paper)
    assert cards_on(DAY)[0].votes == 0
    with django_capture_on_commit_callbacks(execute=True):
        set_vote(user=factories.user(), paper_id=paper.pk, on=True)
    assert cards_on(DAY)[0].votes == 1


def test_readers_get_pages_of_their_own() -> None:
    factories.listing()
    client = client_of(reader())
    anonymous_client().get(DAY)
    assert b"Sign in" not in client.get(DAY).content
    assert queries(DAY, client) > 0
    assert b"Sign in" in anonymous_client().get(DAY).content


def test_a_page_of_a_reader_is_never_kept() -> None:
    factories.listing()
    client_of(reader()).get(DAY)
    assert b"Sign in" in anonymous_client().get(DAY).content


def test_themes_and_parts_are_kept_apart() -> None:
    factories.listing()
    dark = anonymous_client()
    dark.cookies["broadsheet_theme"] = "dark"
    assert b'data-theme="dark"' in dark.get(DAY).content
    assert b"data-theme=" not in anonymous_client().get(DAY).content
    assert b"<html" in anonymous_client().get(f"{DAY}?after=x", headers={"HX-Request": "true"}).content


def test_made_up_addresses_are_not_kept() -> None:
    factories.listing()
    anonymous_client().get(f"{DAY}?x=1")
    assert queries(f"{DAY}?x=1", anonymous_client()) > 0


def test_a_cookie_of_any_other_kind_makes_a_page_somebody_s_own() -> None:
    factories.listing()
    anonymous_client().get(DAY)
    guest = anonymous_client()
    guest.cookies["messages"] = "x"
    assert queries(DAY, guest) > 0


def test_members_only_is_obeyed_whatever_is_kept(settings: Settings) -> None:
    factories.listing()
    assert anonymous_client().get(DAY).status_code == 200
    settings.ACCESS = "members"
    assert anonymous_client().get(DAY).status_code == 302


def test_a_browser_that_has_the_page_is_told_so() -> None:
    factories.listing()
    first = anonymous_client().get(DAY)
    again = anonymous_client().get(DAY, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Cache-Control"] == "no-cache"
    assert {"Cookie", "HX-Request"} <= set(first.headers["Vary"].split(", "))


def test_what_is_not_there_is_not_kept() -> None:
    assert anonymous_client().get("/papers/date/nonsense").status_code == 404
    assert anonymous_client().get("/papers/date/nonsense").status_code == 404


@pytest.mark.parametrize("feed", ["/papers.atom", "/papers.json", "/papers/trending.atom"])
def test_a_feed_costs_the_next_visitor_no_query_also_one_who_has_it(feed: str) -> None:
    factories.listing()
    first = anonymous_client().get(feed, headers={"If-None-Match": '"another"'})
    assert first["Content-Type"].startswith("application/")
    assert queries(feed, anonymous_client()) == 0
    again = anonymous_client().get(feed)
    for name in ("Content-Type", "Last-Modified", "ETag"):
        assert again[name] == first[name]
    assert again.content == first.content
    for headers in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
        assert anonymous_client().get(feed, headers=headers).status_code == 304
        assert queries(feed, anonymous_client(), **headers) == 0


class TestWhatAProcessRemembers:
    """A visitor's page is in the memory of the process that sent it, in front of the cache that all have."""

    def test_it_leaves_as_it_did_the_first_time(self) -> None:
        factories.listing()
        first, second = anonymous_client().get(DAY), anonymous_client().get(DAY)
        forget_everything()
        third = anonymous_client().get(DAY)
        assert first.content == second.content == third.content
        assert dict(first.headers) == dict(second.headers) == dict(third.headers)

    def test_it_is_sent_compressed_or_plain(self) -> None:
        factories.listing()
        anonymous_client().get(DAY)
        packed = anonymous_client().get(DAY, headers={"Accept-Encoding": "gzip"})
        assert (packed["Content-Encoding"], packed["Content-Length"]) == ("gzip", str(len(packed.content)))
        assert "Content-Encoding" not in anonymous_client().get(DAY).headers

    def test_it_is_counted_as_the_page_that_it_is(self) -> None:
        factories.listing()

        def counted() -> int:
            waiting = PROCESS_COUNTS.waiting()
            return sum(number for key, number in waiting.items() if key[:3] == ("request", "papers:day", "2xx"))

        before = counted()
        for _ in range(3):
            anonymous_client().get(DAY)
        assert counted() - before == 3

    def test_a_name_of_another_site_is_refused(self) -> None:
        factories.listing()
        anonymous_client().get(DAY)
        assert anonymous_client().get(DAY, headers={"Host": "elsewhere.example"}).status_code == 400

    def test_a_token_is_looked_at(self) -> None:
        factories.listing()
        anonymous_client().get(DAY)
        assert queries(DAY, anonymous_client(), Authorization="Bearer x") > 0

    def test_htmx_gets_the_part_that_it_asks_for(self) -> None:
        for _ in range(51):
            factories.listing()
        found = re.search(r'hx-get="(\?[^"]*after=[^"]+)"', anonymous_client().get(DAY).content.decode())
        assert found is not None
        more = unescape(found[1])
        assert b"<html" in anonymous_client().get(DAY + more).content
        part = anonymous_client().get(DAY + more, headers={"HX-Request": "true"}).content
        assert b"<html" not in part
        assert anonymous_client().get(DAY + more, headers={"HX-Request": "true"}).content == part
        assert b"<html" in anonymous_client().get(DAY + more).content

    def test_nothing_is_sent_once_the_stamp_is_lost(self) -> None:
        factories.listing()
        anonymous_client().get(DAY)
        cache.clear()
        assert queries(DAY, anonymous_client()) > 0

    def test_a_reader_s_form_is_never_in_it(self) -> None:
        factories.listing()
        client_of(reader()).get(DAY)
        for _ in range(2):
            assert b"csrfmiddlewaretoken" not in anonymous_client().get(DAY).content

    def test_a_hidden_paper_is_gone_at_once(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        paper = factories.paper(title="Tides")
        factories.listing(paper)
        assert b"Tides" in anonymous_client().get(DAY).content
        with django_capture_on_commit_callbacks(execute=True):
            hide_paper(paper_id=paper.pk, on=True, actor=Actor(curator(), NOW))
        assert b"Tides" not in anonymous_client().get(DAY).content

    def test_a_site_that_is_closed_is_closed_at_once(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        factories.listing()
        assert anonymous_client().get(DAY).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            save_group_settings(name="Tidal", time_zone="UTC", access="members", now=NOW)
        assert anonymous_client().get(DAY).status_code == 302
        with django_capture_on_commit_callbacks(execute=True):
            save_group_settings(name="Tidal", time_zone="UTC", access="public", now=NOW)
        assert b"Tidal" in anonymous_client().get(DAY).content


def test_a_topic_s_page_is_kept_until_the_topic_changes(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    topic = factories.topic("tides", query="tide")
    factories.topic_match(factories.paper(), topic)
    address = "/topics/tides"
    assert queries(address, anonymous_client()) > 0
    assert queries(address, anonymous_client()) == 0
    with django_capture_on_commit_callbacks(execute=True):
        update_topic(topic, TopicDraft(name="Waves", query="tide"), now=NOW)
    assert b"Waves" in anonymous_client().get(address).content
    with django_capture_on_commit_callbacks(execute=True):
        delete_topic(topic)
    assert anonymous_client().get(address).status_code == 404


def test_a_reader_s_own_search_is_never_kept() -> None:
    rita = reader()
    factories.topic_match(factories.paper(), factories.topic("tides", query="tide", owner=rita))
    assert client_of(rita).get("/topics/tides").status_code == 200
    for _ in range(2):
        assert anonymous_client().get("/topics/tides").status_code == 404
