"""What curators changed about a paper, when its sources send it again; and papers that may be one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from papers.models import CurationEvent, DuplicateCheck, DuplicatePair, Paper, PaperEdit, PaperVersion
from papers.services.curation import find_duplicates
from papers.services.curation.audit_log import Actor
from papers.services.curation.edit_paper import edit_paper, revert_to_source_value
from papers.services.curation.find_duplicates import check_duplicates, paper_similarity
from papers.services.curation.undo import undo_event
from papers.services.ingest.paper_store import store_papers
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import client_of, curator

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def send(**fields: Any) -> Paper:
    """The source's record of the paper."""
    fields = {"arxiv_id": "2603.70001", "version": 1, "title": "On ice", "abstract": "Cold.", **fields}
    (pk,) = store_papers([factories.raw_paper(**fields)], now=NOW, kind="x").paper_ids
    return Paper.objects.get(pk=pk)


class TestEdits:
    def test_a_new_version_does_not_undo_it_and_both_values_are_shown(self) -> None:
        paper, carl = send(), curator()
        edit_paper(paper_id=paper.pk, values={"title": "On Ice"}, actor=Actor(carl, NOW))
        paper = send(version=2, title="On ice, again", abstract="Colder.")
        assert (paper.title, paper.abstract, paper.version) == ("On Ice", "Colder.", 2)
        kept = PaperEdit.objects.get()
        assert (kept.value, kept.source_value) == ("On Ice", "On ice, again")
        text = client_of(carl).get(f"/curate/papers/{paper.pk}").content.decode()
        assert "On Ice" in text
        assert "The source says: On ice, again" in text
        # What version 1 said is kept as the source said it.
        assert PaperVersion.objects.get(version=1).title == "On ice"

    def test_the_same_record_again_writes_nothing(self) -> None:
        paper = send()
        edit_paper(paper_id=paper.pk, values={"authors": [{"name": "Ada"}]}, actor=Actor(curator(), NOW))
        again = store_papers(
            [factories.raw_paper(arxiv_id="2603.70001", version=1, title="On ice", abstract="Cold.")],
            now=LATER,
            kind="x",
        )
        assert (again.updated, again.unchanged) == (0, 1)
        paper.refresh_from_db()
        assert (paper.authors, paper.author_keys, paper.author_count) == ([{"name": "Ada"}], ["ada"], 1)

    def test_undo_brings_what_the_source_says_by_then(self) -> None:
        paper, carl = send(), curator()
        event = edit_paper(
            paper_id=paper.pk,
            values={"title": "On Ice", "code": {"url": "https://a.b/c", "found": "curator"}},
            actor=Actor(carl, NOW),
        )
        send(version=2, title="On ice, again", comment="Project page: https://a.github.io/project/")
        assert event is not None
        undo_event(event_id=event.pk, curator=carl, now=LATER)
        paper.refresh_from_db()
        assert paper.title == "On ice, again"
        assert "code" not in paper.links
        assert not PaperEdit.objects.exists()

    def test_a_curator_goes_back_to_the_source_s_and_undoes_that(self) -> None:
        paper, carl = send(), curator()
        edit_paper(paper_id=paper.pk, values={"title": "On Ice"}, actor=Actor(carl, NOW))
        send(version=2, title="On ice, again")
        taken = revert_to_source_value(paper_id=paper.pk, field="title", actor=Actor(carl, NOW))
        paper.refresh_from_db()
        assert paper.title == "On ice, again"
        send(version=3, title="On ice, at last")
        assert taken is not None
        undo_event(event_id=taken.pk, curator=carl, now=LATER)
        paper.refresh_from_db()
        assert paper.title == "On Ice"
        assert PaperEdit.objects.get().source_value == "On ice, at last"

    def test_it_survives_that_two_records_turn_out_to_be_one(self) -> None:
        (pk,) = store_papers([factories.raw_paper("doi", doi="10.1000/x", title="On ice")], now=NOW, kind="x").paper_ids
        send()
        edit_paper(paper_id=pk, values={"organization": "CERN"}, actor=Actor(curator(), NOW))
        paper = send(doi="10.1000/x")
        assert paper.organization == "CERN"
        assert Paper.objects.count() == 1
        assert PaperEdit.objects.get().paper == paper

    def test_by_the_form(self) -> None:
        paper, carl = send(), client_of(curator())
        form = {"title": "On Ice", "abstract": "Cold.", "authors": "Ada Lovelace | CERN\nB", "seen": 0}
        carl.post(f"/curate/papers/{paper.pk}/edit", {**form, "code": "https://github.com/a/b", "is_withdrawn": "on"})
        paper.refresh_from_db()
        assert paper.title == "On Ice"
        assert paper.authors == [{"name": "Ada Lovelace", "affiliation": "CERN"}, {"name": "B"}]
        assert paper.links["code"] == {"url": "https://github.com/a/b", "found": "curator"}
        assert paper.withdrawn_at is not None
        assert CurationEvent.objects.get().after == {"fields": ["authors", "code", "title", "withdrawn_at"]}
        seen = CurationEvent.objects.get().pk
        bad = carl.post(f"/curate/papers/{paper.pk}/edit", {**form, "seen": seen, "code": "javascript:alert(1)"})
        assert bad.status_code == 422

    def test_the_note_stands_on_top_of_the_day_without_what_is_no_markdown(self) -> None:
        factories.listing()
        carl = client_of(curator())
        carl.post("/curate/days/2026-03-04/note", {"note": "*Read* this <script>alert(1)</script>", "seen": 0})
        text = carl.get("/papers/date/2026-03-04").content.decode()
        assert "<em>Read</em> this" in text
        assert "<script>alert" not in text


