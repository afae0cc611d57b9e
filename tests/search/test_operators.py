"""Operators for what stands beside a paper's texts: found by search, topics and mutes alike, each by an index."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client

from papers.catalogue.source_names import SOURCE_NAMES
from papers.models import Identifier, Paper
from papers.query.parser import parse
from papers.services.search.hybrid_search import search_papers
from papers.services.search.suggestions import suggest
from papers.services.search.word_statistics import count_words
from papers.sources.registry import RECORD_SOURCES
from tests.search.test_spellings import found_everywhere
from tests.support import factories
from tests.support.factories import NOW, TODAY

pytestmark = pytest.mark.django_db


def made() -> dict[str, int]:
    papers = [
        factories.paper(title="Conference", venue="NeurIPS 2025", comment="Accepted at NeurIPS 2025, spotlight"),
        factories.paper(title="Proceedings", journal_ref="Proc. of NeurIPS 2024, pp. 1-9", record_rank=52),
        factories.paper(title="Journal", journal_ref="Nature Physics 12 (2023) 1", public_id="doi/10.1101/a",
                        record_rank=55, listed_at=datetime(2023, 12, 31, 23, tzinfo=UTC)),
        factories.paper(title="Plain", abstract="Accepted by nature, NeurIPS.", comment="12 pages",
                        listed_at=datetime(2024, 1, 1, tzinfo=UTC), public_id="p-aaaaaaaaaa", record_rank=20),
    ]  # fmt: skip
    factories.external_counts(papers[0])
    Identifier.objects.create(scheme="doi", value="10.1000/ofjournal", paper=papers[1])
    return {paper.title: paper.pk for paper in papers}


OPERATORS: tuple[tuple[str, set[str] | None], ...] = (
    ("venue:neurips", {"Conference", "Proceedings"}),
    ("venue:NeurIPS2025", {"Conference"}),
    ('venue:"nature physics"', {"Journal"}),
    ("journal:nature", {"Journal"}),
    ("journal:neurips", {"Proceedings"}),
    ('journal:"physics nature"', {"Journal"}),
    ("journal:nat", set()),
    ("journal:of", None),
    ("comment:accepted", {"Conference"}),
    ("comment:accepting", {"Conference"}),
    ('comment:"spotlight at neurips"', {"Conference"}),
    ("comment:12", {"Plain"}),
    ("-comment:accepted venue:neurips", {"Proceedings"}),
    ("venue:neurips OR journal:nature", {"Conference", "Proceedings", "Journal"}),
    ("year:2023", {"Journal"}),
    ("year:2024", {"Plain"}),
    ("year:2023..2024", {"Journal", "Plain"}),
    ("year:<2024", {"Journal"}),
    ("year:2025..", {"Conference", "Proceedings"}),
    ("-year:2023 -year:2024", {"Conference", "Proceedings"}),
    ("doi:10.1101/A", {"Journal"}),
    ("doi:10.1000/OfJournal", {"Proceedings"}),
    ("doi:10.1000/of", set()),
    ("-doi:10.1101/a source:doi", set()),
    ("source:arxiv", {"Conference", "Proceedings"}),
    ("source:biorxiv", {"Journal"}),
    ("source:crossref", {"Proceedings"}),
    ("source:huggingface", {"Conference"}),
    ("source:hf -comment:accepted", set()),
    ("source:import", {"Plain"}),
    ("source:doi", {"Journal"}),
)


@pytest.mark.parametrize(("asked", "titles"), OPERATORS)
def test_search_topics_and_mutes_find_what_an_operator_names(asked: str, titles: set[str] | None) -> None:
    papers = made()
    found = found_everywhere(asked)
    assert {title for title, key in papers.items() if key in found} == (titles or set())


@pytest.mark.parametrize("asked", [asked for asked, titles in OPERATORS if titles])
def test_they_narrow_what_is_ranked(asked: str) -> None:
    papers = made()
    for key in papers.values():
        Paper.objects.filter(pk=key).update(abstract="About graphs.")
    count_words(now=NOW)
    ranked = {
        each.paper_id for each in search_papers(parse(f"graphs {asked}"), viewer=None, today=TODAY, now=NOW).ranked
    }
    assert ranked == set(Paper.objects.matching(parse(asked), today=TODAY).values_list("pk", flat=True))


def test_what_a_field_says_is_found_anew_when_it_changes() -> None:
    paper = factories.paper(comment="Submitted")
    Paper.objects.filter(pk=paper.pk).update(comment="Accepted at ICML")
    assert found_everywhere("comment:accepted") == {paper.pk}
    assert found_everywhere("comment:submitted") == set()


def test_what_no_search_asks_for_makes_no_words_anew() -> None:
    paper = factories.paper(title="Kept")
    with connection.cursor() as cursor:  # as an older version left it
        cursor.execute("ALTER TABLE papers_paper DISABLE TRIGGER paper_search_vector")
        cursor.execute("UPDATE papers_paper SET search_vector = 'old' WHERE id = %s", [paper.pk])
        cursor.execute("ALTER TABLE papers_paper ENABLE TRIGGER paper_search_vector")
    Paper.objects.filter(pk=paper.pk).update(vote_count=3, changed_at=NOW)
    assert Paper.objects.filter(pk=paper.pk, search_vector="old").exists()
    Paper.objects.filter(pk=paper.pk).update(title="Kept")
    assert not Paper.objects.filter(pk=paper.pk, search_vector="old").exists()


def test_every_maker_of_records_is_asked_for_by_a_name() -> None:
    ranks = [rank for source in SOURCE_NAMES.values() for rank in source.ranks]
    assert len(ranks) == len(set(ranks))
    by_id_or_counts = {source.rank for source in RECORD_SOURCES.values() if source.is_archive} | {30, 50}
    assert set(ranks) | by_id_or_counts == {source.rank for source in RECORD_SOURCES.values()}
    for name, source in SOURCE_NAMES.items():
        for rank in source.ranks:
            assert name in {each.name for each in RECORD_SOURCES.values() if each.rank == rank}


def test_the_box_proposes_them_while_somebody_types() -> None:
    viewer = AnonymousUser()
    labels = [each.label for each in suggest("source:b", viewer=viewer)]
    assert labels == ["biorxiv", "broadsheet"]
    for beginning, name in (
        ("ven", "venue:"),
        ("jour", "journal:"),
        ("yea", "year:"),
        ("comm", "comment:"),
        ("do", "doi:"),
    ):
        assert name in {each.query for each in suggest(beginning, viewer=viewer)}


def test_the_page_says_what_a_year_looks_like() -> None:
    page = Client().get("/papers", {"q": "graphs year:20xx"}).content.decode()
    assert "year: needs a year or two, such as year:2025 or year:2023..2025." in page


def test_narrowing_by_a_year_asks_for_the_year() -> None:
    for number, year in enumerate((2024, 2024, 2025, 2025)):
        factories.paper(title=f"Graphs {number}", listed_at=datetime(year, 5, 1, tzinfo=UTC))
    assert "q=graphs+year%3A2024" in Client().get("/papers", {"q": "graphs"}).content.decode()
