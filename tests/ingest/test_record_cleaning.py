"""Records cleaned: what is kept, what is dropped, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from papers.services.ingest.clean_record import (
    MAX_AUTHOR_KEY,
    CleanPaper,
    RecordError,
    clean_record,
    public_id,
    says_withdrawn,
)
from papers.sources.base import ExternalCounts, RawAuthor, RawPaper, RawVersion
from tests.support import factories


def names(paper: CleanPaper) -> list[str]:
    return [author["name"] for author in paper.authors or ()]


# --- Identifiers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "value", "version"),
    [
        ("2606.31503v1", "2606.31503", 1),
        ("704.0302", "0704.0302", None),
        ("math.CA/0611800", "math/0611800", None),
        ("https://arxiv.org/pdf/2503.12026.pdf", "2503.12026", None),
        ("arXiv:2503.12026v3", "2503.12026", 3),
        ("oai:arXiv.org:hep-th/9901001", "hep-th/9901001", None),
    ],
)
def test_arxiv_id_in_any_shape_is_one_name(given, value, version):
    paper = clean_record(factories.raw_paper(arxiv_id=given))
    assert (paper.arxiv_id, paper.version) == (value, version)
    assert paper.identifiers == (("arxiv", value),)


def test_version_given_apart_wins_over_the_one_in_the_id():
    assert clean_record(factories.raw_paper(arxiv_id="2503.12026v1", version=2)).version == 2


def test_doi_of_arxiv_is_an_arxiv_id():
    paper = clean_record(factories.raw_paper("doi", arxiv_id=None, doi="10.48550/arXiv.2209.09036"))
    assert paper.identifiers == (("arxiv", "2209.09036"),)
    assert paper.doi == ""


def test_two_dois_in_one_field_are_both_names():
    paper = clean_record(
        factories.raw_paper(arxiv_id="hep-lat/9401029", doi="10.1016/0550-3213(94)00102-2, 10.1103/PhysRevD.50.1")
    )
    assert paper.doi == "10.1016/0550-3213(94)00102-2"
    assert paper.identifiers[1:] == (("doi", "10.1016/0550-3213(94)00102-2"), ("doi", "10.1103/physrevd.50.1"))


def test_broken_doi_is_dropped():
    paper = clean_record(factories.raw_paper(arxiv_id="q-bio/0512028", doi="10.016/j.jtbi.2005.12.010"))
    assert paper.identifiers == (("arxiv", "q-bio/0512028"),)
    assert paper.doi == ""


def test_address_is_a_name_only_where_there_is_no_better_one():
    url = "https://journal.example.org/a?utm_source=feed"
    assert clean_record(factories.raw_paper("feed", url=url)).identifiers == (("url", "https://journal.example.org/a"),)
    assert clean_record(factories.raw_paper("doi", url=url, doi="10.1000/a")).identifiers == (("doi", "10.1000/a"),)


def test_address_at_arxiv_is_an_arxiv_id():
    assert (
        clean_record(factories.raw_paper("import", url="https://arxiv.org/abs/2503.12026v2")).arxiv_id == "2503.12026"
    )


@pytest.mark.parametrize(
    ("fields", "claim"),
    [
        ({"arxiv_id": "2503.12026v2"}, ("arxiv", "2503.12026")),
        ({"doi": "10.1000/A"}, ("doi", "10.1000/a")),
        ({"arxiv_id": "2503.12026", "doi": "10.1000/a"}, ("arxiv", "2503.12026")),
        ({"doi": "10.48550/arXiv.2503.12026"}, ("arxiv", "2503.12026")),
    ],
)
def test_feed_only_claims_to_be_about_a_paper(fields, claim):
    paper = clean_record(factories.raw_paper("feed", url="https://blog.example.org/1", **fields))
    assert (paper.claim, paper.arxiv_id, paper.doi, paper.version) == (claim, None, None, None)
    assert paper.identifiers == (("url", "https://blog.example.org/1"),)
    assert paper.links["abs"]["url"] == "https://blog.example.org/1"
    assert [scheme for scheme, _ in clean_record(factories.raw_paper("feed", **fields)).identifiers] == ["url"]


def test_guid_of_a_feed_is_a_name():
    paper = clean_record(factories.raw_paper("feed", identifiers=(("url", "tag:blog.example.org,2026:a-post"),)))
    assert paper.identifiers == (("url", "tag:blog.example.org,2026:a-post"),)


@pytest.mark.parametrize("fields", [{"arxiv_id": "no id"}, {"url": "javascript:alert(1)"}, {"doi": "none"}])
def test_record_without_a_usable_name_is_refused(fields):
    with pytest.raises(RecordError, match=r"identifier|arXiv id"):
        clean_record(factories.raw_paper("feed", **fields))


def test_unknown_kind_of_name_is_refused():
    with pytest.raises(RecordError, match="isbn"):
        clean_record(factories.raw_paper(identifiers=(("isbn", "1"),)))


@pytest.mark.parametrize(
    ("identifiers", "address"),
    [
        ([("doi", "10.1000/a"), ("arxiv", "2503.12026")], "2503.12026"),
        ([("s2", "1"), ("doi", "10.1000/a")], "doi/10.1000/a"),
    ],
)
def test_address_is_made_of_the_best_name(identifiers, address):
    assert public_id(identifiers) == address


def test_address_without_id_and_doi_is_ten_letters_always_the_same():
    name = ("url", "https://example.org/")
    assert public_id([name]) == public_id([name])
    assert public_id([name])[:2] == "p-"
    assert len(public_id([name])) == 12
    assert public_id([name])[2:].isalpha()


# --- Texts ----------------------------------------------------------------------------------------------------------


def test_title_of_one_zero_is_a_title():
    assert clean_record(factories.raw_paper(title="0")).title == "0"


def test_title_of_mathematics_alone_stays():
    assert clean_record(factories.raw_paper(title="$d^N=0$")).title == "$d^N=0$"


@pytest.mark.parametrize("title", ["", "  \n ", "\u200b\x07"])
def test_record_without_a_title_is_refused(title):
    with pytest.raises(RecordError, match="no title"):
        clean_record(factories.raw_paper(title=title))


def test_text_is_cleaned_and_kept_as_found_but_for_what_postgres_refuses():
    paper = clean_record(
        factories.raw_paper(title="Demoir\\'eing\n  at\x00 night", abstract="One.\n  Two \x02wraps\nhere.")
    )
    assert (paper.title, paper.title_raw) == ("Demoiréing at night", "Demoir\\'eing\n  at night")
    assert (paper.abstract, paper.abstract_raw) == ("One.\n\nTwo wraps here.", "One.\n  Two wraps\nhere.")


def test_what_is_not_said_is_not_said_to_be_empty():
    silent = clean_record(factories.raw_paper(abstract=None, authors=None, categories=None))
    assert (silent.abstract, silent.authors, silent.categories, silent.comment, silent.doi) == (None,) * 5
    empty = clean_record(
        factories.raw_paper(arxiv_id="2603.00001", abstract="", authors=(), categories=(), comment="", doi="")
    )
    assert (empty.abstract, empty.authors, empty.categories, empty.comment, empty.doi) == ("", (), (), "", "")


def test_categories_are_canonical_and_msc_and_acm_are_none():
    paper = clean_record(factories.raw_paper(categories=("cmp-lg", "68U10, 90C26", "cs.CL", "I.2.7; I.2.6", "cs.SY")))
    assert paper.categories == ("cs.CL", "eess.SY")


# --- Authors --------------------------------------------------------------------------------------------------------


def test_colons_and_et_al_are_no_authors():
    paper = clean_record(factories.raw_paper(authors=("GLM-4. 5 Team", ":", "Aohan Zeng", "et al.")))
    assert names(paper) == ["GLM-4. 5 Team", "Aohan Zeng"]


def test_authors_in_one_string_are_parted_and_keep_their_affiliations():
    paper = clean_record(
        factories.raw_paper(authors=None, authors_text="C. Neri (Dresdner Kleinwort, London, UK), L. Schneider")
    )
    assert paper.authors == (
        {"name": "C. Neri", "affiliation": "Dresdner Kleinwort, London, UK"},
        {"name": "L. Schneider"},
    )


def test_all_authors_in_one_name_have_a_key_that_an_index_takes():
    paper = clean_record(factories.raw_paper(authors=("Xiangyu Kongand " * 400,)))
    assert len(names(paper)[0]) > 5_000
    assert [len(key) <= MAX_AUTHOR_KEY for key in paper.author_keys] == [True]


def test_author_named_twice_has_one_key():
    assert clean_record(factories.raw_paper(authors=("Ö. Müller", "Müller, Ö."))).author_keys == ("o muller",)


# --- Dates ----------------------------------------------------------------------------------------------------------


def test_moments_are_in_utc():
    eastern = timezone(timedelta(hours=-5))
    paper = clean_record(
        factories.raw_paper(published_at=datetime(2026, 3, 1, 20, tzinfo=eastern), updated_at=datetime(2026, 3, 2))  # noqa: DTZ001
    )
    assert paper.published_at == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert paper.updated_at == datetime(2026, 3, 2, tzinfo=UTC)


def test_elsewhere_a_date_long_after_the_month_in_the_id_is_no_date():
    late = datetime(2026, 4, 25, tzinfo=UTC)
    assert (
        clean_record(factories.raw_paper("huggingface", arxiv_id="2508.10180", published_at=late)).published_at is None
    )
    assert clean_record(factories.raw_paper("arxiv_api", arxiv_id="2508.10180", published_at=late)).published_at == late
    before = datetime(2024, 12, 31, tzinfo=UTC)
    assert (
        clean_record(factories.raw_paper("huggingface", arxiv_id="2501.00599", published_at=before)).published_at
        == before
    )


def test_first_version_dates_the_paper_and_the_last_one_its_update():
    first, last = datetime(2024, 1, 2, tzinfo=UTC), datetime(2025, 3, 4, tzinfo=UTC)
    paper = clean_record(
        factories.raw_paper(arxiv_id="2401.00001", versions=(RawVersion(2, last), RawVersion(1, first)))
    )
    assert (paper.published_at, paper.updated_at, paper.version) == (first, last, 2)


# --- Links, figures, withdrawals --------------------------------------------------------------------------------------


def test_links_say_where_they_were_found():
    paper = clean_record(
        factories.raw_paper(
            "huggingface", arxiv_id="2503.12026", code_url="https://github.com/a/b", project_url="ftp://x"
        )
    )
    assert paper.links["code"] == {"url": "https://github.com/a/b", "found": "huggingface"}
    assert paper.links["html"] == {"url": "https://arxiv.org/html/2503.12026", "found": "arxiv"}
    assert "project" not in paper.links


def test_old_papers_have_no_html_at_arxiv():
    assert set(clean_record(factories.raw_paper(arxiv_id="hep-th/9901001")).links) == {"abs", "pdf"}


def test_odd_doi_is_encoded_in_its_link():
    doi = "10.1002/(sici)1096-8644(199601)99:1<1::aid-ajpa1>3.0.co;2-1"
    url = clean_record(factories.raw_paper("doi", doi=doi)).links["abs"]["url"]
    assert url == "https://doi.org/10.1002/(sici)1096-8644(199601)99:1%3C1::aid-ajpa1%3E3.0.co;2-1"


def test_link_and_venue_in_the_texts_are_found():
    found = clean_record(
        factories.raw_paper(abstract="Code: https://github.com/a/b.", comment="Accepted at ICML 2026")
    ).found
    assert (found.code, found.accepted_at) == ("https://github.com/a/b", "ICML 2026")
    assert found.where == {"code": "abstract", "accepted_at": "comment"}


def test_figures_of_others_are_made_safe():
    external_counts = ExternalCounts(votes=-1, comments=2, submitted_by="a\x00b", url="javascript:alert(1)")
    assert clean_record(factories.raw_paper(external_counts=external_counts)).external_counts == ExternalCounts(
        votes=0, comments=2, submitted_by="ab", url=""
    )


@pytest.mark.parametrize(
    "comment",
    [
        "This paper has been withdrawn by the author due to a crucial sign error in equation 1",
        "The paper is withdrawn by the authors and replaced by an improved version",
        "Withdrawn, since the content has been subsumed by the joint paper",
        "25 pages. Withdrawn and superseded by an extended version",
        "0, plain tex, This paper is incorrect, and has been withdrawn by the Author",
        "We find some problems in the manuscript, so we have to withdraw it.",
        "Please withdraw this paper as there are some gaps",
        "This submission has been withdrawn by arXiv administrators due to disputed authorship",
        "This article has been retracted",
        "Withdrawn from arXiv by the authors",
        "This paper has been withdrawn from the arXiv due to an error",
        "Withdrawn. Submitted to ICML",
        "This HEP paper has been withdrawn by the author; submitted elsewhere",
    ],
)
def test_comment_that_withdraws_is_understood(comment):
    assert says_withdrawn(comment, "")


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "Previously submitted to a conference and formally withdrawn",
        "v3: Prop 3.1 is withdrawn, without affecting any other result in the paper",
        "this paper is a partial replacement of the withdrawn paper 1306.4291",
        "Replacement for preceding (withdrawn) version v4",
        "36 pages, The former Theorem F.ii has been retracted because the proof was wrong",
        "Withdrawn from ICLR 2026, accepted at TMLR",
        "12 pages. Withdrawn from NeurIPS 2025 by the authors",
        "This paper was withdrawn from ICLR 2025 and is under review elsewhere",
        "Our ICLR submission has been withdrawn",
        "This submission was withdrawn by the authors from the conference",
        "Submitted to ICML; withdrawn",
        "We decided to withdraw this paper from the journal after two years of review",
        "This manuscript was withdrawn before publication in JHEP and is now at PRD",
    ],
)
def test_comment_about_something_else_withdrawn_is_not_a_withdrawal(comment):
    assert not says_withdrawn(comment, "")


def test_abstract_that_says_withdrawn_in_its_place_is_understood():
    assert says_withdrawn("", "Withdrawn")
    assert not says_withdrawn("", "Retracted citations remain a concern in academia.")
    assert not says_withdrawn("", "A study. " * 40 + "This paper has been retracted, the notice says.")


def test_withdrawal_is_unknown_where_neither_flag_nor_words_tell():
    assert clean_record(factories.raw_paper(comment="5 pages")).is_withdrawn is None
    assert clean_record(factories.raw_paper(comment="5 pages", is_withdrawn=False)).is_withdrawn is False
    assert clean_record(factories.raw_paper(comment="Withdrawn", is_withdrawn=False)).is_withdrawn is True


def test_every_author_and_word_of_a_huge_record_stays():
    raw = RawPaper(
        source="arxiv_oai_raw",
        arxiv_id="2507.06261",
        title="Many " * 70,
        abstract="word " * 3_000,
        authors=tuple(RawAuthor(f"Author Number{number}") for number in range(3_303)),
        announced_on=date(2025, 7, 10),
    )
    paper = clean_record(raw)
    assert len(names(paper)) == len(paper.author_keys) == 3_303
    assert len(paper.abstract or "") == 14_999


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        (r"Astron. \& Astrophys. 12 (2026)", "Astron. & Astrophys. 12 (2026)"),
        (r"Ann. Inst. H. Poincar\'e 3, 1--9", "Ann. Inst. H. Poincaré 3, 1–9"),
        (r"J. Reine Angew. Math. {\bf 12}~(2026)", "J. Reine Angew. Math. 12 (2026)"),
        ("Insects & Air 3", "Insects & Air 3"),
        ("", ""),
        (r"Stud. Univ. Babe\c{s}-Bolyai", "Stud. Univ. Babeş-Bolyai"),
    ],
)
def test_references_to_journals_and_affiliations_have_no_tex(given, cleaned):
    raw = factories.raw_paper(journal_ref=given, authors=(RawAuthor("A. Person", given),))
    record = clean_record(raw)
    assert record.journal_ref == cleaned
    assert (record.authors or ())[0].get("affiliation", "") == cleaned
