"""Hugging Face's daily lists: its own figures, its own day, and items that are not what they should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.sources.base import ExternalCounts, FetchBatch, RawAuthor, RawListing
from papers.sources.huggingface import DailyListPage, adapter, parse_list
from tests.support.fake_upstream import TODAY, Behaviour, FakeUpstream, fake_upstream, make_catalogue
from tests.support.source_context import FRIDAY_MORNING, fetch_context, last_cursor, papers_of

DAY = date(2026, 11, 19)


def item(**changes: Any) -> dict[str, Any]:
    """As the site sends one, with more in `paper` or in the item itself (`outer`)."""
    paper = {
        "id": "2611.00042",
        "authors": [
            {"_id": "1", "name": "Ada Holm", "hidden": False},
            {"_id": "2", "name": "Somebody", "hidden": True},
            {"_id": "3", "name": "Jun Ito"},
        ],
        "publishedAt": "2026-11-17T00:00:00.000Z",
        "submittedOnDailyAt": "2026-11-19T01:02:03.000Z",
        "submittedOnDailyBy": {"_id": "4", "fullname": "A Reader", "user": "areader", "type": "user"},
        "title": "Tides\n  and Robots",
        "summary": "Words.",
        "upvotes": 57,
        "githubRepo": "https://github.com/example/tides",
        "projectPage": "https://tides.example",
    }
    outer = {
        "publishedAt": "2026-11-16T20:00:00.000Z",
        "title": "Tides and Robots",
        "numComments": 3,
        "organization": {"_id": "5", "name": "tidal", "fullname": "Tidal Lab"},
    }
    outer.update(changes.pop("outer", {}))
    return {"paper": {**paper, **changes}, **outer}


def parse(*items: Any) -> DailyListPage:
    return parse_list(json.dumps(items).encode(), day=DAY, site="https://huggingface.co")


def test_an_item_has_the_sites_own_figures() -> None:
    [paper] = parse(item()).papers
    assert (paper.source, paper.arxiv_id, paper.title) == ("huggingface", "2611.00042", "Tides\n  and Robots")
    assert paper.authors == (RawAuthor("Ada Holm"), RawAuthor("Jun Ito")), "who is hidden there stays hidden"
    assert paper.organization == "Tidal Lab"
    assert paper.code_url == "https://github.com/example/tides"
    assert paper.project_url == "https://tides.example"
    assert paper.external_counts == ExternalCounts(57, 3, "A Reader", "https://huggingface.co/papers/2611.00042")
    assert paper.listed_on == RawListing(DAY, "daily", 1, "A Reader")
    assert paper.published_at == datetime(2026, 11, 17, tzinfo=UTC)
    assert paper.announced_on is None


def test_the_list_day_is_the_day_of_its_submission_not_of_the_paper() -> None:
    [late] = parse(item(submittedOnDailyAt="2026-11-20T23:59:59.000Z")).papers
    assert late.listed_on is not None
    assert late.listed_on.day == date(2026, 11, 20)
    old = item()
    del old["paper"]["submittedOnDailyAt"]  # as before 2025-03-17
    [paper] = parse(old).papers
    assert paper.listed_on is not None
    assert paper.listed_on.day == DAY


def test_only_id_and_title_are_needed() -> None:
    [paper] = parse({"paper": {"id": "2611.00042"}, "title": "Outside"}).papers
    assert paper.title == "Outside"
    assert (paper.authors, paper.abstract, paper.organization, paper.code_url) == (None, None, None, None)
    assert paper.external_counts == ExternalCounts(url="https://huggingface.co/papers/2611.00042")
    assert paper.listed_on == RawListing(DAY, "daily", 1)


def test_fields_of_another_type_are_not_there() -> None:
    odd = item(upvotes="many", authors="Ada", githubRepo=7, publishedAt=5, summary=None, outer={"numComments": -1})
    [paper] = parse(odd).papers
    assert (paper.authors, paper.code_url, paper.published_at, paper.abstract) == (None, None, None, None)
    assert paper.external_counts is not None
    assert (paper.external_counts.votes, paper.external_counts.comments) == (0, 0)


@pytest.mark.parametrize(
    ("said", "votes"), [(True, 0), (False, 0), (1, 1), ("1", 0), (1.5, 0), (-3, 0), (10**30, 2**31 - 1)]
)
def test_votes_are_a_whole_number(said: Any, votes: int) -> None:
    [paper] = parse(item(upvotes=said, outer={"numComments": said})).papers
    counts = paper.external_counts
    assert counts is not None
    assert (counts.votes, counts.comments) == (votes, votes)
    assert type(counts.votes) is type(counts.comments) is int


def test_items_in_another_languages_notation_cost_only_themselves() -> None:
    """Some archived days hold every item as a string of Python's repr."""
    listed = parse(
        str(item()), {"paper": str(item()["paper"])}, item(), item(id="not-an-id"), item(title=" ", outer={"title": ""})
    )
    assert [paper.arxiv_id for paper in listed.papers] == ["2611.00042"]
    assert len(listed.rejected) == 4
    assert listed.rejected[0].payload.startswith("{'paper'")
    assert [bad.identifier for bad in listed.rejected] == ["", "", "not-an-id", "2611.00042"]
    assert listed.size == 5


