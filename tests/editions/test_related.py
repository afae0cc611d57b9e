"""Papers of a day that are about the same: found by a worker, said on cards, folded by choice."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from papers.models import SHIPPED_MODEL, Edition, EditionClusters, EmbeddingModel, Listing, Paper, PaperVector, User
from papers.services.editions.cluster_days import cluster_days
from papers.services.editions.related import RelatedPapers, folds_of, related_of
from papers.services.editions.spans import day_span
from papers.services.embeddings import model_switch
from papers.services.reading.muted_queries import mute_query
from papers.services.reading.seen import mark_seen
from papers.views import paper_lists
from tests.e2e.running_site import ROOT
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import get_page, page_text, text_of
from tests.support.people import anonymous_client, client_of, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db
DAY = f"/papers/date/{TODAY}"
NAME = "speculative decoding"


@pytest.fixture
def rita() -> User:
    return reader(folds_related=True)


@pytest.fixture
def client(rita: User) -> Client:
    return client_of(rita)


def vector(place: int, lean: float = 0.0) -> list[float]:
    values = [0.0] * 384
    values[place] = 1.0
    values[383] = lean
    return values


def listed(title: str, place: int, **fields: Any) -> Paper:
    """A paper of today in a direction of its own, but for those of one place."""
    paper = factories.paper(title=title, abstract=f"It tells of {title.lower()}.", **fields)
    PaperVector.objects.create(paper=paper, model=SHIPPED_MODEL, vector=vector(place, 0.1))
    factories.listing(paper)
    return paper


@pytest.fixture
def model() -> None:
    model_switch.ensure_target_model(model_switch.target_model())
    EmbeddingModel.objects.update(vector_count=99)
    model_switch.invalidate_current_model()


@pytest.fixture
def day(model: None) -> dict[str, Paper]:
    """Forty papers, three of them on one theme; the first of these has the most votes but one."""
    names = ("Faster Speculative Decoding", "Trees for Speculative Decoding", "Speculative Decoding on Phones")
    papers = {name: listed(name, 0, vote_count=votes) for name, votes in zip(names, (5, 0, 0), strict=True)}
    papers["Best"] = listed("Best", 1, vote_count=9)
    for place in range(2, 38):
        papers[f"Paper {place}"] = listed(f"Paper {place}", place)
    return papers


def titles(tree: Any, *, folded: bool) -> list[str]:
    """The titles of the cards on a page, those behind a line or the others."""
    cards = tree.find_class("card")
    behind = {card for fold in tree.find_class("muted-fold") for card in fold.find_class("card")}
    return [text_of(card.find_class("card-title")[0]) for card in cards if (card in behind) is folded]


class TestTheWorker:
    def test_what_only_looks_whether_a_day_changed_takes_no_memory_for_numpy(self) -> None:
        """Workers look every two minutes; with numpy each of them would keep 20 MB for that."""
        code = "import django; django.setup(); import sys, papers.services.editions.cluster_days as looks"
        code += "; print('numpy' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["False"]

    def test_papers_on_one_theme_are_found_and_named(self, day: dict[str, Paper]) -> None:
        assert cluster_days(now=factories.NOW) == 1
        ((name, paper_ids),) = EditionClusters.objects.get(day=TODAY).clusters
        assert name == NAME
        assert set(paper_ids) == {paper.pk for title, paper in day.items() if "Decoding" in title}

    def test_it_is_done_once_until_the_day_changes(self, day: dict[str, Paper]) -> None:
        cluster_days(now=factories.NOW)
        assert cluster_days(now=factories.NOW) == 0
        listed("Drafts in Speculative Decoding", 0)
        assert cluster_days(now=factories.NOW) == 1
        assert len(EditionClusters.objects.get().clusters[0][1]) == 4
        Listing.objects.filter(paper=day["Faster Speculative Decoding"]).update(hidden_at=factories.NOW)
        assert cluster_days(now=factories.NOW) == 1
        assert len(EditionClusters.objects.get().clusters[0][1]) == 3

    def test_a_vector_of_a_new_text_counts(self, day: dict[str, Paper]) -> None:
        cluster_days(now=factories.NOW)
        PaperVector.objects.filter(paper=day["Trees for Speculative Decoding"]).update(vector=vector(40))
        assert cluster_days(now=factories.NOW) == 1
        assert len(EditionClusters.objects.get().clusters[0][1]) == 2

    def test_older_days_are_done_where_they_changed_or_lacked_vectors(self, day: dict[str, Paper]) -> None:
        for back in range(1, 6):
            factories.listing(factories.paper(), TODAY - timedelta(days=back))
        assert cluster_days(now=factories.NOW) == 6
        old = TODAY - timedelta(days=5)
        PaperVector.objects.create(paper=Listing.objects.get(day=old).paper, model=SHIPPED_MODEL, vector=vector(41))
        assert cluster_days(now=factories.NOW) == 0
        assert cluster_days(now=factories.NOW + timedelta(hours=2)) == 1
        assert EditionClusters.objects.get(day=old).vector_count == 1

    def test_a_site_with_few_papers_has_none(self, model: None) -> None:
        for title in ("Faster Speculative Decoding", "Trees for Speculative Decoding"):
            listed(title, 0)
        cluster_days(now=factories.NOW)
        assert EditionClusters.objects.get().clusters == []

    def test_without_a_model_nothing_is_done(self, day: dict[str, Paper], settings: Any) -> None:
        settings.EMBEDDINGS = False
        assert cluster_days(now=factories.NOW) == 0


def stored(*groups: tuple[str, list[Paper]], day: Any = TODAY) -> None:
    clusters = [(name, [paper.pk for paper in papers]) for name, papers in groups]
    EditionClusters.objects.create(
        day=day, clusters=clusters, listed_count=0, vector_count=0, digest="", computed_at=factories.NOW
    )


class TestWhatIsRead:
    def test_with_the_day_and_in_no_query_more(self, django_assert_num_queries: Any) -> None:
        papers = [factories.paper() for _ in range(2)]
        for paper in papers:
            factories.listing(paper)
        stored((NAME, papers))
        with django_assert_num_queries(1):
            (found,) = related_of(day_span(TODAY).edition)
        assert found == RelatedPapers(NAME, frozenset(paper.pk for paper in papers))
        assert related_of(Edition(day=TODAY)) == related_of(None) == ()

    def test_the_first_of_the_order_leads(self) -> None:
        related = [RelatedPapers("a", frozenset((1, 2, 3))), RelatedPapers("b", frozenset((4, 5)))]
        folds = folds_of([3, 9, 1, 4], related)
        assert {leader: fold.paper_ids for leader, fold in folds.items()} == {3: (1,)}

    def test_what_is_said(self) -> None:
        named, unnamed = RelatedPapers(NAME, frozenset()), RelatedPapers("", frozenset())
        assert named.words(4, is_today=True) == "Also today on speculative decoding: 4 papers"
        assert named.words(1, is_today=False) == "Also that day on speculative decoding: 1 paper"
        assert unnamed.words(3, is_today=True) == "3 more like this"


class TestUnfolded:
    def test_each_card_leads_to_the_others(self, day: dict[str, Paper]) -> None:
        cluster_days(now=factories.NOW)
        tree = get_page(DAY)
        assert len(tree.find_class("muted-fold")) == 0
        links = [link for link in tree.xpath("//a[starts-with(@href, '?related=')]") if NAME in text_of(link)]
        assert len(links) == 3
        assert ": 2 papers" in text_of(links[0])
        only = get_page(f"{DAY}{links[0].get('href')}")
        assert len(titles(only, folded=False)) == 3
        assert f"On {NAME}" in text_of(only)

    def test_an_address_of_what_is_related_to_nothing_shows_the_day(self, day: dict[str, Paper]) -> None:
        cluster_days(now=factories.NOW)
        for asked in (str(day["Best"].pk), "x", "9" * 30):
            assert len(titles(get_page(f"{DAY}?related={asked}"), folded=False)) == 40


class TestFolded:
    def test_the_first_by_the_days_order_leads_and_the_others_are_behind_it(
        self, day: dict[str, Paper], client: Client
    ) -> None:
        cluster_days(now=factories.NOW)
        tree = get_page(DAY, client)
        assert titles(tree, folded=False)[:2] == ["Best", "Faster Speculative Decoding"]
        assert set(titles(tree, folded=True)) == {"Trees for Speculative Decoding", "Speculative Decoding on Phones"}
        (fold,) = tree.find_class("muted-fold")
        assert fold.getprevious().get("id") == f"paper-{day['Faster Speculative Decoding'].pk}"
        assert "speculative decoding: 2 papers" in text_of(fold[0])
        newest = get_page(f"{DAY}?sort=newest", client)
        assert "Speculative Decoding on Phones" in titles(newest, folded=False)

    def test_the_bar_counts_all_papers(self, day: dict[str, Paper], client: Client, rita: User) -> None:
        cluster_days(now=factories.NOW)
        mark_seen(user=rita, paper_ids=[day["Trees for Speculative Decoding"].pk])
        assert "1 of 40" in page_text(DAY, client)

    def test_papers_of_later_pages_come_to_the_first_and_stand_nowhere_else(
        self, day: dict[str, Paper], client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster_days(now=factories.NOW)
        monkeypatch.setattr(paper_lists, "PER_PAGE", 10)
        seen: list[str] = []
        address, pages = DAY, 0
        while address:
            tree = get_page(address, client)
            seen += titles(tree, folded=False) + titles(tree, folded=True)
            more = tree.xpath("//p[@class='more']/a/@href")
            address = f"{DAY}{more[0]}" if more else ""
            pages += 1
        assert pages == 4
        assert sorted(seen) == sorted(day)

    def test_what_is_seen_and_left_out_does_not_lead(self, day: dict[str, Paper], client: Client, rita: User) -> None:
        cluster_days(now=factories.NOW)
        User.objects.update(hides_seen=True)
        mark_seen(user=rita, paper_ids=[day["Faster Speculative Decoding"].pk])
        tree = get_page(DAY, client)
        assert len(titles(tree, folded=True)) == 1
        assert len(titles(tree, folded=False)) == 38

    def test_what_is_muted_is_with_the_muted(self, day: dict[str, Paper], client: Client, rita: User) -> None:
        cluster_days(now=factories.NOW)
        mute_query(user=rita, text="title:faster")
        tree = get_page(DAY, client)
        assert [text_of(fold[0]) for fold in tree.find_class("muted-fold")][-1] == "1 muted (show)"
        assert len(tree.find_class("card")) == 40

    def test_a_category_has_its_own_leader(self, day: dict[str, Paper], client: Client) -> None:
        cluster_days(now=factories.NOW)
        Paper.objects.filter(title__in=["Trees for Speculative Decoding", "Speculative Decoding on Phones"]).update(
            categories=["cs.RO"]
        )
        tree = get_page(f"{DAY}?category=cs.RO", client)
        assert (len(titles(tree, folded=False)), len(titles(tree, folded=True))) == (1, 1)

    def test_visitors_and_others_have_the_list_as_it_is(self, day: dict[str, Paper]) -> None:
        cluster_days(now=factories.NOW)
        assert len(titles(get_page(DAY, client_of(reader("carl"))), folded=False)) == 40

    def test_it_costs_one_query_and_nothing_where_there_is_none(
        self, day: dict[str, Paper], client: Client, rita: User
    ) -> None:
        client.get(DAY)
        without = count_queries(DAY, client)
        cluster_days(now=factories.NOW)
        assert count_queries(DAY, client) == without + 1
        User.objects.update(folds_related=False)
        assert count_queries(DAY, client) == without
        visitor = anonymous_client()
        assert visitor.get(DAY).status_code == 200

    def test_names_are_text(self, client: Client) -> None:
        papers = [factories.paper() for _ in range(2)]
        for paper in papers:
            factories.listing(paper)
        stored(("<b>&", papers))
        assert "&lt;b&gt;&amp;: 1 paper" in client.get(DAY).content.decode()


def test_the_preference_is_kept(client: Client, rita: User) -> None:
    page = get_page("/account/reading", client)
    assert page.xpath("//input[@name='folds_related']/@checked")


def test_clusters_are_json(day: dict[str, Paper]) -> None:
    cluster_days(now=factories.NOW)
    edition = day_span(TODAY).edition
    assert edition is not None
    assert json.loads(edition.clusters or "")[0][0] == NAME
