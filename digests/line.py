"""The line of a subscription: what a paper must reach to be in its mail. Pure.

Closeness is measured in one of two ways, each by a score that is there anyway:

- in a topic with examples, how close a paper is to the nearest of them; in other topics, and among the papers of those
  whom a reader follows, how close it is to the nearest of the papers that this reader liked last: the cosine of two
  vectors, 1 the same meaning, 0 nothing in common;
- of what For you suggests, how far it stands out for this reader: standard deviations above the middle of a month.

Votes are those of the group or of another site, whichever are more.
"""

from __future__ import annotations

from collections.abc import Mapping

ANY, RELATED, CLOSE, VOTED = "any", "related", "close", "voted"
COSINES: Mapping[str, float] = {RELATED: 0.45, CLOSE: 0.6}
"""Of two abstracts by the shipped model one pair in forty is related, one in a thousand close."""
DEVIATIONS: Mapping[str, float] = {RELATED: 1.0, CLOSE: 2.0}
VOTES = (1, 3, 5, 10, 25, 50)
"""The lines in votes that may be chosen."""
LIKED_COMPARED = 50
"""The papers that a reader liked last, to which closeness is measured."""

_BY_COSINE = frozenset({"topic", "followed"})
_BY_DEVIATION = frozenset({"for_you"})
_BY_VOTES = frozenset({"topic", "list", "daily", "trending", "top", "followed", "for_you"})


def kinds_by_votes() -> frozenset[str]:
    """The kinds of subscriptions that may have a line in votes."""
    return _BY_VOTES


def min_score(kind: str, line: str) -> float | None:
    """The score that a paper must have; None where the line is not in closeness."""
    if kind in _BY_DEVIATION:
        return DEVIATIONS.get(line)
    return COSINES.get(line) if kind in _BY_COSINE else None


def has_closeness(kind: str, *, has_account: bool, has_examples: bool) -> bool:
    """Whether closeness can be measured: to a topic's examples, or to what a reader with an account liked."""
    if kind in _BY_DEVIATION:
        return True
    return kind in _BY_COSINE and (has_account or has_examples)


def scored_lines() -> list[tuple[str, str, float]]:
    """Kind, line and the score it asks for, as the choice of papers takes them."""
    kinds = sorted(_BY_COSINE | _BY_DEVIATION)
    return [(kind, line, score) for kind in kinds for line in (RELATED, CLOSE) if (score := min_score(kind, line))]
