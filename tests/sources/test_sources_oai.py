"""Any repository by OAI-PMH: Dublin Core of many tastes, lists through tokens, and repositories that lie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest
from papers.sources.base import RawAuthor, RawPaper, RejectedPayload, SourceSettings
from papers.sources.oai import adapter, base_address, parse_page
from papers.sources.xml import BrokenXmlError
from tests.support.source_context import last_cursor, papers_of, scripted_context

BASE = "https://theses.example/oai"
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-11-20T12:00:00Z</responseDate>
<request verb="ListRecords">https://theses.example/oai</request>{}</OAI-PMH>"""
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "{}</oai_dc:dc>"
)
THESIS = """<dc:title xml:lang="en">Clocks of the &lt;i&gt;shore&lt;/i&gt;</dc:title>
<dc:creator>Holm, Ada</dc:creator><dc:creator>Ito, Jun</dc:creator><dc:creator>Holm, Ada</dc:creator>
<dc:description>International audience</dc:description>
<dc:description>Tides come twice a day, and so do crabs.</dc:description>
<dc:identifier>hal-00000001</dc:identifier><dc:identifier>https://theses.example/item/1</dc:identifier>
<dc:date>2026-11-17</dc:date><dc:date>2026-11-19T10:00:00Z</dc:date><dc:type>info:eu-repo/semantics/doctoralThesis</dc:type>
<dc:rights>https://creativecommons.org/licenses/by/4.0/</dc:rights>"""


def record(
    fields: str = THESIS, *, name: str = "oai:theses.example:1", day: str = "2026-11-19", status: str = ""
) -> str:
    header = f"<header{status}><identifier>{name}</identifier><datestamp>{day}</datestamp></header>"
    return f"<record>{header}<metadata>{DC.format(fields)}</metadata></record>"


def listing(*records: str, token: str = "") -> bytes:
    return ENVELOPE.format(
        f"<ListRecords>{''.join(records)}<resumptionToken>{token}</resumptionToken></ListRecords>"
    ).encode()


def failure(code: str, text: str = "") -> bytes:
    return ENVELOPE.format(f'<error code="{code}">{text}</error>').encode()


def one(fields: str, **options: str) -> RawPaper:
    [paper] = parse_page(listing(record(fields, **options))).papers
    return paper


# --- reading ---


def test_a_record_in_dublin_core() -> None:
    paper = one(THESIS)
    assert (paper.source, paper.title) == ("oai", "Clocks of the shore")
    assert paper.authors == (RawAuthor("Holm, Ada"), RawAuthor("Ito, Jun"))
    assert paper.abstract == "Tides come twice a day, and so do crabs."
    assert paper.published_at == datetime(2026, 11, 17, tzinfo=UTC)
    assert paper.url == "https://theses.example/item/1"
    assert paper.identifiers == (("url", "oai:theses.example:1"), ("url", "https://theses.example/item/1"))
    assert (paper.arxiv_id, paper.doi) == (None, None)
    assert paper.license == "https://creativecommons.org/licenses/by/4.0/"


TITLE = "<dc:title>Tides</dc:title>"


@pytest.mark.parametrize(
    ("fields", "arxiv_id", "doi"),
    [
        ("<dc:identifier>https://doi.org/10.5555/tides.1</dc:identifier>", None, "10.5555/tides.1"),
        ("<dc:identifier>DOI: 10.5555/TIDES.1</dc:identifier>", None, "10.5555/tides.1"),
        ("<dc:identifier>ARXIV: 2611.00042</dc:identifier>", "2611.00042", None),
        ("<dc:identifier>10.48550/arXiv.2611.00042</dc:identifier>", "2611.00042", None),
        (
            "<dc:identifier>10.5555/tides.1</dc:identifier><dc:identifier>arXiv:2611.00042</dc:identifier>",
            "2611.00042",
            None,
        ),
        ("<dc:identifier>10.5555/a</dc:identifier><dc:identifier>10.5555/b</dc:identifier>", None, None),
        (
            "<dc:relation>info:eu-repo/semantics/altIdentifier/doi/10.5555/tides.1</dc:relation>",
            None,
            "10.5555/tides.1",
        ),
        ("<dc:relation>info:eu-repo/semantics/altIdentifier/arxiv/2611.00042</dc:relation>", "2611.00042", None),
        ("<dc:relation>https://doi.org/10.5555/cited.1</dc:relation>", None, None),
        ("<dc:source>10.5555/journal</dc:source>", None, None),
        ("<dc:identifier>A talk about arXiv:2611.00042</dc:identifier>", None, None),
    ],
)
def test_a_paper_is_named_by_its_identifiers_alone(fields: str, arxiv_id: str | None, doi: str | None) -> None:
    paper = one(TITLE + fields)
    assert (paper.arxiv_id, paper.doi) == (arxiv_id, doi)


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        ("<dc:date>2026</dc:date>", "2026-11-19"),
        ("<dc:date>2026-11</dc:date>", "2026-11-19"),
        ("<dc:date>2026-03</dc:date>", "2026-03-01"),
        ("<dc:date>1997</dc:date>", "1997-01-01"),
        ("<dc:date>2026-99-01</dc:date><dc:date>2026-11-18</dc:date>", "2026-11-18"),
        ("<dc:date>soon</dc:date>", None),
        ("", None),
    ],
)
def test_a_year_alone_is_the_day_of_a_record_of_that_year(dates: str, published: str | None) -> None:
    moment = one(TITLE + dates).published_at
    assert (moment.date().isoformat() if moment else None) == published


