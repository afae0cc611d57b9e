"""Spans of time in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from papers.text.durations import duration_in_words, exact_duration, rough_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "less than a minute"), (60, "1 minute"), (7_199, "1 hour"), (7_200, "2 hours"), (12 * 86_400, "12 days")],
)
def test_one_unit_is_rounded_down(seconds: int, words: str) -> None:
    assert duration_in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a minute"),
        (89, "a minute"),
        (90, "2 minutes"),
        (5_399, "90 minutes"),
        (5_400, "2 hours"),
        (9_100, "3 hours"),
    ],
)
def test_what_is_only_estimated_is_rounded(seconds: int, words: str) -> None:
    assert rough_duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("hours", "words"), [(1, "1 hour"), (36, "36 hours"), (48, "48 hours"), (60, "60 hours"), (72, "3 days")]
)
def test_what_is_set_is_told_exactly(hours: int, words: str) -> None:
    assert exact_duration(timedelta(hours=hours)) == words
