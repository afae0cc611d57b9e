"""Which papers of one day are about the same: average-linkage clusters of their vectors. Pure.

The exact product of all pairs: a day has a few hundred papers, and 2,000 are 16 MB for as long as it takes.
"""

from __future__ import annotations

import numpy as np

from papers.ranking.stream import Floats, centred

NAMED_CLOSENESS = 0.5
"""How close the papers of a cluster are on the mean where their words say what they share: the cosine of their vectors,
seen from the middle of the papers of late. Read off real days; docs/decisions.md has them."""
UNNAMED_CLOSENESS = 0.6
"""The same where no words say it."""


def find_clusters(
    vectors: Floats, middle: Floats, *, closeness: float = NAMED_CLOSENESS
) -> list[tuple[list[int], float]]:
    """The groups of two and more rows of `vectors`, each with the mean closeness of its pairs, in the order of rows.

    The two groups that are closest on the mean become one, until no two are as close as `closeness` (UPGMA; Sokal and
    Michener, 1958). A row is in one group at most.
    """
    if len(vectors) < 2:
        return []
    seen = centred(vectors, middle)
    pairs: Floats = seen @ seen.T
    np.fill_diagonal(pairs, -np.inf)
    near = np.flatnonzero(pairs.max(axis=1) >= closeness)
    members = _linked(pairs[np.ix_(near, near)].copy(), closeness)
    groups = [sorted(int(near[row]) for row in rows) for rows in members if len(rows) > 1]
    return [(rows, _mean_closeness(pairs, rows)) for rows in sorted(groups)]


def _linked(pairs: Floats, closeness: float) -> list[list[int]]:
    """The rows of each group, by rows of `pairs`, which is written over."""
    members = [[row] for row in range(len(pairs))]
    while len(pairs) > 1:
        one, other = divmod(int(pairs.argmax()), len(pairs))
        if not pairs[one, other] >= closeness:
            break
        first, second = len(members[one]), len(members[other])
        pairs[one] = (pairs[one] * first + pairs[other] * second) / (first + second)
        pairs[:, one] = pairs[one]
        pairs[one, one] = pairs[other] = pairs[:, other] = -np.inf
        members[one] += members[other]
        members[other] = []
    return members


def _mean_closeness(pairs: Floats, rows: list[int]) -> float:
    block = pairs[np.ix_(rows, rows)]
    return float(block[np.triu_indices(len(rows), 1)].mean())
