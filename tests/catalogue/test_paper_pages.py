"""Which addresses are a paper, and which only have its number in them."""

from __future__ import annotations

import time

import pytest

from papers.catalogue.paper_pages import only_paper, paper_at, paper_of_doi

ARXIV = ("arxiv", "2503.11692")


@pytest.mark.parametrize(
    "address",
    [
        "https://arxiv.org/abs/2503.11692",
        "http://arxiv.org/abs/2503.11692v3",
        "HTTPS://ArXiv.ORG:443/abs/2503.11692?context=cs.LG#comments",
        "https://arxiv.org./abs/2503.11692/",
        "https://www.arxiv.org/pdf/2503.11692v1.pdf",
        "https://export.arxiv.org/abs/2503.11692",
        "https://de.arxiv.org/abs/2503.11692",
        "https://xxx.lanl.gov/abs/2503.11692",
        "https://arxiv.org/abs/arXiv:2503.11692",
        "https://www.alphaxiv.org/abs/2503.11692v1",
        "https://ar5iv.labs.arxiv.org/html/2503.11692",
        "https://huggingface.co/papers/2503.11692",
        "https://hf.co/papers/2503.11692",
        "https://scirate.com/arxiv/2503.11692",
        "https://doi.org/10.48550/arXiv.2503.11692",
        "oai:arXiv.org:2503.11692v2",
    ],
)
def test_address_whose_path_is_the_paper(address):
    assert paper_at(address) == ARXIV


@pytest.mark.parametrize(
    "address",
    [
        "https://notes.example.org/roundup?from=2503.11692",
        "https://notes.example.org/2503.11692",
        "https://notes.example.org/#2503.11692v1",
        "https://notes.example.org/abs/2503.11692",
        "https://example.org/https://arxiv.org/abs/2503.11692",
        "https://example.org/?u=https://arxiv.org/abs/2503.11692",
        "https://arxiv.org.evil.example/abs/2503.11692",
        "https://evilarxiv.org/abs/2503.11692",
        "https://arxiv.org@evil.example/abs/2503.11692",
        "https://reader@arxiv.org/abs/2503.11692",
        "https://arxiv.org:8443/abs/2503.11692",
        "https://аrxiv.org/abs/2503.11692",  # the first letter is Cyrillic
        "https://arxiv.org/list/cs.CL/recent?skip=2503.11692",
        "https://arxiv.org/abs/?id=2503.11692",
        "https://arxiv.org/abs/2503.11692/trackback",
        "https://arxiv.org/abs/2513.11692",
        "https://arxiv.org/abs/https://arxiv.org/abs/2503.11692",
        "https://huggingface.co/spaces/2503.11692",
        "https://huggingface.co/blog/papers/2503.11692",
        "ftp://arxiv.org/abs/2503.11692",
        "//arxiv.org/abs/2503.11692",
        "/abs/2503.11692",
        "arxiv.org/abs/2503.11692",
        "arXiv:2503.11692",
        "2503.11692",
        "tag:arxiv.org,2025:2503.11692",
        "urn:uuid:2503.11692",
        "https://doi.org/2503.11692",
        "",
    ],
)
def test_address_that_only_has_the_number_in_it(address):
    assert paper_at(address) is None


@pytest.mark.parametrize(
    ("address", "doi"),
    [
        ("https://doi.org/10.5555/ABC", "10.5555/abc"),
        ("http://dx.doi.org/10.5555%2Ffly.1?utm_source=mail", "10.5555/fly.1"),
        ("https://doi.org/10.1016/0550-3213(94)00102-2", "10.1016/0550-3213(94)00102-2"),
        ("doi:10.5555/abc", "10.5555/abc"),
        ("info:doi/10.5555/abc", "10.5555/abc"),
        ("https://onlinelibrary.wiley.com/doi/abs/10.5555/lsg.8?af=R", "10.5555/lsg.8"),
        ("https://society.onlinelibrary.wiley.com/doi/10.5555/lsg.8", "10.5555/lsg.8"),
        ("https://link.springer.com/article/10.5555/s1-2", "10.5555/s1-2"),
        ("http://link.springer.com/10.5555/s1-2", "10.5555/s1-2"),
        ("https://www.biorxiv.org/content/10.1101/2026.11.20.654321v2.full", "10.1101/2026.11.20.654321"),
        ("https://www.biorxiv.org/content/biorxiv/early/2026/11/20/1.full", None),
        ("https://letters.example/doi/abs/10.5555/lsg.8", None),
        ("https://doi.org.evil.example/10.5555/abc", None),
        ("https://doi.org/api/handles?x=10.5555/abc", None),
        ("https://doi.org/10.5555/abc 10.5555/def", None),
    ],
)
def test_address_that_is_a_doi(address, doi):
    assert paper_at(address) == (doi and ("doi", doi))


@pytest.mark.parametrize("text", ["see 10.5555/abc", "10.5555/a.1 10.5555/b.1", "https://blog.example/?re=10.5555/abc"])
def test_field_of_a_doi_with_more_in_it_names_nothing(text):
    assert paper_of_doi(text) is None


@pytest.mark.parametrize(
    ("names", "paper"),
    [
        ([], None),
        ([("doi", "10.1000/a"), ("doi", "10.1000/a")], ("doi", "10.1000/a")),
        ([("doi", "10.1000/a"), ("arxiv", "2401.00001")], ("arxiv", "2401.00001")),
        ([("doi", "10.1000/a"), ("doi", "10.1000/b")], None),
        ([("arxiv", "2401.00001"), ("arxiv", "2401.00002"), ("doi", "10.1000/a")], None),
    ],
)
def test_names_of_one_paper(names, paper):
    assert only_paper(names) == paper


def test_long_addresses_take_no_time():
    started = time.monotonic()
    for piece in ("a.", "10.5555/", "%41", "doi:", "1" * 9 + ".", "/abs/"):
        for head in ("https://arxiv.org/abs/", "https://doi.org/", "doi:", "oai:arxiv.org:", ""):
            paper_at(head + piece * 100_000)
            paper_of_doi(head + piece * 100_000)
    assert time.monotonic() - started < 2
