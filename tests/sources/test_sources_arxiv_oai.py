"""arXiv's records: both formats read, lists harvested through tokens that expire, errors that come as 200."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.sources.arxiv_oai import adapter, get_record, parse_page
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

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-11-20T23:40:00Z</responseDate>
<request verb="ListRecords">http://oaipmh.arxiv.org/oai</request>{}</OAI-PMH>"""
RECORD = """<record><header><identifier>oai:arXiv.org:{id}</identifier><datestamp>{day}</datestamp>
<setSpec>cs:cs:CL</setSpec></header><metadata>{metadata}</metadata></record>"""
RAW = """<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>0704.0001</id><submitter>A. Person</submitter>
<version version="v1"><date>Mon, 2 Apr 2007 19:18:42 GMT</date><size>981kb</size><source_type>D</source_type></version>
<version version="v2"><date>Tue, 24 Jul 2007 20:10:27 GMT</date><size>985kb</size>{flags}</version>
<title>A title with $\\gamma$ and p&lt;0.1</title>
<authors>A. Person, B. Other (1), for the X collaboration ((1) Somewhere)</authors>
<categories>hep-ph hep-ex</categories><comments>37 pages</comments><report-no>X-07</report-no>
<journal-ref>Phys.Rev.D76</journal-ref><doi>10.1103/x</doi>
<license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license><abstract>  Text
wrapped at 80.
</abstract></arXivRaw>"""
PLAIN = """<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>hep-th/9901001</id><created>1999-01-01</created>
<updated>1999-02-03</updated><authors><author><keyname>Planck Collaboration</keyname></author><author>
<keyname>Holm</keyname><forenames>Ada</forenames><suffix>Jr.</suffix><affiliation>Tidal Lab</affiliation>
<affiliation>Elsewhere</affiliation></author></authors><title>Another</title><categories>hep-th math-ph</categories>
<acm-class>83C99</acm-class><abstract>Words.</abstract></arXiv>"""


def page_of(*records: str, rest: str = "") -> bytes:
    return PAGE.format(f"<ListRecords>{''.join(records)}{rest}</ListRecords>").encode()


def record(metadata: str, *, arxiv_id: str = "0704.0001", day: str = "2026-11-20") -> str:
    return RECORD.format(id=arxiv_id, day=day, metadata=metadata)


# --- reading ---


