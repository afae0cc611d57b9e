"""Storing records: one paper, one row; the same again writes nothing; a bad one stops nothing."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from papers.models import (
    FormerAddress,
    Identifier,
    Paper,
    PaperCategory,
    PaperExternalCounts,
    PaperVersion,
    RejectedRecord,
)
from papers.services.ingest.paper_store import StoreResult, store_papers
from papers.sources.base import ExternalCounts, RawListing, RawPaper, RawVersion
from tests.support import factories

pytestmark = pytest.mark.django_db

TABLES = [
    *("paper", "identifier", "papercategory", "paperversion", "paperexternalcounts", "listing", "edition"),
    *("formeraddress", "rejectedrecord"),
]


def store(*raws, kind="arxiv_oai", now=factories.NOW, **options) -> StoreResult:
    return store_papers(raws, now=now, kind=kind, **options)


def counts(stored: StoreResult) -> tuple[int, int, int, int]:
    return stored.new, stored.updated, stored.unchanged, stored.rejected


def row_places() -> dict[str, list[tuple[str, str]]]:
    """Where each row is, and which transaction wrote it: both change when a row is written, even with the same."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT ctid::text, xmin::text FROM papers_{table} ORDER BY ctid")
            found[table] = cursor.fetchall()
    return found


def arxiv_raw(**fields: Any) -> RawPaper:
    """A record as arXivRaw has it, with two versions."""
    versions = (RawVersion(1, datetime(2026, 3, 1, tzinfo=UTC)), RawVersion(2, datetime(2026, 3, 3, tzinfo=UTC)))
    defaults: dict[str, Any] = {"versions": versions, "comment": "Accepted at ICML 2026", "is_withdrawn": False}
    return factories.raw_paper(**(defaults | fields))


# --- One paper ------------------------------------------------------------------------------------------------------


def test_new_paper_is_stored_with_all_that_hangs_on_it():
    stored = store(arxiv_raw(arxiv_id="2603.00001", title="On  things", doi="10.1000/XYZ"))
    assert counts(stored) == (1, 0, 0, 0)
    paper = Paper.objects.get()
    assert stored.paper_ids == stored.new_ids == (paper.pk,)
    assert (paper.public_id, paper.title, paper.version, paper.venue) == ("2603.00001", "On things", 2, "ICML 2026")
    assert paper.authors == [{"name": "Ada Lovelace"}, {"name": "Émilie du Châtelet"}]
    assert paper.author_keys == ["ada lovelace", "emilie du chatelet"]
    assert (paper.created_at, paper.changed_at, paper.listed_at) == (factories.NOW, factories.NOW, paper.published_at)
    names = set(paper.identifiers.values_list("scheme", "value"))
    assert names == {("arxiv", "2603.00001"), ("doi", "10.1000/xyz")}
    rows = set(PaperCategory.objects.values_list("category", "listed_at", "paper"))
    assert rows == {("cs.CL", paper.listed_at, paper.pk), ("cs.AI", paper.listed_at, paper.pk)}
    versions = paper.versions.order_by("version").values_list("version", "released_at", "seen_at")
    assert [row[:2] for row in versions] == [(1, paper.published_at), (2, paper.updated_at)]


def test_words_of_a_new_paper_are_found():
    store(factories.raw_paper(title="Diffusion of cats"))
    assert Paper.objects.filter(search_vector="cat").exists()


def test_paper_of_3303_authors_is_stored():
    store(factories.raw_paper(authors=tuple(f"Author Number{number}" for number in range(3_303))))
    paper = Paper.objects.get()
    assert (paper.author_count, len(paper.authors), len(paper.author_keys)) == (3_303, 3_303, 3_303)


def test_all_authors_in_one_name_are_stored():
    store(factories.raw_paper(authors=("Xiangyu Kongand Xiaoxia Xingand " * 500,)))
    assert Paper.objects.get().author_count == 1


@pytest.mark.parametrize("abstract", [None, ". ", "Yes. ", "word " * 100_000])
def test_missing_short_and_huge_abstracts_are_stored(abstract):
    assert counts(store(factories.raw_paper(abstract=abstract))) == (1, 0, 0, 0)


def test_paper_without_authors_and_categories_is_stored():
    store(factories.raw_paper(authors=None, categories=None))
    paper = Paper.objects.get()
    assert (paper.authors, paper.author_count, paper.categories, paper.primary_category) == ([], 0, [], "")


def test_renamed_categories_are_stored_once_under_their_name_of_today():
    store(factories.raw_paper(arxiv_id="cmp-lg/9404001", categories=("cmp-lg", "cs.CL", "68T50")))
    assert list(PaperCategory.objects.values_list("category", flat=True)) == ["cs.CL"]


