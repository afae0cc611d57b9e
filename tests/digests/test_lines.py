"""The line of a subscription: what is below it is named and waits, what is above it is never lost, and nothing comes
twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from random import Random

import pytest
from django.db.models import F

from digests.models import Delivery, Schedule, Subscription
from digests.models.delivery import DeliveryState
from digests.services import planning
from digests.services.limits import preview_lines, set_limits
from digests.services.planning import plan_due
from digests.services.preferences import read_choice, restore_choice, save_preferences
from digests.services.schedules import cancel_waiting
from papers.models import (
    SHIPPED_DIMENSIONS,
    SHIPPED_MODEL,
    EmbeddingModel,
    Paper,
    PaperVector,
    Recommendation,
    Topic,
    TopicMatch,
)
from papers.models import PaperExternalCounts as Counts
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.people import reader

pytestmark = pytest.mark.django_db

NOW = factories.NOW  # a Wednesday at noon, UTC
DUE = factories.at_hour(date(2026, 3, 5), 7) + timedelta(minutes=30)
DAY = timedelta(days=1)


def match(topic: Topic, *, at=NOW, paper: Paper | None = None, score: float = 0, **fields) -> Paper:
    paper = paper or factories.paper(**fields)
    made = factories.topic_match(paper, topic, score=score)
    TopicMatch.objects.filter(pk=made.pk).update(matched_at=at)
    Paper.objects.filter(pk=paper.pk).update(created_at=at)
    return paper


def plan(now=DUE, state=DeliveryState.SENT) -> Delivery:
    """The one mail that is planned, or skipped, at that moment. What was planned is sent afterwards."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    plan_due(now=now)
    found = Delivery.objects.exclude(pk__in=before).get()
    Delivery.objects.filter(pk=found.pk, state=DeliveryState.PLANNED).update(state=state, sent_at=now)
    return found


def ids(papers: Iterable[Paper]) -> list[int]:
    return [paper.pk for paper in papers]


def draw(schedule: Schedule, value: str = "any", size: int | None = None, number: int = 0) -> Subscription:
    one = schedule.subscriptions.order_by("pk")[number]
    set_limits(subscription=one, value=value, max_papers=size, now=NOW - DAY)
    return one


# --- What is below the line -------------------------------------------------------------------------------------------


def test_what_has_too_few_votes_is_named_and_not_brought() -> None:
    topic = factories.topic()
    one = draw(factories.schedule(None, topic), "votes-3")
    high = match(topic, vote_count=3)
    low = [match(topic, vote_count=votes) for votes in (2, 1, 0)]
    delivery = plan()
    assert (delivery.paper_ids, delivery.more_ids, delivery.below_ids) == ([high.pk], [], ids(low))
    assert delivery.below_causes == [str(one.pk)] * 3


def test_votes_at_another_site_count() -> None:
    topic = factories.topic()
    draw(factories.schedule(None, topic), "votes-3")
    paper = match(topic)
    Counts.objects.create(paper=paper, source="huggingface", votes=3, updated_at=NOW)
    assert plan().paper_ids == [paper.pk]


def test_what_rises_above_the_line_comes_once_and_is_named_once() -> None:
    topic = factories.topic()
    draw(factories.schedule(None, topic), "votes-2")
    papers = [match(topic, vote_count=votes) for votes in (2, 1, 0)]
    assert plan().below_ids == ids(papers[1:])
    new = match(topic, at=DUE)
    second = plan(DUE + DAY)
    assert (second.state, second.reason) == (DeliveryState.SKIPPED, "nothing above the line")
    assert second.below_ids == [new.pk], "what was named in a mail is not named again"
    Paper.objects.filter(pk__in=[papers[1].pk, new.pk]).update(vote_count=2)
    third = plan(DUE + 2 * DAY)
    assert set(third.paper_ids) == {papers[1].pk, new.pk}
    assert third.below_ids == []
    for days in (3, 4, 5):
        assert plan(DUE + days * DAY).state == DeliveryState.SKIPPED


