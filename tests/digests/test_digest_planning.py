"""The tick: what is due is planned once, with the papers that its reader has not been offered."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from digests.models import Delivery, Schedule, Suppression
from digests.models.delivery import DeliveryState
from digests.services import planning
from digests.services.planning import PlanningResult, plan_due
from digests.services.schedules import end_schedule, pause_schedule, save_schedule
from papers.models import LibraryItem, Listing, Paper, PaperVersion, Topic, TopicMatch
from papers.services.ingest.paper_merge import move_related_rows
from tests.support import factories

pytestmark = pytest.mark.django_db

NOW = factories.NOW  # a Wednesday at noon, UTC
DUE = factories.at_hour(date(2026, 3, 5), 7) + timedelta(minutes=30)
DAY = timedelta(days=1)


def match(topic: Topic, *, at: datetime = NOW, paper: Paper | None = None, score: float = 0, **fields) -> Paper:
    """A paper that a topic got at that moment."""
    paper = paper or factories.paper(**fields)
    made = factories.topic_match(paper, topic, score=score)
    TopicMatch.objects.filter(pk=made.pk).update(matched_at=at)
    Paper.objects.filter(pk=paper.pk).update(created_at=at)
    return paper


def listing(*, at: datetime = NOW, day: date = factories.TODAY, paper: Paper | None = None, **fields) -> Paper:
    paper = paper or factories.paper(**fields)
    made = factories.listing(paper, day)
    Listing.objects.filter(pk=made.pk).update(created_at=at)
    Paper.objects.filter(pk=paper.pk).update(created_at=at)
    return paper


def plan(now: datetime = DUE) -> Delivery:
    """The one mail that is planned, or skipped, at that moment. What was planned is sent afterwards."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    plan_due(now=now)
    found = Delivery.objects.exclude(pk__in=before).get()
    Delivery.objects.filter(pk=found.pk, state=DeliveryState.PLANNED).update(state=DeliveryState.SENT)
    return found


def ids(papers: Iterable[Paper]) -> list[int]:
    return [paper.pk for paper in papers]


# --- once, and no paper twice --------------------------------------------------------------------------------------


def test_a_mail_is_planned_when_it_is_due_and_once() -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    paper = match(topic)
    assert plan_due(now=DUE - timedelta(seconds=1)) == PlanningResult()
    assert plan_due(now=DUE) == PlanningResult(planned=1)
    assert plan_due(now=DUE) == PlanningResult()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.paper_ids, delivery.period_on) == (
        DeliveryState.PLANNED,
        [paper.pk],
        date(2026, 3, 5),
    )
    assert delivery.causes == [str(schedule.subscriptions.get().pk)]
    schedule.refresh_from_db()
    assert (schedule.next_due_at, schedule.last_on) == (DUE + DAY, date(2026, 3, 5))
    assert schedule.last_release == delivery.to_release


def test_a_mail_with_nothing_new_is_not_sent_and_can_be_seen() -> None:
    factories.schedule(None, factories.topic())
    delivery = plan()
    assert (delivery.state, delivery.reason) == (DeliveryState.SKIPPED, "nothing new")


def test_a_paper_comes_once_over_all_schedules_and_topics() -> None:
    reader = factories.subscriber()
    one, two = factories.topic(), factories.topic()
    factories.schedule(reader, one)
    factories.schedule(reader, one, two, frequency="weekly")
    paper = match(one)
    match(two, paper=paper)
    late = match(two, at=DUE + timedelta(hours=1))
    assert plan().paper_ids == [paper.pk]
    Delivery.objects.update(state=DeliveryState.SENT)
    monday = factories.at_hour(date(2026, 3, 9), 7) + timedelta(minutes=30)
    plan_due(now=monday)
    weekly = Delivery.objects.get(schedule__frequency="weekly")
    assert weekly.paper_ids == [late.pk]


