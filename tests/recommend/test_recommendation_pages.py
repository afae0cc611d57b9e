"""For you on pages, in feeds and by mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from digests.models import Delivery
from digests.services.planning import plan_due
from papers.models import (
    Paper,
    Recommendation,
    RecommendationState,
    ShownRecommendation,
    Tag,
    User,
)
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.reading.library import set_library_state
from papers.services.reading.seen import mark_seen
from papers.services.reading.tags import add_tags
from papers.services.reading.votes import set_vote
from papers.services.recommend.recommender import recompute_due
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import anonymous_client, client_of, reader
from tests.support.recommendation_data import (
    FLOW,
    GRAPH,
    LATER,
    make_papers,
    suggested_titles,
    title_set,
    upvote_papers,
)

pytestmark = pytest.mark.django_db


PAGE = "/papers/for-you"


# --- The page --------------------------------------------------------------------------------------------------------


def text_of(path: str, client: Client) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_page_says_why(rita: User, stream: list[Paper]) -> None:
    papers = make_papers(FLOW, "molecules images audio", age=60)
    set_library_state(user=rita, paper_ids=[paper.pk for paper in papers], state="to_read")
    recompute_due(now=LATER)
    page = text_of(PAGE, client_of(rita))
    assert "Because you saved <a" in page
    assert "both mention “Flow matching”" in page
    assert page.count("More like this</button>") == page.count("Less like this</button>") == 4
    assert "Matched by words only" in page


def test_a_reason_that_holds_no_more_is_not_given(rita: User, stream: list[Paper]) -> None:
    papers = upvote_papers(rita)
    recompute_due(now=LATER)
    assert "Because you voted for" in text_of(PAGE, client_of(rita))
    for paper in papers:
        set_vote(user=rita, paper_id=paper.pk, on=False)
    assert "Because you" not in text_of(PAGE, client_of(rita))


def test_an_opened_paper_is_gone_from_the_page(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    client = client_of(rita)
    assert stream[0].title in text_of(PAGE, client)
    client.get(stream[0].get_absolute_url())
    assert stream[0].title not in text_of(PAGE, client)


def test_without_signals_the_page_shows_what_is_trending_and_how_to_begin(rita: User, stream: list[Paper]) -> None:
    set_vote(user=factories.user(), paper_id=stream[0].pk, on=True)
    page = text_of(PAGE, client_of(rita))
    assert "Vote for, save or tag at least" in page
    assert stream[0].title in page
    assert "Because you" not in page


def test_right_after_the_first_vote_the_page_says_that_it_is_being_made(rita: User, stream: list[Paper]) -> None:
    set_vote(user=rita, paper_id=stream[0].pk, on=True)
    assert "Your recommendations are being prepared" in text_of(PAGE, client_of(rita))


def test_one_paper_is_said_to_be_little(rita: User, stream: list[Paper]) -> None:
    set_vote(user=rita, paper_id=stream[0].pk, on=True)
    recompute_due(now=LATER)
    assert "Based on 1 paper you like" in text_of(PAGE, client_of(rita))


def test_when_all_is_seen_the_page_says_so(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    mark_seen(user=rita, paper_ids=Paper.objects.values_list("pk", flat=True))
    assert "You have seen everything" in text_of(PAGE, client_of(rita))


def test_the_page_costs_the_same_for_few_and_for_many(rita: User) -> None:
    client = client_of(rita)
    make_papers("A study of {}", " ".join(f"a{number}" for number in range(60)))
    upvote_papers(rita)
    counts = []
    for number in (10, 20):
        make_papers(FLOW, " ".join(f"b{number}x{place}" for place in range(10)))
        RecommendationState.objects.update(stale_at=NOW)
        recompute_due(now=LATER)
        assert len(suggested_titles(rita)) == number
        client.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            client.get(PAGE)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 11
    assert not any("COUNT(" in query["sql"].upper() for query in captured)


def test_what_stood_on_the_page_for_a_week_is_gone_from_it_and_from_mail(
    rita: User, stream: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    client = client_of(rita)
    client.get(PAGE)
    assert ShownRecommendation.objects.count() == 4
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=6))
    assert stream[0].title in text_of(PAGE, client)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=7))
    assert stream[0].title not in text_of(PAGE, client)
    schedule = factories.schedule(factories.subscriber(user=rita, email=rita.email), kinds=["for_you"])
    schedule.next_due_at = NOW + timedelta(days=7)
    schedule.save()
    plan_due(now=NOW + timedelta(days=7, minutes=1))
    assert Delivery.objects.get().paper_ids == []


# --- Tags -----------------------------------------------------------------------------------------------------------


def test_a_tag_has_a_list_of_its_own(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita, GRAPH)
    papers = make_papers(FLOW, "molecules images audio", age=60)
    add_tags(user=rita, paper_ids=[paper.pk for paper in papers], names=["flows"])
    recompute_due(now=LATER)
    tag = Tag.objects.get(name="flows")
    assert set(suggested_titles(rita, tag)) == title_set(stream)
    client = client_of(rita)
    page = text_of(f"{tag.get_absolute_url()}/for-you", client)
    assert "Because you tagged <a" in page
    assert "</a> “flows”" in page
    assert stream[0].title in page
    assert "More for flows" in text_of(tag.get_absolute_url(), client)
    assert any(title.startswith("Graph") for title in suggested_titles(rita))


def test_a_tag_of_two_papers_has_none(rita: User, stream: list[Paper]) -> None:
    papers = make_papers(FLOW, "molecules images", age=60)
    add_tags(user=rita, paper_ids=[paper.pk for paper in papers], names=["flows"])
    recompute_due(now=LATER)
    tag = Tag.objects.get(name="flows")
    assert suggested_titles(rita, tag) == []
    assert "A tag needs at least 3 papers" in text_of(f"{tag.get_absolute_url()}/for-you", client_of(rita))


def test_a_shared_tag_s_list_is_its_owner_s_alone(rita: User, stream: list[Paper]) -> None:
    add_tags(user=rita, paper_ids=[stream[0].pk], names=["flows"])
    Tag.objects.update(shared_at=NOW)
    path = f"{Tag.objects.get().get_absolute_url()}/for-you"
    assert client_of(reader("olga")).get(path).status_code == 404
    assert anonymous_client().get(path).status_code == 302


# --- Feed and mail ---------------------------------------------------------------------------------------------------


def test_the_feed_is_read_by_its_address_alone(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    key = feed_key_of(rita)
    feed = anonymous_client().get(f"{PAGE}/{key}.atom").content.decode()
    assert stream[0].title in feed
    assert anonymous_client().get(f"{PAGE}/{key[:-1]}x.atom").status_code == 404
    client = client_of(rita)
    answer = client.post("/following/address", {"next": PAGE})
    assert answer["Location"] == PAGE
    assert anonymous_client().get(f"{PAGE}/{key}.atom").status_code == 404


def mailed(schedule_kinds: list[str], to: User, *, size: int = 20) -> list[list[int]]:
    """The papers of a daily mail, and of the one a day later."""
    schedule = factories.schedule(factories.subscriber(user=to, email=to.email), kinds=schedule_kinds, max_papers=size)
    for days in (0, 1):
        plan_due(now=(schedule.next_due_at or NOW) + timedelta(days=days, minutes=1))
        Delivery.objects.update(state="sent")
    return [one.paper_ids for one in Delivery.objects.order_by("period_on")]


def test_mail_brings_a_suggestion_once(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    first, second = mailed(["for_you"], rita)
    assert set(first) == {paper.pk for paper in stream}
    assert second == []


def test_the_best_suggestions_come_first_by_mail(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    best = list(Recommendation.objects.current_for(rita, now=LATER).values_list("paper", flat=True))
    Paper.objects.filter(pk=best[-1]).update(vote_count=50)
    first, second = mailed(["for_you"], rita, size=2)
    assert set(first) == set(best[:2])
    assert set(second) == set(best[2:])


def test_what_was_seen_comes_in_no_mail(rita: User, stream: list[Paper]) -> None:
    upvote_papers(rita)
    recompute_due(now=LATER)
    mark_seen(user=rita, paper_ids=[stream[0].pk])
    first, _ = mailed(["for_you"], rita)
    assert set(first) == {paper.pk for paper in stream[1:]}


def test_the_page_of_preferences_offers_it_to_accounts(rita: User) -> None:
    page = client_of(rita).get("/subscriptions").content.decode()
    assert 'name="for_you"' in page