def test_a_day_that_is_no_list_is_kept_as_rejected() -> None:
    listed = parse_list(b'{"error": "busy"}', day=DAY, site="https://huggingface.co")
    assert [bad.identifier for bad in listed.rejected] == ["2026-11-19"]


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"", b"\xff\xfe"])
def test_what_is_no_json_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError, match="not JSON"):
        parse_list(body, day=DAY, site="https://huggingface.co")


# --- asking ---


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    days = [TODAY - timedelta(days=back) for back in range(12, -1, -1)]
    with fake_upstream(make_catalogue(days, 12)) as running:
        yield running


def visit(upstream: FakeUpstream, **fields: Any) -> list[FetchBatch]:
    return list(adapter.fetch(fetch_context(upstream, "", **fields)))


def asked_days(upstream: FakeUpstream) -> list[str]:
    return list(dict.fromkeys(entry.params["date"] for entry in upstream.log("/api/daily_papers")))


def days(first: date, last: date) -> list[str]:
    return [(first + timedelta(days=back)).isoformat() for back in range((last - first).days + 1)]


def test_the_first_visit_brings_a_week(upstream: FakeUpstream) -> None:
    batches = visit(upstream)
    assert asked_days(upstream) == days(TODAY - timedelta(days=7), TODAY)
    assert len(papers_of(batches)) == 8 * 3
    assert last_cursor(batches) == {"through": "2026-11-20"}


def test_later_visits_bring_the_votes_of_the_last_days(upstream: FakeUpstream) -> None:
    visit(upstream, cursor={"through": "2026-11-20"})
    assert asked_days(upstream) == days(TODAY - timedelta(days=3), TODAY)


def test_after_a_pause_the_days_between_are_caught_up(upstream: FakeUpstream) -> None:
    visit(upstream, cursor={"through": "2026-11-14"})
    assert asked_days(upstream) == days(date(2026, 11, 11), TODAY)


def test_a_long_pause_is_not_caught_up_for_ever_but_when_asked_for(upstream: FakeUpstream) -> None:
    visit(upstream, cursor={"through": "2024-01-01"})
    assert asked_days(upstream)[0] == "2026-10-20"
    upstream.clear_log()
    visit(upstream, since=date(2026, 10, 1))
    assert asked_days(upstream)[0] == "2026-10-01"


def test_a_day_that_is_not_open_yet_is_nothing_yet(upstream: FakeUpstream) -> None:
    upstream.set(today=TODAY - timedelta(days=1))
    batches = visit(upstream)
    assert asked_days(upstream)[-1] == "2026-11-20"
    assert last_cursor(batches) == {"through": "2026-11-19"}


def test_an_old_day_that_is_refused_is_an_error(upstream: FakeUpstream) -> None:
    upstream.script("/api/daily_papers", Behaviour(status=400))
    with pytest.raises(HttpStatusError):
        visit(upstream)


def test_pages_are_read_until_one_brings_nothing_new(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papers.sources.huggingface.PAGE_SIZE", 2)
    batches = visit(upstream, since=TODAY)
    papers = papers_of(batches)
    assert [entry.params["p"] for entry in upstream.log()] == ["0", "1", "2"]
    assert len({paper.arxiv_id for paper in papers}) == len(papers) == 3
    assert [paper.listed_on.position for paper in papers if paper.listed_on] == [1, 2, 3]


def test_a_service_that_knows_no_pages_is_not_asked_for_ever(upstream: FakeUpstream) -> None:
    body = json.dumps([item()])
    upstream.script("/api/daily_papers", Behaviour(status=200, body=body, times=50))
    assert len(papers_of(visit(upstream, since=TODAY))) == 1
    assert len(upstream.log()) == 2


def test_a_mirror_may_lack_days(upstream: FakeUpstream) -> None:
    upstream.script("/api/daily_papers", Behaviour(status=404, times=2))
    assert len(papers_of(visit(upstream))) == 6 * 3


def test_a_wrong_address_is_told(upstream: FakeUpstream) -> None:
    with pytest.raises(HttpStatusError, match="check the source's address"):
        list(adapter.fetch(fetch_context(upstream, "/wrong")))


def test_a_refusal_ends_the_visit(upstream: FakeUpstream) -> None:
    upstream.script("/api/daily_papers", Behaviour(status=429, headers={"RateLimit": '"api";r=0;t=77'}))
    with pytest.raises(HttpStatusError) as caught:
        visit(upstream, now=FRIDAY_MORNING)
    assert caught.value.retry_after_seconds == 77
    assert len(upstream.log()) == 1
