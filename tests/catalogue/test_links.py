"""Code, project page and venue, read from abstracts and comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.catalogue.links import FoundLinks, find_links
from papers.text.venues import find_venue


def code_of(abstract: str, comment: str = "", title: str = "") -> str | None:
    return find_links(title, abstract, comment).code


def project_of(abstract: str, comment: str = "") -> str | None:
    return find_links("", abstract, comment).project


@pytest.mark.parametrize(
    ("abstract", "code"),
    [
        ("Code: https://github.com/lab/tool.", "https://github.com/lab/tool"),
        ("Our code (github.com/lab/tool) is public.", "https://github.com/lab/tool"),
        ("code at http://www.github.com/lab/tool/tree/main", "https://www.github.com/lab/tool/tree/main"),
        ("released at https://gitlab.com/lab/tool, and", "https://gitlab.com/lab/tool"),
        ("see https://github.com/lab/tool_x-1.2).", "https://github.com/lab/tool_x-1.2"),
        ("[https://github.com/lab/tool](https://github.com/lab/tool)", "https://github.com/lab/tool"),
        ("Weights: https://huggingface.co/lab/model", "https://huggingface.co/lab/model"),
        ("Data: https://huggingface.co/datasets/lab/data", "https://huggingface.co/datasets/lab/data"),
        ("https://anonymous.4open.science/r/tool-1234", "https://anonymous.4open.science/r/tool-1234"),
        ("models https://hf.co/lab/model and code https://github.com/lab/tool", "https://github.com/lab/tool"),
        (
            "built on https://github.com/other/base, our code is https://github.com/lab/tool",
            "https://github.com/lab/tool",
        ),
        ("no link", None),
        ("https://github.com/lab", None),  # people, not a repository
        ("https://github.com/topics/ranking", None),
        ("https://huggingface.co/papers/2301.00001", None),
        ("https://huggingface.co/datasets/lab", None),
        ("https://example.org/github.com", None),
        ("this https URL", None),
    ],
)
def test_code_is_found(abstract: str, code: str | None) -> None:
    assert code_of(abstract) == code


def test_the_repository_named_like_the_paper_wins() -> None:
    abstract = "See https://github.com/lab/base and https://github.com/lab/fastrank for details."
    assert code_of(abstract, title="FastRank: Ranking Faster") == "https://github.com/lab/fastrank"


@pytest.mark.parametrize(
    ("abstract", "project"),
    [
        ("Project page: https://lab.example/tool/", "https://lab.example/tool/"),
        ("More at https://lab.github.io/tool.", "https://lab.github.io/tool"),
        ("visit lab.github.io/tool", "https://lab.github.io/tool"),
        ("Videos: https://sites.google.com/view/tool", "https://sites.google.com/view/tool"),
        ("https://other.github.io and the project website https://lab.github.io/x", "https://lab.github.io/x"),
        ("Project page: https://github.com/lab/tool", None),
        ("Video: https://youtu.be/abc", None),
        ("we crawl https://news.example/ for text", None),
        ("https://sites.google.com", None),
    ],
)
def test_a_project_page_is_found(abstract: str, project: str | None) -> None:
    assert project_of(abstract) == project


def test_each_link_says_where_it_was_found() -> None:
    found = find_links(
        "A Tool",
        "Code is at https://github.com/lab/tool.",
        "Accepted to ICML 2025 (oral). Project page: https://lab.github.io/tool",
    )
    assert found == FoundLinks(
        code="https://github.com/lab/tool",
        project="https://lab.github.io/tool",
        accepted_at="ICML 2025",
        where={"code": "abstract", "project": "comment", "accepted_at": "comment"},
    )


def test_nothing_is_found_in_nothing() -> None:
    assert find_links("", "", "") == FoundLinks()


@pytest.mark.parametrize(
    ("comment", "venue"),
    [
        ("Accepted at NeurIPS 2025 (spotlight)", "NeurIPS 2025"),
        ("Accepted by CVPR2026", "CVPR 2026"),
        ("12 pages, accepted to KDD'25; code soon", "KDD 2025"),
        ("ICLR 2026 Oral, 20 pages", "ICLR 2026"),
        ("Accepted for publication in MNRAS. 12 pages, 4 figures", "MNRAS"),
        ("accepted by A&A", "A&A"),
        ("To appear in Journal of Algebra, 30 pages", "Journal of Algebra"),
        ("10 pages; to appear in Proc. Amer. Math. Soc.", "Proc. Amer. Math. Soc"),
        ("Accepted as a long paper at the main conference of EACL 2026", "EACL 2026"),
        ("Accepted at the Trustworthy AI Workshop at ICML 2026", "Trustworthy AI Workshop at ICML 2026"),
        ("Presented at the 5th Workshop on Things (WOT), Rome", "5th Workshop on Things"),
        ("In Proceedings GaM 2015, arXiv:1504.02448", "GaM 2015"),
        ("Accepted to Findings of ACL 2025. Project page: https://a.example", "Findings of ACL 2025"),
        ("Published in The Annals of Things 2020", "Annals of Things 2020"),
    ],
)
def test_a_venue_is_read_from_the_comment(comment: str, venue: str) -> None:
    assert find_venue(comment) == venue


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "12 pages, 3 figures",
        "Submitted to CVPR 2026",
        "Under review at ICLR 2026",
        "Rejected from AAAI 2025",
        "Accepted",
        "accepted version",
        "accepted for publication",
        "results presented in Section 4",
        "v2: as published in 2019",
        "in Russian",
    ],
)
def test_a_comment_without_a_venue_gives_none(comment: str) -> None:
    assert find_venue(comment) is None


def test_an_abstract_names_a_venue_only_when_it_is_well_known() -> None:
    assert find_links("", "This paper was accepted at EMNLP 2024.", "").accepted_at == "EMNLP 2024"
    assert find_links("", "It is widely accepted in the Community.", "").accepted_at is None


@given(st.text(), st.text(alphabet="Accepted to at NeurIPS 2025.,;()https://github.com/ab", max_size=80))
def test_any_text_gives_web_addresses_or_none(abstract: str, comment: str) -> None:
    found = find_links("", abstract, comment)
    links = [link for link in (found.code, found.project) if link]
    assert all(link.startswith(("http://", "https://")) for link in links)
    assert set(found.where) == {name for name in ("code", "project", "accepted_at") if getattr(found, name)}


@pytest.mark.parametrize("text", ["a." * 30_000, "https://a.example/" * 4_000, "accepted by " * 5_000, "[" * 50_000])
def test_long_text_without_an_end_is_read_quickly(text: str) -> None:
    assert find_links(text, text, text).accepted_at is None
