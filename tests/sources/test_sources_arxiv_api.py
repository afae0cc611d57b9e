"""arXiv's search: error entries, empty pages that are none, ids silently left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.sources.arxiv_api import adapter, look_up_ids, parse_search_page
from papers.sources.base import FetchBatch, RawAuthor, RawVersion
from papers.sources.xml import BrokenXmlError
from tests.support.fake_upstream import (
    TODAY,
    Behaviour,
    FakeUpstream,
    fake_upstream,
    make_catalogue,
    unlimited_client,
    weekdays,
)
from tests.support.source_context import FRIDAY_MORNING, fetch_context, last_cursor, papers_of

FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"
 xmlns="http://www.w3.org/2005/Atom"><id>https://arxiv.org/api/x</id><title>arXiv Query</title>
 <opensearch:itemsPerPage>100</opensearch:itemsPerPage><opensearch:totalResults>{total}</opensearch:totalResults>
 <opensearch:startIndex>0</opensearch:startIndex>{entries}</feed>"""
ENTRY = """<entry><id>http://arxiv.org/abs/hep-th/9901001v2</id><title>Strings
  at 20</title><updated>1999-02-03T04:05:06Z</updated><summary>Words p&lt;0.1.</summary>
 <category term="math-ph" scheme="x"/><category term="hep-th" scheme="x"/><category term="68U10, 90C26"/>
 <published>1999-01-01T00:00:00Z</published><arxiv:comment>12 pages</arxiv:comment>
 <arxiv:primary_category term="hep-th"/><arxiv:journal_ref>J. 3</arxiv:journal_ref><arxiv:doi>10.1/x</arxiv:doi>
 <author><name>Ada Holm</name><arxiv:affiliation>Tidal Lab</arxiv:affiliation></author>
 <author><name>Jun Ito</name></author></entry>"""
ERROR = """<entry><id>https://arxiv.org/api/errors#incorrect_id_format_for_abc</id><title>Error</title>
 <summary>incorrect id format for abc</summary><author><name>arXiv api core</name></author></entry>"""


def test_an_entry_has_all_that_the_search_says() -> None:
    results = parse_search_page(FEED.format(total=214881, entries=ENTRY).encode())
    [paper] = results.papers
    assert results.total == 214881
    assert (paper.arxiv_id, paper.version, paper.title) == ("hep-th/9901001", 2, "Strings\n  at 20")
    assert paper.categories == ("hep-th", "math-ph", "68U10, 90C26"), "the primary one first"
    assert paper.authors == (RawAuthor("Ada Holm", "Tidal Lab"), RawAuthor("Jun Ito"))
    assert (paper.doi, paper.journal_ref, paper.comment) == ("10.1/x", "J. 3", "12 pages")
    assert paper.published_at == datetime(1999, 1, 1, tzinfo=UTC)
    assert paper.versions == (
        RawVersion(1, datetime(1999, 1, 1, tzinfo=UTC)),
        RawVersion(2, datetime(1999, 2, 3, 4, 5, 6, tzinfo=UTC)),
    )
    assert paper.license is None
    assert paper.is_withdrawn is None, "the search does not tell"


def test_an_error_entry_is_told_from_a_paper() -> None:
    results = parse_search_page(FEED.format(total=1, entries=ERROR).encode())
    assert results.error == "incorrect id format for abc"
    assert results.papers == ()


def test_no_results() -> None:
    results = parse_search_page(FEED.format(total=0, entries="").encode())
    assert (results.papers, results.rejected, results.total, results.error) == ((), (), 0, "")


def test_an_entry_without_a_title_is_rejected() -> None:
    results = parse_search_page(
        FEED.format(total=1, entries=ENTRY.replace("<title>Strings\n  at 20</title>", "")).encode()
    )
    assert [bad.identifier for bad in results.rejected] == ["http://arxiv.org/abs/hep-th/9901001v2"]


def test_something_else_is_an_error() -> None:
    for body in (b"Rate exceeded.", b"<html/>"):
        with pytest.raises(BrokenXmlError):
            parse_search_page(body)


# --- asking ---


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 15), 20)) as running:
        yield running


def visit(upstream: FakeUpstream, **fields: Any) -> list[FetchBatch]:
    fields = {"query": "cat:cs.CL", "categories": (), **fields}
    return list(adapter.fetch(fetch_context(upstream, "/api/query", **fields)))


def ids(batches: list[FetchBatch]) -> list[str]:
    return [paper.arxiv_id or "" for paper in papers_of(batches)]


def sent_since(upstream: FakeUpstream, moment: datetime) -> set[str]:
    return {
        paper.arxiv_id
        for paper, _ in upstream.catalogue.known(TODAY)
        if "cs.CL" in paper.categories and paper.versions[0].released_at >= moment
    }


def test_the_first_visit_brings_a_week_newest_first(upstream: FakeUpstream) -> None:
    found = ids(visit(upstream))
    assert set(found) == sent_since(upstream, FRIDAY_MORNING - timedelta(days=7))
    assert len(found) == len(set(found))
    assert upstream.log()[0].params == {
        "search_query": "cat:cs.CL",
        "sortBy": "submittedDate",
        "sortOrder": "descending",
        "max_results": "100",
        "start": "0",
    }


