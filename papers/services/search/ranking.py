"""Two rankings become one. Pure; docs/search.md tells readers the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from papers.services.embeddings import Near
from papers.services.search.words import Found

K = 60
"""Of reciprocal rank fusion: https://dl.acm.org/doi/10.1145/1571941.1572114"""
WHOLE_TITLE = 1.0
"""A question that is a paper's whole title leads to that paper, wherever else it stands."""
PHRASE_OF_TITLE = 0.002
NEWNESS = 0.001
"""What a paper of today gains; of a year ago, half of it. A rank at the top is worth 0.0003."""
_YEAR = timedelta(days=365)


class Ranked(NamedTuple):
    """A result, and why it is one."""

    paper_id: int
    score: float
    by_words: bool
    in_title: int
    by_author: bool
    by_meaning: bool


def fuse(
    words: Sequence[Found], meaning: Sequence[Near], *, listed_at: Mapping[int, datetime], now: datetime
) -> list[Ranked]:
    """The papers of both rankings, the best first. Papers that are not in `listed_at` are gone, and left out."""
    scores: dict[int, float] = {}
    for ranking in ([found.paper_id for found in words], [near.paper_id for near in meaning]):
        for place, paper_id in enumerate(ranking, start=1):
            scores[paper_id] = scores.get(paper_id, 0.0) + 1 / (K + place)
    by_words = {found.paper_id: found for found in words}
    by_meaning = {near.paper_id for near in meaning}
    ranked = [
        Ranked(
            paper_id=paper_id,
            score=score + _signals(by_words.get(paper_id), listed_at[paper_id], now),
            by_words=paper_id in by_words,
            in_title=by_words[paper_id].in_title if paper_id in by_words else 0,
            by_author=paper_id in by_words and by_words[paper_id].by_author,
            by_meaning=paper_id in by_meaning,
        )
        for paper_id, score in scores.items()
        if paper_id in listed_at
    ]
    return sorted(ranked, key=lambda result: (-result.score, -result.paper_id))


def _signals(found: Found | None, listed_at: datetime, now: datetime) -> float:
    years = max(0.0, (now - listed_at) / _YEAR)
    exact = 0.0 if found is None else WHOLE_TITLE * found.is_title + PHRASE_OF_TITLE * found.is_phrase_of_title
    return float(exact + NEWNESS * 2.0**-years)