def test_mails_of_one_reader_that_are_due_together_share_the_papers_out() -> None:
    topic = factories.topic()
    reader = factories.subscriber()
    for frequency in ("monthly", "weekly", "daily"):
        factories.schedule(reader, topic, frequency=frequency, next_on=date(2026, 3, 5), next_due_at=DUE, max_papers=1)
    papers = [match(topic, vote_count=votes) for votes in (2, 1)]
    plan_due(now=DUE)
    daily, *others = Delivery.objects.order_by("pk")
    assert (daily.schedule.frequency, daily.paper_ids, daily.more_ids) == ("daily", [papers[0].pk], [papers[1].pk])
    assert [other.state for other in others] == [DeliveryState.SKIPPED] * 2


def test_a_paper_that_gains_a_topic_later_is_not_news() -> None:
    one, two = factories.topic(), factories.topic()
    factories.schedule(None, one, two)
    paper = match(one)
    assert plan().paper_ids == [paper.pk]
    made = factories.topic_match(paper, two)
    TopicMatch.objects.filter(pk=made.pk).update(matched_at=DUE)
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED


def test_a_paper_merged_into_another_counts_as_offered() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    gone = match(topic)
    assert plan().paper_ids == [gone.pk]
    kept, last = match(topic, at=DUE), match(factories.topic(), at=DUE)
    with transaction.atomic():
        move_related_rows({gone.pk: kept.pk})
        move_related_rows({kept.pk: last.pk})
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.SUPERSEDED])
def test_papers_of_a_mail_that_never_went_out_may_come_again(state) -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    paper = match(topic)
    plan_due(now=DUE)
    Delivery.objects.update(state=state)
    Schedule.objects.filter(pk=schedule.pk).update(last_release=0)
    assert plan(DUE + DAY).paper_ids == [paper.pk]


def test_hidden_and_withdrawn_papers_are_left_out() -> None:
    topic = factories.topic()
    factories.schedule(None, topic, kinds=["daily"])
    match(topic, hidden_at=NOW)
    match(topic, withdrawn_at=NOW)
    listing(hidden_at=NOW)
    Listing.objects.filter(paper=listing()).update(hidden_at=NOW)
    shown = match(topic)
    delivery = plan()
    assert delivery.paper_ids == [shown.pk]
    assert delivery.edition_count == 0


def test_no_mail_brings_the_sample() -> None:
    topic, user = factories.topic(), factories.user()
    sample = match(topic, is_sample=True)
    factories.listing(sample)
    Listing.objects.update(created_at=NOW)
    Paper.objects.filter(pk=sample.pk).update(trending_score=10_000.0)
    for kind in ("daily", "trending", "top"):
        factories.schedule(None, topic, kinds=[kind])
    saved = factories.schedule(factories.subscriber(user=user), kinds=["versions"])
    LibraryItem.objects.create(user=user, paper=sample, added_at=NOW - timedelta(hours=2))
    PaperVersion.objects.create(paper=sample, version=2, seen_at=NOW + timedelta(hours=1))
    assert saved.pk
    assert plan_due(now=DUE) == PlanningResult(skipped=4)


def test_other_readers_do_not_matter() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    factories.schedule(None, topic)
    paper = match(topic)
    plan_due(now=DUE)
    assert [delivery.paper_ids for delivery in Delivery.objects.all()] == [[paper.pk]] * 2


# --- which, when there are too many --------------------------------------------------------------------------------


def test_papers_are_sorted_by_votes_then_by_the_sources_then_by_the_match_then_the_newest() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    plain, newer, matching = match(topic), match(topic), match(topic, score=0.9)
    elsewhere, voted = match(topic), match(topic, vote_count=1)
    factories.external_counts(elsewhere, votes=80)
    assert plan().paper_ids == ids([voted, elsewhere, matching, newer, plain])


