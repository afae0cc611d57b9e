"""The trending formula: what counts for how much, for how long, and that no number runs over."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.ranking.trending import (
    EPOCH,
    TRENDING_WINDOW,
    decayed_votes_after,
    log2_sum,
    log2_weight,
    score_floor,
    trending_score,
)
from tests.support.factories import NOW

HOUR = timedelta(hours=1)
HALF_LIFE = 36 * 3600.0
moments = st.integers(0, 10_000).map(lambda hours: NOW - hours * HOUR)


def hot(votes: list[datetime], figures: list[float] | None = None, *, weight: float = 0.02) -> float:
    found = trending_score(votes, figures or [], half_life_seconds=HALF_LIFE, source_weight=weight)
    assert found is not None
    return found


def figure(votes: int, at: datetime) -> float:
    found = decayed_votes_after(None, votes_before=0, votes=votes, seen_at=at, half_life_seconds=HALF_LIFE)
    assert found is not None
    return found


def test_a_vote_counts_half_after_the_half_life() -> None:
    assert hot([NOW]) == pytest.approx(hot([NOW - 36 * HOUR] * 2))


def test_three_votes_are_enough_for_an_order() -> None:
    twice, fresh, old = hot([NOW - 10 * HOUR, NOW - 20 * HOUR]), hot([NOW]), hot([NOW - 100 * HOUR])
    assert twice > fresh > old


def test_waiting_changes_no_order() -> None:
    """The figures hold no "now": that one is larger than another is true for ever."""
    early, late = [NOW - 50 * HOUR, NOW - 49 * HOUR, NOW - 48 * HOUR], [NOW]
    assert (hot(early) > hot(late)) == (2 ** (-50 / 36) + 2 ** (-49 / 36) + 2 ** (-48 / 36) > 1)


def test_fifty_votes_of_a_source_count_like_one_of_the_group() -> None:
    assert hot([], [figure(50, NOW)]) == pytest.approx(hot([NOW]))


def test_a_source_of_no_weight_is_no_signal() -> None:
    assert trending_score([], [figure(500, NOW)], half_life_seconds=HALF_LIFE, source_weight=0) is None
    assert hot([NOW], [figure(500, NOW)], weight=0) == hot([NOW])


def test_nothing_is_no_score() -> None:
    assert trending_score([], [], half_life_seconds=HALF_LIFE, source_weight=0.02) is None


def test_no_vote_of_any_time_runs_over() -> None:
    ages = [EPOCH - timedelta(days=36_500), NOW, EPOCH + timedelta(days=36_500)]
    assert math.isfinite(hot(ages))
    assert hot(ages) == pytest.approx(hot(ages[-1:]))


@given(st.lists(st.floats(-60, 60), min_size=1, max_size=30))
def test_the_sum_of_logarithms_is_the_logarithm_of_the_sum(logarithms: list[float]) -> None:
    assert log2_sum(logarithms) == pytest.approx(math.log2(sum(2**x for x in logarithms)), abs=1e-9)


@given(st.lists(moments, min_size=1, max_size=20), moments)
def test_one_more_vote_never_lowers_a_paper(votes: list[datetime], more: datetime) -> None:
    assert hot([*votes, more]) >= hot(votes)


class TestFigures:
    def test_votes_are_dated_when_they_are_seen(self) -> None:
        first = figure(10, NOW - 36 * HOUR)
        then = decayed_votes_after(first, votes_before=10, votes=13, seen_at=NOW, half_life_seconds=HALF_LIFE)
        assert then is not None
        assert 2 ** (then - log2_weight(NOW, half_life_seconds=HALF_LIFE)) == pytest.approx(10 / 2 + 3)

    def test_the_same_figure_again_changes_nothing(self) -> None:
        first = figure(10, NOW - HOUR)
        again = decayed_votes_after(first, votes_before=10, votes=10, seen_at=NOW, half_life_seconds=HALF_LIFE)
        assert again == first

    def test_votes_that_go_take_their_part(self) -> None:
        first = figure(10, NOW - HOUR)
        fewer = decayed_votes_after(first, votes_before=10, votes=5, seen_at=NOW, half_life_seconds=HALF_LIFE)
        assert fewer == pytest.approx(first - 1)

    def test_no_votes_are_no_figure(self) -> None:
        assert decayed_votes_after(3.0, votes_before=10, votes=0, seen_at=NOW, half_life_seconds=HALF_LIFE) is None

    def test_votes_after_none_begin_anew(self) -> None:
        found = decayed_votes_after(None, votes_before=0, votes=4, seen_at=NOW, half_life_seconds=HALF_LIFE)
        assert found == pytest.approx(2 + log2_weight(NOW, half_life_seconds=HALF_LIFE))


def test_the_floor_is_one_vote_at_the_window_s_edge() -> None:
    floor = score_floor(NOW, half_life_seconds=HALF_LIFE)
    assert hot([NOW - TRENDING_WINDOW + HOUR]) > floor > hot([NOW - TRENDING_WINDOW - HOUR])
