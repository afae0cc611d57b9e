"""What it knows: which papers of the stream a reader will like, from a handful of examples, and why.

Two opinions are added up, each in standard deviations over the stream.

- Words: a term that several of the liked papers have and few others is what the reader is after. It weighs as the
  relevance weight of Robertson and Spärck Jones (1976), times how many of the liked papers share it.
- Meaning: how close a vector is to the middle of the liked ones, seen from the middle of the stream.

The words of what was put aside count against a paper, as far as no liked paper has them; its vectors say nothing, for
mostly they are near those of the liked papers. Nothing is trained: a reader costs a sum over the papers with the
reader's best terms and one product of a matrix with a vector.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from papers.recommend.stream import Example, Floats, Keys, Stream, centred

# Where hardly any papers come, a subject may well be that of a third of them.
_NEVER_TOO_COMMON = 30

Scores = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    """Chosen by `make bench-recommend`, on half of its readers; docs/decisions.md has what else was tried."""

    words: float = 0.8
    """The part of words; the rest is of meaning."""
    sharing: float = 1.0
    """How much more a term counts that more of the liked papers share."""
    most_terms: int = 30
    too_common: float = 0.15
    """A term that a greater part of the stream has says nothing."""
    aside: float = 0.2
    """What a term of the papers put aside weighs beside one of the liked ones."""
    fading: float = 0.05
    """Standard deviations a day: a paper of yesterday goes before one as good of last week."""
    least: float = 0.25
    """Standard deviations above the stream's middle; what is below is not suggested."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What is known of a reader."""

    liked: Sequence[Example]
    aside: Sequence[Example] = ()
    known: Collection[int] = ()
    """Papers not to suggest."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A paper, with the liked one that speaks for it most."""

    paper_id: int
    score: float
    """Standard deviations above the middle of the stream; compares papers of one reader."""
    because_of: int
    shared: Keys
    """The terms that the two have in common and that count for this reader, the weightiest first."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a reader's terms weigh: places in `Stream.terms`, and weights."""

    places: Places
    weights: Scores


def rank(stream: Stream, taste: Taste, *, limit: int, settings: Settings | None = None) -> list[Suggestion]:
    """The best papers of the stream for a reader, the best first; empty for a reader who likes nothing."""
    settings = settings or Settings()
    if not taste.liked or not len(stream):
        return []
    terms = _terms(stream, taste.liked, settings)
    scores = scores_for(stream, taste, settings, terms=terms) - settings.fading * stream.ages
    for paper_id in {example.paper_id for example in (*taste.liked, *taste.aside)} | set(taste.known):
        if (place := stream.place.get(paper_id)) is not None:
            scores[place] = -np.inf
    best = np.argsort(-scores, kind="stable")[:limit]
    chosen = [int(place) for place in best if scores[place] > settings.least]
    return _with_reasons(stream, taste, terms, chosen, scores)


def scores_for(stream: Stream, taste: Taste, settings: Settings, *, terms: _Terms | None = None) -> Scores:
    """How well each paper of the stream fits a reader who likes something: standard deviations, whatever its age."""
    terms = terms or _terms(stream, taste.liked, settings)
    against = _against(stream, taste, settings)
    places = np.concatenate([terms.places, against.places])
    words = _standard(stream.sums(places, np.concatenate([terms.weights, -settings.aside * against.weights])))
    liked = _vectors(stream, taste.liked)
    if not len(liked):
        return words
    meaning = np.zeros(len(stream))
    # A paper without a vector yet stands in the middle.
    meaning[stream.has_vector] = _standard(stream.vectors[stream.has_vector] @ liked.mean(axis=0))
    found: Scores = settings.words * words + (1 - settings.words) * meaning
    return found


def _terms(stream: Stream, liked: Sequence[Example], settings: Settings) -> _Terms:
    """The terms that tell what is liked from the rest, the weightiest first."""
    keys, shares = np.unique(np.concatenate([example.keys for example in liked]), return_counts=True)
    places = stream.places_of(keys)
    shares = shares[np.isin(keys, stream.terms[places])].astype(float)
    recent = stream.counts(places)
    papers, total = recent + shares, len(stream) + len(liked)
    odds = (shares + 0.5) / (len(liked) - shares + 0.5)
    weights = np.log(odds * (total - papers + 0.5) / (papers - shares + 0.5))
    weights = np.maximum(weights, 0) * (np.log1p(shares) / np.log1p(len(liked))) ** settings.sharing
    weights[recent > max(settings.too_common * len(stream), _NEVER_TOO_COMMON)] = 0
    best = np.argsort(-weights, kind="stable")[: settings.most_terms]
    best = best[weights[best] > 0]
    return _Terms(places[best], weights[best])


def _against(stream: Stream, taste: Taste, settings: Settings) -> _Terms:
    """The terms that tell what was put aside from the rest, without those of any liked paper."""
    if not taste.aside:
        return _Terms(np.zeros(0, np.int64), np.zeros(0))
    found = _terms(stream, taste.aside, settings)
    liked = np.concatenate([example.keys for example in taste.liked])
    is_other = ~np.isin(stream.terms[found.places], liked)
    return _Terms(found.places[is_other], found.weights[is_other])


def _vectors(stream: Stream, examples: Sequence[Example]) -> Floats:
    known = [example.vector for example in examples if example.vector is not None]
    return centred(np.stack(known), stream.middle) if known else np.zeros((0, 0), np.float32)


def _standard(values: NDArray[np.floating]) -> Scores:
    if not len(values):
        return np.zeros(0)
    found: Scores = (values - values.mean()) / max(float(values.std()), 1e-9)
    return found


def _with_reasons(
    stream: Stream, taste: Taste, terms: _Terms, chosen: Sequence[int], scores: Scores
) -> list[Suggestion]:
    """Each with the liked paper that has most in common with it: of the reader's terms, and in meaning."""
    own = stream.terms[terms.places]
    liked_have = np.array([np.isin(own, example.keys, assume_unique=True) for example in taste.liked])
    papers_have = stream.having(terms.places, chosen)
    in_words = (liked_have * terms.weights) @ papers_have.T / max(float(terms.weights.sum()), 1e-9)
    nearest = np.argmax(in_words + _likeness(stream, taste.liked, chosen), axis=0)
    return [
        Suggestion(
            int(stream.ids[place]),
            float(scores[place]),
            taste.liked[number].paper_id,
            own[liked_have[number] & papers_have[row]],
        )
        for row, (place, number) in enumerate(zip(chosen, nearest, strict=True))
    ]


def _likeness(stream: Stream, liked: Sequence[Example], chosen: Sequence[int]) -> Scores:
    """How like in meaning each liked paper is to each that was chosen; 0 where one of them has no vector."""
    found = np.zeros((len(liked), len(chosen)))
    known = [number for number, example in enumerate(liked) if example.vector is not None]
    if known:
        found[known] = _vectors(stream, liked) @ stream.vectors[list(chosen)].T
    return found
