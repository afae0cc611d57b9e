"""What it knows: which papers of the stream a reader will like, from a handful of examples, and why.

Two opinions are added up, each in standard deviations over the stream.

- Words: a term that several of the liked papers have and few others is what the reader is after. It weighs as the
  relevance weight of Robertson and Spärck Jones (1976), times how many of the liked papers share it.
- Meaning: how close a vector is to the middle of the liked ones, seen from the middle of the stream.

The words of what was put aside count against a paper, as far as more of it has them than of what is liked; its vectors
say nothing, for mostly they are near those of the liked papers. Nothing is trained: a reader costs a sum over the
papers with the reader's best terms and one product of a matrix with a vector.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from papers.ranking.stream import Example, Floats, PaperStream, TermHashes, centred

# Where hardly any papers come, a subject may well be that of a third of them.
_NEVER_TOO_COMMON = 30

ScoreArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RankerSettings:
    """Chosen by `make bench-recommend`, on half of its readers; docs/decisions.md has what else was tried."""

    words: float = 0.8
    """The part of words; the rest is of meaning."""
    agreement_exponent: float = 1.0
    """How much more a term counts that more of the liked papers share."""
    max_terms: int = 30
    """Of what is liked, and of what was put disliked."""
    max_term_share: float = 0.15
    """A term that a greater part of the stream has says nothing."""
    disliked: float = 0.2
    """What a term that all papers put disliked have and no liked one weighs, beside one of the liked ones."""
    age_penalty: float = 0.05
    """Standard deviations a day: a paper of yesterday goes before one as good of last week."""
    shown_penalty: float = 0.1
    """The same for each day since the reader was first shown it."""
    min_score: float = 0.25
    """Standard deviations above the stream's middle; what is below is not suggested."""


@dataclass(frozen=True, slots=True)
class ReaderProfile:
    """What is known of a reader."""

    liked: Sequence[Example]
    disliked: Sequence[Example] = ()
    known: Collection[int] = ()
    """Papers not to suggest."""
    shown: Mapping[int, float] = field(default_factory=dict)
    """Days since papers were first suggested."""


@dataclass(frozen=True, slots=True)
class RankedPaper:
    """A paper, with the liked one that speaks for it most."""

    paper_id: int
    score: float
    """Standard deviations above the middle of the stream; compares papers of one reader."""
    because_of: int
    shared: TermHashes
    """The terms that the two have in common and that count for this reader, the weightiest first."""


@dataclass(frozen=True, slots=True)
class _Vectors:
    """The vectors of those of some papers that have one, seen from the middle of the stream."""

    numbers: IndexArray
    vectors: Floats


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a reader's terms weigh: places in `Stream.terms`, and weights."""

    places: IndexArray
    weights: ScoreArray

    def best(self, limit: int) -> _Terms:
        """The weightiest so many, in that order, without those that weigh nothing."""
        best = np.argsort(-self.weights, kind="stable")[:limit]
        best = best[self.weights[best] > 0]
        return _Terms(self.places[best], self.weights[best])


def rank_for_reader(
    stream: PaperStream, taste: ReaderProfile, *, limit: int, settings: RankerSettings | None = None
) -> list[RankedPaper]:
    """The best papers of the stream for a reader, the best first; empty for a reader who likes nothing."""
    settings = settings or RankerSettings()
    if not taste.liked or not len(stream):
        return []
    terms = _terms(stream, taste.liked, settings)
    liked = _vectors(stream, taste.liked)
    scores = _scores(stream, taste, settings, terms, liked) - settings.age_penalty * stream.ages
    for paper_id, days in taste.shown.items():
        if (place := stream.place.get(paper_id)) is not None:
            scores[place] -= settings.shown_penalty * days
    for paper_id in {example.paper_id for example in (*taste.liked, *taste.disliked)} | set(taste.known):
        if (place := stream.place.get(paper_id)) is not None:
            scores[place] = -np.inf
    good = np.flatnonzero(scores > settings.min_score)
    chosen = good[np.argsort(-scores[good], kind="stable")[:limit]]
    return _with_reasons(stream, taste, terms, liked, chosen, scores)


def scores_for(stream: PaperStream, taste: ReaderProfile, settings: RankerSettings) -> ScoreArray:
    """How well each paper of the stream fits a reader who likes something: standard deviations, whatever its age."""
    return _scores(stream, taste, settings, _terms(stream, taste.liked, settings), _vectors(stream, taste.liked))


def _scores(
    stream: PaperStream, taste: ReaderProfile, settings: RankerSettings, terms: _Terms, liked: _Vectors
) -> ScoreArray:
    speaks_for = stream.sums(terms.places, terms.weights)
    against = _against(stream, taste, settings)
    speaks_against = settings.disliked * stream.sums(against.places, against.weights)
    # In units of what is liked: what is put aside moves papers and stretches nothing.
    words = _standard(speaks_for) - speaks_against / _deviation(speaks_for)
    if not len(liked.vectors):
        return words
    # A paper without a vector yet stands in the middle. All are multiplied: to leave some out, all would be copied.
    meaning = np.zeros(len(stream))
    meaning[stream.has_vector] = _standard((stream.vectors @ liked.vectors.mean(axis=0))[stream.has_vector])
    found: ScoreArray = settings.words * words + (1 - settings.words) * meaning
    return found


