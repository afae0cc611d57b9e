"""What the API tells: lists page by page, things one by one, in few queries, and 304 where nothing changed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import Edition, FormerAddress, Paper, PaperVersion, User
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.people import client_of, curator, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper() -> Paper:
    found = factories.paper(public_id="2603.99001", title="Tides of $x$", organization="CERN", doi="10.1000/tides")
    factories.listing(found)
    return found


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["items"]]


def all_pages(api: ApiClient, path: str, *, limit: int | None = 2) -> list[str]:
    """The ids of a list, page by page; a search has no `limit`."""
    found: list[str] = []
    cursor = ""
    join = "&" if "?" in path else "?"
    while True:
        page = api.get(f"{path}{join}cursor={cursor}" + (f"&limit={limit}" if limit else ""))
        found += ids(page)
        cursor = page.json()["next"]
        if cursor is None:
            return found


def test_a_paper(paper: Paper) -> None:
    factories.external_counts(paper, votes=12, comments=2)
    found = ApiClient().get("/papers/2603.99001").json()
    assert found["id"] == "2603.99001"
    assert found["url"].endswith("/papers/2603.99001")
    assert found["title"] == "Tides of $x$"
    assert [author["name"] for author in found["authors"]] == ["Ada Lovelace"]
    assert found["elsewhere"] == [{"source": "huggingface", "votes": 12, "comments": 2}]
    assert found["days"] == ["2026-03-04"]
    assert found["listed_at"].endswith("Z")
    assert found["mine"] is None
    assert "2603.99001" in found["bibtex"]


def test_what_each_version_changed(paper: Paper) -> None:
    PaperVersion.objects.create(paper=paper, version=1, seen_at=factories.NOW, title="Tides of $y$")
    PaperVersion.objects.create(paper=paper, version=2, seen_at=factories.NOW)
    found = ApiClient().get("/papers/2603.99001").json()["versions"]
    assert [(version["version"], len(version["changes"])) for version in found] == [(2, 1), (1, 0)]
    assert found[0]["changes"] == [
        {
            "field": "title",
            "words": [
                {"side": "same", "text": "Tides of "},
                {"side": "removed", "text": "$y$ "},
                {"side": "added", "text": "$x$ "},
            ],
        }
    ]


def test_addresses_with_slashes_versions_and_of_before(paper: Paper) -> None:
    other = factories.paper(public_id="doi/10.1000/a/b")
    FormerAddress.objects.create(public_id="p-abcdefghij", paper=other)
    api = ApiClient()
    assert api.get("/papers/doi/10.1000/a/b").json()["id"] == "doi/10.1000/a/b"
    assert api.get("/papers/doi%2F10.1000%2Fa%2Fb").json()["id"] == "doi/10.1000/a/b"
    assert api.get("/papers/p-abcdefghij").json()["id"] == "doi/10.1000/a/b"
    assert api.get("/papers/2603.99001v2").json()["id"] == "2603.99001"
    assert api.get("/papers/arXiv:2603.99001").json()["id"] == "2603.99001"


def test_a_hidden_paper_is_a_curator_s_alone(paper: Paper) -> None:
    Paper.objects.filter(pk=paper.pk).update(hidden_at=factories.NOW)
    carl = curator()
    assert ApiClient().get("/papers/2603.99001").status_code == 404
    assert ApiClient(reader()).get("/papers/2603.99001").status_code == 404
    assert ApiClient(carl).get("/papers/2603.99001").status_code == 404  # a token that may not curate
    assert ApiClient(carl, scopes=("read", "curate")).get("/papers/2603.99001").status_code == 200


def test_lists_page_by_page() -> None:
    topic = factories.topic("tides")
    for number in range(5):
        found = factories.paper(listed_at=factories.NOW - timedelta(hours=number))
        factories.listing(found, position=number)
        factories.topic_match(found, topic, listed_at=found.listed_at)
    expected = list(Paper.objects.newest().values_list("public_id", flat=True))
    api = ApiClient()
    for path in ("/papers", "/papers?category=cs.CL", "/topics/tides/papers", "/authors/ada-lovelace/papers"):
        assert all_pages(api, path) == expected, path
    assert all_pages(api, "/editions/2026-03-04/papers") == expected
    assert all_pages(api, "/editions/2026-03-04/papers?sort=newest") == expected[::-1]


def test_results_page_by_page() -> None:
    for number in range(45):
        factories.paper(listed_at=factories.NOW - timedelta(hours=number))
    expected = list(Paper.objects.newest().values_list("public_id", flat=True))
    api = ApiClient()
    assert all_pages(api, "/search?q=says&sort=newest", limit=None) == expected
    assert sorted(all_pages(api, "/search?q=says", limit=None)) == sorted(expected)


def test_days() -> None:
    for number in range(5):
        factories.listing(day=factories.TODAY - timedelta(days=number))
    Edition.objects.filter(day=factories.TODAY).update(announced_count=3, stored_count=2, missing=["2603.00001"])
    api = ApiClient()
    first = api.get("/editions?limit=3").json()
    second = api.get(f"/editions?limit=3&cursor={first['next']}").json()
    days = [row["day"] for row in (*first["items"], *second["items"])]
    assert days == [f"{factories.TODAY - timedelta(days=number)}" for number in range(5)]
    assert second["next"] is None
    day = api.get("/editions/2026-03-03").json()
    assert (day["previous"], day["following"], day["listed"]) == ("2026-03-02", "2026-03-04", 1)
    assert api.get("/editions/2026-03-04").json()["missing"] == ["2603.00001"]
    assert api.get("/editions/2031-01-01").json()["listed"] == 0
    for wrong in ("2026-13-04", "today", "9999-99-99", "0001-01-01"):
        assert api.get(f"/editions/{wrong}").status_code == 404, wrong


def test_what_is_the_reader_s_own_comes_with_a_token_that_may_read(paper: Paper) -> None:
    rita = reader()
    set_vote(user=rita, paper_id=paper.pk, on=True)
    factories.topic("rita-s", owner=rita)
    api, blind = ApiClient(rita), ApiClient(rita, scopes=("write",))
    assert api.get("/papers").json()["items"][0]["mine"] == {"voted": True, "seen": True, "library": None, "tags": []}
    assert blind.get("/papers").json()["items"][0]["mine"] is None
    assert [row["slug"] for row in api.get("/topics").json()["items"]] == ["rita-s"]
    assert blind.get("/topics").json()["items"] == ApiClient().get("/topics").json()["items"] == []
    for path in ("/topics/rita-s", "/topics/rita-s/papers"):
        assert api.get(path).status_code == 200
        assert blind.get(path).status_code == ApiClient().get(path).status_code == 404
    assert blind.get("/me").status_code == 403
    assert api.get("/me").json()["username"] == "rita"


def test_a_session_reads_and_writes_nothing(paper: Paper) -> None:
    browser = client_of(reader())
    assert browser.get("/api/v1/me").json()["token"] is None
    assert browser.get("/api/v1/papers").json()["items"][0]["mine"] is not None
    for method in ("PUT", "DELETE"):
        assert browser.generic(method, "/api/v1/papers/2603.99001/vote").status_code == 401
    assert browser.post("/api/v1/submissions", {}, content_type="application/json").status_code == 401


def test_the_number_of_queries_does_not_grow() -> None:
    rita, topic = reader(), factories.topic("tides")
    api = ApiClient(rita)
    for number in range(3):
        add(number, topic, rita)
    few = {path: queries(api, path) for path in LISTS}
    for number in range(3, 20):
        add(number, topic, rita)
    assert {path: queries(api, path) for path in LISTS} == few
    assert max(few.values()) <= 9, few
    visitor = ApiClient()
    assert {path: queries(visitor, path) for path in ("/papers", "/editions", "/topics/tides/papers")} == {
        "/papers": 2,
        "/editions": 1,
        "/topics/tides/papers": 3,
    }


BOUNDED = re.compile(r"GROUP BY|LIMIT [0-9]+\) SUBQUERY$")
LISTS = (
    "/papers",
    "/papers/2603.90000",
    "/papers/2603.90000/comments",
    "/editions",
    "/editions/2026-03-04/papers",
    "/topics",
    "/topics/tides/papers",
    "/authors/ada-lovelace/papers",
    "/search?q=says&sort=newest",
    "/votes",
    "/library",
    "/tags",
    "/submissions",
    "/statistics",
)


def add(number: int, topic: Any, rita: User) -> None:
    found = factories.paper(public_id=f"2603.9{number:04}")
    factories.listing(found)
    factories.listing(day=factories.TODAY - timedelta(days=number + 1))
    factories.topic_match(found, topic)
    factories.comment(factories.paper() if number else found, rita)
    factories.comment(Paper.objects.get(public_id="2603.90000"))
    factories.submission(f"10.1000/{number}", by=rita)
    factories.topic(f"topic-{number}")
    ApiClient(rita, scopes=("read", "write")).put(f"/papers/{found.public_id}/tags/t{number}")
    set_vote(user=rita, paper_id=found.pk, on=True)
    ApiClient(rita, scopes=("read", "write")).put(f"/papers/{found.public_id}/library", {"state": "read"})


def queries(api: ApiClient, path: str) -> int:
    cache.clear()
    api.get(path)  # words new to the process, and what is kept for minutes
    with CaptureQueriesContext(connection) as captured:
        assert api.get(path).status_code == 200, path
    statements = [row["sql"] for row in captured]
    assert not [one for one in statements if "COUNT(*)" in one.upper() and not BOUNDED.search(one.upper())], path
    assert not [one for one in statements if " OFFSET " in one.upper()], path
    return len(statements)


def test_304_while_nothing_changed(paper: Paper) -> None:
    api = ApiClient()
    first = api.get("/papers")
    assert first["Cache-Control"] == "public, no-cache"
    again = api.get("/papers", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    set_vote(user=reader(), paper_id=paper.pk, on=True)
    assert api.get("/papers", **{"If-None-Match": first["ETag"]}).status_code == 200
    own = ApiClient(User.objects.get(username="rita")).get("/papers")
    assert own["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(own["Vary"].split(", "))


def test_304_for_who_takes_compressed_answers(paper: Paper) -> None:
    api, packed = ApiClient(), {"Accept-Encoding": "gzip, deflate"}
    first = api.get("/papers", **packed)
    assert first["Content-Encoding"] == "gzip"
    assert first["ETag"] == api.get("/papers")["ETag"]
    again = api.get("/papers", **packed, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    set_vote(user=reader(), paper_id=paper.pk, on=True)
    assert api.get("/papers", **packed, **{"If-None-Match": first["ETag"]}).status_code == 200


def test_head(paper: Paper) -> None:
    api = ApiClient()
    found = api.call("HEAD", "/papers")
    assert (found.status_code, found.content) == (200, b"")
    assert found["ETag"] == api.get("/papers")["ETag"]


def test_search_says_what_it_did_not_understand() -> None:
    assert ApiClient().get("/search?q=%22").json()["problems"]
    assert ApiClient().get("/search").status_code == 422