def test_nothing_to_store_stores_nothing():
    assert counts(store()) == (0, 0, 0, 0)


# --- The same again -------------------------------------------------------------------------------------------------


def day_of_everything() -> list[RawPaper]:
    """Records of all kinds, with a bad one among them."""
    figures = ExternalCounts(votes=7, comments=2, submitted_by="Chiara", url="https://hf.example.org/papers/1")
    return [
        arxiv_raw(arxiv_id="2603.00001", doi="10.1000/a"),
        factories.listed_raw_paper(arxiv_id="2603.00001v1", license="CC BY"),
        factories.listed_raw_paper(arxiv_id="2603.00002v1", kind="cross", position=1),
        factories.raw_paper(
            "huggingface",
            arxiv_id="2603.00001",
            external_counts=figures,
            listed_on=RawListing(factories.TODAY, "daily", 1),
        ),
        factories.raw_paper("feed", doi="10.1000/a", url="https://journal.example.org/a"),
        factories.raw_paper(
            "feed", identifiers=(("url", "tag:a:1"), ("url", "https://blog.example.org/1")), abstract=None
        ),
        factories.raw_paper("arxiv_api", arxiv_id="2603.00003", published_at=factories.NOW + timedelta(days=9)),
    ]


def test_same_records_again_write_no_row():
    source = factories.source()
    first = store(*day_of_everything(), source=source)
    assert counts(first) == (4, 0, 0, 0)
    assert first.listed == 4
    before = row_places()
    assert all(before[table] for table in TABLES if table not in ("formeraddress", "rejectedrecord"))
    again = store(*day_of_everything(), source=source, now=factories.NOW + timedelta(hours=1))
    assert (counts(again), again.listed) == ((0, 0, 4, 0), 0)
    assert set(again.paper_ids) == set(first.paper_ids)
    assert row_places() == before


def test_same_records_in_any_order_and_one_by_one_end_in_the_same_rows():
    def state() -> tuple[Any, ...]:
        columns = ("public_id", "title", "abstract", "authors", "categories", "comment", "license", "version", "links")
        papers = list(Paper.objects.order_by("public_id").values(*columns, "announced_on", "listed_at", "record_rank"))
        names = set(Identifier.objects.values_list("scheme", "value", "paper__public_id"))
        return papers, names, set(PaperExternalCounts.objects.values_list("paper__public_id", "votes"))

    store(*day_of_everything())
    expected = state()
    for seed in range(6):
        Paper.objects.all().delete()
        raws = day_of_everything()
        random.Random(seed).shuffle(raws)
        for raw in raws:
            store(raw)
        assert state() == expected


def test_one_paper_twice_in_a_batch_is_one_row():
    """Also a page of OAI that repeats what the page before had."""
    stored = store(
        factories.raw_paper(arxiv_id="2603.00001", title="Old", version=1),
        arxiv_raw(arxiv_id="2603.00001v2", title="New"),
    )
    assert counts(stored) == (1, 0, 0, 0)
    assert Paper.objects.get().title == "New"


# --- What changes ---------------------------------------------------------------------------------------------------


def test_newer_version_updates_in_place_and_keeps_what_it_changed():
    store(
        factories.raw_paper(
            arxiv_id="1307.8300", version=1, title="Means and Medians", comment="5 pages", abstract="Same."
        )
    )
    paper = Paper.objects.get()
    later = factories.NOW + timedelta(days=1)
    raw = factories.raw_paper(
        arxiv_id="1307.8300", version=2, title="Medians", comment="6 pages", abstract="Same.", updated_at=later
    )
    assert counts(store(raw, now=later)) == (0, 1, 0, 0)
    updated = Paper.objects.get()
    assert (updated.pk, updated.public_id, updated.title, updated.version) == (paper.pk, "1307.8300", "Medians", 2)
    assert (updated.created_at, updated.changed_at) == (factories.NOW, later)
    versions = PaperVersion.objects.order_by("version").values_list(
        "version", "title", "abstract", "comment", "seen_at"
    )
    assert list(versions) == [(1, "Means and Medians", "", "5 pages", factories.NOW), (2, "", "", "", later)]
    assert Paper.objects.filter(search_vector="median").exclude(search_vector="mean").exists()


def test_version_that_was_stored_without_its_date_gets_it():
    store(factories.raw_paper("arxiv_rss", arxiv_id="2603.00001v1"))
    assert PaperVersion.objects.get().released_at is None
    store(arxiv_raw(arxiv_id="2603.00001"))
    released = PaperVersion.objects.order_by("version").values_list("version", "released_at", "seen_at")
    assert list(released) == [
        (1, datetime(2026, 3, 1, tzinfo=UTC), factories.NOW),
        (2, datetime(2026, 3, 3, tzinfo=UTC), factories.NOW),
    ]


