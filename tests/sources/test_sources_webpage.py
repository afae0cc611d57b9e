"""Papers' own pages, as publishers write them and as they should not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from papers.outbound.host_rate_limit import host_group_of, page_host_group_of
from papers.services.ingest.clean_record import clean_record
from papers.sources.base import NoPaperError, RawAuthor
from papers.sources.webpage import parse_page

URL = "https://journal.example/ice"


def page(*tags: tuple[str, str], before: str = "", after: str = "") -> bytes:
    metas = "".join(f'<meta name="{name}" content="{content}">' for name, content in tags)
    return f"<!doctype html><html><head>{before}{metas}</head><body>{after}</body></html>".encode()


def test_a_publishers_page() -> None:
    data = page(
        ("citation_title", "On ice &amp; snow"),
        ("citation_author", "Frank, Henry S."),
        ("citation_author_institution", "Somewhere"),
        ("citation_author", "Ada Lovelace"),
        ("citation_publication_date", "2023/05/07"),
        ("citation_journal_title", "Journal of Ice"),
        ("citation_volume", "12"),
        ("citation_issue", "3"),
        ("citation_firstpage", "45"),
        ("citation_lastpage", "67"),
        ("citation_doi", "doi:10.1000/XYZ"),
        ("citation_abstract", "What it says."),
    )
    raw = parse_page(data, url=URL, content_type="text/html")
    assert raw.title == "On ice & snow"
    assert raw.authors == (RawAuthor("Henry S. Frank"), RawAuthor("Ada Lovelace"))
    assert raw.published_at == datetime(2023, 5, 7, tzinfo=UTC)
    assert raw.journal_ref == "Journal of Ice 12(3), 45-67 (2023)"
    assert (raw.doi, raw.arxiv_id, raw.abstract, raw.url) == ("10.1000/xyz", None, "What it says.", URL)


def test_tags_in_other_spellings() -> None:
    data = (
        b"<META NAME=Citation_Title CONTENT='On\n  ice'>"
        b"<meta property=citation_authors content='Frank, H.; A. Lovelace'>"
        b"<meta name=citation_arxiv_id content='arXiv:2401.01234v2'><meta name=citation_date content='2024-1'>"
    )
    raw = parse_page(data, url=URL)
    assert (raw.title, raw.arxiv_id, raw.published_at) == ("On ice", "2401.01234", datetime(2024, 1, 1, tzinfo=UTC))
    assert raw.authors == (RawAuthor("H. Frank"), RawAuthor("A. Lovelace"))


@pytest.mark.parametrize(
    ("contents", "names"),
    [
        (["Chiara Holm, Berta Ruiz"], ["Chiara Holm", "Berta Ruiz"]),
        (["Holm, Chiara"], ["Chiara Holm"]),
        (["Holm, C., Ruiz, B. C., van den Berg, A."], ["C. Holm", "B. C. Ruiz", "A. van den Berg"]),
        (["Chiara Holm and Berta Ruiz"], ["Chiara Holm", "Berta Ruiz"]),
        (["Holm, Chiara; Ruiz, Berta;"], ["Chiara Holm", "Berta Ruiz"]),
        (["Chiara Holm, PhD"], ["Chiara Holm"]),
        (["Smith, John, Jr."], ["John Smith, Jr."]),
        (["Holm, Chiara", "Ruiz Lopez, Berta Carla", "van den Berg, A.", "Plato"],
         ["Chiara Holm", "Berta Carla Ruiz Lopez", "A. van den Berg", "Plato"]),
        (["Holm, Chiara,", "Berta Ruiz, MD", "LHCb Collaboration"],
         ["Chiara Holm", "Berta Ruiz", "LHCb Collaboration"]),
        (["王伟、李雷"], ["王伟", "李雷"]),
        (["M&lt;sup&gt;c&lt;/sup&gt;Kay, J&amp;ouml;rg"], ["Jörg MᶜKay"]),
    ],
)  # fmt: skip
def test_one_tag_may_hold_all_authors(contents: list[str], names: list[str]) -> None:
    raw = parse_page(page(("citation_title", "T"), *(("citation_author", each) for each in contents)), url=URL)
    assert [author.name for author in raw.authors or ()] == names


def test_tags_of_dublin_core_and_prism_fill_what_is_missing() -> None:
    data = page(
        ("citation_title", "The &lt;i&gt;Drosophila&lt;/i&gt; wing &amp;amp; CO&lt;sub&gt;2&lt;/sub&gt;"),
        ("DC.Creator", "Holm, Chiara"), ("DC.Creator", "Ruiz, Berta"),
        ("dc.identifier", "S1234-5678(26)1"), ("dc.identifier", "doi:10.5555/fly.1"),
        ("prism.publicationName", "Insects &amp;amp; Air"), ("prism.volume", "3"), ("prism.number", "2"),
        ("prism.startingPage", "1"), ("prism.endingPage", "9"), ("dc.date", "2026-11-20"),
        ("dc.description", "&lt;p&gt;Flies fly, p &amp;lt; 0.05.&lt;/p&gt;"),
    )  # fmt: skip
    raw = parse_page(data, url=URL)
    assert (raw.title, raw.doi) == ("The Drosophila wing & CO₂", "10.5555/fly.1")
    assert raw.authors == (RawAuthor("Chiara Holm"), RawAuthor("Berta Ruiz"))
    assert raw.journal_ref == "Insects & Air 3(2), 1-9 (2026)"
    assert raw.published_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert raw.abstract == "Flies fly, p < 0.05."


def test_a_page_alone_is_known_by_its_address() -> None:
    raw = parse_page(page(("citation_title", "0")), url=URL)
    assert clean_record(raw).identifiers == (("url", URL),)


@pytest.mark.parametrize("day", ["2023", "2023/13/45", "0000/01/01", "soon", "2023-02-30", "20230507"])
def test_dates_that_are_no_days(day: str) -> None:
    found = parse_page(page(("citation_title", "A"), ("citation_date", day)), url=URL).published_at
    assert found == (datetime(2023, 1, 1, tzinfo=UTC) if day == "2023" else None)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00", b"<", b"{}", b"%PDF-1.7\n\xe2\xe3\xcf\xd3", b"<html><title>On ice</title>", b"\xff" * 5_000,
        page(("og:title", "On ice"), ("citation_title", "  ")), b"<div>" * 50_000,
        b"<body>&lt;meta name=citation_title content=x&gt;<!-- <meta name=citation_title content=x> -->",
    ],
)  # fmt: skip
def test_a_page_without_tags_is_no_papers(data: bytes) -> None:
    with pytest.raises(NoPaperError, match="no citation tags"):
        parse_page(data, url=URL, content_type="text/html; charset=utf-8")


TITLE = "Über Größe: 江"


@pytest.mark.parametrize(
    ("encoding", "content_type", "said"),
    [
        ("utf-8", "text/html; charset=UTF-8", ""),
        ("utf-8", "", ""),
        ("gb18030", "text/html; charset=GB18030", ""),
        ("gb18030", "text/html", '<meta charset="gb18030">'),
        ("utf-16", "text/html", ""),
        ("utf-8-sig", "text/html; charset=latin-1", ""),
    ],
)
def test_encodings(encoding: str, content_type: str, said: str) -> None:
    text = f'{said}<meta name="citation_title" content="{TITLE}">'
    assert parse_page(text.encode(encoding), url=URL, content_type=content_type).title == TITLE


@pytest.mark.parametrize(
    "said", ["nonsense-99", "base64", "hex", "rot13", "unicode_escape\x00", "idna", "undefined", "zip"]
)
def test_an_encoding_that_is_none_is_not_followed(said: str) -> None:
    raw = parse_page(page(("citation_title", "Größe")), url=URL, content_type=f"text/html; charset={said}")
    assert raw.title.startswith("Gr")


def test_latin_1_that_is_not_said() -> None:
    assert parse_page('<meta name="citation_title" content="Größe">'.encode("latin-1"), url=URL).title == "Größe"


def test_deep_and_large_pages_are_read_in_little_time() -> None:
    deep = "<b>" * 100_000 + "<svg onload=x>" * 10_000
    raw = parse_page(page(("citation_title", "On ice"), after=deep), url=URL)
    assert raw.title == "On ice"
    many = page(("citation_title", "On ice"), *[("citation_author", f"Person {n}") for n in range(3_303)])
    assert len(parse_page(many, url=URL).authors or ()) == 3_303


def test_a_page_has_a_clock_of_its_own() -> None:
    assert host_group_of(URL) == "feed:journal.example"
    assert page_host_group_of(URL) == "page:journal.example"
    assert page_host_group_of("https://api.datacite.org/x") == "datacite"
    assert page_host_group_of("https://doi.org/x") == "crossref"
