"""Which of the papers nearest to one are like it in its subject, its method or its results. Pure, without numpy.

A paper's own vector says how close two papers are on the whole; the words of the sentences that tell of the facet say
the rest. How rare a word is counts among the papers that are near anyway: what all of these share says nothing of a
facet. Measured on judged questions (docs/decisions.md): vectors of the sentences alone are no better than the whole
paper's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from papers.ranking.terms import STOP_WORDS
from papers.text.abstract_roles import LikenessFacet, facet_sentences

MAX_CHARACTERS = 6_000
"""Of a text; no abstract is longer."""
WORDS_SHARE, SENTENCES_SHARE = 0.1, 0.25
"""What the words of the whole candidate and of its sentences of the facet count for, beside the vectors' 1; each in
standard deviations over the candidates."""
_K1, _B = 1.2, 0.75
_WORD = re.compile(r"[^\W_][\w+]*")
_ENDINGS = ("ization", "ations", "ation", "ings", "ing", "ies", "es", "ed", "ly", "s")
_STEM = 4


@dataclass(frozen=True, slots=True)
class LikenessText:
    """A paper as it is compared: its title, its abstract, and what is stored of the roles of its sentences."""

    title: str
    abstract: str
    roles: str | None

    def sentences(self, facet: LikenessFacet) -> list[str]:
        """Those that tell of a facet; empty where none does, or roles are not known yet."""
        return facet_sentences(self.abstract[:MAX_CHARACTERS], self.roles, facet)

    def told_of(self, facet: LikenessFacet) -> str:
        """The same as one text; the whole abstract while roles are not known."""
        return self.abstract[:MAX_CHARACTERS] if self.roles is None else " ".join(self.sentences(facet))

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.abstract}"[:MAX_CHARACTERS]


def rank_by_facet(
    asked: Sequence[tuple[LikenessText, LikenessFacet]], candidates: Mapping[int, tuple[float, LikenessText]]
) -> list[int]:
    """The candidates by how like they are to what is asked for, the most first.

    `candidates` have by key their closeness on the whole (the cosine) and their texts. Without a sentence of the facet
    in what is asked for, and without words that candidates have, it is the order by closeness.
    """
    keys = list(candidates)
    scores = _in_deviations([candidates[key][0] for key in keys])
    wholes = _Corpus([words_of(candidates[key][1].whole) for key in keys])
    parts: dict[LikenessFacet, _Corpus] = {}
    for paper, facet in asked:
        wanted = words_of(" ".join(paper.sentences(facet)))
        if facet not in parts:
            told = [words_of(candidates[key][1].told_of(facet)) for key in keys]
            parts[facet] = _Corpus(told, like=wholes)
        for corpus, share in ((wholes, WORDS_SHARE), (parts[facet], SENTENCES_SHARE)):
            found = _in_deviations(corpus.scores(wanted))
            scores = [score + share / len(asked) * more for score, more in zip(scores, found, strict=True)]
    order = sorted(range(len(keys)), key=lambda place: (-scores[place], place))
    return [keys[place] for place in order]


def matching_sentence(asked: LikenessText, paper: LikenessText, facet: LikenessFacet) -> str:
    """The sentence of `paper` that tells of the facet and shares most with those of `asked`; empty without one."""
    sentences = paper.sentences(facet)
    wanted = words_of(" ".join(asked.sentences(facet))).keys()
    if not sentences:
        return ""
    shared = [sum(map(_weight, words_of(sentence).keys() & wanted)) for sentence in sentences]
    return sentences[max(range(len(sentences)), key=lambda place: (shared[place], -place))]


def words_of(text: str) -> Counter[str]:
    """The words of a text without their endings, and how often each is there; without those that say nothing."""
    found = Counter(_WORD.findall(text.lower()))
    words: Counter[str] = Counter()
    for word, times in found.items():
        if form := _form(word):
            words[form] += times
    return words


@lru_cache(maxsize=20_000)
def _form(word: str) -> str:
    """A word without its ending; empty for one that says nothing."""
    if word in STOP_WORDS or word.isdigit():
        return ""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word[: -len(ending)]
    return word


def _weight(word: str) -> int:
    """A long word says more than a short one, where nothing is known of how rare it is."""
    return min(len(word), 12)


class _Corpus:
    """The candidates' words, scored by BM25 with the weights of words among these papers."""

    def __init__(self, texts: Sequence[Counter[str]], *, like: _Corpus | None = None) -> None:
        """`like`: the papers in which it is counted how rare words are; these texts, where it is None."""
        self.texts = texts
        self._lengths = [text.total() for text in texts]
        self._mean = sum(self._lengths) / len(texts) if any(self._lengths) else 1.0
        self._papers: Counter[str] = like._papers if like else Counter(word for text in texts for word in text)

    def scores(self, wanted: Counter[str]) -> list[float]:
        weights = {word: times * self._rarity(word) for word, times in wanted.items() if word in self._papers}
        found = []
        for text, length in zip(self.texts, self._lengths, strict=True):
            longer = _K1 * (1 - _B + _B * length / self._mean)
            met = weights.keys() & text.keys()
            found.append(sum(weights[word] * text[word] * (_K1 + 1) / (text[word] + longer) for word in sorted(met)))
        return found

    def _rarity(self, word: str) -> float:
        having = self._papers[word]
        return math.log(1 + (len(self.texts) - having + 0.5) / (having + 0.5))


def _in_deviations(values: Sequence[float]) -> list[float]:
    """Values as standard deviations from their mean; zeros where they are all the same."""
    if not values:
        return []
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return [(value - mean) / deviation if deviation > 1e-9 else 0.0 for value in values]