def test_what_no_mail_named_is_named_in_the_next_that_leaves() -> None:
    topic = factories.topic()
    draw(factories.schedule(None, topic), "votes-1")
    low = match(topic)
    assert plan().state == DeliveryState.SKIPPED
    high = match(topic, at=DUE, vote_count=1)
    second = plan(DUE + DAY)
    assert (second.paper_ids, second.below_ids) == ([high.pk], [low.pk])
    assert plan(DUE + 2 * DAY).below_ids == []


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.SUPERSEDED])
def test_what_a_mail_named_that_never_went_out_is_named_again(state) -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    draw(schedule, "votes-1")
    high, low = match(topic, vote_count=1), match(topic)
    assert plan(state=state).below_ids == [low.pk]
    Schedule.objects.filter(pk=schedule.pk).update(last_release=0)
    second = plan(DUE + DAY)
    assert (second.paper_ids, second.below_ids) == ([high.pk], [low.pk])


def test_a_new_line_brings_nothing_of_what_stood_below_the_old_one() -> None:
    topic = factories.topic()
    one = draw(factories.schedule(None, topic), "votes-3")
    match(topic, vote_count=1)
    assert plan().state == DeliveryState.SKIPPED
    set_limits(subscription=one, value="votes-1", max_papers=None, now=DUE + timedelta(hours=1))
    assert plan(DUE + DAY).reason == "nothing new"


def test_what_is_above_the_line_of_one_subject_is_not_below_that_of_another() -> None:
    one, two = factories.topic(), factories.topic()
    schedule = factories.schedule(None, one, two)
    draw(schedule, "votes-1")
    both, only = match(one), match(one)
    match(two, paper=both)
    delivery = plan()
    assert (delivery.paper_ids, delivery.below_ids) == ([both.pk], [only.pk])


def test_a_paper_that_was_merged_is_brought_and_named_once() -> None:
    from django.db import transaction

    from papers.services.ingest.paper_merge import move_related_rows

    topic = factories.topic()
    draw(factories.schedule(None, topic), "votes-1")
    gone = match(topic)
    high = match(topic, vote_count=1)
    assert (plan().below_ids, high.pk) == ([gone.pk], high.pk)
    kept = match(factories.topic(), at=DUE)
    with transaction.atomic():
        move_related_rows({gone.pk: kept.pk})
    Paper.objects.filter(pk=kept.pk).update(vote_count=1)
    assert plan(DUE + DAY).paper_ids == [kept.pk]
    assert plan(DUE + 2 * DAY).state == DeliveryState.SKIPPED


def test_the_edition_is_read_to_its_end_where_a_line_is_drawn() -> None:
    schedule = factories.schedule(None, kinds=["daily"])
    draw(schedule, "votes-1")
    papers = [factories.paper() for _ in range(60)]
    for paper in papers:
        factories.listing(paper, factories.TODAY)
    set_vote(user=reader(), paper_id=papers[0].pk, on=True)
    delivery = plan()
    assert (delivery.paper_ids, len(delivery.below_ids), delivery.edition_count) == ([papers[0].pk], 59, 0)


def test_what_waits_rises_in_the_mail_that_its_subject_moved_to() -> None:
    one, two = factories.topic(), factories.topic()
    daily = factories.schedule(None, one)
    reader_of = daily.subscriber
    weekly = factories.schedule(reader_of, two, frequency="weekly", weekday=DUE.weekday())
    drawn = draw(daily, "votes-2")
    low = match(one, vote_count=1)
    plan_due(now=DUE)
    assert Delivery.objects.get(schedule=daily).below_ids == [low.pk]
    undo = read_choice(reader_of)
    moved = {"weekly": [one.pk, two.pk]}
    for _ in range(2):
        save_preferences(subscriber=reader_of, kinds={}, topics=moved, when={}, now=DUE + timedelta(hours=1))
    kept = weekly.subscriptions.get(topic=one)
    assert (kept.pk, kept.line, kept.min_votes, kept.line_set_at) == (
        drawn.pk, drawn.line, 2, drawn.line_set_at,
    )  # fmt: skip
    Paper.objects.filter(pk=low.pk).update(vote_count=2)
    plan_due(now=DUE + 7 * DAY)
    assert Delivery.objects.filter(schedule=weekly).latest("pk").paper_ids == [low.pk]
    assert restore_choice(subscriber=reader_of, token=undo, now=DUE + 7 * DAY)
    assert daily.subscriptions.get().pk == drawn.pk
    assert [row.topic_id for row in weekly.subscriptions.all()] == [two.pk]


