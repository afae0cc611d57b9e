"""Which papers are worth ranking: those with heavy words of a question, or with several of its lighter ones. Pure.

A question of twenty words, joined by OR, matches half of all papers, and ranking those takes seconds. By BM25 no
paper has more than 2.2 times what its words weigh together, so one whose words weigh little is never among the best.
Words are joined so that what is found weighs at least so much, and about as many papers are expected as can be ranked
in time. The GIN index walks the rarest words, without which none weighs enough, and looks the others up. The idea is
WAND's: Broder and others, Efficient Query Evaluation using a Two-Level Retrieval Process,
https://doi.org/10.1145/956863.956944
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from papers.query.tsquery import any_word, either, quote_lexeme, title_mark

MAX_WORDS = 40
"""Of a longer question the heaviest count: the others would change little but the time."""
CHOOSING_WORDS = 12
"""The heaviest of these choose the papers: what is only rare in a long question, names and typing errors, would fill
all places."""
MAX_RANKED = 600
_WORK = 9_000
"""Ranking costs this many (word, paper) pairs at most."""
MIN_RANKED = 400
MIN_RANKED_BESIDE_MEANING = 200
"""Of a long question, where what a search by meaning finds is ranked too."""
_SMALL, _SMALL_SET_WORDS, _SMALL_SET_SIZES = 20_000, 12, (4, 5)
"""Up to so many papers more words and larger sets take no time that could be told."""
_SET_WORDS, _SET_SIZES = 8, (3, 4, 5)
# Of so many words sets choose, larger ones where all are common: with more the index evaluates thousands of words. With
# five it takes a third less, and finds .77 of the best papers of a title where eight find .90 (among 30,000).
_TITLE_WORDS = 4
_STEPS = 12
_ROUNDING = 1e-9
# Words of one question occur together more often than by chance.
_TOGETHER = 1.5


@dataclass(frozen=True, slots=True)
class WeightedWord:
    """A word of the index that is asked for, in how many papers it is, in how many titles, and what it weighs."""

    word: str
    papers: int
    titles: int
    weight: float
    others: tuple[str, ...] = ()
    """Words of the index that stand for it as well: other spellings."""
    row: str = ""
    """A tsquery that finds it in parts; empty where it has none, or too many papers have them."""

    @property
    def words(self) -> tuple[str, ...]:
        return (self.word, *self.others)

    @property
    def tsquery(self) -> str:
        """What finds its papers."""
        return either([*map(quote_lexeme, self.words), *([self.row] if self.row else [])])

    @property
    def title_tsquery(self) -> str:
        """What finds those that have it in the title."""
        return any_word(map(title_mark, self.words))


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """A tsquery and what it is expected to find. `months` back from the newest are enough, where it is too common."""

    tsquery: str
    expected: float
    is_too_common: bool = False


def ranking_limit(terms: Collection[WeightedWord], *, beside_meaning: bool = False) -> int:
    """How many papers can be ranked by these words in the time there is."""
    least = MIN_RANKED_BESIDE_MEANING if beside_meaning else MIN_RANKED
    return max(least, min(MAX_RANKED, _WORK // max(len(terms), 1)))


def heaviest_words(terms: Iterable[WeightedWord], most: int = MAX_WORDS) -> list[WeightedWord]:
    """The words that decide, the heaviest first: rare ones, and those that a question says again and again."""
    return sorted(terms, key=lambda term: (-term.weight, term.papers, term.word))[:most]


def rarest_words(terms: Iterable[WeightedWord]) -> list[WeightedWord]:
    """The same words, the rarest first."""
    return sorted(terms, key=lambda term: (term.papers, term.word))


def choose_candidates(terms: Sequence[WeightedWord], *, papers: int, most: int) -> CandidateQuery | None:
    """What to look for, of words in the order of `heaviest_words`, to find about `most`; None where there are none."""
    if not terms:
        return None
    if (found := sum(term.papers for term in terms)) <= most:
        return CandidateQuery(either([term.tsquery for term in terms]), found)
    is_small = papers <= _SMALL
    heavy = terms[: _SMALL_SET_WORDS if is_small else _SET_WORDS]
    for size in _SMALL_SET_SIZES if is_small else _SET_SIZES:
        sets = _Sets(heavy, size, papers, most)
        if sets.expected(sets.heaviest) <= most:
            least = sets.least_weight()
            return CandidateQuery(sets.tsquery(least), sets.expected(least))
    return _too_common(rarest_words(terms), papers)


@dataclass(frozen=True, slots=True)
class _Sets:
    """The sets of at most `size` words that weigh at least so much together."""

    terms: Sequence[WeightedWord]
    size: int
    papers: int
    most: int

    @property
    def heaviest(self) -> float:
        return sum(term.weight for term in self.terms[: self.size])

    def least_weight(self) -> float:
        """The least that there is room for, from 0 to that of the heaviest set."""
        below, least = 0.0, self.heaviest
        for _ in range(_STEPS):
            middle = (below + least) / 2
            if self.expected(middle) > self.most:
                below = middle
            else:
                least = middle
        return least

    def expected(self, least: float) -> float:
        """How many papers are expected to have one of the sets, or some number above `most`."""
        return self._expected(0, least, self.size, float(self.papers), 0.0)

    def _expected(self, start: int, need: float, left: int, among: float, total: float) -> float:
        for place in range(start, len(self.terms)):
            if total > self.most or not self._can_weigh(place, left, need):
                break
            term = self.terms[place]
            together = 1.0 if left == self.size else _TOGETHER
            found = min(among, term.papers, among * together * term.papers / max(self.papers, 1))
            if term.weight >= need - _ROUNDING:
                total += found
            elif left > 1:
                total = self._expected(place + 1, need - term.weight, left - 1, found, total)
        return total

    def tsquery(self, need: float, start: int = 0, left: int = 0) -> str:
        """What finds the papers that have one of the sets."""
        left = left or self.size
        parts: list[str] = []
        for place in range(start, len(self.terms)):
            if not self._can_weigh(place, left, need):
                break
            term = self.terms[place]
            if term.weight >= need - _ROUNDING:
                parts.append(term.tsquery)
            elif left > 1 and (others := self.tsquery(need - term.weight, place + 1, left - 1)):
                parts.append(f"{term.tsquery} & {others}")
        return either(parts)

    def _can_weigh(self, start: int, left: int, need: float) -> bool:
        return sum(term.weight for term in self.terms[start : start + left]) >= need - _ROUNDING


def _too_common(terms: Sequence[WeightedWord], papers: int) -> CandidateQuery:
    """All the words in the title if that is rare enough to choose from, else all of them anywhere."""
    some = terms[:_TITLE_WORDS]
    in_title = _expected([term.titles for term in some], papers)
    if in_title >= MIN_RANKED / 2:
        return CandidateQuery(_together([term.title_tsquery for term in some]), in_title, is_too_common=True)
    return CandidateQuery(
        _together([term.tsquery for term in some]),
        _expected([term.papers for term in some], papers),
        is_too_common=True,
    )


def _expected(counts: Sequence[int], papers: int) -> float:
    """How many papers have all of some words, each in `counts` papers: more than if they had nothing in common."""
    found = float(counts[0])
    for count in counts[1:]:
        found *= min(1.0, _TOGETHER * count / max(papers, 1))
    return min(found, *map(float, counts)) if counts else 0.0


def _together(tsqueries: Sequence[str]) -> str:
    text = " & ".join(tsqueries)
    return f"({text})" if len(tsqueries) > 1 else text