def test_versions_of_hal_are_one_paper() -> None:
    assert one(TITLE, name="oai:HAL:hal-00000001v2").identifiers == (("url", "oai:HAL:hal-00000001"),)
    assert one(TITLE, name="oai:theses.example:v2").identifiers == (("url", "oai:theses.example:v2"),)


def test_deleted_records_and_data_are_counted_and_left_out() -> None:
    gone = '<record><header status="deleted"><identifier>oai:x:2</identifier></header></record>'
    page = parse_page(
        listing(
            gone,
            record(TITLE + "<dc:type>info:eu-repo/semantics/other</dc:type><dc:type>dataset</dc:type>", name="oai:x:3"),
            record(TITLE + "<dc:type>Text</dc:type><dc:type>Dataset</dc:type>", name="oai:x:4"),
        )
    )
    assert (len(page.papers), page.left_out, page.rejected) == (1, 2, [])
    assert page.names == ["oai:x:2", "oai:x:3", "oai:x:4"]


@pytest.mark.parametrize(
    "bad",
    [
        record("<dc:creator>Nobody</dc:creator>"),
        record(TITLE, name=""),
        "<record><header><identifier>oai:x:1</identifier></header></record>",
        "<record><metadata><mods/></metadata></record>",
    ],
)
def test_a_record_that_cant_be_read_costs_itself(bad: str) -> None:
    page = parse_page(listing(bad, record(name="oai:x:9")))
    assert len(page.papers) == 1
    [rejected] = page.rejected
    with pytest.raises(SourceError):
        adapter.parse_rejected(RejectedPayload("oai", rejected.payload, date(2026, 11, 20)))


def test_a_kept_record_can_be_read_again() -> None:
    [kept] = parse_page(listing(record("<dc:title> </dc:title>"))).rejected
    mended = kept.payload.replace("<dc:title> </dc:title>", "<dc:title>Mended</dc:title>")
    assert adapter.parse_rejected(RejectedPayload("oai", mended, date(2026, 11, 20))).title == "Mended"


def test_a_page_that_is_not_well_formed_is_read_record_by_record() -> None:
    broken = record(TITLE + "<dc:creator>A & B</dc:creator>", name="oai:x:2")
    page = parse_page(listing(record(), broken, record(name="oai:x:3"), token="next"))
    assert len(page.papers) == 2
    assert [bad.identifier for bad in page.rejected] == ["oai:x:2"]
    assert page.token == "next"
    assert page.answered_on == date(2026, 11, 20)


@pytest.mark.parametrize("body", [b"<html><p>Sign in", b"", listing(record(), record())[:-60], b"\x00\x01"])
def test_what_is_cut_or_no_xml_is_an_error(body: bytes) -> None:
    with pytest.raises(BrokenXmlError):
        parse_page(body)


# --- harvesting ---


def harvest(answer: Callable[[FetchRequest], bytes], **fields: Any) -> tuple[list[Any], list[FetchRequest]]:
    context, log = scripted_context(answer, BASE, **fields)
    return list(adapter.fetch(context)), log