class TestDuplicates:
    def test_a_paper_and_its_version_in_a_journal_are_put_before_the_curators(self) -> None:
        preprint = send(title="Deep learning for the study of ice", authors=("Ada Lovelace", "Émilie du Châtelet"))
        journal = factories.raw_paper(
            "doi",
            doi="10.1000/x",
            title="Deep Learning for the Study of Ice.",
            authors=("A. Lovelace", "E. du Châtelet"),
        )
        (pk,) = store_papers([journal], now=NOW, kind="x").paper_ids
        assert check_duplicates(now=NOW) == 1
        pair = DuplicatePair.objects.get()
        assert {pair.first_id, pair.second_id} == {preprint.pk, pk}
        assert check_duplicates(now=NOW) == 0
        found = client_of(curator()).get("/curate?kind=pair").content.decode()
        assert "Possible duplicate" in found
        assert "<mark>A. </mark>Lovelace" in found

    def test_it_is_looked_at_again_for_what_comes_later_and_then_no_more(self) -> None:
        store_papers(
            [factories.raw_paper("doi", doi="10.1000/x", title="Deep learning for the study of ice")], now=NOW, kind="x"
        )
        assert check_duplicates(now=NOW) == 0
        send(title="Deep learning for the study of ice")
        assert check_duplicates(now=NOW + timedelta(minutes=5)) == 0
        assert check_duplicates(now=NOW + timedelta(hours=2)) == 1
        for number in range(len(find_duplicates.RECHECKS.pauses)):
            check_duplicates(now=NOW + timedelta(days=40 * (number + 1)))
        assert not DuplicateCheck.objects.exists()

    def test_two_that_a_curator_told_apart_are_not_asked_again(self) -> None:
        one = factories.paper(public_id="doi/10.1/a", title="Deep learning for the study of ice")
        other = factories.paper(title="Deep learning for the study of ice")
        DuplicatePair.objects.create(
            first=one, second=other, title_score=1, author_score=1, found_at=NOW, decided_at=NOW
        )
        DuplicateCheck.objects.create(paper=one, next_at=NOW)
        assert check_duplicates(now=NOW) == 0
        assert DuplicatePair.objects.count() == 1

    @pytest.mark.parametrize(
        ("one", "other", "meaning", "suspect"),
        [
            (("Ice and snow", ["ada lovelace"]), ("Ice and Snow", ["a lovelace"]), None, True),
            (("Ice and snow", ["ada lovelace"]), ("Ice and snow", ["bob lovelace"]), None, False),
            (("Ice and snow", []), ("Ice and snow", ["ada lovelace"]), None, True),
            (("Ice and snow in May", ["ada lovelace"]), ("Ice and snow", ["ada lovelace"]), 0.95, True),
            (("Ice and snow in May", ["ada lovelace"]), ("Ice and snow", ["ada lovelace"]), 0.7, False),
            (("Ice and snow in May", ["ada lovelace"]), ("Rain", ["ada lovelace"]), 0.95, False),
        ],
    )
    def test_what_is_suspect(self, one: Any, other: Any, meaning: float | None, suspect: bool) -> None:
        papers = [Paper(title=title, author_keys=keys) for title, keys in (one, other)]
        assert paper_similarity(*papers, semantic=meaning).is_suspect == suspect
