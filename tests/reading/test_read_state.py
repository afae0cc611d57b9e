"""What was seen, done with a day, hidden where it was seen; and what was missed since the last visit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from papers.models import Paper, SeenPaper, User
from papers.services.reading.comments import add_comment
from papers.services.reading.seen import mark_seen, set_day_done
from papers.services.reading.visits import missed_since, record_visit
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import get_page, page_text, titles_on
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db
DAY = f"/papers/date/{TODAY}"


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def client(rita: User) -> Client:
    return client_of(rita)


def seen(user: User) -> set[int]:
    return set(SeenPaper.objects.filter(user=user).values_list("paper_id", flat=True))


def done_pressed(client: Client) -> str:
    """Whether the bar of the day says that the reader is done with it, as its button does."""
    (button,) = get_page(DAY, client).xpath("//form[@id='done']//button")
    assert button.text_content().strip() == "Done with this day"
    return str(button.get("aria-pressed"))


class TestSeen:
    def test_looking_at_a_list_makes_nothing_seen(self, client: Client, rita: User) -> None:
        factories.listing()
        client.get(DAY)
        assert seen(rita) == set()

    def test_opening_voting_and_commenting_do(self, client: Client, rita: User) -> None:
        opened, voted, talked = (factories.paper() for _ in range(3))
        client.get(opened.get_absolute_url())
        set_vote(user=rita, paper_id=voted.pk, on=True)
        add_comment(user=rita, paper_id=talked.pk, body="a")
        assert seen(rita) == {opened.pk, voted.pk, talked.pk}


class TestDone:
    def test_all_of_a_day_and_undone(self, client: Client, rita: User) -> None:
        papers = [factories.listing(position=place).paper for place in range(3)]
        factories.listing(factories.paper(hidden_at=NOW))
        client.post(f"{DAY}/done", {"on": "1"})
        assert seen(rita) == {paper.pk for paper in papers}
        assert done_pressed(client) == "true"
        client.post(f"{DAY}/done", {"on": "0"})
        assert seen(rita) == set()
        assert done_pressed(client) == "false"

    def test_undoing_leaves_what_was_seen_otherwise(self, rita: User) -> None:
        before, during, other = (factories.listing(position=place).paper for place in range(3))
        mark_seen(user=rita, paper_ids=[before.pk])
        assert set_day_done(user=rita, day=TODAY, on=True) == 2
        assert set_day_done(user=rita, day=TODAY, on=True) == 0
        set_vote(user=rita, paper_id=during.pk, on=True)
        assert set_day_done(user=rita, day=TODAY, on=False) == 1
        assert seen(rita) == {before.pk, during.pk}
        assert other.pk not in seen(rita)

    def test_a_day_that_is_none(self, client: Client) -> None:
        assert client.post("/papers/date/2026-13-01/done", {"on": "1"}).status_code == 404

    def test_it_is_a_press_and_never_a_link(self, client: Client) -> None:
        assert client.get(f"{DAY}/done").status_code == 405


class TestHidden:
    def test_every_list_leaves_out_what_was_seen(self, client: Client, rita: User) -> None:
        for title in ("one", "two"):
            factories.listing(factories.paper(title=title, trending_score=10_000.0))
        mark_seen(user=rita, paper_ids=[Paper.objects.get(title="one").pk])
        lists = (DAY, f"{DAY}?sort=newest", "/papers/week/2026-W10", "/papers/month/2026-03", "/papers/new",
                 "/papers/new?category=cs.CL", "/papers/trending")  # fmt: skip
        assert [len(titles_on(path, client)) for path in lists] == [2] * len(lists)
        client.post("/hide-seen", {"on": "1"})
        assert [titles_on(path, client) for path in lists] == [["two"]] * len(lists)
        client.post("/hide-seen", {"on": "0"})
        assert len(titles_on(DAY, client)) == 2

    def test_pages_fill_up(self, client: Client, rita: User) -> None:
        papers = [factories.listing(position=place).paper for place in range(120)]
        mark_seen(user=rita, paper_ids=[paper.pk for paper in papers[:60]])
        client.post("/hide-seen", {"on": "1"})
        assert len(titles_on(DAY, client)) == 50
        (link,) = get_page(DAY, client).xpath("//p[@class='more']/a/@href")
        assert len(titles_on(DAY + link, client)) == 10

    def test_when_all_is_seen_the_page_says_so(self, client: Client, rita: User) -> None:
        mark_seen(user=rita, paper_ids=[factories.listing().paper_id])
        client.post("/hide-seen", {"on": "1"})
        for path in (DAY, "/papers/week/2026-W10", "/papers/new", "/papers/trending"):
            assert "You have seen everything here" in page_text(path, client)
        assert "You have seen everything here" not in page_text("/papers/new?category=none", client)

    @pytest.mark.parametrize("sort", ["relevance", "newest", "votes"])
    def test_search_leaves_it_out_too_and_its_pages_fill_up(self, client: Client, rita: User, sort: str) -> None:
        papers = [factories.paper(title=f"Ice {number}", vote_count=number) for number in range(45)]
        path = f"/papers?q=ice&sort={sort}"
        order = titles_on(path, client)
        mark_seen(user=rita, paper_ids=[paper.pk for paper in papers if paper.title in order[:10]])
        client.post("/hide-seen", {"on": "1"})
        shown = titles_on(path, client)
        assert shown[:10] == order[10:]
        assert len(shown) == 20
        (link,) = get_page(path, client).xpath("//p[@class='more']/a/@href")
        rest = titles_on("/papers" + link, client)
        assert len(set(shown + rest)) == 35
        assert get_page("/papers" + link, client).xpath("//p[@class='more']") == []

    def test_where_all_that_was_found_is_seen_search_says_so(self, client: Client, rita: User) -> None:
        mark_seen(user=rita, paper_ids=[factories.paper(title="Ice").pk])
        client.post("/hide-seen", {"on": "1"})
        assert "Seen papers are hidden" in page_text("/papers?q=ice", client)

    def test_the_library_is_whole(self, client: Client, rita: User) -> None:
        paper = factories.paper(title="Kept")
        client.post(f"{paper.get_absolute_url()}/shelf", {"state": "to_read"})
        client.post("/hide-seen", {"on": "1"})
        assert titles_on("/library", client) == ["Kept"]


class TestMissed:
    def visit(self, user: User, when: datetime) -> None:
        user.refresh_from_db()
        record_visit(user, now=when)

    def test_what_was_listed_after_the_last_visit_each_once_most_voted_first(
        self, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factories.listing(factories.paper(title="known"))
        self.visit(rita, NOW)
        twice = factories.paper(title="twice")
        factories.listing(twice)
        factories.listing(twice, TODAY + timedelta(days=1))
        factories.listing(factories.paper(title="loved", vote_count=3), TODAY + timedelta(days=1))
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=1))
        client = client_of(rita)
        assert titles_on("/papers/since", client) == ["loved", "twice"]
        assert titles_on("/papers/since", client) == ["loved", "twice"]
        assert "Papers listed after" in page_text("/papers/since", client)
        assert len(titles_on(f"/papers/since?day={TODAY}", client)) == 3

    def test_the_front_page_leads_there_where_there_were_other_editions(
        self, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.visit(rita, NOW)
        factories.listing(factories.paper(), TODAY)
        factories.listing(factories.paper(), TODAY + timedelta(days=2))
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=2))
        client, said = client_of(rita), "there were other editions, too"
        assert said not in page_text("/", client)
        factories.listing(factories.paper(), TODAY + timedelta(days=1))
        assert said in page_text("/", client)
        assert said not in page_text("/", client_of(reader("otto")))

    def test_a_visit_goes_on_while_its_gaps_are_short(self, rita: User) -> None:
        factories.listing()
        for hours in (0, 1, 2, 3):
            self.visit(rita, NOW + timedelta(hours=hours))
        rita.refresh_from_db()
        assert rita.previous_visit_at is None
        self.visit(rita, NOW + timedelta(hours=12))
        rita.refresh_from_db()
        assert rita.previous_visit_at == NOW + timedelta(hours=3)

    def test_the_first_visit_has_missed_a_week_and_nobody_more_than_a_month(self, rita: User) -> None:
        assert missed_since(rita, from_day=None, today=TODAY).first_day == TODAY - timedelta(days=7)
        rita.previous_visit_at = datetime(2020, 1, 1, tzinfo=UTC)
        assert missed_since(rita, from_day=None, today=TODAY).first_day == TODAY - timedelta(days=31)

    @pytest.mark.parametrize("day", ["x", "2026-99-99", "\x00", "0001-01-01"])
    def test_no_day_is_no_trouble(self, client: Client, day: str) -> None:
        assert client.get("/papers/since", {"day": day}).status_code == 200


class TestSettings:
    def test_they_are_kept(self, client: Client, rita: User) -> None:
        client.post("/account/reading", {"votes_unnamed": "on"})
        rita.refresh_from_db()
        assert (rita.votes_unnamed, rita.hides_seen, rita.uses_shortcuts) == (True, False, False)
        assert get_page("/", client).xpath("//body/@data-no-keys") == [""]

    def test_density_and_text_size(self, client: Client, rita: User) -> None:
        assert get_page("/", client).xpath("//html/@data-density") == ["comfortable"]
        client.post("/account/reading", {"density": "compact", "text_size": "large"})
        client.post("/account/reading", {"density": "x"})
        client.post("/account/reading", {})
        page = get_page("/", client)
        assert page.xpath("//html/@data-density") + page.xpath("//html/@data-text") == ["compact", "large"]
        assert get_page("/").xpath("//html/@data-density") == []

    def test_a_stranger_has_keys(self, client: Any) -> None:
        assert get_page("/").xpath("//body/@data-no-keys") == []


def test_a_paper_that_went_while_it_was_read_is_no_error() -> None:
    rita, paper = reader(), factories.paper()
    gone = factories.paper()
    gone_id = gone.pk
    gone.delete()
    mark_seen(user=rita, paper_ids=[gone_id, paper.pk])
    assert list(SeenPaper.objects.filter(user=rita).values_list("paper_id", flat=True)) == [paper.pk]