def test_what_comes_daily_and_weekly_has_a_line_in_each() -> None:
    topic = factories.topic()
    daily = factories.schedule(None, topic)
    draw(daily, "votes-2")
    both = {"daily": [topic.pk], "weekly": [topic.pk]}
    save_preferences(subscriber=daily.subscriber, kinds={}, topics=both, when={}, now=NOW)
    rows = Subscription.objects.order_by("pk")
    assert [(row.schedule.frequency, row.min_votes) for row in rows] == [("daily", 2), ("weekly", 2)]
    save_preferences(subscriber=daily.subscriber, kinds={}, topics={"weekly": [topic.pk]}, when={}, now=NOW)
    going = Subscription.objects.filter(schedule__ended_at=None)
    assert [(row.schedule.frequency, row.pk) for row in going] == [("weekly", rows[1].pk)]


# --- At most ----------------------------------------------------------------------------------------------------------


def test_what_is_over_the_number_is_named_as_more_above_the_line() -> None:
    topic = factories.topic()
    draw(factories.schedule(None, topic), "votes-1", 2)
    papers = [match(topic, vote_count=votes) for votes in (5, 4, 3, 0)]
    delivery = plan()
    assert (delivery.paper_ids, delivery.more_ids, delivery.below_ids) == (
        ids(papers[:2]), [papers[2].pk], [papers[3].pk],
    )  # fmt: skip
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED


def test_a_number_holds_for_its_own_subject_alone() -> None:
    one, two = factories.topic(), factories.topic()
    schedule = factories.schedule(None, one, two)
    draw(schedule, size=1)
    first, second = match(one, vote_count=9), match(one, vote_count=8)
    others = [match(two, vote_count=votes) for votes in (3, 2, 1)]
    shared = match(two, paper=match(one, vote_count=7))
    delivery = plan()
    assert delivery.paper_ids == [first.pk, shared.pk, *ids(others)]
    assert delivery.more_ids == [second.pk]


def test_what_is_over_the_number_of_a_list_is_named_too() -> None:
    schedule = factories.schedule(None, kinds=["daily"])
    draw(schedule, size=2)
    papers = [factories.paper() for _ in range(4)]
    for paper in papers:
        factories.listing(paper, factories.TODAY)
    delivery = plan()
    assert (len(delivery.paper_ids), len(delivery.more_ids)) == (2, 2)
    assert {*delivery.paper_ids, *delivery.more_ids} == set(ids(papers))


# --- Closeness --------------------------------------------------------------------------------------------------------


def vectors(pairs: dict[Paper, tuple[float, float]]) -> None:
    for paper, (one, two) in pairs.items():
        vector = [one, two, *[0.0] * (SHIPPED_DIMENSIONS - 2)]
        PaperVector.objects.update_or_create(paper=paper, model=SHIPPED_MODEL, defaults={"vector": vector})
    EmbeddingModel.objects.get_or_create(
        name=SHIPPED_MODEL, defaults={"dimensions": SHIPPED_DIMENSIONS, "serves": True, "vector_count": len(pairs)}
    )


def test_close_is_close_to_a_paper_that_the_reader_liked() -> None:
    user = reader()
    topic = factories.topic()
    schedule = factories.schedule(factories.subscriber(user=user, email=user.email), topic)
    draw(schedule, "close")
    liked, near, far, unknown = factories.paper(), match(topic), match(topic), match(topic)
    vectors({liked: (1, 0), near: (0.8, 0.6), far: (0.5, 0.866)})
    set_vote(user=user, paper_id=liked.pk, on=True)
    delivery = plan()
    assert (delivery.paper_ids, set(delivery.below_ids)) == ([near.pk], {far.pk, unknown.pk})
    vectors({unknown: (0.9, 0.43589)})  # its vector came later
    assert plan(DUE + DAY).paper_ids == [unknown.pk]


def test_close_is_close_to_an_example_where_the_topic_has_some() -> None:
    topic = factories.topic()
    topic.examples.add(factories.paper())
    draw(factories.schedule(None, topic), "close")
    near, far = match(topic, score=0.7), match(topic, score=0.5)
    delivery = plan()
    assert (delivery.paper_ids, delivery.below_ids) == ([near.pk], [far.pk])