def test_change_that_no_card_shows_keeps_the_card():
    store(factories.raw_paper(arxiv_id="2603.00001"))
    store(factories.raw_paper(arxiv_id="2603.00001", journal_ref="J. 1 (2026)"), now=factories.NOW + timedelta(days=1))
    paper = Paper.objects.get()
    assert (paper.journal_ref, paper.changed_at) == ("J. 1 (2026)", factories.NOW)


def test_withdrawn_paper_keeps_its_votes():
    store(factories.raw_paper(arxiv_id="2603.00001", version=1))
    factories.vote(Paper.objects.get())
    store(factories.raw_paper(arxiv_id="2603.00001", version=2, is_withdrawn=True, updated_at=factories.NOW))
    paper = Paper.objects.get()
    assert (paper.withdrawn_at, paper.votes.count()) == (factories.NOW, 1)


def test_categories_move_with_the_date_that_orders_them():
    store(factories.raw_paper("huggingface", arxiv_id="2603.00001", categories=("cs.CL",), published_at=factories.NOW))
    store(
        factories.raw_paper(
            "arxiv_rss", arxiv_id="2603.00001", categories=("cs.LG", "cs.CL"), announced_on=date(2026, 3, 3)
        )
    )
    rows = set(PaperCategory.objects.values_list("category", "listed_at"))
    assert rows == {("cs.LG", factories.at_hour(date(2026, 3, 3))), ("cs.CL", factories.at_hour(date(2026, 3, 3)))}


def test_hidden_paper_stays_hidden_and_counts_stay():
    store(factories.raw_paper(arxiv_id="2603.00001", version=1))
    Paper.objects.update(hidden_at=factories.NOW, vote_count=3, comment_count=2)
    store(factories.raw_paper(arxiv_id="2603.00001", version=2, title="New"))
    paper = Paper.objects.get()
    assert (paper.title, paper.hidden_at, paper.vote_count, paper.comment_count) == ("New", factories.NOW, 3, 2)


def test_sample_becomes_real_under_the_same_address():
    store(factories.raw_paper("sample", arxiv_id="2603.00001", abstract="In our own words."), kind="sample")
    sample = Paper.objects.get()
    assert sample.is_sample
    store(factories.raw_paper("arxiv_rss", arxiv_id="2603.00001", abstract="The authors' words."))
    paper = Paper.objects.get()
    assert (paper.pk, paper.is_sample, paper.abstract) == (sample.pk, False, "The authors' words.")


# --- Two sources, one paper -----------------------------------------------------------------------------------------


def test_paper_of_a_journal_that_gains_an_arxiv_id_moves_and_its_old_address_leads_there():
    store(factories.raw_paper("doi", doi="10.1000/a"), kind="doi")
    paper = Paper.objects.get()
    assert paper.public_id == "doi/10.1000/a"
    store(factories.raw_paper(arxiv_id="2603.00001", doi="10.1000/A"))
    moved = Paper.objects.get()
    assert (moved.pk, moved.public_id) == (paper.pk, "2603.00001")
    assert FormerAddress.objects.values_list("public_id", "paper").get() == ("doi/10.1000/a", paper.pk)


def test_two_arxiv_papers_with_one_doi_stay_two():
    store(factories.raw_paper(arxiv_id="gr-qc/9301002", doi="10.1000/a"))
    store(factories.raw_paper(arxiv_id="gr-qc/9402024", doi="10.1000/a"))
    assert Paper.objects.count() == 2
    assert Identifier.objects.get(scheme="doi").paper.public_id == "gr-qc/9301002"
    assert set(Paper.objects.values_list("doi", flat=True)) == {"10.1000/a"}


def test_papers_of_one_title_stay_apart():
    title = 'Discussion of: "A statistical analysis of multiple temperature proxies"'
    assert store(factories.raw_paper(title=title), factories.raw_paper(title=title)).new == 2


def test_doi_that_comes_later_is_stored_and_then_known():
    store(factories.raw_paper(arxiv_id="2603.00001"))
    assert counts(store(factories.raw_paper(arxiv_id="2603.00001", doi="10.1000/a"))) == (0, 1, 0, 0)
    assert store(factories.raw_paper("feed", doi="10.1000/a"), kind="feed").paper_ids == (Paper.objects.get().pk,)


# --- Figures of others ----------------------------------------------------------------------------------------------


