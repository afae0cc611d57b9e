"""Which papers are worth ranking: those with the rare words of a question, or with several of its common ones. Pure.

A question of twenty words, joined by OR, matches half of all papers, and ranking those takes seconds. A paper that has
none of the rare words and only one or two common ones is never among the best, so it need not be looked at. The words
are joined so that about as many papers are expected as can be ranked in time; the GIN index walks the rarest word of
each part and skips through the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

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
_LARGEST_SET = 4
_COMMON_WORDS = 8
# Words of one question occur together more often than by chance.
_TOGETHER = 2.0


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
    """What to look for, of words in the order of `rarest_words`, to find about `most`; None where there are none."""
    if not terms:
        return None
    rare, expected = _rare(terms, most)
    sets: list[tuple[WeightedWord, ...]] = [(term,) for term in rare]
    common = terms[len(rare) : len(rare) + _COMMON_WORDS]
    expected += _add_sets(sets, common, papers=papers, room=most - expected)
    if not sets:
        return _too_common(terms, papers)
    return CandidateQuery(" | ".join(_together([term.tsquery for term in words]) for words in sets), expected)


def _rare(terms: Sequence[WeightedWord], most: float) -> tuple[list[WeightedWord], float]:
    """The rarest words, as far as all their papers can be ranked."""
    found: list[WeightedWord] = []
    total = 0.0
    for term in terms:
        if total + term.papers > most:
            break
        found.append(term)
        total += term.papers
    return found, total


def _add_sets(
    sets: list[tuple[WeightedWord, ...]], common: Sequence[WeightedWord], *, papers: int, room: float
) -> float:
    """Add pairs of common words, then sets of three and four, as there is room; what they are expected to find."""
    taken = 0.0
    for size in range(2, _LARGEST_SET + 1):
        for words in combinations(common, size):
            expected = _expected([term.papers for term in words], papers)
            if taken + expected <= room and not any(set(known) <= set(words) for known in sets):
                sets.append(words)
                taken += expected
    return taken


def _too_common(terms: Sequence[WeightedWord], papers: int) -> CandidateQuery:
    """All the words in the title if that is rare enough to choose from, else all of them anywhere."""
    some = terms[:_LARGEST_SET]
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