def test_pages_are_read_until_the_day_asked_for(upstream: FakeUpstream) -> None:
    since = date(2026, 11, 2)
    found = ids(visit(upstream, since=since))
    assert set(found) >= sent_since(upstream, datetime(2026, 11, 2, tzinfo=UTC))
    assert [entry.params["start"] for entry in upstream.log()] == ["0", "100"]


def test_without_a_query_the_categories_are_asked(upstream: FakeUpstream) -> None:
    visit(upstream, query="", categories=("cs.CL", "stat.ML"))
    assert upstream.log()[0].params["search_query"] == "cat:cs.CL OR cat:stat.ML"


def test_nothing_is_asked_twice_between_two_announcements(upstream: FakeUpstream) -> None:
    cursor = last_cursor(visit(upstream))
    upstream.clear_log()
    again = visit(upstream, cursor=cursor, now=FRIDAY_MORNING + timedelta(hours=2))
    assert papers_of(again) == []
    assert upstream.log() == []
    visit(upstream, cursor=cursor, now=FRIDAY_MORNING + timedelta(days=3))
    assert len(upstream.log()) == 1


def test_another_query_or_a_given_day_is_asked_at_once(upstream: FakeUpstream) -> None:
    cursor = last_cursor(visit(upstream))
    assert papers_of(visit(upstream, cursor=cursor, query="cat:cs.LG"))
    assert papers_of(visit(upstream, cursor=cursor, since=date(2026, 11, 18)))


def test_a_visit_that_did_not_end_is_done_anew(upstream: FakeUpstream) -> None:
    first = next(adapter.fetch(fetch_context(upstream, "/api/query", query="all:the", since=date(2026, 11, 1))))
    assert first.papers
    assert first.cursor is None


def test_an_empty_page_that_should_not_be_is_asked_for_again(upstream: FakeUpstream) -> None:
    upstream.script("/api/query", Behaviour(is_empty=True, times=2))
    assert set(ids(visit(upstream))) == sent_since(upstream, FRIDAY_MORNING - timedelta(days=7))
    assert len({tuple(entry.params.items()) for entry in upstream.log()}) == 1


def test_a_page_that_stays_empty_fails_the_visit(upstream: FakeUpstream) -> None:
    upstream.script("/api/query", Behaviour(is_empty=True, times=9))
    with pytest.raises(SourceError, match="sent none of them"):
        visit(upstream)
    assert len(upstream.log()) == 3


def test_a_query_that_finds_nothing_is_well(upstream: FakeUpstream) -> None:
    batches = visit(upstream, query="ti:xyzzy")
    assert papers_of(batches) == []
    assert last_cursor(batches)["query"] == "ti:xyzzy"


@pytest.mark.parametrize("status", [200, 400])
def test_a_question_it_does_not_understand_is_told_whatever_the_status(upstream: FakeUpstream, status: int) -> None:
    upstream.script("/api/query", Behaviour(status=status, body=FEED.format(total=1, entries=ERROR)))
    with pytest.raises(SourceError, match=r"incorrect id format for abc\. Correct the query"):
        visit(upstream)


@pytest.mark.parametrize("status", [403, 406, 429, 503])
def test_a_refusal_is_a_refusal(upstream: FakeUpstream, status: int) -> None:
    upstream.script("/api/query", Behaviour(status=status, body="Rate exceeded."))
    with pytest.raises(HttpStatusError) as caught:
        visit(upstream)
    assert caught.value.status == status
    assert len(upstream.log()) == 1


def test_a_source_without_a_question_says_so(upstream: FakeUpstream) -> None:
    with pytest.raises(SourceError, match="give it one"):
        visit(upstream, query=" ", categories=())


# --- looking up ---


def test_a_look_up_names_what_is_missing(upstream: FakeUpstream) -> None:
    wanted = [*sorted(upstream.catalogue.papers)[:3], "2611.99999"]
    [answer] = look_up_ids(unlimited_client(upstream.host).fetch, f"{upstream.url}/api/query", wanted)
    assert [paper.arxiv_id for paper in answer.papers] == wanted[:3]
    assert answer.missing == ("2611.99999",)
    assert upstream.log()[0].params["max_results"] == "4", "without it only ten would be answered"


def test_many_ids_are_asked_for_a_hundred_at_a_time(upstream: FakeUpstream) -> None:
    wanted = sorted(upstream.catalogue.papers)[:230]
    answers = list(look_up_ids(unlimited_client(upstream.host).fetch, f"{upstream.url}/api/query", wanted))
    assert [len(answer.papers) for answer in answers] == [100, 100, 30]
    assert [answer.missing for answer in answers] == [(), (), ()]


def test_ids_that_none_has_are_all_missing(upstream: FakeUpstream) -> None:
    [answer] = look_up_ids(
        unlimited_client(upstream.host).fetch, f"{upstream.url}/api/query", ["2611.99998", "2611.99999"]
    )
    assert (answer.papers, answer.missing) == ((), ("2611.99998", "2611.99999"))
