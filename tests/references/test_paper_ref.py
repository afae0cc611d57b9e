"""What readers type to name a paper."""

from __future__ import annotations

import pytest
from hypothesis import given as any_given
from hypothesis import strategies as st

from papers.catalogue.paper_ref import InvalidReferenceError, PaperRef, parse_reference


@pytest.mark.parametrize(
    ("text", "scheme", "value"),
    [
        ("2401.01234", "arxiv", "2401.01234"),
        (" arXiv:2401.01234v3 [cs.CL] ", "arxiv", "2401.01234"),
        ("https://arxiv.org/abs/2401.01234v2", "arxiv", "2401.01234"),
        ("http://www.arxiv.org/pdf/2401.01234v2.pdf", "arxiv", "2401.01234"),
        ("arxiv.org/html/2401.01234", "arxiv", "2401.01234"),
        ("https://arxiv.org/pdf/hep-th/9901001v1.pdf", "arxiv", "hep-th/9901001"),
        ("math.CA/0611800", "arxiv", "math/0611800"),
        ("https://huggingface.co/papers/2401.01234", "arxiv", "2401.01234"),
        ("https://doi.org/10.48550/arXiv.2401.01234", "arxiv", "2401.01234"),
        ("10.48550/ARXIV.2401.01234", "arxiv", "2401.01234"),
        ("<https://arxiv.org/abs/2401.01234>", "arxiv", "2401.01234"),
        ("https://arxiv.org/abs/2401.01234.", "arxiv", "2401.01234"),
        ("10.1000/XYZ", "doi", "10.1000/xyz"),
        ("doi:10.1000/xyz", "doi", "10.1000/xyz"),
        ("https://dx.doi.org/10.1000/xyz.", "doi", "10.1000/xyz"),
        ("10.1016/0550-3213(94)00102-2", "doi", "10.1016/0550-3213(94)00102-2"),
        ("10.1002/(SICI)1097-0258(19980815)17:15/16<1661::AID-SIM968>3.0.CO;2-2", "doi",
         "10.1002/(sici)1097-0258(19980815)17:15/16<1661::aid-sim968>3.0.co;2-2"),
        ("https://doi.org/10.1002/%28SICI%291097-0258%3C1661%3E3.0.CO%3B2-2", "doi",
         "10.1002/(sici)1097-0258<1661>3.0.co;2-2"),
        ("10.1000/größe", "doi", "10.1000/größe"),
        ("https://doi.org/10.5555%2Ffly.1", "doi", "10.5555/fly.1"),
        ("doi.org/10.5555%2Ffly.1?utm_source=mail", "doi", "10.5555/fly.1"),
        ("https://doi.org/10.5555/fly.1?utm_source=mail&utm_medium=email", "doi", "10.5555/fly.1"),
        ("10.5555/tides.2026;PMID:39000001", "doi", "10.5555/tides.2026"),
        ("info:doi/10.5555/fly.1#abstract", "doi", "10.5555/fly.1"),
        ("https://Example.org/paper?utm_source=x#top", "url", "https://example.org/paper"),
        ("aclanthology.org/2024.acl-long.1/", "url", "https://aclanthology.org/2024.acl-long.1/"),
        ("https://openreview.net/forum?id=abc", "url", "https://openreview.net/forum?id=abc"),
    ],
)  # fmt: skip
def test_what_names_a_paper(text: str, scheme: str, value: str) -> None:
    assert parse_reference(text) == PaperRef(scheme, value)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "\x00", "attention is all you need", "2401", "2413.01234", "9999.99999", "10.1000", "10.1000/",
        "javascript:alert(1)", "file:///etc/passwd", "ftp://example.org/a", "https://", "https://user:pw@example.org/a",
        "https://arxiv.org/list/cs.CL/new", "https://export.arxiv.org/api/query", "https://doi.org/", "a" * 5_000,
        "https://example.org/" + "a" * 5_000, "10.1000/" + "a" * 600, "10.48550/arXiv.nothing", "https://exa mple.org/",
        "https://[::1", "https://example.org:99999/a", "localhost", "\ud800", "https://example.org/" + "江" * 1_900,
    ],
)  # fmt: skip
def test_what_names_none_is_told_in_words(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match=r"^[A-Z].*\.$"):
        parse_reference(text)


@any_given(st.text(max_size=200) | st.from_regex(r"(https?://|10\.|doi:|arxiv:)[ -~]{0,80}", fullmatch=True))
def test_nothing_breaks_it(text: str) -> None:
    try:
        found = parse_reference(text)
    except InvalidReferenceError:
        return
    assert found.value
    assert "\x00" not in found.value
    assert parse_reference(found.value) == found


@pytest.mark.parametrize(
    ("address", "doi"),
    [
        ("https://dl.acm.org/doi/10.1145/3366423.3380085", "10.1145/3366423.3380085"),
        ("https://dl.acm.org/doi/pdf/10.1145/3366423.3380085?download=true", "10.1145/3366423.3380085"),
        ("https://link.springer.com/article/10.1007/s11263-024-1/fulltext.html", "10.1007/s11263-024-1"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.02.123456v1.full", "10.1101/2020.01.02.123456"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.02.123456v2", "10.1101/2020.01.02.123456"),
        ("https://onlinelibrary.wiley.com/doi/abs/10.1002/asi.1", "10.1002/asi.1"),
        ("https://example.org/papers/1", None),
    ],
)
def test_a_doi_in_a_pages_address(address: str, doi: str | None) -> None:
    assert parse_reference(address).doi_in_url == doi
