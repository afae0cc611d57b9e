"""What becomes of a paper when records of it arrive: who has the last word, and that the order is of no matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.catalogue.json_columns import LinkRow
from papers.services.ingest.clean_record import clean_record
from papers.services.ingest.paper_row import (
    EMPTY_ROW,
    PaperRow,
    PreviousTexts,
    changes_card,
    merge_record,
    previous_texts,
    row_as_record,
)
from papers.sources.base import OWN_RECORD, RawPaper, RawVersion
from papers.sources.registry import RECORD_SOURCES
from tests.support import factories

ID = "2603.00001"
RANKS = {name: source.rank for name, source in RECORD_SOURCES.items()}


def after(*raws: RawPaper, row: PaperRow = EMPTY_ROW, now: datetime = factories.NOW) -> PaperRow:
    for raw in raws:
        row = merge_record(row, clean_record(raw), now=now)
    return row


def links(row: PaperRow) -> dict[str, LinkRow]:
    assert row.links is not None
    return row.links


def record(source: str = "arxiv_oai_raw", **fields: Any) -> RawPaper:
    return factories.raw_paper(source, **({"arxiv_id": ID} | fields))


# --- Who has the last word --------------------------------------------------------------------------------------------


def test_same_record_again_changes_nothing():
    once = after(record(comment="Accepted at ICML 2026", announced_on=factories.TODAY))
    assert after(record(comment="Accepted at ICML 2026", announced_on=factories.TODAY), row=once) == once


def test_better_source_replaces_and_lesser_one_only_fills():
    row = after(record("arxiv_rss", title="As announced", license="CC BY"), record("arxiv_oai_raw", title="As filed"))
    assert (row.title, row.license, row.record_rank) == ("As filed", "CC BY", 90)
    row = after(record("huggingface", title="Elsewhere", organization="A lab", comment="Theirs"), row=row)
    assert (row.title, row.organization, row.comment) == ("As filed", "A lab", "Theirs")


def test_newer_version_replaces_whoever_brings_it():
    row = after(record(title="Means", version=1), record("arxiv_rss", title="Medians", version=2))
    assert (row.title, row.version, row.record_rank) == ("Medians", 2, 60)


def test_older_version_changes_no_text():
    row = after(record("arxiv_rss", title="Medians", version=2), record(title="Means", version=1))
    assert (row.title, row.version) == ("Medians", 2)


def test_archive_speaks_of_the_newest_version_also_without_a_number():
    row = after(record("arxiv_rss", title="Means", version=2), record("arxiv_oai", title="Medians"))
    assert (row.title, row.version) == ("Medians", 2)


def test_others_without_a_version_do_not_replace():
    row = after(record("import", title="Medians", version=2), record("huggingface", title="Means"))
    assert row.title == "Medians"


def test_silence_overwrites_nothing_and_empty_clears():
    row = after(record("arxiv_oai", comment="5 pages"))
    assert after(record("arxiv_oai", comment=None), row=row).comment == "5 pages"
    assert after(record("arxiv_oai", comment=""), row=row).comment == ""
    assert after(record("feed", comment=""), row=row).comment == "5 pages"


def test_doi_stays_when_the_better_source_has_none():
    assert after(record("import", doi="10.1000/a"), record(doi="")).doi == "10.1000/a"


def test_authors_come_with_their_keys_and_count_from_one_record():
    row = after(record("huggingface", authors=("A. Person",)), record(authors=("Ada Lovelace", "Émilie du Châtelet")))
    assert row.author_count == len(row.authors) == 2
    assert row.author_keys == ("ada lovelace", "emilie du chatelet")


def test_categories_of_the_better_record_hold():
    row = after(record(categories=("cs.CL",)), record("import", categories=("cs.AI", "cs.LG")))
    assert (row.categories, row.primary_category) == (("cs.CL",), "cs.CL")


def test_sample_gives_way_to_any_source_and_never_comes_back():
    sample = record("sample", title="A sample", abstract="In our words.", comment="ours")
    row = after(sample)
    assert row.is_sample
    real = after(record("huggingface", title="The paper", abstract=None), row=row)
    assert (real.is_sample, real.title, real.abstract, real.comment) == (False, "The paper", "", "")
    assert after(sample, row=real) == real


# --- Addresses and dates ----------------------------------------------------------------------------------------------


def test_paper_that_gains_an_arxiv_id_moves_there_and_stays():
    row = after(factories.raw_paper("doi", doi="10.1000/a"))
    assert row.public_id == "doi/10.1000/a"
    row = after(record(doi="10.1000/a"), row=row)
    assert row.public_id == ID
    assert after(factories.raw_paper("doi", doi="10.1000/a"), row=row).public_id == ID


def test_new_is_ordered_by_announcement_else_publication_else_first_sight():
    published = datetime(2026, 3, 1, 18, tzinfo=UTC)
    assert after(record()).listed_at == factories.NOW
    row = after(record(published_at=published))
    assert row.listed_at == published
    assert after(record("arxiv_rss", announced_on=date(2026, 3, 3)), row=row).listed_at == factories.at_hour(
        date(2026, 3, 3)
    )


def test_first_announcement_counts():
    row = after(record("arxiv_rss", announced_on=date(2026, 3, 3)), record("arxiv_rss", announced_on=date(2026, 3, 2)))
    assert row.announced_on == date(2026, 3, 2)
    assert after(record("arxiv_rss", announced_on=date(2026, 3, 4)), row=row).announced_on == date(2026, 3, 2)


def test_future_date_orders_nothing_until_it_has_come():
    coming = factories.NOW + timedelta(days=3)
    raw = record("arxiv_api", published_at=coming)
    row = after(raw)
    assert (row.published_at, row.listed_at) == (coming, factories.NOW)
    assert after(raw, row=row, now=factories.NOW + timedelta(days=1)) == row
    assert after(raw, row=row, now=factories.NOW + timedelta(days=4)).listed_at == coming


# --- Withdrawals ------------------------------------------------------------------------------------------------------


def test_withdrawal_is_dated_once_and_lifted_by_a_newer_version():
    row = after(record(version=2, updated_at=factories.NOW - timedelta(days=1), is_withdrawn=True))
    assert row.withdrawn_at == factories.NOW - timedelta(days=1)
    again = after(record(version=2, updated_at=factories.NOW, is_withdrawn=True), row=row)
    assert again.withdrawn_at == row.withdrawn_at
    assert after(record("arxiv_api", version=3, comment="Corrected"), row=row).withdrawn_at is None


def test_withdrawal_stays_where_an_equal_version_does_not_speak_of_it():
    row = after(record(version=2, is_withdrawn=True), record("arxiv_api", version=2))
    assert row.withdrawn_at is not None


def test_withdrawal_in_words_counts():
    assert (
        after(record("arxiv_api", comment="This paper has been withdrawn by the author")).withdrawn_at == factories.NOW
    )


# --- Links ------------------------------------------------------------------------------------------------------------


def test_link_that_a_source_states_goes_before_one_in_the_texts():
    texts = record(abstract="Code at https://github.com/in/text")
    stated = record("huggingface", code_url="https://github.com/stated/there")
    for raws in ([texts, stated], [stated, texts]):
        assert links(after(*raws))["code"] == {"url": "https://github.com/stated/there", "found": "huggingface"}


def test_link_in_the_texts_goes_with_them():
    row = after(record(version=1, abstract="Code at https://github.com/in/text", comment="Accepted at ICML 2026"))
    assert (links(row)["code"]["found"], row.venue) == ("abstract", "ICML 2026")
    row = after(record(version=2, abstract="No code any more.", comment=""), row=row)
    assert ("code" in links(row), row.venue) == (False, "")


def test_texts_of_two_records_are_read_together():
    row = after(record("arxiv_rss", title="T"), record("import", comment="Accepted at ICML 2026"))
    assert row.venue == "ICML 2026"


def test_pages_of_arxiv_are_above_all_others():
    row = after(
        factories.raw_paper("feed", doi="10.1000/a", url="https://journal.example.org/a"), record(doi="10.1000/a")
    )
    assert links(row)["abs"]["url"] == f"https://arxiv.org/abs/{ID}"


# --- Old texts, cards, merged papers ----------------------------------------------------------------------------------


def test_newer_version_leaves_the_texts_it_changed():
    before = after(record(version=1, title="Means", comment="5 pages"))
    later = after(record(version=2, title="Medians", comment="5 pages"), row=before)
    assert previous_texts(before, later) == PreviousTexts(1, title="Means")
    assert previous_texts(before, replace(before, version=2)) is None
    assert previous_texts(before, after(record(version=1, title="Typo"), row=before)) is None


def test_only_what_a_card_shows_makes_a_new_card():
    row = after(record())
    assert not changes_card(row, replace(row, journal_ref="J. 1", license="CC", record_rank=1, title_raw="x"))
    assert changes_card(row, replace(row, title="Another"))


def test_row_of_another_paper_fills_like_its_record_would():
    feed = factories.raw_paper("feed", doi="10.1000/a", abstract="Theirs", url="https://journal.example.org/a")
    arxiv = record(abstract="", comment="5 pages")
    row = merge_record(after(arxiv), row_as_record(after(feed)), now=factories.NOW)
    assert row == after(arxiv, feed)


# --- Order ------------------------------------------------------------------------------------------------------------

TEXTS = ("title", "abstract", "authors", "categories", "comment", "journal_ref", "license")


@st.composite
def records(draw):
    """Records of one paper: each source at most once a version, and saying some things only."""

    def maybe(values: list[Any]) -> Any:
        return draw(st.none() | st.sampled_from(values))

    keys = draw(st.lists(st.tuples(st.sampled_from(sorted(RANKS)), st.integers(1, 3)), min_size=1, unique=True))
    return [
        record(
            source,
            version=version,
            title=f"Title by {source} {version}",
            abstract=maybe(["", f"Abstract by {source} {version}"]),
            authors=maybe([(), ("Ada Lovelace",), ("Émilie du Châtelet", "B. Other")]),
            categories=maybe([("cs.CL",), ("cs.AI", "cs.LG")]),
            comment=maybe(["", "Accepted at ICML 2026", "This paper has been withdrawn."]),
            journal_ref=maybe(["", "J. 1"]),
            license=maybe(["CC BY"]),
            doi=maybe(["10.1000/a", "10.1000/b"]),
            announced_on=maybe([date(2026, 3, 2), date(2026, 3, 3)]),
        )
        for source, version in keys
        if source != "sample" and not RECORD_SOURCES[source].only_claims
    ]


@given(records().filter(bool), st.randoms())
def test_any_order_ends_with_the_words_of_the_best_record(raws, random):
    best = max(raws, key=lambda raw: (RANKS[raw.source] >= OWN_RECORD, raw.version, RANKS[raw.source]))
    expected = after(best)
    shuffled = raws[:]
    random.shuffle(shuffled)
    row = after(*shuffled)
    assert (row.title, row.version, row.record_rank) == (expected.title, best.version, RANKS[best.source])
    assert row.announced_on == min((raw.announced_on for raw in raws if raw.announced_on), default=None)
    for name in TEXTS:
        if getattr(best, name):
            assert getattr(row, name) == getattr(expected, name), name
        else:
            said = {getattr(after(raw), name) for raw in raws if name not in ("authors",)}
            assert name == "authors" or getattr(row, name) in said, name
    assert after(*shuffled, row=row).title == row.title


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_usual_records_of_a_paper_end_in_one_row_in_any_order(order):
    first, second = datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2026, 3, 3, 9, tzinfo=UTC)
    raws = [
        record(
            title="A $\\gamma$ title",
            version=2,
            versions=(RawVersion(1, first), RawVersion(2, second)),
            published_at=first,
            updated_at=second,
            comment="Accepted at ICML 2026",
            doi="",
            journal_ref="",
            license="CC BY",
            is_withdrawn=False,
        ),
        record(
            "arxiv_rss",
            title="A title",
            version=1,
            authors=None,
            authors_text="Ada Lovelace",
            announced_on=factories.TODAY,
        ),
        record(
            "huggingface",
            title="A title\n  of ours",
            categories=None,
            organization="A lab",
            published_at=first,
            code_url="https://github.com/a/b",
        ),
    ]
    assert after(*(raws[place] for place in order)) == after(*raws)