def test_each_set_is_read_through_its_tokens() -> None:
    def answer(request: FetchRequest) -> bytes:
        if request.params.get("resumptionToken") == "t/1 &":
            return listing(record(name="oai:x:2"))
        name = request.params["set"]
        return listing(record(name=f"oai:x:{name}"), token="t/1 &amp;" if name == "a" else "")

    batches, log = harvest(answer, query="a, b:c")
    assert len(papers_of(batches)) == 3
    assert [dict(request.params) for request in log] == [
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-11-13", "set": "a"},
        {"verb": "ListRecords", "resumptionToken": "t/1 &"},
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-11-13", "set": "b:c"},
    ]
    assert {request.group for request in log} == {"feed:theses.example"}
    assert last_cursor(batches) == {"sets": {"a": "2026-11-20", "b:c": "2026-11-20"}}


def test_it_goes_on_a_day_before_its_place_and_without_sets_asks_for_all() -> None:
    batches, log = harvest(lambda _: listing(record()), cursor={"sets": {"": "2026-11-19"}})
    assert dict(log[0].params) == {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-11-18"}
    assert last_cursor(batches) == {"sets": {"": "2026-11-20"}}
    _, log = harvest(lambda _: listing(record()), cursor={"sets": {"": "2099-01-01"}})
    assert log[0].params["from"] == "2026-11-20"


def test_a_page_of_another_kind_is_no_empty_list() -> None:
    rests = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>We rest.</p></body></html>'
    with pytest.raises(SourceError, match="no OAI-PMH"):
        harvest(lambda _: rests)


@pytest.mark.parametrize("answer", [failure("noRecordsMatch"), listing()])
def test_nothing_new_is_no_failure_and_moves_nothing_on(answer: bytes) -> None:
    batches, _ = harvest(lambda _: answer)
    assert papers_of(batches) == []
    assert last_cursor(batches) == {}


@pytest.mark.parametrize("code", ["badResumptionToken", "noRecordsMatch"])
def test_a_token_that_died_begins_the_list_anew_at_the_newest_day(code: str) -> None:
    answers = [
        listing(record(name="oai:x:1", day="2026-11-18"), token="t"),
        failure(code),
        listing(record(name="oai:x:2", day="2026-11-19")),
    ]
    batches, log = harvest(lambda _: answers.pop(0))
    assert len(papers_of(batches)) == 2
    assert log[2].params["from"] == "2026-11-18"


def test_tokens_that_die_for_ever_are_a_failure() -> None:
    def answer(request: FetchRequest) -> bytes:
        return failure("badResumptionToken") if "resumptionToken" in request.params else listing(record(), token="t")

    with pytest.raises(SourceError, match="badResumptionToken"):
        harvest(answer)


def test_a_token_that_comes_twice_ends_the_fetch() -> None:
    asked: list[FetchRequest] = []

    def answer(request: FetchRequest) -> bytes:
        asked.append(request)
        return listing(record(name=f"oai:x:{len(asked)}"), token="same")

    with pytest.raises(SourceError, match="no end"):
        harvest(answer)
    assert len(asked) == 2


def test_new_tokens_without_new_records_end_the_fetch() -> None:
    asked: list[FetchRequest] = []

    def answer(request: FetchRequest) -> bytes:
        asked.append(request)
        return listing(record(), token=f"t{len(asked)}")

    with pytest.raises(SourceError, match="no end"):
        harvest(answer)
    assert len(asked) == 4


@pytest.mark.parametrize("code", ["badArgument", "cannotDisseminateFormat", "noSetHierarchy", "badVerb"])
def test_other_errors_are_told(code: str) -> None:
    with pytest.raises(SourceError, match=code):
        harvest(lambda _: failure(code, "Words of the repository"))


def test_a_repository_that_asks_for_a_moment_is_given_it() -> None:
    refusals = [HttpStatusError("503", url=BASE, status=503, body=b"", retry_after_seconds=2.0)]

    def answer(_: FetchRequest) -> bytes:
        if refusals:
            raise refusals.pop()
        return listing(record())

    batches, log = harvest(answer)
    assert len(papers_of(batches)) == 1
    assert len(log) == 2


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        (SourceSettings(), {"base_url"}),
        (SourceSettings(base_url=BASE), set()),
        (SourceSettings(base_url=f"{BASE}?verb=Identify"), {"base_url"}),
        (SourceSettings(base_url="https://oaipmh.arxiv.org/oai"), {"base_url"}),
        (SourceSettings(base_url=BASE, query=" ".join(f"set{n}" for n in range(51))), {"query"}),
    ],
)
def test_its_settings(settings: SourceSettings, fields: set[str]) -> None:
    assert set(adapter.problems(settings)) == fields


def test_a_question_is_no_part_of_a_base_address() -> None:
    assert base_address(f" {BASE}?verb=Identify#x") == BASE
