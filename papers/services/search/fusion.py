"""Two rankings become one: the mean of their scores, each from 0 to 1. Pure; docs/search.md tells readers the same.

Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, https://arxiv.org/abs/2210.11934
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from papers.services.embeddings.nearest import PaperDistance
from papers.services.search.bm25 import MAX_RESULTS as MOST_BY_WORDS
from papers.services.search.bm25 import Bm25Hit
from papers.services.search.semantic import MAX_DISTANCE, MAX_FILTERED_RESULTS

EXACT_TITLE_BOOST = 2.0
"""A question that is a paper's whole title leads to that paper, wherever else it stands."""
WHOLE_NAME_BOOST = 1.5
"""Whose name is all that is asked for leads with their papers, the newest first."""
TITLE_PHRASE_BOOST = 0.1
RECENCY_BOOST = 0.05
"""What a paper of today gains; of a year ago, half of it. The best by words or by meaning has 0.5 for that."""
_YEAR = timedelta(days=365)


class RankedResult(NamedTuple):
    """A result, and why it is one."""

    paper_id: int
    score: float
    by_bm25: bool
    in_title: int
    by_author: bool
    by_semantic: bool
    is_near: bool = True
    """Found by meaning, and as close as what is called close."""


def fuse(
    words: Sequence[Bm25Hit],
    meaning: Sequence[PaperDistance],
    more_words: Sequence[Bm25Hit] = (),
    more_meaning: Sequence[PaperDistance] = (),
    *,
    listed_at: Mapping[int, datetime],
    now: datetime,
    named: Collection[int] = (),
    near_distance: float = MAX_DISTANCE,
    having_name: Collection[int] | None = None,
) -> list[RankedResult]:
    """The papers of both rankings, the best first. Papers that are not in `listed_at` are gone, and left out.

    `more_words` and `more_meaning`: what each ranking says of papers that only the other one found. `named`: papers of
    an author whose whole name the question is. `near_distance`: how far a close one may be. `having_name`: where the
    question is one word or name, the papers that have it: they come before those that neither have it nor are close.
    """
    rankings = (
        _shares(
            {found.paper_id: found.score for found in words},
            {found.paper_id: found.score for found in more_words},
            least=0.0,
            full=MOST_BY_WORDS,
        ),
        _shares(
            {near.paper_id: 1 - near.distance for near in meaning},
            {near.paper_id: 1 - near.distance for near in more_meaning},
            least=1 - MAX_DISTANCE,
            full=MAX_FILTERED_RESULTS,
        ),
    )
    scores: dict[int, float] = dict.fromkeys(named, WHOLE_NAME_BOOST)
    for ranking in rankings:
        for paper_id, share in ranking.items():
            scores[paper_id] = scores.get(paper_id, 0.0) + share / 2
    found_by_words = {found.paper_id for found in words}
    by_words = {found.paper_id: found for found in (*words, *more_words)}
    by_semantic = {near.paper_id: near.distance for near in meaning}
    named = frozenset(named)
    ranked = [
        RankedResult(
            paper_id=paper_id,
            score=score + _signals(by_words.get(paper_id), listed_at[paper_id], now),
            by_bm25=paper_id in found_by_words,
            in_title=by_words[paper_id].in_title if paper_id in by_words else 0,
            by_author=paper_id in named or (paper_id in by_words and by_words[paper_id].by_author),
            by_semantic=paper_id in by_semantic,
            is_near=by_semantic.get(paper_id, 0.0) <= near_distance,
        )
        for paper_id, score in scores.items()
        if paper_id in listed_at
    ]
    ranked.sort(key=lambda result: (-result.score, -result.paper_id))
    if having_name is not None:
        # What a model makes of a rare word says little: few that are far away belong before those that have it.
        answers = {*named, *having_name, *(paper_id for paper_id, far in by_semantic.items() if far <= near_distance)}
        ranked.sort(key=lambda result: result.paper_id not in answers)
    return ranked


def _shares(scores: Mapping[int, float], more: Mapping[int, float], *, least: float, full: int) -> dict[int, float]:
    """Scores of one ranking from 0, as good as the last of it, to 1, its best; also of papers that it did not find.

    A ranking that is cut off at `full` papers ends there at 0; a shorter one would have ended at `least`.
    """
    every = {**more, **scores}
    best = max(every.values(), default=0.0)
    if len(scores) >= full:
        least = min(scores.values())
    if best <= least:
        return dict.fromkeys(every, 1.0)
    return {paper_id: max(0.0, (score - least) / (best - least)) for paper_id, score in every.items()}


def _signals(found: Bm25Hit | None, listed_at: datetime, now: datetime) -> float:
    years = max(0.0, (now - listed_at) / _YEAR)
    exact = 0.0 if found is None else EXACT_TITLE_BOOST * found.is_title + TITLE_PHRASE_BOOST * found.is_phrase_of_title
    return float(exact + RECENCY_BOOST * 2.0**-years)
