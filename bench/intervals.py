"""How sure a difference between two systems is that answered the same questions: the paired bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993; for rankings: Sakai, Evaluating evaluation metrics based
on the bootstrap, SIGIR 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
_SEED = 17
# Of resamples at a time: the matrix of places fits into some megabytes.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """What a system's mean is above another's, and the interval in which 95 of 100 resamples have it; also as ratio."""

    mean: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0: else the difference may be chance."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f} {self.high:+.3f}]{'*' if self.is_sure else ' '}"

    def as_json(self) -> dict[str, float]:
        return {name: round(getattr(self, name), 4) for name in self.__slots__}


def paired_difference(scores: Sequence[float], others: Sequence[float]) -> Difference:
    """Of the mean of `scores` over that of `others`, question by question in the same order; the same each time.

    Raises:
        ValueError: there are no questions, or not as many of the one as of the other.
    """
    if not scores or len(scores) != len(others):
        raise ValueError("Both systems must have answered the same questions.")
    pairs = np.array([scores, others], dtype=float)
    dice = np.random.default_rng(_SEED)
    means = [
        pairs[:, dice.integers(0, len(scores), (_AT_ONCE, len(scores)))].mean(axis=2)
        for _ in range(RESAMPLES // _AT_ONCE)
    ]
    ours, theirs = np.concatenate(means, axis=1)
    edges = (50 - 50 * LEVEL, 50 + 50 * LEVEL)
    low, high = np.percentile(ours - theirs, edges)
    ratio_low, ratio_high = np.percentile(ours / np.maximum(theirs, 1e-9), edges)
    mean, other = pairs.mean(axis=1)
    return Difference(
        float(mean - other),
        float(low),
        float(high),
        float(mean / max(other, 1e-9)),
        float(ratio_low),
        float(ratio_high),
    )
