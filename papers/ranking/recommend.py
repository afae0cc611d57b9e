"""Which papers of the stream a reader will like, from a handful of examples, and why. Pure.

Two opinions are added up, each in standard deviations over the stream.

- Words: a term that several of the liked papers have and few others is what the reader is after. It weighs as the
  relevance weight of Robertson and Spärck Jones (1976), times how many of the liked papers share it.
- Meaning: how close a vector is to the middle of the liked ones, seen from the middle of the stream.

The words of disliked papers count against a paper, as far as more of them have a word than of the liked ones; their
vectors say nothing, for mostly they are near those of the liked papers.

"More like this" and "less like this" are relevance feedback as Rocchio's (1971): q' = a q + b mean(R) - c mean(N), with
R and N the papers judged relevant and not. Of the first kind a paper stands in the mean `MORE_WEIGHT` times. The second
kind is not subtracted from the mean, which would lift whatever is far from it and lower all that is liked around it; it
is taken from a paper's score, and only where the paper is near the one that was judged and nearer to it than to any
liked one (`_lowered`). Rocchio likewise drops what becomes negative.

Nothing is trained: a reader costs a sum over the papers with the reader's best terms, one product of a matrix with a
vector, and one more for each paper of which less is wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from papers.ranking.stream import Example, Floats, PaperStream, TermHashes, centred

MORE_WEIGHT = 3
"""As many liked papers a paper counts as of which the reader asked for more."""
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
    """Of the liked papers, and of the disliked ones."""
    max_term_share: float = 0.15
    """A term that a greater part of the stream has says nothing."""
    disliked: float = 0.2
    """What a term that all disliked papers have and no liked one weighs, beside one of the liked ones."""
    less: float = 1.0
    """How far a paper falls for each standard deviation that it is nearer than `less_from` to one of which the reader
    wants less."""
    less_from: float = 1.5
    """Standard deviations above the middle of the stream, in nearness to that one: beyond it falls one paper in
    fifteen at most, the nearest."""
    less_most: float = 4.0
    """Of these standard deviations count so many at most: what is near is less wanted, not forbidden."""
    age_penalty: float = 0.05
    """Standard deviations a day: a paper of yesterday goes before one as good of last week."""
    shown_penalty: float = 0.1
    """The same for each day since the reader was first shown it."""
    min_score: float = 0.25
    """Standard deviations above the stream's middle; what is below is not suggested."""


@dataclass(frozen=True, slots=True)
class ReaderProfile:
    """What the ranker is given of a reader."""

    liked: Sequence[Example]
    disliked: Sequence[Example] = ()
    more: Collection[int] = ()
    """Those of the liked papers of which the reader asked for more."""
    less: Sequence[Example] = ()
    """Papers of which the reader wants less."""
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
    """What a reader's terms weigh: positions in `PaperStream.terms`, and weights."""

    positions: IndexArray
    weights: ScoreArray

    def best(self, limit: int) -> _Terms:
        """The `limit` weightiest, in that order, without those that weigh nothing."""
        best = np.argsort(-self.weights, kind="stable")[:limit]
        best = best[self.weights[best] > 0]
        return _Terms(self.positions[best], self.weights[best])


def rank_for_reader(
    stream: PaperStream, profile: ReaderProfile, *, limit: int, settings: RankerSettings | None = None
) -> list[RankedPaper]:
    """The best papers of the stream for a reader, the best first; empty for a reader who likes nothing."""
    settings = settings or RankerSettings()
    if not profile.liked or not len(stream):
        return []
    profile = _emphasised(profile)
    terms = _terms(stream, profile.liked, settings)
    liked = _vectors(stream, profile.liked)
    scores = _scores(stream, profile, settings, terms, liked) - settings.age_penalty * stream.ages
    for paper_id, days in profile.shown.items():
        if (index := stream.index_of.get(paper_id)) is not None:
            scores[index] -= settings.shown_penalty * days
    judged = {example.paper_id for example in (*profile.liked, *profile.disliked, *profile.less)}
    for paper_id in judged | set(profile.known):
        if (index := stream.index_of.get(paper_id)) is not None:
            scores[index] = -np.inf
    good = np.flatnonzero(scores > settings.min_score)
    chosen = good[np.argsort(-scores[good], kind="stable")[:limit]]
    return _with_reasons(stream, profile, terms, liked, chosen, scores)


def scores_for(stream: PaperStream, profile: ReaderProfile, settings: RankerSettings) -> ScoreArray:
    """How well each paper of the stream fits a reader who likes something: standard deviations, whatever its age.

    What `rank_for_reader` adds up, without its limits; for measurements and tests.
    """
    profile = _emphasised(profile)
    return _scores(stream, profile, settings, _terms(stream, profile.liked, settings), _vectors(stream, profile.liked))


def _emphasised(profile: ReaderProfile) -> ReaderProfile:
    """The same with the papers of which the reader asked for more standing among the liked ones several times."""
    again = [example for example in profile.liked if example.paper_id in profile.more]
    return replace(profile, liked=[*profile.liked, *again * (MORE_WEIGHT - 1)]) if again else profile


