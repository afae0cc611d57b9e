"""Muted questions: what they find is folded away in lists, at a constant number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers.models import MutedQuery, User
from papers.services.reading.library import set_library_state
from papers.services.reading.muted_queries import MAX_MUTED_QUERIES, MutingError, find_muted, mute_query, unmute_query
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import get_page, page_text, parse_html, titles_on
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db
DAY = f"/papers/date/{TODAY}"


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def client(rita: User) -> Client:
    return client_of(rita)


def folded(path: str, client: Client) -> list[str]:
    return [
        title.text_content().strip()
        for fold in get_page(path, client).find_class("muted-fold")
        for title in fold.find_class("card-title")
    ]


class TestTheService:
    def test_any_of_the_questions(self, rita: User) -> None:
        robots = factories.paper(title="Robots that walk", categories=["cs.RO"])
        cats = factories.paper(title="Cats that walk")
        other = factories.paper(title="Other")
        keys = [robots.pk, cats.pk, other.pk]
        found = find_muted(keys, user=rita, queries=["cat:cs.RO", '"cats that"', "-"], today=TODAY)
        assert found == {robots.pk, cats.pk}
        assert find_muted(keys, user=rita, queries=[], today=TODAY) == set()
        assert find_muted([], user=rita, queries=["robots"], today=TODAY) == set()

    def test_the_same_question_is_kept_once(self, rita: User) -> None:
        for text in ("robots  walking", "robots walking"):
            mute_query(user=rita, text=text)
        assert MutedQuery.objects.count() == 1

    @pytest.mark.parametrize("text", ["", "  ", "-", '""', "x" * 400])
    def test_what_asks_for_nothing_or_too_much_is_refused(self, rita: User, text: str) -> None:
        with pytest.raises(MutingError):
            mute_query(user=rita, text=text)

    def test_there_is_an_end(self, rita: User) -> None:
        MutedQuery.objects.bulk_create(MutedQuery(user=rita, query=f"q{number}") for number in range(MAX_MUTED_QUERIES))
        with pytest.raises(MutingError, match="50"):
            mute_query(user=rita, text="one more")

    def test_nobody_unmutes_for_others(self, rita: User) -> None:
        mute_query(user=rita, text="robots")
        key = MutedQuery.objects.get().pk
        unmute_query(user=factories.user(), key=key)
        assert MutedQuery.objects.exists()
        unmute_query(user=rita, key=key)
        assert not MutedQuery.objects.exists()


class TestLists:
    def test_matches_fold_in_every_list_but_the_reader_s_own(self, client: Client, rita: User) -> None:
        robots = factories.listing(factories.paper(title="Robots", trending_score=10_000.0)).paper
        factories.listing(factories.paper(title="Cats", trending_score=10_001.0))
        mute_query(user=rita, text="robots")
        for path in (DAY, "/papers/week/2026-W10", "/papers/month/2026-03", "/papers/new", "/papers/trending"):
            assert folded(path, client) == ["Robots"]
            assert "1 muted (show)" in page_text(path, client)
            assert titles_on(path, client) == ["Cats", "Robots"]
        set_library_state(user=rita, paper_ids=[robots.pk], state="to_read")
        assert folded("/library", client) == []
        assert titles_on("/library", client) == ["Robots"]
        assert folded(DAY, client_of(factories.user())) == []

    def test_a_list_of_muted_papers_is_not_empty(self, client: Client, rita: User) -> None:
        factories.listing(factories.paper(title="Robots"))
        mute_query(user=rita, text="robots")
        assert folded(DAY, client) == ["Robots"]
        assert "No papers" not in page_text(DAY, client)

    def test_many_questions_and_many_papers_cost_the_same(self, client: Client, rita: User) -> None:
        def queries() -> int:
            client.get(DAY)
            with CaptureQueriesContext(connection) as captured:
                client.get(DAY)
            return len(captured)

        factories.listing()
        plain = queries()
        mute_query(user=rita, text="robots")
        one = queries()
        for number in range(20):
            mute_query(user=rita, text=f"word{number} OR author:lovelace")
            factories.listing(position=number)
        assert queries() == one == plain + 1


class TestThePage:
    def test_a_question_is_looked_at_before_it_is_kept(self, client: Client) -> None:
        today = timezone.localdate()
        factories.listing(factories.paper(title="Robots"), today)
        factories.listing(factories.paper(title="Old robots"), today - timedelta(days=8))
        page = page_text("/account/muted?q=robots", client)
        assert "This would have muted 1 paper" in page
        assert "Old robots" not in page
        assert not MutedQuery.objects.exists()
        client.post("/account/muted", {"q": "robots"})
        assert "robots" in page_text("/account/muted", client)
        client.post(f"/account/muted/{MutedQuery.objects.get().pk}/remove")
        assert not MutedQuery.objects.exists()

    @pytest.mark.parametrize("q", ["after:yesterday-ish", "(((", "\x00", "x" * 5_000, "-", "like:2603.1"])
    def test_any_question_gets_a_page(self, client: Client, q: str) -> None:
        assert client.get("/account/muted", {"q": q}).status_code == 200
        assert client.post("/account/muted", {"q": q}, follow=True).status_code == 200
        assert client.get(DAY).status_code == 200


def test_the_library_is_searched_in_the_same_language(client: Client, rita: User) -> None:
    for title in ("Robots", "Cats"):
        set_library_state(user=rita, paper_ids=[factories.paper(title=title).pk], state="to_read")
    factories.paper(title="Robots elsewhere")
    assert titles_on("/library?q=robots", client) == ["Robots"]
    assert titles_on("/library?q=-robots", client) == ["Cats"]
    assert titles_on("/library?q=nothing", client) == []
    response = client.get("/library", {"q": "after:never"})
    assert parse_html(response.content.decode()).find_class("error")
