"""Which words of the index a question is ranked by, and what each of them weighs.

A paper counts the same however it spells a word. `pre` and `training` of `pre-training` are there as often as they are
or as `pretraining` is, whichever is more, so no spelling counts twice. A name with a number, `LLaMA-3`, is asked for as
`llama` and as `llama3`, which together weigh what `llama3` weighs: the number alone says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from papers.query.nodes import pair_of_words
from papers.query.spellings import Lexeme, Lexemes, TextForms, Unit, is_word
from papers.query.tsquery import phrase_tsquery, title_mark
from papers.services.search.bm25_candidates import MAX_RANKED, WeightedWord
from papers.services.search.word_statistics import WordFrequencies

# What a name with its number weighs at least beside its word, as a part of its weight.
_LEAST_EXTRA = 0.2


@dataclass(slots=True)
class AskedWord:
    """A word of the index that a question asks for."""

    word: str
    times: int = 0
    others: dict[str, None] = field(default_factory=dict)
    """Compounds that it is a part of, and other spellings: a paper that has one of them has the word."""
    pairs: dict[str, None] = field(default_factory=dict)
    """The same of two words that stand side by side: nearly none of these is a word."""
    parts: tuple[Lexeme, ...] = ()
    """Of a name with a number: its parts, which stand in a row where it is written with a space."""
    words_within: tuple[str, ...] = ()
    """Those of its parts that are asked for beside it."""

    def all_words(self) -> Iterator[str]:
        """Every word and mark of the index that its weight depends on."""
        yield from (self.word, *self.others, *self.pairs, *(part.word for part in self.parts), *self.words_within)
        yield from map(title_mark, (self.word, *self.others))


def asked_words(texts: Sequence[str], lexemes: Lexemes, repetitions: Mapping[str, int]) -> list[AskedWord]:
    """The words of `texts`, each once. A word that is asked for twice, also in another form, counts twice.

    `lexemes` has the texts and the compounds of those that stand side by side.
    """
    found: dict[str, AskedWord] = {}
    for text in texts:
        for unit in lexemes[text].units:
            _add(found, unit, repetitions.get(text, 1))
            if not unit.joined:
                found[unit.parts[0].word].others.update(dict.fromkeys(lexemes[text].respelled_words(unit)))
        _add_pairs(found, lexemes[text])
    for one, other in pairwise(texts):
        pair = pair_of_words(one, other)
        joined = lexemes[pair].joined if pair else ""
        for unit in (*lexemes[one].units, *lexemes[other].units):
            if joined and not unit.joined:
                found[unit.parts[0].word].pairs[joined] = None
    return [word for word in found.values() if word.times]


def pairs_of_texts(texts: Sequence[str]) -> list[str]:
    """The compounds of texts that stand side by side."""
    return [pair for one, other in pairwise(texts) if (pair := pair_of_words(one, other))]


def _add(found: dict[str, AskedWord], unit: Unit, times: int) -> None:
    is_name = bool(unit.joined) and unit.has_number
    words = [part.word for part in unit.parts if not is_name or is_word(part.word)]
    for word in words:
        asked = found.setdefault(word, AskedWord(word))
        asked.times += times
        if unit.joined:
            asked.others[unit.joined] = None
    if is_name:
        name = found.setdefault(unit.joined, AskedWord(unit.joined))
        name.times += times
        name.parts = () if unit.is_only_whole else unit.parts
        name.words_within = tuple(words)


def _add_pairs(found: dict[str, AskedWord], forms: TextForms) -> None:
    words = {lexeme.position: lexeme.word for lexeme in forms.row}
    for start, joined in forms.pairs:
        for place in (start, start + 1):
            if (word := words.get(place)) in found:
                found[word].pairs[joined] = None


def weigh(asked: AskedWord, known: WordFrequencies) -> WeightedWord:
    """A word with how common it is. Of pairs those count that papers are known to write as one word."""
    others = (*asked.others, *(pair for pair in asked.pairs if pair in known.counts))
    spellings = (asked.word, *others)
    weight = known.weight(asked.word)
    if asked.words_within:
        weight = max(weight - sum(map(known.weight, asked.words_within)), _LEAST_EXTRA * weight)
    in_a_row = _expected_in_a_row(asked, known)
    return WeightedWord(
        asked.word,
        papers=max(map(known.of, spellings)) + round(in_a_row or 0),
        titles=max(known.of(title_mark(word)) for word in spellings),
        weight=weight * asked.times,
        others=others,
        row="" if in_a_row is None else phrase_tsquery(asked.parts),
    )


def _expected_in_a_row(asked: AskedWord, known: WordFrequencies) -> float | None:
    """How many papers have a name in parts; None where so many have all its parts that they can't be looked at."""
    if len(asked.parts) < 2:
        return None
    expected = float(known.papers)
    for part in asked.parts:
        expected *= min(1.0, 2 * known.share(part.word))
    return expected if expected <= MAX_RANKED else None