def test_the_rest_is_offered_behind_a_link_and_does_not_come_again() -> None:
    topic = factories.topic()
    factories.schedule(None, topic, max_papers=2)
    papers = [match(topic, vote_count=votes) for votes in (5, 4, 3, 2)]
    delivery = plan()
    assert delivery.paper_ids == ids(papers[:2])
    assert delivery.more_ids == ids(papers[2:])
    for paper in papers:
        match(factories.topic(), paper=paper, at=DUE)
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED


def test_a_loud_topic_leaves_room_for_the_others() -> None:
    loud, quiet = factories.topic(), factories.topic()
    factories.schedule(None, loud, quiet, max_papers=4)
    noise = [match(loud, vote_count=10 + votes) for votes in range(8)]
    rare = match(quiet)
    delivery = plan()
    assert delivery.paper_ids == ids([*reversed(noise[-3:]), rare]), "its share is two; one place was left over"


def test_a_paper_of_several_topics_comes_once_and_says_all_of_them() -> None:
    one, two = factories.topic(), factories.topic()
    schedule = factories.schedule(None, one, two)
    paper = match(one)
    match(two, paper=paper)
    keys = sorted(schedule.subscriptions.values_list("pk", flat=True))
    assert plan().causes == [",".join(map(str, keys))]


# --- what else a mail may be about ---------------------------------------------------------------------------------


def test_the_daily_papers_are_those_listed_since_the_last_mail() -> None:
    factories.schedule(kinds=["daily"], max_papers=2)
    papers = [listing(vote_count=votes) for votes in (1, 3, 2)]
    delivery = plan()
    assert delivery.paper_ids == ids([papers[1], papers[2]])
    assert (delivery.more_ids, delivery.edition_count) == ([], 3), "the day's page has the rest"
    listing(paper=papers[0], day=date(2026, 3, 5), at=DUE)
    later = listing(day=date(2026, 3, 5), at=DUE)
    assert plan(DUE + DAY).paper_ids == [later.pk], "a paper listed on another day again is not news"


def test_papers_that_are_imported_into_days_of_the_past_are_no_news() -> None:
    """`import_papers --list arxiv` on a site with subscribers: its editions get their papers, and nobody a mail."""
    factories.schedule(kinds=["daily"])
    new = [listing(at=NOW + DAY / 2), listing(at=NOW + DAY / 2, day=factories.TODAY - 29 * DAY)]
    listing(at=NOW + DAY / 2, day=factories.TODAY - 60 * DAY)
    assert sorted(plan().paper_ids) == ids(new)


def test_trending_brings_what_is_new_to_the_reader_on_its_first_page() -> None:
    factories.schedule(kinds=["trending"], max_papers=1)
    trending_score, hotter, _ = (
        factories.paper(trending_score=900.0),
        factories.paper(trending_score=901.0, vote_count=1),
        factories.paper(trending_score=1.0),
    )
    Paper.objects.update(created_at=NOW)
    assert plan().paper_ids == [hotter.pk]
    assert plan(DUE + DAY).paper_ids == [trending_score.pk]
    assert plan(DUE + 2 * DAY).state == DeliveryState.SKIPPED


def test_the_most_voted_of_the_week_are_those_listed_in_the_seven_days_before() -> None:
    factories.schedule(kinds=["top"], frequency="weekly", max_papers=2)
    monday = date(2026, 3, 9)
    best = listing(day=date(2026, 3, 2), vote_count=9)
    good = listing(day=date(2026, 3, 8), vote_count=8)
    listing(day=date(2026, 3, 8), vote_count=7)
    listing(day=monday, vote_count=99)
    listing(day=date(2026, 3, 1), vote_count=99)
    assert plan(factories.at_hour(monday, 8)).paper_ids == ids([best, good])


