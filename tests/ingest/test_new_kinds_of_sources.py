"""What preprint servers, Crossref and repositories bring, once it is stored: whose words, and on which day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from papers.models import Listing, Paper, Source, WantedRecord
from papers.services.ingest.paper_store import store_papers
from papers.sources.base import RawListing, RawPaper, RawVersion
from tests.support import factories
from tests.support.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)

POSTED = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC)
DOI = "10.64898/2026.01.01.600001"
JOURNAL_DOI = "10.5555/tides.2026.1"


def store(kind: str, *raws: RawPaper) -> None:
    source = Source.objects.filter(kind=kind).first() or factories.source(kind, lists="all")
    store_papers(raws, now=NOW, kind=kind, source=source)


def preprint(number: int = 1) -> RawPaper:
    return RawPaper(
        source="biorxiv",
        title=f"Tides, version {number}",
        version=number,
        doi=DOI,
        published_at=POSTED if number == 1 else None,
        versions=(RawVersion(number, POSTED),),
        listed_on=None if number == 1 else RawListing(POSTED.date(), "replace"),
    )


def test_a_new_preprint_stands_on_the_edition_and_a_later_version_alone_does_not() -> None:
    store("biorxiv", preprint())
    assert Listing.objects.get().paper.public_id == f"doi/{DOI}"
    other = RawPaper(
        source="biorxiv",
        title="An older one",
        version=2,
        doi="10.1101/2020.01.01.000001",
        versions=(RawVersion(2, POSTED),),
        listed_on=RawListing(POSTED.date(), "replace"),
    )
    store("biorxiv", other)
    assert Paper.objects.count() == 2
    assert Listing.objects.count() == 1


def test_a_later_version_has_the_last_word() -> None:
    store("biorxiv", preprint())
    store("biorxiv", preprint(2))
    [paper] = Paper.objects.all()
    assert (paper.title, paper.version) == ("Tides, version 2", 2)
    store("biorxiv", preprint())
    paper.refresh_from_db()
    assert paper.title == "Tides, version 2"


def test_a_repository_only_names_a_paper_with_a_doi_and_its_record_is_asked_for() -> None:
    thesis = RawPaper(
        source="oai", title="As the library calls it", doi=JOURNAL_DOI, identifiers=(("url", "oai:theses.example:1"),)
    )
    store("oai", thesis)
    assert WantedRecord.objects.get().value == JOURNAL_DOI
    [paper] = Paper.objects.all()
    assert paper.public_id.startswith("p-")
    store("crossref", RawPaper(source="crossref", title="As the journal calls it", doi=JOURNAL_DOI))
    [paper] = Paper.objects.all()
    assert (paper.public_id, paper.title) == (f"doi/{JOURNAL_DOI}", "As the journal calls it")
    assert not WantedRecord.objects.exists()
    store("oai", thesis)
    paper.refresh_from_db()
    assert paper.title == "As the journal calls it"


def test_what_a_journal_registers_late_is_stored_and_on_no_edition() -> None:
    old = RawPaper(source="crossref", title="Of 1998", doi="10.5555/old.1", published_at=NOW - timedelta(days=9000))
    store("crossref", old)
    assert Paper.objects.count() == 1
    assert not Listing.objects.exists()