def test_a_page_of_another_kind_is_no_empty_list() -> None:
    with pytest.raises(SourceError, match="no OAI-PMH"):
        parse_page(b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>We rest.</body></html>')


def test_a_raw_record_has_all_versions() -> None:
    [paper] = parse_page(page_of(record(RAW.format(flags="<source_type>D</source_type>")))).papers
    assert paper.source == "arxiv_oai_raw"
    assert (paper.arxiv_id, paper.version, paper.title) == ("0704.0001", 2, r"A title with $\gamma$ and p<0.1")
    assert paper.versions == (
        RawVersion(1, datetime(2007, 4, 2, 19, 18, 42, tzinfo=UTC)),
        RawVersion(2, datetime(2007, 7, 24, 20, 10, 27, tzinfo=UTC)),
    )
    assert paper.published_at == paper.versions[0].released_at
    assert paper.updated_at == paper.versions[1].released_at
    assert paper.authors_text == "A. Person, B. Other (1), for the X collaboration ((1) Somewhere)"
    assert paper.categories == ("hep-ph", "hep-ex")
    assert (paper.comment, paper.journal_ref, paper.doi) == ("37 pages", "Phys.Rev.D76", "10.1103/x")
    assert paper.license == "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
    assert paper.abstract == "  Text\nwrapped at 80.\n"
    assert paper.is_withdrawn is False
    assert paper.announced_on is None, "a datestamp is when a record changed, not when a paper was announced"


@pytest.mark.parametrize(("flags", "expected"), [("I", True), ("AI", True), ("DA", False), ("", False)])
def test_a_withdrawn_version_has_no_source(flags: str, expected: bool) -> None:
    [paper] = parse_page(page_of(record(RAW.format(flags=f"<source_type>{flags}</source_type>")))).papers
    assert paper.is_withdrawn is expected


def test_what_arxiv_does_not_know_is_said_to_be_empty() -> None:
    bare = '<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>0704.0001</id><title>T</title></arXivRaw>'
    [paper] = parse_page(page_of(record(bare))).papers
    assert (paper.comment, paper.doi, paper.journal_ref, paper.abstract) == ("", "", "", "")
    assert (paper.version, paper.is_withdrawn, paper.versions) == (None, None, ())


def test_the_plain_format_has_authors_apart() -> None:
    [paper] = parse_page(page_of(record(PLAIN, arxiv_id="hep-th/9901001"))).papers
    assert paper.source == "arxiv_oai"
    assert paper.arxiv_id == "hep-th/9901001"
    assert paper.authors == (RawAuthor("Planck Collaboration"), RawAuthor("Ada Holm Jr.", "Tidal Lab; Elsewhere"))
    assert paper.published_at == datetime(1999, 1, 1, tzinfo=UTC)
    assert paper.updated_at == datetime(1999, 2, 3, tzinfo=UTC)
    assert paper.version is None


def test_one_bad_record_does_not_cost_the_others() -> None:
    without_title = '<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2611.00007</id></arXivRaw>'
    dublin = '<dc xmlns="http://purl.org/dc/elements/1.1/"><title>T</title></dc>'
    page = parse_page(
        page_of(
            record(without_title, arxiv_id="2611.00007"),
            record(dublin, arxiv_id="2611.00008"),
            "<record/>",
            record(RAW.format(flags="")),
        )
    )
    assert [paper.arxiv_id for paper in page.papers] == ["0704.0001"]
    assert [bad.identifier for bad in page.rejected] == ["oai:arXiv.org:2611.00007", "oai:arXiv.org:2611.00008", ""]
    assert "2611.00007" in page.rejected[0].payload
    assert page.record_count == 4


def test_deleted_records_are_counted_and_left() -> None:
    gone = '<record><header status="deleted"><identifier>oai:x:1</identifier></header></record>'
    page = parse_page(page_of(gone, '<record><header status="deleted"/></record>'))
    assert (page.deleted, page.papers, page.rejected) == (2, [], [])


def test_tokens_days_and_the_time_of_the_answer() -> None:
    page = parse_page(
        page_of(
            record(PLAIN, day="2026-11-18"),
            record(PLAIN, day="2026-11-20"),
            rest='<resumptionToken expirationDate="2026-11-21T00:00:00Z">verb=ListRecords&amp;skip=2</resumptionToken>',
        )
    )
    assert page.token == "verb=ListRecords&skip=2"
    assert page.days == (date(2026, 11, 18), date(2026, 11, 20))
    assert page.answered_on == date(2026, 11, 20)
    assert parse_page(page_of(record(PLAIN), rest="<resumptionToken/>")).token == ""


@pytest.mark.parametrize(
    "code", ["badArgument", "badResumptionToken", "cannotDisseminateFormat", "idDoesNotExist", "noRecordsMatch"]
)
def test_errors_come_with_status_200(code: str) -> None:
    error = parse_page(PAGE.format(f'<error code="{code}">why</error>').encode()).error
    assert error is not None
    assert (error.code, str(error)) == (code, f"{code}: why")


def test_a_page_that_is_not_whole_is_an_error() -> None:
    with pytest.raises(BrokenXmlError):
        parse_page(page_of(record(PLAIN))[:-40])


# --- asking ---


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 5), 20)) as running:
        yield running


def visit(upstream: FakeUpstream, **fields: Any) -> list[FetchBatch]:
    fields = {"categories": ("cs.CL",), **fields}
    return list(adapter.fetch(fetch_context(upstream, "/oai", **fields)))


def ids(batches: list[FetchBatch]) -> list[str]:
    return [paper.arxiv_id or "" for paper in papers_of(batches)]


def changed(upstream: FakeUpstream, since: date, category: str = "cs.CL") -> set[str]:
    return {
        paper.arxiv_id
        for paper, version in upstream.catalogue.known(TODAY)
        if version.announced_on >= since and category in paper.categories
    }


def asked(upstream: FakeUpstream) -> list[dict[str, str]]:
    return [entry.params for entry in upstream.log("/oai")]


