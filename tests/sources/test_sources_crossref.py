"""A journal by its ISSN: what was registered since last time, in Crossref's own shape."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from papers.catalogue.identifiers import parse_issn
from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest
from papers.sources.base import FetchBatch, RawAuthor, RejectedPayload, SourceSettings
from papers.sources.crossref import PAGE_SIZE, adapter, parse_works
from tests.support.source_context import last_cursor, papers_of, scripted_context

WORK = {
    "DOI": "10.5555/TIDES.2026.1",
    "type": "journal-article",
    "title": ["Clocks of the <i>shore</i>"],
    "subtitle": [],
    "author": [
        {"given": "Ada", "family": "Holm", "sequence": "first", "affiliation": [{"name": "Tidal Lab"}]},
        {"name": "The Shore Consortium", "sequence": "additional", "affiliation": []},
    ],
    "abstract": "<jats:title>Abstract</jats:title><jats:p>Two clocks of H<jats:sub>2</jats:sub>O.</jats:p>",
    "container-title": ["Journal of Tides"],
    "volume": "12",
    "issue": "3",
    "page": "1-9",
    "ISSN": ["2167-8359"],
    "issued": {"date-parts": [[2026, 11, 18]]},
    "created": {"date-parts": [[2026, 11, 19]], "date-time": "2026-11-19T08:00:00Z", "timestamp": 1},
    "license": [{"URL": "https://creativecommons.org/licenses/by/4.0/", "start": {}}],
    "references-count": 40,
}


def work(**changes: Any) -> dict[str, Any]:
    return {**WORK, **changes}


def works(*items: Any, cursor: str = "AoJ", total: int | None = None) -> bytes:
    message = {
        "total-results": len(items) if total is None else total,
        "items": items,
        "items-per-page": PAGE_SIZE,
        "next-cursor": cursor,
    }
    return json.dumps({"status": "ok", "message-type": "work-list", "message": message}).encode()


def test_a_work_is_read_as_the_dois_record_is() -> None:
    [paper] = parse_works(works(work())).papers
    assert (paper.source, paper.doi) == ("crossref", "10.5555/tides.2026.1")
    assert paper.title == "Clocks of the shore"
    assert paper.authors == (RawAuthor("Ada Holm", "Tidal Lab"), RawAuthor("The Shore Consortium"))
    assert paper.abstract == "Two clocks of H₂O."
    assert paper.journal_ref == "Journal of Tides 12(3), 1-9 (2026)"
    assert paper.published_at == datetime(2026, 11, 18, tzinfo=UTC)
    assert paper.license == "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    "doi", ["10.1016/0550-3213(94)00102-2", "10.1002/(sici)1097-4571(1999)50:1<1::aid-asi1>3.0.co;2-x"]
)
def test_odd_dois_stay_as_the_registry_has_them(doi: str) -> None:
    [paper] = parse_works(works(work(DOI=doi.upper()))).papers
    assert paper.doi == doi


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        ({"issued": {"date-parts": [[2026, 11]]}}, "2026-11-19"),
        ({"issued": {"date-parts": [[2026]]}}, "2026-11-19"),
        ({"issued": {"date-parts": [[None]]}}, "2026-11-19"),
        ({"issued": {"date-parts": [[2027, 2, 1]]}}, "2026-11-19"),
        ({"issued": {"date-parts": [[2027]]}}, "2026-11-19"),
        ({"issued": {"date-parts": [[1998]]}}, "1998-01-01"),
        ({"issued": {"date-parts": [[2026, 3]]}}, "2026-03-01"),
        ({"issued": {"date-parts": [[2026, 11]]}, "published-online": {"date-parts": [[2026, 11, 2]]}}, "2026-11-02"),
        ({"issued": {"date-parts": [[2026]]}, "created": None}, "2026-01-01"),
    ],
)
def test_a_paper_without_a_day_is_out_when_it_is_registered_unless_it_is_old(
    dates: dict[str, Any], published: str
) -> None:
    [paper] = parse_works(works(work(**dates))).papers
    assert paper.published_at is not None
    assert paper.published_at.date().isoformat() == published


@pytest.mark.parametrize("bad", [{"title": ["x"]}, work(title=[]), work(DOI="nonsense"), "text", None, 3])
def test_a_work_that_cant_be_read_costs_itself(bad: Any) -> None:
    page = parse_works(works(bad, work()))
    assert len(page.papers) == 1
    assert page.size == 2
    [rejected] = page.rejected
    with pytest.raises(SourceError):
        adapter.parse_rejected(RejectedPayload("crossref", rejected.payload, date(2026, 11, 20)))
    good = RejectedPayload("crossref", json.dumps(work()), date(2026, 11, 20))
    assert adapter.parse_rejected(good).doi == "10.5555/tides.2026.1"


def test_what_is_no_paper_is_left_out_and_preprints_are_not() -> None:
    page = parse_works(works(work(type="journal-issue"), work(type="posted-content"), work(type="component")))
    assert len(page.papers) == 1
    assert page.rejected == ()
    assert page.size == 3


@pytest.mark.parametrize("body", [b"Resource not found.", b"[]", b'{"message": []}', b'{"message": {"items": 1}}'])
def test_what_is_no_list_of_works_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse_works(body)


def test_pages_are_followed_though_the_cursor_stays_the_same() -> None:
    full = [work(DOI=f"10.5555/tides.{number}") for number in range(PAGE_SIZE)]
    left = [works(*full), works(work())]
    context, log = scripted_context(lambda _: left.pop(0), "https://api.crossref.org", query="ISSN 2167-8359")
    batches = list(adapter.fetch(context))
    assert len(papers_of(batches)) == PAGE_SIZE + 1
    assert [request.params["cursor"] for request in log] == ["*", "AoJ"]
    assert log[0].url == "https://api.crossref.org/journals/2167-8359/works"
    assert str(log[0].params["filter"]).startswith("from-created-date:2026-11-06,type:journal-article,")
    assert log[0].group == "crossref"
    assert [batch.cursor for batch in batches] == [None, {"through": "2026-11-20"}], "only a whole list moves it on"


def test_short_pages_are_followed_to_the_total() -> None:
    left = [works(work(DOI="10.5555/a"), total=3), works(work(DOI="10.5555/b"), work(DOI="10.5555/c"), total=3)]
    context, _ = scripted_context(lambda _: left.pop(0), "https://api.crossref.org", query="2167-8359")
    batches = list(adapter.fetch(context))
    assert len(papers_of(batches)) == 3
    assert last_cursor(batches) == {"through": "2026-11-20"}


@pytest.mark.parametrize("end", [works(total=3), works(work(DOI="10.5555/b"), total=3, cursor="")])
def test_a_list_that_is_short_of_its_total_is_a_failure(end: bytes) -> None:
    left = [works(work(DOI="10.5555/a"), total=3), end]
    context, _ = scripted_context(lambda _: left.pop(0), "https://api.crossref.org", query="2167-8359")
    batches: list[FetchBatch] = []
    with pytest.raises(SourceError, match="of 3 works"):
        batches.extend(adapter.fetch(context))
    assert last_cursor(batches) == {}, "what came is good, and the same days are asked again"


def test_a_list_without_an_end_is_left() -> None:
    full = [work(DOI=f"10.5555/tides.{number}") for number in range(PAGE_SIZE)]
    context, log = scripted_context(lambda _: works(*full), "https://api.crossref.org", query="2167-8359")
    with pytest.raises(SourceError, match="goes on and on"):
        list(adapter.fetch(context))
    assert len(log) == 2


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"cursor": {"through": "2026-11-19"}}, "2026-11-17"),
        ({"cursor": {"through": "2099-01-01"}}, "2026-11-18"),
        ({"since": date(2026, 1, 2)}, "2026-01-02"),
    ],
)
def test_it_goes_on_where_it_was(fields: dict[str, Any], first: str) -> None:
    context, log = scripted_context(lambda _: works(), "https://api.crossref.org", query="2167-8359", **fields)
    batches = list(adapter.fetch(context))
    assert f"from-created-date:{first}," in str(log[0].params["filter"])
    assert last_cursor(batches) == {"through": "2026-11-20"}


def test_a_journal_that_crossref_does_not_know_is_said_in_words() -> None:
    def absent(request: FetchRequest) -> bytes:
        raise HttpStatusError("404", url=request.url, status=404, body=b"Resource not found.")

    context, _ = scripted_context(absent, "https://api.crossref.org", query="2167-8359")
    with pytest.raises(SourceError, match="no journal with the ISSN 2167-8359"):
        list(adapter.fetch(context))
    context, _ = scripted_context(absent, "https://api.crossref.org", query="")
    with pytest.raises(SourceError, match="has no ISSN"):
        list(adapter.fetch(context))


@pytest.mark.parametrize(
    ("text", "issn"),
    [
        ("2167-8359", "2167-8359"),
        (" ISSN: 2167-8359 ", "2167-8359"),
        ("issn 21678359", "2167-8359"),
        ("eISSN 2167-8359", "2167-8359"),
        ("e-ISSN: 2167-8359", "2167-8359"),
        ("urn:ISSN:2167-8359", "2167-8359"),
        ("https://portal.issn.org/resource/ISSN/2167-8359", "2167-8359"),
        ("0317–8471", "0317-8471"),
        ("2434-561x", "2434-561X"),
        ("2167-8358", None),
        ("2167-835", None),
        ("2167-83599", None),
        ("२167-8359", None),
        ("see 2167-8359", None),
        ("", None),
    ],
)
def test_an_issn_has_a_check_digit(text: str, issn: str | None) -> None:
    assert parse_issn(text) == issn
    assert bool(adapter.problems(SourceSettings(query=text))) is (issn is None)
