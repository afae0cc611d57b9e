"""Records of DOIs, in the shapes that Crossref and DataCite send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from papers.outbound.request import FetchRequest, FetchResponse
from papers.services.ingest.clean_record import clean_record
from papers.sources.base import NoPaperError, RawAuthor
from papers.sources.doi import look_up_doi, parse_csl_record, plain_abstract

DOI = "10.1000/xyz"
CROSSREF: dict[str, Any] = {
    "type": "journal-article",
    "DOI": "10.1000/XYZ",
    "title": "Water &amp; <i>ice</i> at H<sub>2</sub>O",
    "container-title": "Journal of Ice",
    "volume": "169",
    "issue": "3946",
    "page": "635-641",
    "author": [
        {"given": "Henry S.", "family": "Frank", "sequence": "first", "affiliation": [{"name": "Somewhere"}]},
        {"name": "The Ice Collaboration", "sequence": "additional", "affiliation": []},
        {"literal": "江常皓"},
        {"given": "Jan", "non-dropping-particle": "van", "family": "Dijk", "suffix": "Jr."},
    ],
    "abstract": "<jats:title>Abstract</jats:title><jats:p>First, p &lt; 0.001.</jats:p>\n <jats:p>Second.</jats:p>",
    "published": {"date-parts": [[1970, 8, 14]]},
    "issued": {"date-parts": [[1970]]},
    "license": [{"URL": "https://creativecommons.org/licenses/by/4.0/", "content-version": "vor"}],
    "reference": [{"key": "1", "DOI": "10.1000/other", "article-title": "Another"}],
}
DATACITE = {
    "type": "article",
    "id": "https://doi.org/10.48550/arxiv.1706.03762",
    "DOI": "10.48550/ARXIV.1706.03762",
    "publisher": "arXiv",
    "title": "A title",
    "author": [{"family": "Person", "given": "A."}],
    "issued": {"date-parts": [[2017]]},
    "abstract": "Text.",
    "copyright": "arXiv.org perpetual, non-exclusive license",
}


def record(**changes: Any) -> bytes:
    return json.dumps({**CROSSREF, **changes}).encode()


def test_a_record_of_crossref() -> None:
    raw = parse_csl_record(record(), doi=DOI)
    assert raw.title == "Water & ice at H₂O"
    assert clean_record(raw).title == "Water & ice at H₂O"
    assert raw.doi == DOI
    assert raw.identifiers == ()
    assert raw.authors == (
        RawAuthor("Henry S. Frank", "Somewhere"),
        RawAuthor("The Ice Collaboration"),
        RawAuthor("江常皓"),
        RawAuthor("Jan van Dijk, Jr."),
    )
    assert clean_record(raw).abstract == "First, p < 0.001.\n\nSecond."
    assert raw.published_at == datetime(1970, 8, 14, tzinfo=UTC)
    assert raw.journal_ref == "Journal of Ice 169(3946), 635-641 (1970)"
    assert raw.license == "https://creativecommons.org/licenses/by/4.0/"
    assert raw.is_withdrawn is None
    assert clean_record(raw).identifiers == (("doi", DOI),)
    assert clean_record(raw).links["abs"]["url"] == f"https://doi.org/{DOI}"


def test_an_arxiv_doi_of_datacite_is_the_arxiv_paper() -> None:
    raw = parse_csl_record(json.dumps(DATACITE).encode(), doi="10.48550/arxiv.1706.03762")
    assert raw.arxiv_id == "1706.03762"
    assert clean_record(raw).identifiers == (("arxiv", "1706.03762"),)
    assert raw.published_at == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("title", [[], [""], "", None, "  ", {"a": 1}, "<i></i>"])
def test_a_record_without_title_is_no_paper(title: Any) -> None:
    with pytest.raises(NoPaperError, match="no title"):
        parse_csl_record(record(title=title), doi=DOI)


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"<html>", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"title": "A"', b"Resource not found."],
)
def test_what_is_no_record_is_told(data: bytes) -> None:
    with pytest.raises(NoPaperError):
        parse_csl_record(data, doi=DOI)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"published": {"date-parts": [[None]]}, "issued": {"date-parts": [[2020]]}}, datetime(2020, 1, 1, tzinfo=UTC)),
        ({"published": {"date-parts": [[None]]}, "issued": {"date-parts": [[None]]}}, None),
        ({"published": {"date-parts": []}, "issued": {}}, None),
        ({"published": {"date-parts": [["2020", "5"]]}, "issued": None}, datetime(2020, 5, 1, tzinfo=UTC)),
        ({"published": {"date-parts": [[2020, 13, 45]]}, "issued": []}, None),
        ({"published": {"date-parts": [[2020, 2, 3]]}, "posted": {"date-parts": [[2019, 12, 1]]}},
         datetime(2019, 12, 1, tzinfo=UTC)),
        ({"published": "soon", "issued": {"date-parts": [[True]]}}, None),
    ],
)  # fmt: skip
def test_dates_as_far_as_they_are_known(dates: dict[str, Any], expected: datetime | None) -> None:
    assert parse_csl_record(record(**dates), doi=DOI).published_at == expected


@pytest.mark.parametrize(
    "authors", [None, [], "A. Person", [None, 3, "x"], [{}], [{"affiliation": [None, {"name": 3}]}]]
)
def test_authors_that_are_none(authors: Any) -> None:
    assert parse_csl_record(record(author=authors), doi=DOI).authors is None


@pytest.mark.parametrize(
    ("jats", "text"),
    [
        ("<jats:sec><jats:title>Background</jats:title><jats:p>One.</jats:p></jats:sec>"
         "<jats:sec><jats:title>Results:</jats:title><jats:p>Two.</jats:p></jats:sec>",
         "Background. One.\n\nResults. Two."),
        ("<jats:p>A <jats:italic>b</jats:italic> <jats:xref ref-type='fig'>1</jats:xref>\n  c</jats:p>", "A b 1 c"),
        ("<jats:p>On <jats:inline-formula><jats:alternatives><jats:tex-math>\\documentclass{x}$$n$$</jats:tex-math>"
         "<mml:math><mml:mi>n</mml:mi></mml:math></jats:alternatives></jats:inline-formula>.</jats:p>", "On n."),
        # TeX that no MathML stands beside
        ("<jats:p>Let <jats:inline-formula><jats:tex-math id='a'>$z \\sim 2$</jats:tex-math></jats:inline-formula> be.",
         "Let $z \\sim 2$ be."),
        ("<jats:p>So <jats:tex-math>\\documentclass{x}\\begin{document}$$M &gt; 1$$\\end{document}</jats:tex-math>.",
         "So $M > 1$."),
        ("<jats:p>And <jats:tex-math>\\alpha</jats:tex-math> or <jats:tex-math>\\(\\beta\\)</jats:tex-math>.</jats:p>",
         "And $\\alpha$ or $\\beta$."),
        # above and below the line
        ("<p>CO<sub>2</sub>, 10<sup>−6</sup>, x<sub>i,j</sub>, <i>H</i><sub><i>a</i></sub>", "CO₂, 10⁻⁶, x_{i,j}, Hₐ"),
        ("<p>5 m<jats:sup>2</jats:sup> and Na<jats:sup>+</jats:sup></p>", "5 m² and Na⁺"),
        ("<p>A<mml:math><mml:msup><mml:mn>10</mml:mn><mml:mrow><mml:mo>−</mml:mo><mml:mn>6</mml:mn></mml:mrow></mml:msup>"
         "<mml:msub><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msub></mml:math></p>", "A10⁻⁶x₂"),
        ("<p><math><mfrac><mn>1</mn><mi>n</mi></mfrac><msqrt><mi>x</mi></msqrt></math></p>", "1/n√x"),
        # escaped, once and twice
        ("&lt;p&gt;One &amp;amp; two&lt;/p&gt;&lt;p&gt;CO&lt;sub&gt;2&lt;/sub&gt;&lt;/p&gt;", "One & two\n\nCO₂"),
        ("<p>x &lt;i and j&gt; y, p&lt;0.05</p>", "x <i and j> y, p<0.05"),
        ("Plain, p<0.001 and n>3.", "Plain, p<0.001 and n>3."),
        ("<p>HTML</p><p>too</p>", "HTML\n\ntoo"),
        ("<jats:p>", ""),
    ],
)  # fmt: skip
def test_abstracts_lose_their_markup(jats: str, text: str) -> None:
    assert plain_abstract(jats) == text


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("The &lt;i&gt;Drosophila&lt;/i&gt; wing &amp;amp; CO&lt;sub&gt;2&lt;/sub&gt;", "The Drosophila wing & CO₂"),
        ("The <i>Drosophila</i> wing &amp;amp; CO<sub>2</sub>", "The Drosophila wing & CO₂"),
        ("On $z \\sim 2$ and 3 &lt; 4", "On $z \\sim 2$ and 3 < 4"),
        ("A <scp>DNA</scp> of <sup>13</sup>C and H<sub>max,i</sub>", "A DNA of ¹³C and H_{max,i}"),
        (
            "<mml:math><mml:msub><mml:mi>T</mml:mi><mml:mi>c</mml:mi></mml:msub></mml:math> of H<sub>3</sub>S",
            "T_c of H₃S",
        ),
        ("Gr&#246;&#xDF;e &amp;quot;x&amp;quot;", 'Größe "x"'),
    ],
)
def test_titles_lose_their_markup_and_keep_what_it_said(given: str, title: str) -> None:
    raw = parse_csl_record(record(title=given, **{"container-title": "Insects &amp;amp; Air"}), doi=DOI)
    assert clean_record(raw).title == title
    assert (raw.journal_ref or "").startswith("Insects & Air 169")


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ({"given": "Chiara", "family": "Holm, Ph.D."}, "Chiara Holm"),
        ({"given": "Chiara", "family": "Holm", "suffix": "III"}, "Chiara Holm, III"),
        ({"literal": "Holm, Chiara"}, "Chiara Holm"),
        ({"name": "CERN, Geneva"}, "CERN, Geneva"),
        ({"name": "LHCb Collaboration"}, "LHCb Collaboration"),
        ({"given": "J&amp;#246;rg", "family": "M&lt;sup&gt;c&lt;/sup&gt;Kay"}, "Jörg MᶜKay"),
        ({"family": "Plato"}, "Plato"),
    ],
)
def test_names_of_records(author: dict[str, str], name: str) -> None:
    [found] = clean_record(parse_csl_record(record(author=[author]), doi=DOI)).authors or ()
    assert found["name"] == name


def test_a_retraction_is_known() -> None:
    assert parse_csl_record(record(**{"updated-by": [{"type": "retraction"}]}), doi=DOI).is_withdrawn is True
    assert parse_csl_record(record(title="RETRACTED: On ice"), doi=DOI).is_withdrawn is True
    assert parse_csl_record(record(title="Retracted snow"), doi=DOI).is_withdrawn is None
    assert parse_csl_record(record(**{"updated-by": [{"type": "correction"}, None]}), doi=DOI).is_withdrawn is None


def test_an_alias_is_known_by_both_names() -> None:
    raw = parse_csl_record(record(DOI="10.1000/prime"), doi="10.1000/alias")
    assert clean_record(raw).identifiers == (("doi", "10.1000/alias"), ("doi", "10.1000/prime"))


def response(body: bytes, content_type: str, url: str = "https://api.crossref.org/x") -> FetchResponse:
    return FetchResponse(
        url=url, status=200, headers={"content-type": content_type}, body=body, etag="", last_modified="",
        moved_to=None, permanent_redirects=0, wire_bytes=len(body), seconds=0.1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("doi", "path"),
    [
        ("10.1000/xyz", "10.1000/xyz"),
        ("10.1002/(sici)10<1661::aid>3.0.co;2-2", "10.1002/%28sici%2910%3C1661%3A%3Aaid%3E3.0.co%3B2-2"),
        ("10.1000/größe?a#b", "10.1000/gr%C3%B6%C3%9Fe%3Fa%23b"),
    ],
)
def test_odd_dois_are_asked_for_whole(doi: str, path: str) -> None:
    asked: list[FetchRequest] = []

    def send(request: FetchRequest) -> FetchResponse:
        asked.append(request)
        return response(record(), "application/vnd.citationstyles.csl+json")

    look_up_doi(send, "https://doi.org/", doi)
    assert asked[0].url == f"https://doi.org/{path}"
    assert asked[0].group == "crossref"
    assert asked[0].accept.startswith("application/vnd.citationstyles.csl+json")


def test_a_registry_that_leads_to_the_page_is_read_as_a_page() -> None:
    page = b'<meta name="citation_title" content="On ice"><meta name="citation_doi" content="10.9999/not-this">'

    def send(request: FetchRequest) -> FetchResponse:
        return response(page, "text/html; charset=utf-8", "https://journal.example/ice")

    raw = look_up_doi(send, "https://doi.org", DOI)
    assert (raw.source, raw.title, raw.doi, raw.arxiv_id) == ("webpage", "On ice", DOI, None)