def test_the_first_visit_goes_a_week_back_and_never_names_an_end(upstream: FakeUpstream) -> None:
    batches = visit(upstream)
    assert asked(upstream) == [
        {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "cs:cs:CL", "from": "2026-11-13"}
    ]
    assert set(ids(batches)) == changed(upstream, TODAY - timedelta(days=7))
    assert last_cursor(batches) == {"sets": {"cs:cs:CL": {"done": "2026-11-20"}}}


def test_the_next_visit_overlaps_by_a_day(upstream: FakeUpstream) -> None:
    visit(upstream, cursor={"sets": {"cs:cs:CL": {"done": "2026-11-19"}}})
    assert asked(upstream)[0]["from"] == "2026-11-18"


def test_a_day_may_be_given_and_none_is_too_early_or_too_late(upstream: FakeUpstream) -> None:
    visit(upstream, since=date(1991, 8, 1))
    visit(upstream, since=date(2026, 12, 24))
    assert [params["from"] for params in asked(upstream)] == ["2005-09-16", "2026-11-20"]


def test_each_set_has_its_own_place(upstream: FakeUpstream) -> None:
    cursor = {"sets": {"cs:cs:CL": {"done": "2026-11-19"}, "cs:cs:GONE": {"done": "2026-11-01"}}, "other": 1}
    batches = visit(upstream, categories=("cs.CL", "stat.ML"), cursor=cursor)
    assert [params["from"] for params in asked(upstream)] == ["2026-11-18", "2026-11-13"]
    assert last_cursor(batches) == {
        "sets": {"cs:cs:CL": {"done": "2026-11-20"}, "stat:stat:ML": {"done": "2026-11-20"}},
        "other": 1,
    }


def test_pages_follow_their_tokens_and_the_place_moves_with_the_datestamps(upstream: FakeUpstream) -> None:
    upstream.set(page_size=10)
    batches = visit(upstream)
    assert set(ids(batches)) == changed(upstream, TODAY - timedelta(days=7))
    assert len(batches) > 3
    assert all(set(params) == {"verb", "resumptionToken"} for params in asked(upstream)[1:])
    seen = [batch.cursor["sets"]["cs:cs:CL"].get("seen") for batch in batches if batch.cursor]
    assert seen[:-1] == sorted(seen[:-1])
    assert seen[-1] is None, "the list is done"
    assert "skip" not in str([batch.cursor for batch in batches]), "a token is never kept"


def test_a_visit_that_was_killed_goes_on_at_the_newest_datestamp(upstream: FakeUpstream) -> None:
    upstream.set(page_size=10)
    killed = adapter.fetch(fetch_context(upstream, "/oai", categories=("cs.CL",)))
    first = [next(killed), next(killed), next(killed)]
    cursor = last_cursor(first)
    upstream.clear_log()
    rest = visit(upstream, cursor=cursor)
    assert asked(upstream)[0]["from"] == cursor["sets"]["cs:cs:CL"]["seen"] > "2026-11-13"
    assert set(ids(first)) | set(ids(rest)) == changed(upstream, TODAY - timedelta(days=7))


def test_an_expired_token_starts_the_list_anew_where_it_was(upstream: FakeUpstream) -> None:
    upstream.set(page_size=10)
    upstream.script("/oai", Behaviour(error="badResumptionToken", query={"resumptionToken": "*"}, times=2))
    batches = visit(upstream)
    assert set(ids(batches)) == changed(upstream, TODAY - timedelta(days=7))
    restarts = [params["from"] for params in asked(upstream) if "from" in params]
    assert len(restarts) == 3
    assert restarts == sorted(restarts)


def test_tokens_that_never_work_end_the_visit(upstream: FakeUpstream) -> None:
    upstream.set(page_size=10)
    upstream.script("/oai", Behaviour(error="badResumptionToken", query={"resumptionToken": "*"}, times=99))
    with pytest.raises(SourceError, match="badResumptionToken"):
        visit(upstream)
    assert len(asked(upstream)) < 12


def test_records_that_come_twice_do_no_harm(upstream: FakeUpstream) -> None:
    upstream.set(page_size=10)
    upstream.script("/oai", Behaviour(repeat=3, times=2))
    found = ids(visit(upstream))
    assert set(found) == changed(upstream, TODAY - timedelta(days=7))
    assert len(found) > len(set(found))


