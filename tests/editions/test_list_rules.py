"""Rules for groups without a curator: what they list, how often, and what never comes back."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from papers.models import Candidate, Edition, Listing, ListRule, Paper, RuleListing, Topic
from papers.services.editions.list_rules import RuleCriteria, apply_rules, preview_rule
from papers.services.ingest.paper_merge import move_related_rows
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import client_of, curator

pytestmark = pytest.mark.django_db


def matched(topic: Topic, number: int = 1, **fields: Any) -> list[Paper]:
    papers = [factories.paper(**fields) for _ in range(number)]
    for paper in papers:
        factories.topic_match(paper, topic)
    return papers


def listed(day: date = TODAY) -> set[int]:
    return set(Listing.objects.visible().on_day(day).values_list("paper", flat=True))


# --- What is listed -------------------------------------------------------------------------------------------------


def test_a_topic_s_papers_are_listed_and_nothing_else() -> None:
    topic = factories.topic("trees")
    rule = factories.list_rule(topic)
    (paper,) = matched(topic)
    factories.paper()
    assert apply_rules(now=NOW) == 1
    (row,) = Listing.objects.all()
    assert (row.paper, row.day, row.by) == (paper, TODAY, "topic")
    assert RuleListing.objects.get().rule == rule
    assert Edition.objects.get(day=TODAY).listed_count == 1


def test_papers_with_enough_votes_are_listed() -> None:
    factories.list_rule(min_votes=3)
    enough, few = factories.paper(vote_count=3), factories.paper(vote_count=2)
    factories.paper(vote_count=9, listed_at=NOW - timedelta(days=40))
    assert apply_rules(now=NOW) == 1
    assert listed() == {enough.pk}
    Paper.objects.filter(pk=few.pk).update(vote_count=4)
    assert apply_rules(now=NOW + timedelta(minutes=5)) == 1
    assert Listing.objects.get(paper=few).by == "votes"


def test_a_rule_may_want_both() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic, min_votes=2)
    (voted,) = matched(topic, vote_count=2)
    matched(topic)
    factories.paper(vote_count=5)
    apply_rules(now=NOW)
    assert listed() == {voted.pk}


def test_old_hidden_and_withdrawn_papers_and_the_sample_are_not_news() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic)
    matched(topic, listed_at=NOW - timedelta(days=4))
    matched(topic, hidden_at=NOW)
    matched(topic, withdrawn_at=NOW)
    matched(topic, is_sample=True)
    assert apply_rules(now=NOW) == 0


def test_a_rule_that_is_off_lists_nothing() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic, is_enabled=False)
    matched(topic)
    assert apply_rules(now=NOW) == 0


# --- How many -------------------------------------------------------------------------------------------------------


def test_at_most_so_many_a_day_the_best_first() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic, limit=3)
    matched(topic, 4)
    (best,) = matched(topic, vote_count=7)
    assert apply_rules(now=NOW) == 3
    assert best.pk in listed()
    assert apply_rules(now=NOW + timedelta(hours=1)) == 0
    assert apply_rules(now=NOW + timedelta(days=1)) == 2
    assert len(listed(TODAY + timedelta(days=1))) == 2


def test_each_rule_has_a_limit_of_its_own_and_no_paper_two_rules() -> None:
    trees, ice = factories.topic("trees"), factories.topic("ice")
    factories.list_rule(trees, limit=2)
    factories.list_rule(ice, limit=2)
    for paper in matched(trees, 3):
        factories.topic_match(paper, ice)
    assert apply_rules(now=NOW) == 3
    assert Listing.objects.count() == 3


def test_what_is_taken_away_counts_for_its_day() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic, limit=1)
    matched(topic, 2)
    apply_rules(now=NOW)
    Listing.objects.update(hidden_at=NOW)
    assert apply_rules(now=NOW + timedelta(hours=1)) == 0


# --- Never twice ----------------------------------------------------------------------------------------------------


def test_asking_again_lists_nothing_twice() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic)
    matched(topic, 3)
    apply_rules(now=NOW)
    assert apply_rules(now=NOW) == 0
    assert apply_rules(now=NOW + timedelta(days=1)) == 0
    assert Listing.objects.count() == 3


def test_what_an_edition_has_had_is_left_alone() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic)
    first, second, third = matched(topic, 3)
    factories.listing(first, TODAY - timedelta(days=1))
    factories.listing(second, TODAY - timedelta(days=2), hidden_at=NOW)
    factories.listing(third, kind="sample")
    assert apply_rules(now=NOW) == 1
    assert listed() == {third.pk}


@pytest.mark.parametrize("how", ["off the day", "hidden and shown again", "its row is gone", "merged"])
def test_what_a_curator_took_away_never_comes_back(how: str) -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic)
    (paper,) = matched(topic)
    apply_rules(now=NOW)
    if how == "off the day":
        Listing.objects.update(hidden_at=NOW)
    elif how == "its row is gone":
        Listing.objects.all().delete()
    elif how == "merged":
        Listing.objects.update(hidden_at=NOW)
        (other,) = matched(topic)
        move_related_rows({paper.pk: other.pk})
        paper.delete()
    else:
        Paper.objects.update(hidden_at=NOW)
        Paper.objects.update(hidden_at=None)
        Listing.objects.update(hidden_at=NOW)
    factories.list_rule(min_votes=1)
    Paper.objects.update(vote_count=9)
    for day in range(3):
        assert apply_rules(now=NOW + timedelta(days=day)) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_list_each_paper_once() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic, limit=5)
    factories.list_rule(min_votes=1, limit=5)
    with transaction.atomic():
        matched(topic, 12, vote_count=1)
    gate, counts = Barrier(3), []

    def work() -> None:
        gate.wait()
        counts.append(apply_rules(now=NOW))
        connection.close()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sum(counts) == Listing.objects.count() == RuleListing.objects.count() == 10
    assert Edition.objects.get(day=TODAY).listed_count == 10


def test_what_a_curator_left_out_of_the_candidates_is_not_listed_by_a_rule() -> None:
    topic = factories.topic("trees")
    factories.list_rule(topic)
    left_out, waiting = matched(topic, 2)
    for paper, decided_at in ((left_out, NOW), (waiting, None)):
        Candidate.objects.create(paper=paper, topic=topic, score=1, found_at=NOW, decided_at=decided_at)
    apply_rules(now=NOW)
    assert listed() == {waiting.pk}


def test_a_rule_asks_for_something() -> None:
    with pytest.raises(IntegrityError):
        factories.list_rule()


# --- The preview and the pages --------------------------------------------------------------------------------------


def test_the_preview_says_what_last_week_would_have_had() -> None:
    topic = factories.topic("trees")
    for number in range(4):
        matched(topic, title=f"Tree {number}", vote_count=number)
    factories.listing(matched(topic)[0])
    matched(topic, title="Yesterday", listed_at=NOW - timedelta(days=1))
    matched(topic, title="Long ago", listed_at=NOW - timedelta(days=8))
    days = preview_rule(RuleCriteria(topic.pk, 0, 3), now=NOW)
    assert [day.day for day in days] == [TODAY - timedelta(days=number) for number in range(7)]
    assert days[0].titles == ("Tree 3", "Tree 2", "Tree 1")
    assert (days[0].over, days[0].listed) == (1, 1)
    assert days[1].titles == ("Yesterday",)
    assert days[2].titles == ()
    assert not Listing.objects.filter(by="topic").exists()


def test_the_preview_lists_what_the_rule_would() -> None:
    topic = factories.topic("trees")
    for votes in range(5):
        matched(topic, title=f"Tree {votes}", vote_count=votes)
    terms = RuleCriteria(topic.pk, 1, 2)
    promised = preview_rule(terms, now=NOW)[0].titles
    factories.list_rule(topic, min_votes=1, limit=2)
    apply_rules(now=NOW)
    assert set(Paper.objects.filter(pk__in=listed()).values_list("title", flat=True)) == set(promised)


def test_a_rule_is_tried_before_it_is_saved() -> None:
    topic = factories.topic("trees")
    carl = curator()
    browser = client_of(carl)
    asked = {"topic": str(topic.pk), "min_votes": "0", "limit": "5", "is_enabled": "on"}
    tried = browser.post("/curate/rules/new", {**asked, "try": "1"}).content.decode()
    assert "What this would have listed last week" in tried
    assert not ListRule.objects.exists()
    browser.post("/curate/rules/new", {**asked, "save": "1"})
    rule = ListRule.objects.get()
    assert (rule.topic, rule.limit, rule.made_by) == (topic, 5, carl)
    assert str(rule) in browser.get("/curate/rules").content.decode()
    browser.post(f"/curate/rules/{rule.pk}", {"topic": "", "min_votes": "4", "limit": "5", "save": "1"})
    rule.refresh_from_db()
    assert (rule.topic, rule.min_votes, rule.is_enabled) == (None, 4, False)
    browser.post(f"/curate/rules/{rule.pk}/delete")
    assert not ListRule.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "9" * 30},
        {"min_votes": "-1"},
        {"min_votes": "9" * 30},
        {"topic": "7"},
        {"topic": "\0"},
    ],
)
def test_a_wrong_rule_is_told_so(wrong: dict[str, str]) -> None:
    asked = {"topic": "", "min_votes": "0", "limit": "5", **wrong}
    answer = client_of(curator()).post("/curate/rules/new", {**asked, "save": "1"})
    assert answer.status_code == 422
    assert not ListRule.objects.exists()