def test_what_for_you_suggests_is_close_by_how_far_it_stands_out() -> None:
    user = reader()
    schedule = factories.schedule(factories.subscriber(user=user, email=user.email), kinds=["for_you"])
    draw(schedule, "close")
    near, far = factories.paper(), factories.paper()
    Paper.objects.update(created_at=NOW)
    for rank, (paper, score) in enumerate([(near, 2.5), (far, 1.0)]):
        Recommendation.objects.create(user=user, paper=paper, rank=rank, score=score, because_of=paper)
    delivery = plan()
    assert (delivery.paper_ids, delivery.below_ids) == ([near.pk], [far.pk])
    Recommendation.objects.filter(paper=far).update(score=2.1)
    assert plan(DUE + DAY).paper_ids == [far.pk]
    assert plan(DUE + 2 * DAY).state == DeliveryState.SKIPPED


def test_only_lines_that_can_be_measured_are_offered() -> None:
    topic = factories.topic()
    one = draw(factories.schedule(None, topic))
    assert [choice.value for choice in preview_lines(one, now=NOW).choices][:2] == ["any", "votes-1"]
    with pytest.raises(ValueError, match="measured"):
        set_limits(subscription=one, value="close", max_papers=None, now=NOW)


def test_the_preview_counts_what_would_have_passed() -> None:
    topic = factories.topic()
    topic.examples.add(factories.paper())
    one = draw(factories.schedule(None, topic))
    for score, votes in ((0.7, 0), (0.5, 5), (0.3, 1)):
        match(topic, score=score, vote_count=votes)
    match(topic, at=NOW - 15 * DAY, score=0.9)
    preview = preview_lines(one, now=NOW)
    found = {choice.value: choice.passing for choice in preview.choices}
    assert preview.total == 3
    assert [found[name] for name in ("any", "related", "close", "votes-1", "votes-5")] == [3, 2, 1, 2, 1]


# --- A day with nothing above it --------------------------------------------------------------------------------------


def test_a_mail_says_that_nothing_was_above_the_line_where_that_was_asked_for() -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic, sends_empty=True)
    draw(schedule, "votes-1")
    low = match(topic)
    first = plan()
    assert (first.state, first.paper_ids, first.below_ids) == (DeliveryState.PLANNED, [], [low.pk])
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED, "nothing came at all"


# --- Days, with workers that die --------------------------------------------------------------------------------------


class KilledError(Exception):
    """A worker died."""


@pytest.mark.parametrize("seed", range(3))
def test_through_days_with_kills_nothing_above_the_line_is_lost_or_comes_twice(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten days: planning dies before it commits, mails are overtaken or cancelled before they leave, votes come."""
    chance, topic, needed = Random(seed), factories.topic(), 2
    schedule = factories.schedule(None, topic)
    draw(schedule, f"votes-{needed}", 3)
    papers: list[Paper] = []
    for day in range(10):
        now = DUE + day * DAY
        papers += [match(topic, at=now - timedelta(hours=3), vote_count=chance.choice((0, 0, 1, 3))) for _ in range(5)]
        for paper in chance.sample(papers, len(papers) // 3):
            Paper.objects.filter(pk=paper.pk).update(vote_count=F("vote_count") + 1)
        if chance.random() < 0.4:
            _die_while_planning(now, monkeypatch)
        plan_due(now=now)
        fate = chance.random()
        if fate < 0.2:
            cancel_waiting(schedules=[schedule.pk], reason="killed")
        elif fate < 0.7:
            Delivery.objects.filter(state=DeliveryState.PLANNED).update(state=DeliveryState.SENT, sent_at=now)
    end = DUE + 10 * DAY
    for day in range(3):
        plan(end + day * DAY)
    sent = Delivery.objects.filter(state=DeliveryState.SENT)
    brought = [pk for mail in sent for pk in (*mail.paper_ids, *mail.more_ids)]
    named = [pk for mail in sent for pk in mail.below_ids]
    above = set(Paper.objects.filter(vote_count__gte=needed, topic_matches__topic=topic).values_list("pk", flat=True))
    assert len(brought) == len(set(brought)), "nothing comes twice"
    assert set(brought) == above, "all that reached the line came, and nothing else"
    assert len(named) == len(set(named)), "nothing is named twice"
    assert all(len(mail.paper_ids) <= 3 for mail in sent)


def _die_while_planning(now, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mails are stored, and the schedules not moved on, when the worker is killed: its transaction is gone."""

    def die(*_args, **_more) -> None:
        raise KilledError

    before = Delivery.objects.count()
    with monkeypatch.context() as patch:
        patch.setattr(planning, "_move_on", die)
        with pytest.raises(KilledError):
            plan_due(now=now)
    assert Delivery.objects.count() == before