def _terms(stream: PaperStream, liked: Sequence[Example], settings: RankerSettings) -> _Terms:
    """The terms that tell what is liked from the rest, the weightiest first."""
    found, _ = _weighed(stream, liked, settings)
    return found.best(settings.max_terms)


def _against(stream: PaperStream, taste: ReaderProfile, settings: RankerSettings) -> _Terms:
    """The terms that tell what was put aside from the rest and from what is liked, the weightiest first.

    What both have alike says nothing: a reader who puts a paper aside mostly still likes its field.
    """
    if not taste.disliked:
        return _Terms(np.zeros(0, np.int64), np.zeros(0))
    found, shares = _weighed(stream, taste.disliked, settings)
    term_hashes, counts = np.unique(
        np.concatenate([example.term_hashes for example in taste.liked]), return_counts=True
    )
    at = np.minimum(np.searchsorted(term_hashes, stream.terms[found.places]), len(term_hashes) - 1)
    liked_shares = np.where(term_hashes[at] == stream.terms[found.places], counts[at], 0)
    # At least this part of what is put aside, at most that of what is liked: a single paper says less than five that
    # agree, and that no liked one has a term says little where there are three of them (Laplace's rule of succession).
    more = shares / (len(taste.disliked) + 1) - (liked_shares + 1) / (len(taste.liked) + 2)
    return _Terms(found.places, found.weights * np.maximum(more, 0) ** 2).best(settings.max_terms)


def _weighed(stream: PaperStream, examples: Sequence[Example], settings: RankerSettings) -> tuple[_Terms, ScoreArray]:
    """The terms of some papers, and how many of these have each."""
    term_hashes, counts = np.unique(np.concatenate([example.term_hashes for example in examples]), return_counts=True)
    places = stream.places_of(term_hashes)
    shares = counts[np.isin(term_hashes, stream.terms[places])].astype(float)
    recent = stream.counts(places)
    papers, total = recent + shares, len(stream) + len(examples)
    odds = (shares + 0.5) / (len(examples) - shares + 0.5)
    weights = np.log(odds * (total - papers + 0.5) / (papers - shares + 0.5))
    weights = np.maximum(weights, 0) * (np.log1p(shares) / np.log1p(len(examples))) ** settings.agreement_exponent
    weights[recent > max(settings.max_term_share * len(stream), _NEVER_TOO_COMMON)] = 0
    return _Terms(places, weights), shares


def _vectors(stream: PaperStream, examples: Sequence[Example]) -> _Vectors:
    known = [(number, example.vector) for number, example in enumerate(examples) if example.vector is not None]
    if not known:
        return _Vectors(np.zeros(0, np.int64), np.zeros((0, 0), np.float32))
    numbers, vectors = zip(*known, strict=True)
    return _Vectors(np.array(numbers), centred(np.stack(vectors), stream.middle))


def _standard(values: NDArray[np.floating]) -> ScoreArray:
    if not len(values):
        return np.zeros(0)
    found: ScoreArray = (values - values.mean()) / _deviation(values)
    return found


def _deviation(values: NDArray[np.floating]) -> float:
    return max(float(values.std()), 1e-9)


def _with_reasons(
    stream: PaperStream, taste: ReaderProfile, terms: _Terms, liked: _Vectors, chosen: IndexArray, scores: ScoreArray
) -> list[RankedPaper]:
    """Each with the liked paper that has most in common with it: of the reader's terms, and in meaning."""
    own = stream.terms[terms.places]
    liked_have = _having(taste.liked, own)
    papers_have = stream.having(terms.places, chosen)
    near = (liked_have * terms.weights) @ papers_have.T / max(float(terms.weights.sum()), 1e-9)
    near[liked.numbers] += liked.vectors @ stream.vectors[chosen].T if len(liked.vectors) else 0
    nearest = np.argmax(near, axis=0)
    return [
        RankedPaper(
            int(stream.ids[place]),
            float(scores[place]),
            taste.liked[number].paper_id,
            own[liked_have[number] & papers_have[row]],
        )
        for row, (place, number) in enumerate(zip(chosen, nearest, strict=True))
    ]


def _having(examples: Sequence[Example], own: TermHashes) -> NDArray[np.bool_]:
    """A row for each paper: which of these terms it has."""
    found = np.zeros((len(examples), len(own)), dtype=bool)
    if not len(own):
        return found
    term_hashes = np.concatenate([example.term_hashes for example in examples])
    owners = np.repeat(np.arange(len(examples)), [len(example.term_hashes) for example in examples])
    order = np.argsort(own)
    at = np.minimum(np.searchsorted(own, term_hashes, sorter=order), len(own) - 1)
    is_own = own[order[at]] == term_hashes
    found[owners[is_own], order[at[is_own]]] = True
    return found
