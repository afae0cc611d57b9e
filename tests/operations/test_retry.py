"""The one table of retries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from papers.retry import RetrySchedule, minutes

SCHEDULE = RetrySchedule(minutes(1, 5))
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("failures", "pause"), [(0, MINUTE), (1, MINUTE), (2, 5 * MINUTE), (3, None), (99, None)])
def test_after_the_last_pause_it_is_given_up(failures: int, pause: timedelta | None) -> None:
    assert SCHEDULE.pause_after(failures) == pause


def test_attempts_are_one_more_than_pauses() -> None:
    assert SCHEDULE.max_attempts == 3
    assert RetrySchedule(minutes(1), gives_up=False).max_attempts is None


def test_the_last_pause_repeats_where_it_is_never_given_up() -> None:
    assert RetrySchedule(minutes(1, 5), gives_up=False).pause_after(100) == 5 * MINUTE


def test_what_the_other_side_asks_for_is_never_undercut_and_never_shortens() -> None:
    assert SCHEDULE.pause_after(1, retry_after=timedelta(hours=1)) == timedelta(hours=1)
    assert SCHEDULE.pause_after(2, retry_after=timedelta(seconds=0)) == 5 * MINUTE
    assert SCHEDULE.pause_after(3, retry_after=timedelta(hours=1)) is None


def test_jitter_stays_between_its_ends() -> None:
    schedule = RetrySchedule(minutes(10), jitter=(0.8, 1.2))
    assert schedule.pause_after(1, spread=0) == 8 * MINUTE
    assert schedule.pause_after(1, spread=1) == 12 * MINUTE
