"""The Hugging Face papers contract as we answer it: fields, lists, parameters, errors, rights, and what it costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from papers.models import FormerAddress, Paper, Tag, TaggedPaper
from papers.services.reading.votes import set_vote
from papers.web.ratelimit import RATE_LIMITS, RateLimit
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import anonymous_client, client_of, curator, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db

DAILY = "/api/daily_papers"
DAY = f"{DAILY}?date={TODAY}"


def get(path: str, client: Client | None = None, **headers: str) -> Any:
    return (client or anonymous_client()).get(path, headers=headers)


def ids(path: str) -> list[str]:
    answer = get(path)
    assert answer.status_code == 200, answer.content
    return [item["paper"]["id"] for item in answer.json()]


def rich_paper() -> Paper:
    paper = factories.paper(
        public_id="2603.99001",
        title="On Ice",
        abstract="It melts.\n\nSlowly.",
        authors=["Ada Lovelace", "Émilie du Châtelet"],
        organization="CERN & Friends",
        published_at=datetime(2026, 3, 1, 7, 13, 34, 567_000, tzinfo=UTC),
        vote_count=3,
        comment_count=2,
        links={
            "code": {"url": "https://github.com/ada/ice", "found": "abstract"},
            "project": {"url": "https://ice.example", "found": "abstract"},
        },
    )
    factories.external_counts(paper, votes=84, comments=5)
    rita = factories.user("rita")
    factories.listing(paper, by="submission", user=rita)
    factories.topic_match(paper, factories.topic("Frozen water", query="ice"))
    factories.topic_match(paper, factories.topic("Somebody's", query="ice", owner=rita))
    for name, shared_at in (("melting", NOW), ("secret", None)):
        TaggedPaper.objects.create(tag=Tag.objects.create(user=rita, name=name, shared_at=shared_at), paper=paper)
    return paper


def test_an_entry_has_the_contracts_fields() -> None:
    rich_paper()
    [item] = get(DAY).json()
    inner = item.pop("paper")
    authors = inner.pop("authors")
    assert [(author["name"], author["hidden"]) for author in authors] == [
        ("Ada Lovelace", False),
        ("Émilie du Châtelet", False),
    ]
    assert all(len(author["_id"]) == 24 for author in authors)
    account = inner.pop("submittedOnDailyBy")
    assert (account["user"], account["name"], account["fullname"], account["type"]) == ("rita", "rita", "rita", "user")
    assert item.pop("submittedBy") == account
    organization = inner.pop("organization")
    assert (organization["name"], organization["fullname"]) == ("cern-friends", "CERN & Friends")
    assert item.pop("organization") == organization
    shared = {
        "projectPage": "https://ice.example",
        "githubRepo": "https://github.com/ada/ice",
        "ai_keywords": ["Frozen water", "melting"],
    }
    assert inner == {
        "id": "2603.99001",
        "publishedAt": "2026-03-01T07:13:34.567Z",
        "submittedOnDailyAt": "2026-03-04T00:00:00.000Z",
        "title": "On Ice",
        "summary": "It melts.\n\nSlowly.",
        "upvotes": 3,
        **shared,
    }
    assert item == {
        "publishedAt": "2026-03-01T07:13:34.567Z",
        "title": "On Ice",
        "summary": "It melts.\n\nSlowly.",
        "numComments": 2,
        "isAuthorParticipating": False,
        **shared,
    }


def test_a_paper_of_its_own_is_flat() -> None:
    rich_paper()
    found = get("/api/papers/2603.99001").json()
    [item] = get(DAY).json()
    assert found == {**item["paper"], "numComments": 2}
    assert "paper" not in found


def test_what_is_not_known_is_absent_and_never_null() -> None:
    factories.listing(factories.paper(published_at=None, announced_on=date(2026, 3, 2), authors=[]))
    answer = get(DAY)
    [item] = answer.json()
    assert b"null" not in answer.content
    assert set(item) == {"paper", "publishedAt", "title", "summary", "numComments", "isAuthorParticipating"}
    assert set(item["paper"]) == {
        *("id", "authors", "publishedAt", "title", "summary", "upvotes"),
        "submittedOnDailyAt",
    }
    assert item["paper"]["publishedAt"] == "2026-03-02T00:00:00.000Z"


def test_a_date_of_long_ago_has_four_digits_in_its_year() -> None:
    factories.listing(factories.paper(published_at=datetime(999, 1, 2, tzinfo=UTC)))
    assert get(DAY).json()[0]["publishedAt"] == "0999-01-02T00:00:00.000Z"


def test_code_elsewhere_is_no_github_repository() -> None:
    factories.listing(factories.paper(links={"code": {"url": "https://github.com.evil.example/a/b", "found": "x"}}))
    assert "githubRepo" not in get(DAY).json()[0]["paper"]


def test_who_submitted_it_at_the_source_is_named() -> None:
    factories.listing(submitter="A Reader")
    assert get(DAY).json()[0]["submittedBy"]["fullname"] == "A Reader"


def fill() -> None:
    """Three papers on the day, the second most voted; one the day before; one a month before."""
    for name, votes, day in (
        ("2603.90001", 1, TODAY),
        ("2603.90002", 5, TODAY),
        ("2603.90003", 0, TODAY),
        ("2603.90004", 9, TODAY - timedelta(days=1)),
        ("2602.90005", 2, date(2026, 2, 3)),
    ):
        factories.listing(
            factories.paper(public_id=name, vote_count=votes, trending_score=float(-votes)), day, submitter=f"S{votes}"
        )


def test_a_day_a_week_and_a_month_have_their_papers_in_the_pages_order() -> None:
    fill()
    assert ids(DAY) == ["2603.90002", "2603.90001", "2603.90003"]
    assert ids(f"{DAILY}?week=2026-W10") == ["2603.90004", "2603.90002", "2603.90001", "2603.90003"]
    assert ids(f"{DAILY}?month=2026-03") == ["2603.90004", "2603.90002", "2603.90001", "2603.90003"]
    assert ids(f"{DAILY}?month=2026-02&sort=publishedAt") == ["2602.90005"]
    assert ids(f"{DAILY}?date=2026-03-01") == []


def test_a_paper_of_two_days_is_once_in_the_week() -> None:
    paper = factories.paper()
    factories.listing(paper)
    factories.listing(paper, TODAY - timedelta(days=1))
    for sort in ("publishedAt", "trending"):
        assert ids(f"{DAILY}?week=2026-W10&sort={sort}") == [paper.public_id]


def test_without_a_day_the_newest_editions_come_last_day_first() -> None:
    fill()
    everything = ["2603.90002", "2603.90001", "2603.90003", "2603.90004", "2602.90005"]
    assert ids(DAILY) == everything
    assert [ids(f"{DAILY}?p={page}&limit=2") for page in range(4)] == [
        everything[:2],
        everything[2:4],
        everything[4:],
        [],
    ]
    assert [ids(f"{DAILY}?p={page}&limit=1") for page in range(6)] == [*([each] for each in everything), []]


def test_trending_goes_by_score() -> None:
    fill()
    by_score = ["2603.90003", "2603.90001", "2603.90002"]
    assert ids(f"{DAY}&sort=trending") == by_score
    now = timezone.now()
    Paper.objects.filter(public_id="2603.90001").update(trending_score=now.timestamp())  # far above any floor
    assert ids(f"{DAILY}?sort=trending") == ["2603.90001"]
    assert ids(f"{DAILY}?sort=trending&p=1") == []


def test_while_nothing_is_trending_the_newest_editions_stand_there() -> None:
    factories.listing(factories.paper(public_id="2603.90001"))
    assert ids(f"{DAILY}?sort=trending") == ["2603.90001"]


def test_a_submitters_papers_are_found_whatever_the_case() -> None:
    fill()
    factories.listing(factories.paper(public_id="2603.90009"), by="submission", user=factories.user("rita"))
    assert ids(f"{DAILY}?submitter=RITA") == ["2603.90009"]
    assert ids(f"{DAILY}?submitter=s9") == ["2603.90004"]
    assert ids(f"{DAY}&submitter=s5") == ["2603.90002"]
    assert ids(f"{DAY}&submitter=s9") == []
    assert ids(f"{DAY}&submitter=s5&sort=trending") == ["2603.90002"]
    assert ids(f"{DAILY}?submitter=nobody") == []


def test_the_next_page_is_named_and_the_last_names_none() -> None:
    fill()
    first = get(f"{DAY}&limit=2&sort=trending&x=1")
    assert first["Link"] == (
        f'<http://127.0.0.1:8000/api/daily_papers?date={TODAY}&sort=trending&p=1&limit=2>; rel="next"'
    )
    assert "Link" not in get(f"{DAY}&limit=2&p=1")
    assert "week=2026-W10" in get(f"{DAILY}?week=2026-W10&limit=1")["Link"]
    assert "month=2026-03" in get(f"{DAILY}?month=2026-03&limit=1")["Link"]
    assert ids(f"{DAILY}?week=2026-W10&limit=1&p=3") == ["2603.90003"]


@pytest.mark.parametrize(
    "query",
    [
        *("date=x", "date=2026-13-04", "date=2026-3-4", "date=0001-01-01", "date=2026-03-04%00", "date=99999-01-01"),
        *("week=2026-W60", "week=2026-W00", "week=2026W10", "month=2026-13", "month=2026", "month=%FF%FE"),
        *("limit=-1", "limit=0", "limit=x", "limit=1e9", "limit=%00", "limit=½", "limit=٣", "p=-1", "p=1.5", "p=x"),
        *("sort=", "sort=votes", "date=2026-03-04&week=2026-W10", "submitter=%00", f"submitter={'a' * 500}"),
        *("date=2199-12-31", "week=2199-W01", "month=2199-01"),
    ],
)
def test_what_cannot_be_is_400_as_json(query: str) -> None:
    answer = get(f"{DAILY}?{query}")
    if query == "sort=":  # empty is absent
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert answer.json()["error"] == answer["X-Error-Message"]
    assert answer["X-Request-Id"]
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("query", ["p=99999999999999999999", f"p={'9' * 5000}", "p=999999999", "limit=999999999999"])
def test_huge_numbers_are_answered(query: str) -> None:
    fill()
    for more in ("", f"&date={TODAY}", "&sort=trending", "&month=2026-03", "&submitter=s1"):
        assert get(f"{DAILY}?{query}{more}").status_code == 200


def test_no_more_than_a_hundred_entries_come_at_once() -> None:
    for _ in range(101):
        factories.listing()
    assert len(ids(f"{DAY}&limit=1000")) == 100
    assert len(ids(DAY)) == 50
    assert len(ids(f"{DAY}&limit=1000&p=1")) == 1


def test_a_day_that_has_begun_by_utc_or_the_groups_clock_is_no_error(settings: Settings) -> None:
    settings.GROUP_TIME_ZONE = "Pacific/Kiritimati"  # 14 hours before UTC
    today = timezone.now().date()
    assert get(f"{DAILY}?date={today}").status_code == 200
    ahead = (timezone.now() + timedelta(hours=14)).date()
    assert get(f"{DAILY}?date={ahead}").status_code == 200
    assert get(f"{DAILY}?date={ahead + timedelta(days=1)}").status_code == 400


def test_search_finds_what_the_page_finds() -> None:
    rich_paper()
    assert ids("/api/papers/search?q=ice") == ["2603.99001"]
    assert ids("/api/papers/search?q=2603.99001") == ["2603.99001"]
    assert ids("/api/papers/search?q=nothing") == []
    assert ids("/api/papers/search?q=...") == []
    assert ids("/api/papers/search") == ["2603.99001"]
    assert get("/api/papers/search?q=ice").json()[0] == get(DAY).json()[0]


@pytest.mark.parametrize("q", ["%00", "a%00b", "%FF%FE", "😀", '"' * 300, "(" * 300, "a" * 5000, "%F0%9D%94%98", "\\"])
def test_hostile_questions_are_answered(q: str) -> None:
    assert get(f"/api/papers/search?q={q}").status_code == 200


def test_a_paper_is_found_by_the_names_it_has_and_had() -> None:
    paper = rich_paper()
    FormerAddress.objects.create(public_id="doi/10.1000/ice", paper=paper)
    for name in ("2603.99001", "2603.99001v2", "arXiv:2603.99001", "doi/10.1000/ice"):
        assert get(f"/api/papers/{name}").json()["id"] == "2603.99001", name
    factories.paper(public_id="hep-th/9901001")
    assert get("/api/papers/hep-th/9901001").json()["id"] == "hep-th/9901001"
    factories.paper(public_id="doi/10.1000/fire")
    assert get("/api/papers/doi/10.1000/fire").json()["id"] == "doi/10.1000/fire"


@pytest.mark.parametrize("name", ["2603.00000", "a%00b", "%FF", "x/y/z", "..%2F..%2Fetc", "%F0%9F%98%80", "9" * 3000])
def test_an_unknown_paper_is_404_as_json(name: str) -> None:
    for path in (f"/api/papers/{name}", f"/papers/{name}.md"):
        answer = get(path)
        assert answer.status_code == 404, path
        assert answer.json() == {"error": answer["X-Error-Message"]}
        assert answer["X-Request-Id"]


def test_an_unknown_address_of_the_api_is_404_as_json() -> None:
    assert get("/api/models").json()["error"]
    assert get("/api/models").status_code == 404


def test_a_browser_gets_a_page_where_a_program_gets_json() -> None:
    answer = get("/papers/2603.00000.md", accept="text/html,*/*;q=0.8")
    assert answer["Content-Type"].startswith("text/html")


def test_a_broken_answer_has_a_number_that_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("papers.api.huggingface.views.read_daily", broken)
    monkeypatch.setattr("papers.views.errors.logger.propagate", True)
    answer = Client(raise_request_exception=False).get(DAILY)
    assert answer.status_code == 500
    assert answer["X-Request-Id"] in caplog.text
    assert "ZeroDivision" not in answer.json()["error"]


def test_markdown_is_the_export_with_the_paper_page_behind_it() -> None:
    rich_paper()
    answer = get("/papers/2603.99001.md")
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    body = b"".join(answer.streaming_content).decode()
    assert "On Ice" in body
    again = get("/papers/2603.99001.md", **{"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert get("/papers/2603.99001v3.md")["Location"] == "/papers/2603.99001.md"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods_are_405_without_a_cookie_or_a_form(method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = getattr(client, method)(DAILY)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["error"]
    assert not answer.cookies


def test_options_and_head_are_answered() -> None:
    factories.listing()
    options = anonymous_client().options(DAILY)
    assert (options.status_code, options["Allow"], options.content) == (204, "GET, HEAD, OPTIONS", b"")
    head, whole = anonymous_client().head(DAY), get(DAY)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Vary"):
        assert head[name] == whole[name]


@pytest.mark.parametrize("kept_seconds", [0, 60])
@pytest.mark.parametrize("path", [DAY, DAILY, "/api/papers/2603.99001", "/papers/2603.99001.md"])
def test_who_has_the_answer_gets_304(path: str, kept_seconds: int, settings: Settings) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = kept_seconds
    rich_paper()
    first = get(path)
    etag, modified = first["ETag"], first["Last-Modified"]
    for client in (None, client_of(reader("otto")), client_of(reader("anna"))):
        for given in ({"if-none-match": etag}, {"if-none-match": f'"x", W/{etag}, "y"'}, {"if-none-match": "*"}):
            assert get(path, client, **given).status_code == 304
        assert get(path, client, **{"if-modified-since": modified}).status_code == 304
        assert get(path, client, **{"if-none-match": '"x"', "if-modified-since": modified}).status_code == 200
        assert get(path, client, **{"if-modified-since": "nonsense"}).status_code == 200
        assert get(path, client, **{"if-none-match": "nonsense"}).status_code == 200


def test_after_a_vote_nobody_is_told_that_nothing_changed(
    settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = 60
    paper, rita = factories.paper(), reader()
    factories.listing(paper)
    for on in (True, False, True):  # all within a second
        first = get(DAY)
        with django_capture_on_commit_callbacks(execute=True):
            set_vote(user=rita, paper_id=paper.pk, on=on)
        for given in ({"if-none-match": first["ETag"]}, {"if-modified-since": first["Last-Modified"]}):
            answer = get(DAY, **given)
            assert answer.status_code == 200
            assert answer.json()[0]["paper"]["upvotes"] == int(on)


def test_visitors_answers_are_kept_with_their_links(settings: Settings) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = 60
    fill()
    path = f"{DAY}&limit=1"
    first = get(path)
    with CaptureQueriesContext(connection) as captured:
        second = get(path)
    assert len(captured) == 0
    assert (second.content, second["Link"], second["ETag"]) == (first.content, first["Link"], first["ETag"])
    with CaptureQueriesContext(connection) as captured:
        get(f"{path}&submitter=s1")
        get(f"{path}&x=1")
    assert len(captured) > 0


def test_no_answer_sets_a_cookie_and_all_are_the_same() -> None:
    rich_paper()
    for path in (DAY, DAILY, "/api/papers/2603.99001", "/api/papers/search?q=ice"):
        answers = [
            get(path),
            get(path, client_of(reader(f"r{len(path)}"))),
            get(path, client_of(curator(f"c{len(path)}"))),
        ]
        assert len({answer.content for answer in answers}) == 1
        assert not any(answer.cookies for answer in answers)
        assert answers[0]["Content-Type"] == "application/json; charset=utf-8"
        assert "Cookie" in answers[0]["Vary"]
        assert answers[1]["Cache-Control"] == "no-cache, private"


def test_hidden_papers_are_not_there() -> None:
    paper = rich_paper()
    factories.listing(factories.paper(public_id="2603.99005"), hidden_at=NOW)
    Paper.objects.filter(pk=paper.pk).update(hidden_at=NOW)
    for path in (DAY, DAILY, f"{DAILY}?sort=trending", f"{DAY}&sort=trending", "/api/papers/search?q=ice"):
        assert ids(path) == [], path
    assert get("/api/papers/2603.99001").status_code == 404
    assert get("/api/papers/2603.99001", client_of(curator())).status_code == 200


def test_a_members_only_site_answers_strangers_401_as_json(settings: Settings) -> None:
    settings.ACCESS = "members"
    paper, rita = rich_paper(), client_of(reader("otto"))
    suspended = reader("paula")
    paula = client_of(suspended)
    suspended.is_active = False
    suspended.save()
    paths = (DAY, DAILY, "/api/papers/search?q=ice", f"/api/papers/{paper.public_id}", "/api/papers/x", "/papers/x.md")
    for path in paths:
        for client in (None, paula):
            answer = get(path, client)
            assert (answer.status_code, answer.json()["error"]) == (401, answer["X-Error-Message"])
            assert "no-store" in answer["Cache-Control"]
    assert get(DAY, rita).status_code == 200
    assert get("/papers/2603.99001.md", accept="text/html").status_code == 302


def test_too_many_searches_are_429_with_the_usual_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATE_LIMITS, "search", RateLimit(1, 60))
    cache.clear()
    client = anonymous_client()
    for path in ("/api/papers/search?q=ice", f"{DAILY}?submitter=s1"):
        answer = get(path, client)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "60"
    assert answer["RateLimit"] == '"search";r=0;t=60'
    assert answer["RateLimit-Policy"] == '"fixed window";"search";q=1;w=60'
    assert answer.json()["error"] == "Too many requests. Try again in 60 seconds."


QUERIES = {
    DAY: 3,
    f"{DAILY}?week=2026-W10": 3,
    f"{DAILY}?month=2026-03": 3,
    DAILY: 4,
    f"{DAY}&sort=trending": 5,
    f"{DAILY}?sort=trending": 5,
    f"{DAY}&submitter=s1": 3,
    "/api/papers/2603.99001": 4,
}


@pytest.mark.parametrize("path", QUERIES)
def test_an_answer_costs_the_same_few_queries_for_few_and_for_many(path: str) -> None:
    rich_paper()
    now = timezone.now().timestamp()
    get(path)
    for _ in range(2):
        for _ in range(10):
            factories.listing(factories.paper(trending_score=now), submitter="s1")
        with CaptureQueriesContext(connection) as captured:
            get(path)
        said = " ".join(query["sql"] for query in captured).upper()
        assert "COUNT(" not in said
        assert count_queries(path, anonymous_client()) == QUERIES[path]