def test_a_new_version_of_a_saved_paper_is_told_once() -> None:
    user = factories.user()
    factories.schedule(factories.subscriber(user=user), kinds=["versions"])
    saved, other, unwanted = factories.paper(), factories.paper(), factories.paper()
    for paper, state in ((saved, "to_read"), (unwanted, "not_interested")):
        item = LibraryItem.objects.create(user=user, paper=paper, state=state)
        LibraryItem.objects.filter(pk=item.pk).update(added_at=NOW - 3 * DAY)
    for paper in (saved, other, unwanted):
        PaperVersion.objects.create(paper=paper, version=1, seen_at=NOW - 9 * DAY)
        PaperVersion.objects.create(paper=paper, version=2, seen_at=NOW)
    third = PaperVersion.objects.create(paper=saved, version=3, seen_at=NOW + timedelta(hours=1))
    delivery = plan()
    assert (delivery.state, delivery.paper_ids, delivery.version_ids) == (DeliveryState.PLANNED, [], [third.pk])
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED
    fourth = PaperVersion.objects.create(paper=saved, version=4, seen_at=DUE + DAY)
    assert plan(DUE + 2 * DAY).version_ids == [fourth.pk]


def test_a_version_that_was_told_is_not_told_for_a_paper_merged_with_it() -> None:
    user = factories.user()
    factories.schedule(factories.subscriber(user=user), kinds=["versions"])
    saved, twin = factories.paper(), factories.paper()
    item = LibraryItem.objects.create(user=user, paper=saved)
    LibraryItem.objects.filter(pk=item.pk).update(added_at=NOW - 3 * DAY)
    PaperVersion.objects.create(paper=saved, version=2, seen_at=NOW)
    assert len(plan().version_ids) == 1
    PaperVersion.objects.create(paper=twin, version=2, seen_at=DUE)
    with transaction.atomic():
        move_related_rows({saved.pk: twin.pk})
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED


# --- when it was not to be -----------------------------------------------------------------------------------------


def test_after_days_without_a_tick_there_is_one_mail_with_all_of_them() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    papers = [match(topic, at=NOW + days * DAY) for days in range(5)]
    delivery = plan(DUE + 4 * DAY + timedelta(hours=3))
    assert sorted(delivery.paper_ids) == ids(papers)
    assert (delivery.period_on, delivery.due_at) == (date(2026, 3, 9), DUE + 4 * DAY)


def test_a_mail_reaches_back_a_week_at_most() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    match(topic)
    recent = match(topic, at=NOW + 15 * DAY)
    assert plan(DUE + 20 * DAY).paper_ids == [recent.pk]


def test_what_is_half_a_day_late_waits_for_the_next_mail() -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    paper = match(topic)
    assert plan_due(now=DUE + timedelta(hours=13)) == PlanningResult(postponed=1)
    schedule.refresh_from_db()
    assert (schedule.next_due_at, schedule.last_release) == (DUE + DAY, 0)
    assert plan(DUE + DAY).paper_ids == [paper.pk]


def test_a_mail_that_no_server_took_is_overtaken_and_its_papers_come_with_the_next() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    old = match(topic)
    first = plan()
    Delivery.objects.update(state=DeliveryState.RETRY)
    new = match(topic, at=DUE)
    second = plan(DUE + DAY)
    first.refresh_from_db()
    assert first.state == DeliveryState.SUPERSEDED
    assert second.paper_ids == ids([new, old])


def test_the_papers_of_a_mail_in_a_workers_hands_are_not_chosen_again() -> None:
    topic = factories.topic()
    factories.schedule(None, topic)
    match(topic)
    plan()
    Delivery.objects.update(state=DeliveryState.SENDING, leased_until=DUE)
    new = match(topic, at=DUE)
    assert plan(DUE + DAY).paper_ids == [new.pk]


def test_a_new_reader_is_sent_the_last_period_only() -> None:
    topic = factories.topic()
    match(topic, at=NOW - 2 * DAY)
    recent = match(topic, at=NOW - timedelta(hours=3))
    factories.schedule(None, topic)
    assert plan().paper_ids == [recent.pk]