def test_datestamps_that_go_back_are_no_place_to_go_on(upstream: FakeUpstream) -> None:
    first = page_of(record(PLAIN, day="2026-11-20"), rest="<resumptionToken>one</resumptionToken>")
    second = page_of(record(PLAIN, day="2026-11-14"), rest="<resumptionToken>two</resumptionToken>")
    upstream.script("/oai", Behaviour(status=200, body=first.decode()), Behaviour(status=200, body=second.decode()))
    batches = adapter.fetch(fetch_context(upstream, "/oai", categories=("cs.CL",)))
    assert last_cursor([next(batches)])["sets"]["cs:cs:CL"]["seen"] == "2026-11-20"
    second_cursor = next(batches).cursor
    assert second_cursor is not None
    assert "seen" not in second_cursor["sets"]["cs:cs:CL"]


def test_nothing_yet_is_not_an_error_and_moves_nothing(upstream: FakeUpstream) -> None:
    upstream.script("/oai", Behaviour(error="noRecordsMatch"))
    batches = visit(upstream, cursor={"sets": {"cs:cs:CL": {"done": "2026-11-19"}}})
    assert papers_of(batches) == []
    assert last_cursor(batches) == {}


def test_a_mirror_without_versions_is_asked_in_the_other_format(upstream: FakeUpstream) -> None:
    upstream.script("/oai", Behaviour(error="cannotDisseminateFormat", query={"metadataPrefix": "arXivRaw"}))
    assert {paper.source for paper in papers_of(visit(upstream))} == {"arxiv_oai"}


@pytest.mark.parametrize("code", ["badArgument", "noSetHierarchy", "undefinedError"])
def test_other_errors_end_the_visit_and_say_what_to_check(upstream: FakeUpstream, code: str) -> None:
    upstream.script("/oai", Behaviour(error=code))
    with pytest.raises(SourceError, match=f"{code}.*cs:cs:CL.*check the categories"):
        visit(upstream)


def test_a_page_of_broken_xml_ends_the_visit(upstream: FakeUpstream) -> None:
    upstream.script("/oai", Behaviour(status=200, body="broken xml"))
    with pytest.raises(SourceError, match="asked for again"):
        visit(upstream)


def test_a_short_wait_that_the_service_asks_for_is_kept_within_the_visit(upstream: FakeUpstream) -> None:
    upstream.script("/oai", Behaviour(status=503, headers={"Retry-After": "1"}))
    assert set(ids(visit(upstream))) == changed(upstream, TODAY - timedelta(days=7))
    assert [entry.status for entry in upstream.log("/oai")] == [503, 200]


@pytest.mark.parametrize("headers", [{"Retry-After": "600"}, {}])
def test_a_long_wait_ends_the_visit(upstream: FakeUpstream, headers: dict[str, str]) -> None:
    upstream.script("/oai", Behaviour(status=503, headers=headers))
    with pytest.raises(HttpStatusError):
        visit(upstream)
    assert len(asked(upstream)) == 1


def test_a_token_that_leads_in_a_circle_ends_the_visit(upstream: FakeUpstream) -> None:
    body = page_of(record(PLAIN), rest="<resumptionToken>again</resumptionToken>").decode()
    upstream.script("/oai", Behaviour(status=200, body=body, times=9))
    with pytest.raises(SourceError, match="same resumption token twice"):
        visit(upstream)


def test_one_record_by_its_id(upstream: FakeUpstream) -> None:
    send, url = unlimited_client(upstream.host).fetch, f"{upstream.url}/oai"
    wanted = sorted(upstream.catalogue.papers)[3]
    found = get_record(send, url, wanted)
    assert found is not None
    assert (found.arxiv_id, found.source) == (wanted, "arxiv_oai_raw")
    assert get_record(send, url, "2611.99999") is None
    upstream.script("/oai", Behaviour(error="badArgument"))
    with pytest.raises(SourceError, match="badArgument"):
        get_record(send, url, wanted)


def test_without_categories_there_is_nothing_to_ask(upstream: FakeUpstream) -> None:
    with pytest.raises(SourceError, match="No arXiv category"):
        visit(upstream, categories=(), now=FRIDAY_MORNING)
