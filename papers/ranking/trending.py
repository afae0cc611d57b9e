"""The trending formula. Pure; docs/decisions.md has what it was checked against.

A vote given at time t weighs 2^((t - EPOCH) / half_life), and

    score = log2( sum over the group's votes of 2^((t - EPOCH) / half_life)
                + source_weight * sum over the sources' votes of 2^((t_seen - EPOCH) / half_life) )

Letting new votes weigh more, instead of old ones less, orders papers the same at every moment. So the score of a
paper changes only when a vote comes or goes, an index holds the order, and no job has to age it. The logarithm keeps
the numbers small: one unit is one half-life, or twice the votes. One vote now equals two votes a half-life ago.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
TRENDING_WINDOW = timedelta(days=30)
"""A paper whose votes weigh less than one vote of the group of this age is not trending."""


def log2_weight(at: datetime, *, half_life_seconds: float) -> float:
    """log2 of what one vote given at `at` weighs."""
    return (at - EPOCH).total_seconds() / half_life_seconds


def log2_sum(logarithms: Iterable[float]) -> float | None:
    """log2 of the sum of 2^x over all x, without overflow; None of nothing."""
    found = sorted(logarithms)
    if not found:
        return None
    largest = found[-1]
    return largest + math.log2(math.fsum(2.0 ** (x - largest) for x in found))


def trending_score(
    votes: Iterable[datetime], source_scores: Iterable[float], *, half_life_seconds: float, source_weight: float
) -> float | None:
    """A paper's score; None when there is no signal at all.

    `votes` are the times of the group's votes, `source_scores` the decayed sums of its sources (`decayed_votes_after`).
    """
    own = [log2_weight(at, half_life_seconds=half_life_seconds) for at in votes]
    theirs = [score + math.log2(source_weight) for score in source_scores] if source_weight > 0 else []
    return log2_sum([*own, *theirs])


def decayed_votes_after(
    before: float | None, *, votes_before: int, votes: int, seen_at: datetime, half_life_seconds: float
) -> float | None:
    """log2 of the decayed sum of a source's votes, after it was seen to count `votes`.

    Votes that came are dated when they were seen. Where votes went, it is not known which: all lose their part.
    """
    if votes <= 0:
        return None
    came = votes - votes_before
    if before is None or votes_before <= 0:
        came, before = votes, None
    if before is not None and came < 0:
        return before + math.log2(votes / votes_before)
    if came == 0:
        return before
    new = math.log2(came) + log2_weight(seen_at, half_life_seconds=half_life_seconds)
    return new if before is None else log2_sum([before, new])


def score_floor(now: datetime, *, half_life_seconds: float) -> float:
    """The score below which a paper is not trending any more at `now`."""
    return log2_weight(now - TRENDING_WINDOW, half_life_seconds=half_life_seconds)
