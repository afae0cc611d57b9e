"""Pages kept for visitors: the same for all of them, never anybody's own, and never behind a vote."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import cards_on
from tests.support.people import anonymous_client, client_of, reader

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
