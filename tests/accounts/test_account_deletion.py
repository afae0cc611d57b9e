"""Leaving: what goes, what stays, and that counts are right afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from papers import hooks
from papers.models import Comment, Listing, Paper, User, Vote
from papers.services.accounts.deletion import LastAdministratorError, delete_account
from papers.services.reading.comments import recount_comments
from papers.services.reading.votes import recount_votes, set_vote
from tests.support import factories
from tests.support.people import anonymous_client, reader, staff, sure_client_of

pytestmark = pytest.mark.django_db


def test_votes_are_counted_off() -> None:
    rita, carla = reader(), reader("carla")
    papers = [factories.paper() for _ in range(3)]
    listed = factories.listing(papers[0])
    for paper in papers:
        set_vote(user=rita, paper_id=paper.pk, on=True)
    set_vote(user=carla, paper_id=papers[0].pk, on=True)
    delete_account(rita)
    assert list(Paper.objects.order_by("pk").values_list("vote_count", flat=True)) == [1, 0, 0]
    assert Listing.objects.get(pk=listed.pk).vote_count == 1
    assert Paper.objects.get(pk=papers[2].pk).trending_score is None
    assert list(Vote.objects.values_list("user", flat=True)) == [carla.pk]
    assert recount_votes() == 0


def test_comments_keep_their_place_without_words_and_name() -> None:
    rita = reader()
    paper = factories.paper()
    theirs = factories.comment(paper, rita, "Mine.")
    answer = factories.comment(paper, body="An answer.", parent=theirs)
    delete_account(rita)
    left = Comment.objects.get(pk=theirs.pk)
    assert (left.user, left.body) == (None, "")
    assert left.deleted_at is not None
    assert Comment.objects.get(pk=answer.pk).body == "An answer."
    paper.refresh_from_db()
    assert paper.comment_count == 1
    assert recount_comments() == 0


def test_others_hear_of_it_while_it_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(hooks.account_deleted, "_functions", [lambda user: heard.append(User.objects.get().username)])
    delete_account(reader())
    assert heard == ["rita"]
    assert not User.objects.exists()


def test_the_last_administrator_stays() -> None:
    ada = staff()
    with pytest.raises(LastAdministratorError):
        delete_account(ada)
    assert "only administrator" in sure_client_of(ada).post("/account/delete", {"username": "ada"}).content.decode()
    staff("bea")
    delete_account(ada)
    assert User.objects.get().username == "bea"


@pytest.mark.parametrize(("typed", "is_gone"), [("rita", True), (" RITA ", True), ("carla", False), ("", False)])
def test_the_page_asks_for_the_name(typed: str, *, is_gone: bool) -> None:
    browser = sure_client_of(reader())
    browser.post("/account/delete", {"username": typed})
    assert User.objects.exists() is not is_gone
    assert ("_auth_user_id" in browser.session) is not is_gone


def test_opening_the_page_deletes_nothing(client: Any) -> None:
    assert sure_client_of(reader()).get("/account/delete").status_code == 200
    assert anonymous_client().post("/account/delete", {"username": "rita"}).status_code == 302
    assert User.objects.exists()
