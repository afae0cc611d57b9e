"""The sample catalogue: what it holds, that it is shown once, and what stays of it when it goes."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from papers.models import Edition, Installation, LibraryItem, Listing, Paper, Topic, TopicMatch, Vote
from papers.services.editions.listing import ListingRule
from papers.services.ingest.paper_store import store_papers
from papers.services.operations.sample import (
    add_sample,
    ensure_sample,
    has_sample,
    read_sample_papers,
    remove_sample,
    remove_superseded_sample,
)
from papers.services.operations.status import recent_days
from papers.services.reading.votes import set_vote
from papers.services.topics.pending_work import catch_up
from papers.services.topics.seed_topics import seed_topics
from papers.services.topics.topic_editor import TopicDraft, update_topic
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader, staff

CATALOGUE = read_sample_papers()
NEWEST = max(record.announced_on for record in CATALOGUE if record.announced_on)


class TestCatalogue:
    def test_there_is_enough_to_read_at_once_and_to_go_back_to(self) -> None:
        days = Counter(record.announced_on for record in CATALOGUE)
        assert len(CATALOGUE) >= 100
        assert len(days) >= 9
        assert days[NEWEST] >= 24
        assert min(days.values()) >= 8

    def test_it_is_varied(self) -> None:
        primary = {(record.categories or ("",))[0] for record in CATALOGUE}
        assert {"cs.CL", "cs.CV", "cs.AI", "cs.GT", "cs.IT", "hep-th"} <= primary
        assert any("$" in record.title for record in CATALOGUE)
        assert max(len(record.authors or ()) for record in CATALOGUE) > 300
        # So that the first page has a text that unfolds, as abstracts do.
        assert any(len(record.abstract or "") > 300 for record in CATALOGUE if record.announced_on == NEWEST)
        assert sum(record.code_url is not None for record in CATALOGUE) >= 20

    def test_ids_are_arxivs_and_each_is_there_once(self) -> None:
        ids = [record.arxiv_id or "" for record in CATALOGUE]
        assert all(re.fullmatch(r"\d{4}\.\d{5}", arxiv_id) for arxiv_id in ids)
        assert len(ids) == len(set(ids))

    def test_titles_and_summaries_are_there_once_and_short(self) -> None:
        summaries = [record.abstract or "" for record in CATALOGUE]
        assert len(set(summaries)) == len({record.title for record in CATALOGUE}) == len(CATALOGUE)
        assert all(60 <= len(summary) <= 400 for summary in summaries)

    def test_summaries_are_no_abstracts(self) -> None:
        """They neither speak as authors do, nor are as long, nor come with the markup of abstracts."""
        speech = re.compile(r"\b(we|our|us)\b|\b(this|the) paper\b|\bstate-of-the-art\b|\\(cite|emph|text)", re.I)
        for record in CATALOGUE:
            assert not speech.search(record.abstract or ""), record.arxiv_id
            assert re.search(r"[.?]$", record.abstract or ""), record.arxiv_id

    def test_every_record_has_authors_and_categories_and_a_day_of_arxivs(self) -> None:
        for record in CATALOGUE:
            assert record.authors
            assert record.categories
            assert record.announced_on
            assert record.announced_on.weekday() < 5

    def test_it_holds_nothing_that_another_site_counted(self) -> None:
        assert all(record.external_counts is None and record.organization is None for record in CATALOGUE)


@pytest.mark.django_db
class TestAdding:
    def test_a_new_database_shows_it_marked_as_a_sample(self) -> None:
        assert ensure_sample() == len(CATALOGUE)
        assert has_sample()
        assert set(Edition.objects.values_list("is_sample", flat=True)) == {True}
        newest = Edition.objects.newest().get(day=NEWEST)
        assert newest.listed_count == sum(record.announced_on == NEWEST for record in CATALOGUE)
        page = anonymous_client().get("/").content.decode()
        assert "This is a sample catalogue" in page
        assert CATALOGUE[0].title in page

    def test_nothing_of_it_is_rejected(self) -> None:
        stored = add_sample()
        assert (stored.rejected, stored.listed) == (0, len(CATALOGUE))

    def test_adding_it_twice_stores_it_once(self) -> None:
        ensure_sample()
        assert ensure_sample() == 0
        assert add_sample().new == 0
        assert Listing.objects.count() == len(CATALOGUE)

    def test_a_database_with_papers_is_left_alone(self) -> None:
        factories.paper()
        assert ensure_sample() == 0
        assert not has_sample()

    def test_topics_have_papers_of_it_long_after_its_days(self) -> None:
        seed_topics(now=factories.NOW)
        ensure_sample()
        catch_up(now=factories.at_hour(NEWEST + timedelta(days=400)))
        agents = TopicMatch.objects.filter(topic__slug="agents").count()
        assert agents > 3
        update_topic(Topic.objects.get(slug="agents"), TopicDraft("Agents", "agent"), now=factories.NOW)
        catch_up(now=factories.at_hour(NEWEST + timedelta(days=400)))
        assert TopicMatch.objects.filter(topic__slug="agents").exists(), "one that is changed, too"

    def test_once_removed_it_does_not_come_back_by_itself(self) -> None:
        ensure_sample()
        remove_sample()
        assert ensure_sample() == 0
        assert not Paper.objects.exists()

    def test_the_status_page_counts_none_of_its_days(self) -> None:
        ensure_sample()
        assert recent_days(today=NEWEST) == []


@pytest.mark.django_db
class TestRemoving:
    @pytest.fixture(autouse=True)
    def sample(self) -> None:
        ensure_sample()

    def test_it_goes_with_one_click(self) -> None:
        browser = client_of(staff())
        answer = browser.post("/setup/remove-sample", follow=True)
        assert "The sample has been removed." in answer.content.decode()
        assert not has_sample()
        assert not Paper.objects.exists()
        assert not Edition.objects.exists()

    def test_removing_it_twice_says_when_it_went_first(self) -> None:
        remove_sample()
        first = Installation.objects.get().sample_removed_at
        assert remove_sample().removed == 0
        assert Installation.objects.get().sample_removed_at == first

    def test_what_a_reader_marked_stays_off_the_editions(self) -> None:
        rita = reader()
        voted, shelved, commented, *_ = Paper.objects.order_by("pk")
        set_vote(user=rita, paper_id=voted.pk, on=True)
        LibraryItem.objects.create(user=rita, paper=shelved)
        factories.comment(commented, rita)
        removed = remove_sample()
        assert (removed.kept, removed.removed) == (3, len(CATALOGUE) - 3)
        assert set(Paper.objects.all()) == {voted, shelved, commented}
        assert Vote.objects.count() == LibraryItem.objects.count() == 1
        assert not Listing.objects.exists()
        assert anonymous_client().get(voted.get_absolute_url()).status_code == 200
        assert not has_sample()

    def test_a_vote_taken_back_keeps_nothing(self) -> None:
        rita, paper = reader(), Paper.objects.all()[0]
        set_vote(user=rita, paper_id=paper.pk, on=True)
        set_vote(user=rita, paper_id=paper.pk, on=False)
        assert remove_sample().kept == 0

    def test_a_kept_paper_becomes_real_when_a_source_sends_it(self) -> None:
        paper = Paper.objects.all()[0]
        set_vote(user=reader(), paper_id=paper.pk, on=True)
        remove_sample()
        store_papers([factories.raw_paper(arxiv_id=paper.public_id)], now=factories.NOW, kind="arxiv_oai")
        paper.refresh_from_db()
        assert (paper.is_sample, paper.vote_count, paper.abstract) == (False, 1, "What it says.")


@pytest.mark.django_db
class TestGivingWay:
    @pytest.fixture(autouse=True)
    def sample(self) -> None:
        ensure_sample()

    def test_it_stays_until_the_first_real_edition(self) -> None:
        assert remove_superseded_sample() is None
        store_papers([factories.raw_paper()], now=factories.NOW, kind="arxiv_oai")
        assert remove_superseded_sample() is None
        assert has_sample()

    def test_it_goes_when_a_day_is_listed(self) -> None:
        day = NEWEST + timedelta(days=1)
        raw = factories.listed_raw_paper(day)
        store_papers([raw], now=factories.at_hour(day), kind="arxiv_rss", rule=ListingRule())
        retired = remove_superseded_sample()
        assert retired
        assert retired.removed == len(CATALOGUE)
        assert [edition.day for edition in Edition.objects.all()] == [day]
        assert Paper.objects.get().public_id == raw.arxiv_id

    def test_a_source_that_lists_the_same_paper_on_the_same_day_takes_its_place(self) -> None:
        arxiv_id = CATALOGUE[0].arxiv_id
        source = factories.source()
        raws = [factories.listed_raw_paper(NEWEST, arxiv_id=arxiv_id), factories.listed_raw_paper(NEWEST)]
        store_papers(raws, now=factories.at_hour(NEWEST), kind="arxiv_rss", source=source)
        count = Listing.objects.on_day(NEWEST).count()
        assert Edition.objects.get(day=NEWEST).listed_count == count
        remove_superseded_sample()
        edition = Edition.objects.get()
        assert (edition.day, edition.listed_count, edition.is_sample) == (NEWEST, 2, False)
        assert set(Listing.objects.values_list("source", flat=True)) == {source.pk}
        assert not Paper.objects.get(public_id=arxiv_id).is_sample

    def test_a_real_paper_loses_only_its_place_in_the_sample(self) -> None:
        arxiv_id = CATALOGUE[0].arxiv_id
        store_papers([factories.raw_paper(arxiv_id=arxiv_id)], now=factories.NOW, kind="arxiv_oai")
        remove_sample()
        assert Paper.objects.get().public_id == arxiv_id


def told(command: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestCommands:
    def test_it_is_removed_and_the_command_says_how_much(self) -> None:
        ensure_sample()
        set_vote(user=reader(), paper_id=Paper.objects.all()[0].pk, on=True)
        said = told("remove_sample")
        assert f"Removed the sample: {len(CATALOGUE) - 1} papers." in said
        assert "1 that readers marked" in said
        assert "There is no sample" in told("remove_sample")

    def test_it_is_brought_back(self) -> None:
        ensure_sample()
        told("remove_sample")
        assert f"Added the sample: {len(CATALOGUE)} papers" in told("seed_sample")
        assert has_sample()
        assert "there already" in told("seed_sample")

    def test_it_is_not_put_among_real_editions(self) -> None:
        factories.listing()
        with pytest.raises(CommandError, match="real editions"):
            told("seed_sample")
        assert not has_sample()
