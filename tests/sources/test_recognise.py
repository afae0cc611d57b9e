"""Which kind of source somebody means by what is pasted, and what is found at an address."""

from __future__ import annotations

import pytest

from papers.sources.recognise import (
    AtAddress,
    FeedLink,
    Suggestion,
    address_in,
    is_oai_address,
    look_at_answer,
    suggested_by_answer,
    suggested_by_text,
)

URL = "https://www.journal.example/tides/"


@pytest.mark.parametrize(
    ("text", "kind", "query"),
    [
        ("biorxiv", "biorxiv", ""),
        (" bioRxiv ", "biorxiv", ""),
        ("MEDRXIV", "medrxiv", ""),
        ("https://www.biorxiv.org/", "biorxiv", ""),
        ("biorxiv.org", "biorxiv", ""),
        ("https://api.biorxiv.org/details/biorxiv/2026-01-01/2026-01-02", "biorxiv", ""),
        ("https://www.biorxiv.org/collection/cell-biology", "biorxiv", "cell biology"),
        ("https://www.medrxiv.org/collection/oncology/", "medrxiv", "oncology"),
        ("2167-8359", "crossref", "2167-8359"),
        ("ISSN 2167-8359", "crossref", "2167-8359"),
        ("https://portal.issn.org/resource/ISSN/2167-8359", "crossref", "2167-8359"),
        ("https://api.crossref.org/journals/2167-8359/works", "crossref", "2167-8359"),
        ("https://openalex.org/I97018004", "openalex", "authorships.institutions.lineage:I97018004"),
        ("openalex.org/authors/a5000000001", "openalex", "authorships.author.id:A5000000001"),
        ("https://openalex.org/T10028", "openalex", "primary_topic.id:T10028"),
        (
            "https://api.openalex.org/works?filter=type:article,primary_topic.id:T1",
            "openalex",
            "type:article,primary_topic.id:T1",
        ),
        ("https://ror.org/012345678", "openalex", "authorships.institutions.ror:https://ror.org/012345678"),
    ],
)
def test_some_texts_say_it_all(text: str, kind: str, query: str) -> None:
    found = suggested_by_text(text)
    assert found is not None
    assert (found.kind, found.query) == (kind, query)
    assert found.name


@pytest.mark.parametrize(
    "text",
    [
        "https://connect.biorxiv.org/biorxiv_xml.php?subject=neuroscience",
        "https://www.biorxiv.org/content/10.1101/2026.01.01.000001v1",
        "https://biorxiv.org.evil.example/",
        "https://journal.example/feed",
        "2167-8358",
        "a journal",
        "",
    ],
)
def test_others_have_to_be_looked_at_or_are_nothing(text: str) -> None:
    assert suggested_by_text(text) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("journal.example/feed", "https://journal.example/feed"),
        (" http://journal.example ", "http://journal.example"),
        ("ftp://journal.example/", None),
        ("javascript:alert(1)", None),
        ("two words.example", None),
        ("journal", None),
        ("https://", None),
    ],
)
def test_an_address_may_lack_its_scheme(text: str, address: str | None) -> None:
    assert address_in(text) == address


@pytest.mark.parametrize(
    ("address", "is_oai"),
    [
        ("https://zenodo.example/oai2d", True),
        ("https://api.archives.example/oai/hal", False),
        ("https://api.archives.example/oai/hal/?verb=Identify", True),
        ("https://theses.example/oai/request", True),
        ("https://ojs.example/index.php/tides/oai", True),
        ("https://journal.example/oaicite", False),
    ],
)
def test_an_address_may_look_like_a_repositorys(address: str, is_oai: bool) -> None:
    assert is_oai_address(address) is is_oai


RSS = b'<?xml version="1.0"?><!-- made --><rss version="2.0"><channel><title>Tides &amp; Shores</title></channel></rss>'
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><title type="text"><![CDATA[Tides]]></title></feed>'
RDF = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel><title>Old</title></channel></rdf:RDF>'
)
OAI = (
    b'<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><Identify>'
    b"<repositoryName>Theses of Somewhere</repositoryName></Identify></OAI-PMH>"
)
PAGE = b"""<!doctype html><html><head><title>Journal of Tides</title><base href="/tides/current/">
<link rel="stylesheet" href="a.css">
<link rel="Alternate" type="application/rss+xml; charset=utf-8" title="Latest" href="new.rss">
<link rel="alternate" type="application/atom+xml" href="//feeds.example/all.atom">
<link rel="alternate" type="text/html" hreflang="de" href="/de">
<link rel="alternate" type="application/rss+xml" href="javascript:1">
<meta name="citation_issn" content="2167-8359"></head><body><svg><title>No</title></svg></body></html>"""


def test_what_is_at_an_address() -> None:
    assert look_at_answer(RSS, url=URL) == AtAddress("feed", "Tides & Shores")
    assert look_at_answer(ATOM, url=URL) == AtAddress("feed", "Tides")
    assert look_at_answer(RDF, url=URL) == AtAddress("feed", "Old")
    assert look_at_answer(OAI, url=URL) == AtAddress("oai", "Theses of Somewhere")
    page = look_at_answer(PAGE, url=URL)
    assert (page.kind, page.title, page.issn) == ("", "Journal of Tides", "2167-8359")
    assert page.feeds == (
        FeedLink("https://www.journal.example/tides/current/new.rss", "Latest"),
        FeedLink("https://feeds.example/all.atom", ""),
    )


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"%PDF-1.7", b"<" * 50_000, b"<link " * 50_000, b"{}"])
def test_anything_else_is_nothing(data: bytes) -> None:
    assert suggested_by_answer(look_at_answer(data, url=URL), URL) is None


def test_the_best_source_for_what_is_there() -> None:
    assert suggested_by_answer(AtAddress("feed"), URL) == Suggestion("feed", URL, name="journal.example")
    asked = "https://theses.example/oai?verb=Identify"
    found = suggested_by_answer(AtAddress("oai", "Theses"), asked)
    assert found == Suggestion("oai", "https://theses.example/oai", name="Theses")
    page = look_at_answer(PAGE, url=URL)
    assert suggested_by_answer(page, URL) == Suggestion("feed", page.feeds[0].url, name="Latest")
    without = AtAddress("", "Journal of Tides", issn="2167-8359")
    assert suggested_by_answer(without, URL) == Suggestion("crossref", query="2167-8359", name="Journal of Tides")