@pytest.mark.parametrize("keeps", [True, False])
def test_after_a_pause_the_reader_has_what_came_meanwhile_or_not(keeps) -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    paper = match(topic)
    plan_due(now=DUE)
    pause_schedule(schedule=schedule, until=date(2026, 3, 8), keeps_papers=keeps, now=DUE)
    recent = match(topic, at=DUE + 2 * DAY + timedelta(hours=1))
    assert plan_due(now=DUE + 2 * DAY) == PlanningResult()
    assert plan(DUE + 3 * DAY).paper_ids == (ids([recent, paper]) if keeps else [recent.pk])


def test_a_paused_topic_brings_nothing() -> None:
    one, two = factories.topic(), factories.topic()
    schedule = factories.schedule(None, one, two)
    schedule.subscriptions.filter(topic=one).update(paused_until=date(2026, 3, 6))
    match(one)
    paper = match(two)
    assert plan().paper_ids == [paper.pk]


def test_nothing_is_planned_for_a_suppressed_address_or_a_closed_account() -> None:
    topic = factories.topic()
    reader = factories.subscriber(email="Gone@example.org")
    factories.schedule(reader, topic)
    factories.schedule(factories.subscriber(user=factories.user(is_active=False)), topic)
    Suppression.objects.create(address="gone@example.org", reason="bounced")
    match(topic)
    assert plan_due(now=DUE) == PlanningResult(skipped=2)
    reasons = set(Delivery.objects.values_list("reason", flat=True))
    assert reasons == {"no mail to this address: the mailbox does not exist", "the account is suspended"}


def test_an_ended_schedule_is_not_due() -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    match(topic)
    end_schedule(schedule=schedule, now=NOW)
    assert plan_due(now=DUE + DAY) == PlanningResult()


# --- many at once --------------------------------------------------------------------------------------------------


def test_the_number_of_statements_does_not_grow_with_the_readers() -> None:
    topic = factories.topic()
    match(topic)

    def statements(readers: int) -> int:
        for _ in range(readers):
            factories.schedule(None, topic)
        Schedule.objects.update(next_on=date(2026, 3, 5), next_due_at=DUE)
        Delivery.objects.all().delete()
        with CaptureQueriesContext(connection) as found:
            plan_due(now=DUE)
        return len(found)

    assert statements(10) == statements(10)


def test_more_than_one_helping_is_planned_by_one_tick(monkeypatch) -> None:
    monkeypatch.setattr(planning, "AT_A_TIME", 3)
    topic = factories.topic()
    match(topic)
    for _ in range(7):
        factories.schedule(None, topic)
    assert plan_due(now=DUE) == PlanningResult(planned=7)


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_plan_each_mail_once(monkeypatch) -> None:
    topic = factories.topic()
    with transaction.atomic():
        match(topic)
    for _ in range(20):
        factories.schedule(None, topic)
    found: list[PlanningResult] = []
    monkeypatch.setattr(planning, "AT_A_TIME", 3)

    def tick() -> None:
        found.append(plan_due(now=DUE))
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sum(one.planned for one in found) == 20
    assert Delivery.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_a_paper_whose_transaction_ends_late_is_not_lost() -> None:
    """Its release is drawn, and not committed: the tick waits, and sees it."""
    topic = factories.topic()
    factories.schedule(None, topic)
    paper = factories.paper()
    drawn, may_end = threading.Event(), threading.Event()

    def store() -> None:
        with transaction.atomic():
            match(topic, paper=paper)
            drawn.set()
            may_end.wait(10)
        connection.close()

    thread = threading.Thread(target=store)
    thread.start()
    drawn.wait(10)
    threading.Timer(0.3, may_end.set).start()
    plan_due(now=DUE)
    thread.join(timeout=10)
    assert Delivery.objects.get().paper_ids == [paper.pk]


def test_a_change_of_the_hour_after_the_mail_does_not_bring_a_second_for_the_same_date() -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic)
    match(topic)
    plan_due(now=DUE)
    match(topic, at=DUE)
    save_schedule(subscriber=schedule.subscriber, frequency="daily", now=DUE, local_time=time(18))
    assert plan_due(now=DUE + timedelta(hours=12)) == PlanningResult()
