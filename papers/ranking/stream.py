"""The recent papers as the ranker compares them: which terms each has, and its vector. Pure.

Terms are numbers here (CRC-32; of a million terms some hundred share theirs), and which papers have a term is one
stretch of an array, so a reader's words are counted without a loop over papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from papers.ranking.terms import terms_of

Floats = NDArray[np.float32]
TermHashes = NDArray[np.uint32]


def term_hash(term: str) -> int:
    """A term as a number of 32 bits."""
    return crc32(term.encode(errors="replace"))


def term_hashes(text: str) -> TermHashes:
    """The terms of a text as numbers, sorted, each once."""
    return np.unique(np.fromiter(map(term_hash, terms_of(text)), dtype=np.uint32))


@dataclass(frozen=True, slots=True)
class Example:
    """A paper that a reader had to do with, or one of the stream, as the ranker reads it."""

    paper_id: int
    term_hashes: TermHashes
    vector: Floats | None = None


class PaperStream:
    """The papers that recommendations are chosen from, and that say how common a term is."""

    def __init__(self, papers: Sequence[Example], *, ages: Iterable[float], dimensions: int = 0) -> None:
        """`ages` in days, in the order of the papers."""
        self.ids = np.array([paper.paper_id for paper in papers], dtype=np.int64)
        self.ages = np.fromiter(ages, dtype=np.float32, count=len(papers))
        self.index_of = {int(paper_id): index for index, paper_id in enumerate(self.ids)}
        sizes = [len(paper.term_hashes) for paper in papers]
        term_hashes = np.concatenate([paper.term_hashes for paper in papers]) if papers else np.zeros(0, np.uint32)
        owners = np.repeat(np.arange(len(papers), dtype=np.int32), sizes)
        order = np.argsort(term_hashes, kind="stable")
        self._owners = owners[order]
        self.terms, starts = np.unique(term_hashes[order], return_index=True)
        self._starts = np.append(starts, len(term_hashes)).astype(np.int64)
        self.has_vector = np.array([paper.vector is not None for paper in papers], dtype=bool)
        self.vectors = np.zeros((len(papers), dimensions), dtype=np.float32)
        for index, paper in enumerate(papers):
            if paper.vector is not None:
                self.vectors[index] = paper.vector
        known = self.vectors[self.has_vector]
        self.middle: Floats = known.mean(axis=0) if len(known) else np.zeros(dimensions, np.float32)
        self.vectors[self.has_vector] = centred(known, self.middle)

    def __len__(self) -> int:
        return len(self.ids)

    def positions_of(self, term_hashes: TermHashes) -> NDArray[np.int64]:
        """The positions in `terms` of those of the keys that some paper here has."""
        positions = np.searchsorted(self.terms, term_hashes)
        positions[positions == len(self.terms)] = 0
        return positions[self.terms[positions] == term_hashes] if len(self.terms) else positions[:0]

    def counts(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many papers have each of these terms."""
        counts: NDArray[np.int64] = self._starts[positions + 1] - self._starts[positions]
        return counts

    def sums(self, positions: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each paper gets for these terms: the sum of the weights of those it has."""
        if not len(positions):
            return np.zeros(len(self))
        counts = self.counts(positions)
        firsts = np.cumsum(counts) - counts
        rows = np.arange(counts.sum()) + np.repeat(self._starts[positions] - firsts, counts)
        found = np.bincount(self._owners[rows], weights=np.repeat(weights, counts), minlength=len(self))
        return found.astype(np.float64)

    def having(self, positions: NDArray[np.int64], papers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """A row for each of some papers: which of these terms it has."""
        found = np.zeros((len(papers), len(positions)), dtype=bool)
        has = np.zeros(len(self), dtype=bool)
        for column, index in enumerate(positions):
            owners = self._owners[self._starts[index] : self._starts[index + 1]]
            has[owners] = True
            found[:, column] = has[papers]
            has[owners] = False
        return found


def centred(vectors: Floats, middle: Floats) -> Floats:
    """Vectors seen from the middle of the stream, of length 1: what they all have in common says nothing."""
    moved = vectors - middle
    lengths = np.linalg.norm(moved, axis=-1, keepdims=True)
    found: Floats = (moved / np.maximum(lengths, 1e-6)).astype(np.float32)
    return found
