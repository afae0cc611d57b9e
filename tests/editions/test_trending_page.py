"""The trending page's figures: Postgres computes what the formula says, and only where votes changed."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from papers.models import Paper, PaperExternalCounts, Vote
from papers.ranking.trending import decayed_votes_after, trending_score
from papers.services.lists.trending import recompute_trending_scores, refresh_trending_scores
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import anonymous_client

pytestmark = pytest.mark.django_db


def by_formula(paper: Paper) -> float | None:
    return trending_score(
        list(Vote.objects.filter(paper=paper).values_list("created_at", flat=True)),
        [
            found.trending_score
            for found in PaperExternalCounts.objects.filter(paper=paper)
            if found.trending_score is not None
        ],
        half_life_seconds=settings.TRENDING_HALF_LIFE_SECONDS,
        source_weight=settings.TRENDING_SOURCE_WEIGHT,
    )


def vote_at(paper: Paper, hours_ago: float) -> None:
    made = factories.vote(paper)
    Vote.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(hours=hours_ago))


def figure_at(paper: Paper, votes: int, hours_ago: float, source: str = "huggingface") -> None:
    trending_score = decayed_votes_after(
        None,
        votes_before=0,
        votes=votes,
        seen_at=NOW - timedelta(hours=hours_ago),
        half_life_seconds=settings.TRENDING_HALF_LIFE_SECONDS,
    )
    factories.external_counts(paper, source, votes=votes, trending_score=trending_score)


def test_postgres_and_the_formula_agree() -> None:
    dice = random.Random(3)
    papers = [factories.paper() for _ in range(12)]
    for paper in papers[1:]:
        for _ in range(dice.randrange(5)):
            vote_at(paper, dice.uniform(0, 5000))
        for source in ("huggingface", "other")[: dice.randrange(3)]:
            figure_at(paper, dice.randrange(1, 500), dice.uniform(0, 500), source)
    vote_at(papers[1], 24 * 365 * 80)  # so old that its part is nothing: no number may run over
    vote_at(papers[1], 0)
    refresh_trending_scores([paper.pk for paper in papers])
    for paper in papers:
        paper.refresh_from_db()
        assert paper.trending_score == pytest.approx(by_formula(paper), abs=1e-9)
    assert papers[0].trending_score is None
    assert papers[1].trending_score is not None


def test_a_source_of_no_weight_makes_nothing_hot(settings: Settings) -> None:
    settings.TRENDING_SOURCE_WEIGHT = 0
    seen, voted = factories.paper(), factories.paper()
    figure_at(seen, 400, 1)
    figure_at(voted, 400, 1)
    vote_at(voted, 1)
    refresh_trending_scores([seen.pk, voted.pk])
    seen.refresh_from_db()
    voted.refresh_from_db()
    assert seen.trending_score is None
    assert voted.trending_score == pytest.approx(by_formula(voted))


def test_two_statements_whatever_the_number_of_papers(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    papers = [factories.paper().pk for _ in range(30)]
    with django_assert_num_queries(4):  # with the savepoint around them
        refresh_trending_scores(papers)
    with django_assert_num_queries(0):
        refresh_trending_scores([])


def test_a_changed_setting_takes_effect_with_one_command(settings: Settings) -> None:
    paper, other = factories.paper(), factories.paper()
    vote_at(paper, 30)
    figure_at(other, 9, 30)
    refresh_trending_scores([paper.pk, other.pk])
    settings.TRENDING_HALF_LIFE_SECONDS = 3600
    assert recompute_trending_scores() == 2
    paper.refresh_from_db()
    assert paper.trending_score == pytest.approx(by_formula(paper))


def titles() -> list[str]:
    html = anonymous_client().get("/papers/trending").content.decode()
    return re.findall(r'class="card-title"[^>]*><a [^>]*>([^<]*)<', html)


class TestThePage:
    def test_three_votes_are_enough(self) -> None:
        two, one, none = (
            factories.paper(title="Two votes"),
            factories.paper(title="One vote"),
            factories.paper(title="No vote"),
        )
        set_vote(user=factories.user(), paper_id=one.pk, on=True)
        for _ in range(2):
            set_vote(user=factories.user(), paper_id=two.pk, on=True)
        factories.listing(none)
        assert titles() == ["Two votes", "One vote"]

    def test_the_group_s_votes_come_before_many_of_a_source(self) -> None:
        ours, theirs = factories.paper(title="Ours"), factories.paper(title="Theirs")
        now = timezone.now()
        trending_score = decayed_votes_after(
            None, votes_before=0, votes=40, seen_at=now, half_life_seconds=settings.TRENDING_HALF_LIFE_SECONDS
        )
        factories.external_counts(theirs, votes=40, trending_score=trending_score)
        refresh_trending_scores([theirs.pk])
        set_vote(user=factories.user(), paper_id=ours.pk, on=True)
        assert titles() == ["Ours", "Theirs"]

    def test_without_a_signal_it_is_the_newest_edition_and_says_so(self) -> None:
        old = factories.paper(title="Voted for long ago")
        made = factories.vote(old)
        Vote.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=40))
        refresh_trending_scores([old.pk])
        factories.listing(factories.paper(title="Listed"))
        assert titles() == ["Listed"]
        assert "There were no votes in the last 30 days" in anonymous_client().get("/papers/trending").content.decode()

    def test_hidden_papers_are_not_trending(self) -> None:
        hidden = factories.paper(title="Hidden")
        set_vote(user=factories.user(), paper_id=hidden.pk, on=True)
        Paper.objects.filter(pk=hidden.pk).update(hidden_at=NOW)
        assert titles() == []
