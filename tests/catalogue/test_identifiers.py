"""Identifiers of papers in all their spellings."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.catalogue.identifiers import (
    OLD_ARCHIVES,
    ArxivId,
    arxiv_id_of_doi,
    arxiv_month,
    find_arxiv_id,
    find_arxiv_ids,
    find_dois,
    parse_arxiv_id,
    parse_doi,
    parse_dois,
    parse_eprint,
    parse_whole_doi,
)

months = st.integers(1, 12).map("{:02}".format)
old_years = st.sampled_from(["92", "95", "99", "00", "01", "06"])
new_years = st.integers(15, 90).map("{:02}".format)
old_ids = st.builds("{}/{}{}{:03}".format, st.sampled_from(list(OLD_ARCHIVES)), old_years, months, st.integers(1, 999))
four_digit_ids = st.builds("{}{}.{:04}".format, st.sampled_from(["08", "10", "13"]), months, st.integers(1, 9_999))
five_digit_ids = st.builds("{}{}.{:05}".format, new_years, months, st.integers(1, 99_999))
arxiv_ids = old_ids | four_digit_ids | five_digit_ids
versions = st.none() | st.integers(1, 40)
spellings = st.sampled_from(
    [
        "{}",
        " {}\n",
        "arXiv:{}",
        "arxiv: {}",
        "oai:arXiv.org:{}",
        "http://arxiv.org/abs/{}",
        "https://arxiv.org/pdf/{}.pdf",
        "https://arxiv.org/pdf/{}",
        "https://www.arxiv.org/html/{}",
        "https://export.arxiv.org/e-print/{}",
        "arxiv.org/abs/{}",
        "https://arxiv.org/abs/{}?context=cs",
        "https://arxiv.org/abs/{}#S1",
        "10.48550/arXiv.{}",
        "https://doi.org/10.48550/arXiv.{}",
        "doi:10.48550/ARXIV.{}",
        "https://huggingface.co/papers/{}",
        "https://www.alphaxiv.org/abs/{}",
        "arXiv:{} [cs.CL]",
    ]
)


@given(arxiv_ids, versions, spellings)
def test_every_spelling_of_an_arxiv_id_gives_the_same_id(value: str, version: int | None, spelling: str) -> None:
    expected = ArxivId(value, version)
    assert parse_arxiv_id(spelling.format(expected)) == expected


@given(arxiv_ids, versions)
def test_upper_case_is_the_same_arxiv_id(value: str, version: int | None) -> None:
    expected = ArxivId(value, version)
    assert parse_arxiv_id(f"ARXIV:{expected}".upper().replace("V", "v")) == expected


@pytest.mark.parametrize(
    ("text", "value", "version"),
    [
        ("2606.31503v1", "2606.31503", 1),
        ("math.CA/0611800", "math/0611800", None),
        ("math.CA/0611800v3", "math/0611800", 3),
        ("cond-mat.mes-hall/0301001", "cond-mat/0301001", None),
        ("704.0302", "0704.0302", None),  # a spreadsheet took it for a number
        ("912.0001", "0912.0001", None),
        ("https://arxiv.org/pdf/hep-th/9901001v2.pdf", "hep-th/9901001", 2),
        ("https://arxiv.org/ftp/arxiv/papers/2301/2301.00001.pdf", "2301.00001", None),
        ("https://arxiv.org/pdf/2301.00001v2.pdf#page=3", "2301.00001", 2),
        ("arXiv%3A2301.00001", "2301.00001", None),
        ("arXiv\xa02301.00001", "2301.00001", None),
        ("arXiv preprint arXiv:2301.00001v4", "2301.00001", 4),
        ("arXiv e-print 0704.0001", "0704.0001", None),
        ("arXiv:2301.00001 (math.CO)", "2301.00001", None),
        ("https://scirate.com/arxiv/2301.00001", "2301.00001", None),
    ],
)
def test_damaged_and_old_arxiv_ids_are_repaired(text: str, value: str, version: int | None) -> None:
    assert parse_arxiv_id(text) == ArxivId(value, version)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0000.0000",
        "2301.0001",  # four digits after 2014
        "1412.00001",  # five before 2015
        "0703.0001",  # before the new form
        "2313.00001",  # a thirteenth month
        "9901.00001",  # year 99 belongs to the old form
        "2301.00000",
        "hep-th/9913001",
        "hep-th/9901000",
        "hep-th/0801001",  # after the old form
        "hep-xx/9901001",
        "hep-th/990100",
        "704.302",  # one digit more is lost: could as well be a typing error
        "1501.0001",
        "2301.00001v0",
        "2301.00001x",
        "see 2301.00001",
        "https://example.org/abs/2301.00001",
        "10.1000/xyz",
        "12.5",
        "2٣01.00001",
        "phyſics/0001001",
        "https://arxiv.org.example/abs/2301.00001",
    ],
)
def test_what_only_looks_like_an_arxiv_id_is_none(text: str) -> None:
    assert parse_arxiv_id(text) is None


@pytest.mark.parametrize(
    ("eprint", "archive", "value"),
    [
        ("0301001", "astro-ph", "astro-ph/0301001"),
        ("arXiv:9901001v2", "hep-th", "hep-th/9901001"),
        ("0611800", "math.CA", "math/0611800"),
        ("0301001", "cond-mat.mes-hall", "cond-mat/0301001"),
        ("hep-th/9901001", "hep-th", "hep-th/9901001"),
        ("2301.00001", "cs.CL", "2301.00001"),
        ("0301001", "", None),
        ("0301001", "jstor", None),
        ("30100", "astro-ph", None),
    ],
)
def test_a_number_and_its_archive_are_an_old_id(eprint: str, archive: str, value: str | None) -> None:
    found = parse_eprint(eprint, archive)
    assert (found.value if found else None) == value


def test_all_arxiv_ids_are_found_with_their_places() -> None:
    text = "arXiv:0704.0001v2 builds on 2301.00001 (hep-th/9901001); 12.5, 论文2301.00002号"
    found = [(text[start:end], str(each)) for (start, end), each in find_arxiv_ids(text)]
    assert found == [
        ("arXiv:0704.0001v2", "0704.0001v2"),
        ("2301.00001", "2301.00001"),
        ("hep-th/9901001", "hep-th/9901001"),
        ("2301.00002", "2301.00002"),
    ]


def test_dois_are_found_in_a_sentence() -> None:
    text = (
        "See doi:10.5555/A.1;PMID:1 and 10.5555/b(2), but not a10.5555/c or 110.5555/d; (https://doi.org/10.5555%2Fe)."
    )
    assert [doi for _, doi in find_dois(text)] == ["10.5555/a.1", "10.5555/b(2)", "10.5555/e"]
    assert [text[start:] for (start, _), _ in find_dois(text)][1].startswith("10.5555/b(2)")


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.5555/Fly.1", "10.5555/fly.1"),
        (" doi: 10.5555/fly.1 ", "10.5555/fly.1"),
        ("https://dx.doi.org/10.5555%2Ffly.1", "10.5555/fly.1"),
        ("info:doi/10.5555/fly.1", "10.5555/fly.1"),
        ("A comment on 10.5555/fly.1", None),
        ("10.5555/fly.1 and more", None),
        ("10.5555/fly.1;10.5555/fly.2", None),
        ("https://blog.example/?re=10.5555/fly.1", None),
        ("", None),
    ],
)
def test_a_field_that_is_one_doi(text: str, doi: str | None) -> None:
    assert parse_whole_doi(text) == doi


@given(st.text())
def test_any_text_is_an_arxiv_id_or_none(text: str) -> None:
    found = parse_arxiv_id(text)
    assert found is None or parse_arxiv_id(str(found)) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We extend arXiv:2301.00001v2 [cs.LG].", ArxivId("2301.00001", 2)),
        ("(see 2301.00001)", ArxivId("2301.00001")),
        ("https://arxiv.org/abs/0704.0001.", ArxivId("0704.0001")),
        ("hep-th/9901001, and more", ArxivId("hep-th/9901001")),
        ("0.5 or 9999.99999 but then 2301.00002", ArxivId("2301.00002")),
        ("a mass of 1101.0600 units", None),  # four digits without a prefix: too often a measurement
        ("call 2301.000012", None),
        ("https://example.org/2301.00001", None),
        ("version 1.2301.00001", None),
        ("and/9901001", None),
    ],
)
def test_an_arxiv_id_is_found_in_a_sentence(text: str, expected: ArxivId | None) -> None:
    assert find_arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("value", "month"),
    [
        ("hep-th/9108001", date(1991, 8, 1)),
        ("math/0001001", date(2000, 1, 1)),
        ("0704.0001", date(2007, 4, 1)),
        ("2608.00001", date(2026, 8, 1)),
    ],
)
def test_an_arxiv_id_tells_its_month(value: str, month: date) -> None:
    assert arxiv_month(value) == month


@given(arxiv_ids)
def test_every_arxiv_id_has_a_month(value: str) -> None:
    assert 1991 <= arxiv_month(value).year <= 2090


def test_the_month_of_something_else_is_an_error() -> None:
    with pytest.raises(ValueError, match="not an arXiv id"):
        arxiv_month("10.1000/xyz")


@given(arxiv_ids)
def test_arxivs_own_doi_leads_back_to_the_id(value: str) -> None:
    doi = f"10.48550/arxiv.{value}".lower()
    assert parse_doi(doi) == doi
    assert arxiv_id_of_doi(doi.upper()) == ArxivId(value)


def test_another_doi_has_no_arxiv_id() -> None:
    assert arxiv_id_of_doi("10.1103/physrevd.76.013009") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1103/PhysRevD.76.013009", ("10.1103/physrevd.76.013009",)),
        ("doi:10.1103/X", ("10.1103/x",)),
        ("DOI: 10.1103/X.", ("10.1103/x",)),
        ("https://doi.org/10.1103/X", ("10.1103/x",)),
        ("http://dx.doi.org/10.1103/X", ("10.1103/x",)),
        ("doi.org/10.1103/X", ("10.1103/x",)),
        ("https://doi.org/10.1016/0550-3213%2894%2900102-2", ("10.1016/0550-3213(94)00102-2",)),
        ("10.1016/0550-3213(94)00102-2", ("10.1016/0550-3213(94)00102-2",)),
        (
            "10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-2",
            ("10.1002/(sici)1097-0258(19980815/30)17:15/16<1661::aid-sim968>3.0.co;2-2",),
        ),
        ("(10.1103/X)", ("10.1103/x",)),
        ("10.1070/A1, 10.4213/b2", ("10.1070/a1", "10.4213/b2")),
        ("10.1070/A1 10.4213/b2", ("10.1070/a1", "10.4213/b2")),
        ("10.1070/A1; doi:10.4213/b2", ("10.1070/a1", "10.4213/b2")),
        ("10.1070/A1 and https://doi.org/10.4213/b2", ("10.1070/a1", "10.4213/b2")),
        ("10.1070/A1\n  10.1070/a1", ("10.1070/a1",)),
        ("10.1000.10/abc", ("10.1000.10/abc",)),
        # in lists
        ("10.5555/tides.1;PMID:39000001", ("10.5555/tides.1",)),
        ("10.5555/tides.1,PMCID:PMC123", ("10.5555/tides.1",)),
        ("10.5555/tides.1; arXiv:2401.01234", ("10.5555/tides.1",)),
        ("10.5555/a.1;10.5555/b.1", ("10.5555/a.1", "10.5555/b.1")),
        ("10.5555/a.1,10.5555/b.1|10.5555/c.1", ("10.5555/a.1", "10.5555/b.1", "10.5555/c.1")),
        ("10.5555/a.1,doi:10.5555/b.1", ("10.5555/a.1", "10.5555/b.1")),
        ("https://doi.org/10.5555/a.1;https://doi.org/10.5555/b.1", ("10.5555/a.1", "10.5555/b.1")),
        ("10.1002/(SICI)1<2::AID-A3>3.0.CO;2-9;10.5555/b.1", ("10.1002/(sici)1<2::aid-a3>3.0.co;2-9", "10.5555/b.1")),
        ("10.1641/0006-3568(2004)054[0277:IBA]2.0.CO;2", ("10.1641/0006-3568(2004)054[0277:iba]2.0.co;2",)),
        # escaped
        ("https://doi.org/10.5555%2Ffly.1", ("10.5555/fly.1",)),
        ("doi.org/10.5555%2ffly.1", ("10.5555/fly.1",)),
        ("10.5555%2Ffly.1", ("10.5555/fly.1",)),
        ("10.1002/(SICI)1%3C2::AID-A3%3E3.0.CO%3B2-9", ("10.1002/(sici)1<2::aid-a3>3.0.co;2-9",)),
        ("10.1002/(SICI)1&lt;2::AID-A3&gt;3.0.CO;2-9", ("10.1002/(sici)1<2::aid-a3>3.0.co;2-9",)),
        ("https://resolver.example/?to=https%3A%2F%2Fdoi.org%2F10.5555%2Ffly.1", ("10.5555/fly.1",)),
        # with queries and fragments
        ("https://doi.org/10.5555/fly.1?utm_source=mail&utm_medium=email", ("10.5555/fly.1",)),
        ("10.5555/fly.1?utm_source=mail", ("10.5555/fly.1",)),
        ("https://doi.org/10.5555/fly.1?nosfx", ("10.5555/fly.1",)),
        ("https://doi.org/10.5555/fly.1#abstract", ("10.5555/fly.1",)),
        ("https://journal.example/article?id=10.5555/fly.1&type=printable", ("10.5555/fly.1",)),
        # among the marks of a sentence and of markup
        ("<10.5555/fly.1>", ("10.5555/fly.1",)),
        ("<https://doi.org/10.5555/fly.1>, 2026", ("10.5555/fly.1",)),
        ("[10.5555/fly.1](https://doi.org/10.5555/fly.1)", ("10.5555/fly.1",)),
        ("<doi>10.5555/fly.1</doi>", ("10.5555/fly.1",)),
        ("10.5555/fly.1<br>", ("10.5555/fly.1",)),
        ("**10.5555/fly.1**", ("10.5555/fly.1",)),
        ("`10.5555/fly.1`", ("10.5555/fly.1",)),
        ("“10.5555/fly.1”。", ("10.5555/fly.1",)),
        ("（10.5555/fly.1）", ("10.5555/fly.1",)),
        ("(doi:10.5555/fly.1),", ("10.5555/fly.1",)),
        ("10.5555/fly.1),(2026)", ("10.5555/fly.1",)),
        ("10.5555/fly.1!?", ("10.5555/fly.1",)),
        # other spellings
        ("DOI10.5555/FLY.1", ("10.5555/fly.1",)),
        ("https://doi.org/doi:10.5555/fly.1", ("10.5555/fly.1",)),
        ("info:doi/10.5555/fly.1", ("10.5555/fly.1",)),
        ("urn:doi:10.5555/fly.1", ("10.5555/fly.1",)),
        ("10.5555/fly\u20101\u200b", ("10.5555/fly-1",)),
        ("10.1101/2026.11.20.654321v2.full.pdf", ("10.1101/2026.11.20.654321",)),
        ("10.5555/10.5555/fly", ("10.5555/10.5555/fly",)),
        ("10.5555/fly.1/", ("10.5555/fly.1",)),
        ("110.5555/fly.1", ()),
        ("10.٥٥٥٥/fly.1", ()),
        ("10.016/j.abc", ()),
        ("10.1103/", ()),
        ("doi", ()),
        ("", ()),
    ],
)
def test_dois_are_read_from_a_field(text: str, expected: tuple[str, ...]) -> None:
    assert parse_dois(text) == expected
    assert parse_doi(text) == next(iter(expected), None)


@given(st.text(max_size=80), st.text(max_size=20))
def test_a_doi_once_read_reads_the_same_again(before: str, name: str) -> None:
    for doi in parse_dois(f"{before} 10.1000/{name}"):
        assert parse_doi(doi) == doi