def test_figures_are_theirs_and_reach_the_listings_and_trending():
    def raw(votes: int) -> RawPaper:
        return factories.raw_paper(
            "huggingface",
            arxiv_id="2603.00001",
            external_counts=ExternalCounts(votes=votes, comments=1, submitted_by="Chiara"),
            listed_on=RawListing(factories.TODAY, "daily", 1),
        )

    source = factories.source("huggingface")
    store(raw(5), source=source)
    paper = Paper.objects.get()
    assert (paper.vote_count, paper.external_counts.get().votes) == (0, 5)
    assert paper.listings.get().source_votes == 5
    assert paper.trending_score is not None
    later = factories.NOW + timedelta(hours=1)
    assert counts(store(raw(9), source=source, now=later)) == (0, 1, 0, 0)
    warmer = Paper.objects.get()
    assert (warmer.external_counts.get().votes, warmer.listings.get().source_votes) == (9, 9)
    assert warmer.trending_score is not None
    assert warmer.trending_score > paper.trending_score
    assert warmer.changed_at == later


def test_old_list_makes_its_papers_no_hotter_than_they_were():
    def raw(arxiv_id: str, day: date) -> RawPaper:
        return factories.raw_paper(
            "huggingface",
            arxiv_id=arxiv_id,
            external_counts=ExternalCounts(votes=50),
            listed_on=RawListing(day, "daily", 1),
        )

    store(raw("2501.00001", date(2025, 1, 3)), raw("2603.00001", factories.TODAY))
    old, new = Paper.objects.order_by("public_id")
    assert old.trending_score is not None
    assert new.trending_score is not None
    assert old.trending_score < new.trending_score - 100


# --- Bad records ----------------------------------------------------------------------------------------------------


def test_bad_record_is_kept_with_its_error_and_the_rest_goes_on():
    source = factories.source("feed")
    stored = store(
        factories.raw_paper(),
        factories.raw_paper(title=" ", arxiv_id="2603.00009v1"),
        factories.raw_paper(),
        kind="feed",
        source=source,
    )
    assert counts(stored) == (2, 0, 0, 1)
    kept = RejectedRecord.objects.get()
    assert (kept.source, kept.source_kind, kept.identifier) == (source, "feed", "2603.00009")
    assert kept.error == "The record has no title."
    assert '"arxiv_id": "2603.00009v1"' in kept.payload


def test_same_bad_record_is_kept_once_and_settled_by_a_good_one():
    bad = factories.raw_paper(title="", arxiv_id="2603.00009")
    store(bad)
    store(bad, now=factories.NOW + timedelta(days=1))
    kept = RejectedRecord.objects.get()
    assert (kept.first_seen_at, kept.last_seen_at) == (factories.NOW, factories.NOW + timedelta(days=1))
    assert kept.resolved_at is None
    store(factories.raw_paper(arxiv_id="2603.00009v2"), now=factories.NOW + timedelta(days=2))
    kept.refresh_from_db()
    assert kept.resolved_at == factories.NOW + timedelta(days=2)


def test_record_that_postgres_refuses_stops_nothing():
    """A version number that no column holds: not looked for beforehand, so that there is always something."""
    good = [factories.raw_paper() for _ in range(8)]
    stored = store(*good[:5], factories.raw_paper(arxiv_id="2603.99999", version=70_000), *good[5:])
    assert counts(stored) == (8, 0, 0, 1)
    assert "out of range" in RejectedRecord.objects.get().error
    assert not Identifier.objects.filter(value="2603.99999").exists()


def test_odd_characters_are_stored():
    store(
        factories.raw_paper(
            title="On the Latent Holes 🧀 of VAEs\x00",
            authors=("Sophie G\x7fötz", "\u202aAvishai Zagoury\u202c\u200f", "飞 叶"),
            abstract="𝛼NLI \u2028 we ﬁrst showed \ud800 p<0.001 & 6.2% &#177;",
            comment="a\tb\\N\\.",
        )
    )
    paper = Paper.objects.get()
    assert paper.title == "On the Latent Holes 🧀 of VAEs"
    assert [author["name"] for author in paper.authors] == ["Sophie Götz", "Avishai Zagoury", "飞 叶"]
    assert paper.abstract.endswith("p<0.001 & 6.2% ±")
    assert paper.comment == "a b\\N\\."


# --- Cost -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stored", [False, True])
def test_number_of_statements_does_not_grow_with_the_number_of_records(is_stored):
    def raws(count: int, version: int) -> list[RawPaper]:
        return [arxiv_raw(arxiv_id=f"2603.{number:05}", title=f"T {version}") for number in range(count)]

    def statements(count: int) -> int:
        with connection.execute_wrapper(counter := Counter()):
            store(*raws(count, version=2))
        Paper.objects.all().delete()
        return counter.count

    if is_stored:
        store(*raws(10, version=1))
    ten = statements(10)
    if is_stored:
        store(*raws(20, version=1))
    assert statements(20) == ten


class Counter:
    count = 0

    def __call__(self, execute, sql, params, many, context):
        self.count += 1
        return execute(sql, params, many, context)