def _scores(
    stream: PaperStream, profile: ReaderProfile, settings: RankerSettings, terms: _Terms, liked: _Vectors
) -> ScoreArray:
    speaks_for = stream.sums(terms.positions, terms.weights)
    against = _against(stream, profile, settings)
    speaks_against = settings.disliked * stream.sums(against.positions, against.weights)
    # In units of what is liked: what is disliked moves papers and stretches nothing.
    words = _standard(speaks_for) - speaks_against / _deviation(speaks_for)
    lowered = _lowered(stream, profile, settings, liked)
    if not len(liked.vectors):
        return words - lowered
    # A paper without a vector yet stands in the middle. All are multiplied: to leave some out, all would be copied.
    meaning = np.zeros(len(stream))
    meaning[stream.has_vector] = _standard((stream.vectors @ liked.vectors.mean(axis=0))[stream.has_vector])
    found: ScoreArray = settings.words * words + (1 - settings.words) * meaning - lowered
    return found


def _lowered(stream: PaperStream, profile: ReaderProfile, settings: RankerSettings, liked: _Vectors) -> ScoreArray:
    """How far each paper falls for being near one of which the reader wants less; 0 for most, and never below."""
    found = np.zeros(len(stream))
    for example in profile.less:
        near = (
            _near_in_words(stream, example, profile.liked, settings)
            if example.vector is None
            else _near_in_meaning(stream, example.vector, liked)
        )
        found = np.maximum(found, np.clip(near - settings.less_from, 0, settings.less_most))
    return settings.less * found


def _near_in_meaning(stream: PaperStream, vector: Floats, liked: _Vectors) -> ScoreArray:
    """How near papers are to one, in standard deviations; 0 for those that are as near to one that the reader likes."""
    near = stream.vectors @ centred(vector, stream.middle)
    found = np.zeros(len(stream))
    found[stream.has_vector] = _standard(near[stream.has_vector])
    for index in np.flatnonzero(found > 0) if len(liked.vectors) else ():
        if (liked.vectors @ stream.vectors[index]).max() >= near[index]:
            found[index] = 0
    return found


def _near_in_words(
    stream: PaperStream, example: Example, liked: Sequence[Example], settings: RankerSettings
) -> ScoreArray:
    """The same by the terms that one paper has and none of the liked ones."""
    terms, _ = _weighed(stream, [example], settings)
    theirs = np.unique(np.concatenate([one.term_hashes for one in liked]))
    own = _Terms(terms.positions, np.where(np.isin(stream.terms[terms.positions], theirs), 0, terms.weights))
    own = own.best(settings.max_terms)
    return _standard(stream.sums(own.positions, own.weights))


def _terms(stream: PaperStream, liked: Sequence[Example], settings: RankerSettings) -> _Terms:
    """The terms that tell what is liked from the rest, the weightiest first."""
    found, _ = _weighed(stream, liked, settings)
    return found.best(settings.max_terms)


def _against(stream: PaperStream, profile: ReaderProfile, settings: RankerSettings) -> _Terms:
    """The terms that tell what is disliked from the rest and from what is liked, the weightiest first.

    What both have alike says nothing: a reader who dislikes a paper mostly still likes its field.
    """
    disliked = [*profile.disliked, *profile.less]
    if not disliked:
        return _Terms(np.zeros(0, np.int64), np.zeros(0))
    found, shares = _weighed(stream, disliked, settings)
    term_hashes, counts = np.unique(
        np.concatenate([example.term_hashes for example in profile.liked]), return_counts=True
    )
    at = np.minimum(np.searchsorted(term_hashes, stream.terms[found.positions]), len(term_hashes) - 1)
    liked_shares = np.where(term_hashes[at] == stream.terms[found.positions], counts[at], 0)
    # At least this part of what is disliked, at most that of what is liked: a single paper says less than five that
    # agree, and that no liked one has a term says little where there are three of them (Laplace's rule of succession).
    more = shares / (len(disliked) + 1) - (liked_shares + 1) / (len(profile.liked) + 2)
    return _Terms(found.positions, found.weights * np.maximum(more, 0) ** 2).best(settings.max_terms)


def _weighed(stream: PaperStream, examples: Sequence[Example], settings: RankerSettings) -> tuple[_Terms, ScoreArray]:
    """The terms of some papers, and how many of these have each."""
    term_hashes, counts = np.unique(np.concatenate([example.term_hashes for example in examples]), return_counts=True)
    positions = stream.positions_of(term_hashes)
    shares = counts[np.isin(term_hashes, stream.terms[positions])].astype(float)
    recent = stream.counts(positions)
    papers, total = recent + shares, len(stream) + len(examples)
    odds = (shares + 0.5) / (len(examples) - shares + 0.5)
    weights = np.log(odds * (total - papers + 0.5) / (papers - shares + 0.5))
    weights = np.maximum(weights, 0) * (np.log1p(shares) / np.log1p(len(examples))) ** settings.agreement_exponent
    weights[recent > max(settings.max_term_share * len(stream), _NEVER_TOO_COMMON)] = 0
    return _Terms(positions, weights), shares


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
    stream: PaperStream, profile: ReaderProfile, terms: _Terms, liked: _Vectors, chosen: IndexArray, scores: ScoreArray
) -> list[RankedPaper]:
    """Each with the liked paper that has most in common with it: of the reader's terms, and in meaning."""
    own = stream.terms[terms.positions]
    liked_have = _having(profile.liked, own)
    papers_have = stream.having(terms.positions, chosen)
    near = (liked_have * terms.weights) @ papers_have.T / max(float(terms.weights.sum()), 1e-9)
    near[liked.numbers] += liked.vectors @ stream.vectors[chosen].T if len(liked.vectors) else 0
    nearest = np.argmax(near, axis=0)
    return [
        RankedPaper(
            int(stream.ids[index]),
            float(scores[index]),
            profile.liked[number].paper_id,
            own[liked_have[number] & papers_have[row]],
        )
        for row, (index, number) in enumerate(zip(chosen, nearest, strict=True))
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
