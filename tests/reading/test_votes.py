"""Voting: once a reader, counted everywhere, nothing lost when many press at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from papers.models import Listing, Paper, User, Vote
from papers.services.reading.votes import recount_votes, set_vote, voters_of
from papers.web.ratelimit import RATE_LIMITS
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import cards_on, page_text
from tests.support.people import anonymous_client, client_of, reader


@pytest.fixture
def paper(db: None) -> Paper:
    return factories.paper(public_id="2603.50001")


def counts(paper: Paper) -> tuple[int, int, list[int]]:
    """Rows, the paper's count, the listings' counts: what must always agree."""
    paper.refresh_from_db()
    listed = list(Listing.objects.filter(paper=paper).order_by("day").values_list("vote_count", flat=True))
    return Vote.objects.filter(paper=paper).count(), paper.vote_count, listed


class TestTheService:
    def test_a_vote_is_counted_on_the_paper_and_on_its_days(self, paper: Paper) -> None:
        factories.listing(paper)
        factories.listing(paper, TODAY - timedelta(days=1))
        result = set_vote(user=factories.user(), paper_id=paper.pk, on=True)
        assert (result.is_on, result.vote_count, result.changed) == (True, 1, True)
        assert counts(paper) == (1, 1, [1, 1])

    def test_voting_twice_counts_once(self, paper: Paper) -> None:
        user = factories.user()
        set_vote(user=user, paper_id=paper.pk, on=True)
        again = set_vote(user=user, paper_id=paper.pk, on=True)
        assert (again.vote_count, again.changed) == (1, False)
        assert counts(paper) == (1, 1, [])

    def test_a_vote_can_be_taken_back(self, paper: Paper) -> None:
        user, other = factories.user(), factories.user()
        factories.listing(paper)
        for voter in (user, other):
            set_vote(user=voter, paper_id=paper.pk, on=True)
        assert set_vote(user=user, paper_id=paper.pk, on=False).vote_count == 1
        assert counts(paper) == (1, 1, [1])

    def test_taking_back_what_was_not_given_changes_nothing(self, paper: Paper) -> None:
        assert set_vote(user=factories.user(), paper_id=paper.pk, on=False).changed is False
        assert counts(paper) == (0, 0, [])

    def test_a_hidden_paper_takes_no_votes(self, paper: Paper) -> None:
        Paper.objects.filter(pk=paper.pk).update(hidden_at=factories.NOW)
        with pytest.raises(Paper.DoesNotExist):
            set_vote(user=factories.user(), paper_id=paper.pk, on=True)
        assert not Vote.objects.exists()

    def test_a_vote_makes_a_paper_hot_and_the_last_one_back_makes_it_cold(self, paper: Paper) -> None:
        user = factories.user()
        set_vote(user=user, paper_id=paper.pk, on=True)
        paper.refresh_from_db()
        assert paper.trending_score is not None
        set_vote(user=user, paper_id=paper.pk, on=False)
        paper.refresh_from_db()
        assert paper.trending_score is None


@pytest.mark.django_db(transaction=True)
def test_fifty_presses_at_once_lose_nothing() -> None:
    """Forty readers vote for one paper while ten others vote and take it back, eight at a time."""
    paper = factories.paper()
    Listing.objects.create(day=TODAY, paper=paper, by="source", release=1)
    users = [factories.user() for _ in range(50)]
    together = Barrier(8)

    def press(number: int) -> None:
        try:
            if number < 8:
                together.wait(timeout=20)
            set_vote(user=users[number], paper_id=paper.pk, on=True)
            if number >= 40:
                set_vote(user=users[number], paper_id=paper.pk, on=False)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(press, range(50)))
    assert counts(paper) == (40, 40, [40])


@pytest.mark.django_db(transaction=True)
def test_one_reader_who_presses_in_two_windows_votes_once() -> None:
    paper, user = factories.paper(), factories.user()
    together = Barrier(4)

    def press(_: int) -> None:
        try:
            together.wait(timeout=20)
            set_vote(user=user, paper_id=paper.pk, on=True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(press, range(4)))
    assert counts(paper) == (1, 1, [])


class TestNames:
    def voters(self, paper: Paper, viewer: User) -> tuple[list[str], int, bool | None]:
        paper.refresh_from_db()
        found = voters_of(paper, viewer=viewer)
        return found.names, found.others, found.is_unnamed

    def test_members_see_who_voted_but_for_those_who_show_no_name(self, paper: Paper) -> None:
        users = [factories.user(name) for name in ("ann", "bob", "cyd", "dan")]
        for user in users:
            set_vote(user=user, paper_id=paper.pk, on=True, is_unnamed=user.username == "bob")
        assert self.voters(paper, users[0]) == (["ann", "cyd", "dan"], 1, False)
        assert self.voters(paper, users[1])[2] is True
        assert self.voters(paper, factories.user())[2] is None

    def test_a_new_vote_is_as_the_reader_chose_for_all(self, paper: Paper) -> None:
        user = factories.user(votes_unnamed=True)
        set_vote(user=user, paper_id=paper.pk, on=True)
        assert Vote.objects.get().is_unnamed
        set_vote(user=user, paper_id=paper.pk, on=True, is_unnamed=False)
        set_vote(user=user, paper_id=paper.pk, on=True)
        assert not Vote.objects.get().is_unnamed
        assert counts(paper) == (1, 1, [])

    def test_a_card_names_two_to_members_and_none_to_visitors(self, paper: Paper) -> None:
        factories.listing(paper)
        for name in ("zoe", "bob", "cyd"):
            set_vote(user=factories.user(name), paper_id=paper.pk, on=True)
        path = f"/papers/date/{TODAY}"
        assert "voted for by zoe, bob and 1 other" in cards_on(path, client_of(reader()))[0].facts
        assert "zoe" not in page_text(path)
        assert "zoe" not in page_text(paper.get_absolute_url())

    def test_the_page_lets_a_reader_choose(self, paper: Paper) -> None:
        client = client_of(reader())
        path = paper.get_absolute_url()
        client.post(f"{path}/vote", {"on": "1", "asks_name": "1", "unnamed": "on"})
        assert "Show my name on my vote" in page_text(path, client)
        response = client.post(
            f"{path}/vote", {"on": "named", "asks_name": "1"}, headers={"HX-Request": "true"}
        ).content.decode()
        assert 'id="voters" hx-swap-oob="true"' in response
        assert "Voted for by rita" in response
        client.post(f"{path}/vote", {"on": "unnamed", "asks_name": "1"})
        assert Vote.objects.get().is_unnamed


class TestCountingAnew:
    def test_wrong_counts_are_put_right(self, paper: Paper) -> None:
        factories.listing(paper)
        factories.vote(paper)
        unloved = factories.paper(vote_count=5)
        Listing.objects.filter(paper=paper).update(vote_count=9)
        assert recount_votes() == 2
        unloved.refresh_from_db()
        assert counts(paper) == (1, 1, [1])
        assert unloved.vote_count == 0

    def test_right_counts_are_left_alone(self, paper: Paper) -> None:
        set_vote(user=factories.user(), paper_id=paper.pk, on=True)
        assert recount_votes() == 0

    def test_the_command_says_how_many_were_wrong(self, paper: Paper, capsys: pytest.CaptureFixture[str]) -> None:
        factories.vote(paper)
        call_command("recount_votes")
        assert "1 paper" in capsys.readouterr().out
        assert counts(paper) == (1, 1, [])


def vote(client: Client, paper: Paper, on: str = "1", **headers: str) -> tuple[int, str]:
    path = reverse("papers:vote", args=[paper.public_id])
    data = {"on": on, "next": "/papers/date/2026-03-04?sort=newest"}
    response = client.post(path, data, headers=headers)
    return response.status_code, response.headers.get("Location", "") or response.content.decode()


class TestTheButton:
    def test_without_javascript_it_leads_back_to_the_card(self, paper: Paper) -> None:
        status, where = vote(client_of(reader()), paper)
        assert (status, where) == (302, f"/papers/date/2026-03-04?sort=newest#paper-{paper.pk}")
        assert counts(paper) == (1, 1, [])

    def test_it_leads_to_no_other_site(self, paper: Paper) -> None:
        path = reverse("papers:vote", args=[paper.public_id])
        response = client_of(reader()).post(path, {"on": "1", "next": "https://evil.example/"})
        assert response.headers["Location"] == f"/papers/2603.50001#paper-{paper.pk}"

    def test_htmx_gets_the_button_alone(self, paper: Paper) -> None:
        client = client_of(reader())
        status, html = vote(client, paper, **{"HX-Request": "true"})
        assert status == 200
        assert html.lstrip().startswith("<button")
        assert 'aria-pressed="true"' in html
        assert 'value="0"' in html
        assert '<span class="number">1</span>' in html
        _, html = vote(client, paper, on="0", **{"HX-Request": "true"})
        assert 'aria-pressed="false"' in html
        assert '<span class="number">0</span>' in html

    def test_a_stranger_is_sent_to_sign_in_and_comes_back_to_the_paper(self, paper: Paper) -> None:
        status, where = vote(anonymous_client(), paper)
        assert status == 302
        assert where.startswith("/sign-in?next=/papers/2603.50001/vote")
        assert counts(paper) == (0, 0, [])
        response = client_of(reader()).get("/papers/2603.50001/vote")
        assert response.headers["Location"] == "/papers/2603.50001"

    def test_htmx_takes_a_reader_whose_session_ended_to_the_sign_in_page(self, paper: Paper) -> None:
        path = reverse("papers:vote", args=[paper.public_id])
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/papers/trending"}
        response = anonymous_client().post(path, {"on": "1"}, headers=headers)
        assert response.headers["HX-Redirect"] == "/sign-in?next=/papers/trending"

    def test_a_form_without_its_token_is_refused(self, paper: Paper) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(reader())
        assert vote(client, paper)[0] == 403
        assert counts(paper) == (0, 0, [])

    def test_nobody_votes_without_end(self, paper: Paper) -> None:
        client = client_of(reader())
        statuses = {vote(client, paper)[0] for _ in range(RATE_LIMITS["vote"].attempts)}
        assert statuses == {302}
        assert vote(client, paper, on="0")[0] == 429
        assert counts(paper) == (1, 1, [])

    def test_addresses_with_slashes_work(self, db: None) -> None:
        client = client_of(reader())
        for public_id in ("hep-th/9901001", "doi/10.1000/x(1)<2>;3", "p-abcdefghij"):
            found = factories.paper(public_id=public_id)
            assert vote(client, found)[0] == 302
            assert counts(found) == (1, 1, [])


@pytest.mark.django_db
def test_a_reader_who_goes_takes_the_votes_along_at_the_next_recount() -> None:
    paper, user = factories.paper(), factories.user()
    set_vote(user=user, paper_id=paper.pk, on=True)
    User.objects.filter(pk=user.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM papers_vote")
        assert cursor.fetchone() == (0,)
    assert recount_votes() == 1
    assert counts(paper) == (0, 0, [])
