"""A text in the words of the search index, in each of the ways in which papers spell it. Pure.

The index has the parts of a word such as `GPT-4o` or `pre-training` in their places (`gpt`, `4`, `o`), and beside them
the whole of it in the place of its first part (`gpt4o`); `CONTINUED` stands in the places of the others. So `gpt4o`,
`gpt-4o` and `gpt 4o` have the same parts, and `pre-training` has the word that `pretraining` is. A text is found by any
of its rows. What the parts are says the database alone, by `papers_compounds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeAlias

CONTINUED = "xxjxx"
"""The word of the index in the places where a compound goes on. No language has it."""
MAX_VARIED = 8
"""A longer text is looked for as it is written, and with its compounds as one word each."""
_WIDEST = 3
_SHORTEST_WORD = 3


class Lexeme(NamedTuple):
    """A word as the index has it, and its place in the text it came from; stop words leave a gap."""

    word: str
    position: int
    is_compound: bool = False
    """It must be a compound there, by the weight that the index gives those."""


Row: TypeAlias = tuple[Lexeme, ...]
"""Lexemes in the places they have towards each other."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A word of a text, or a compound of several parts. Places in `parts` count from its own first one."""

    start: int
    width: int
    parts: Row
    joined: str = ""
    """The compound as one word; empty where it is none."""

    @property
    def has_number(self) -> bool:
        return any(part.word.isdigit() for part in self.parts)

    @property
    def is_number_left(self) -> bool:
        """Of `T5` only 5 is left, as t is a stop word: that is not what was meant."""
        return bool(self.joined) and len(self.parts) < self.width and all(part.word.isdigit() for part in self.parts)

    @property
    def is_only_whole(self) -> bool:
        """Its parts say nothing, and half of all papers have them: `2D`, `T5`."""
        says_nothing = self.width == 2 and self.has_number and not any(is_word(part.word) for part in self.parts)
        return self.is_number_left or (bool(self.joined) and says_nothing)

    @property
    def shown_words(self) -> tuple[str, ...]:
        """What of it is worth pointing out where it is shown: all but the number of a name, and single letters."""
        if not self.joined:
            return tuple(part.word for part in self.parts)
        parts = (part.word for part in self.parts if not self.has_number or is_word(part.word))
        return (self.joined, *parts)

    def written(self) -> tuple[Row, int]:
        """What it is looked for by first, and how many places that takes."""
        return (_wide(self.joined, self.width) if self.is_only_whole else self.parts), self.width

    def others(self, *, is_last: bool) -> Iterator[tuple[Row, int]]:
        """What else a paper may have in its place."""
        if self.joined:
            yield (Lexeme(self.joined, 0),), 1
            if self.has_number and not is_last:
                yield from ((_wide(self.joined, width), width) for width in range(2, _WIDEST + 1))
        elif self.width == 1 and not is_last:
            yield _wide(self.parts[0].word, 2), 2


def is_word(part: str) -> bool:
    """Whether a part of a name says something alone: `llama` of LLaMA-3, and not the d of 3D."""
    return len(part) >= _SHORTEST_WORD and part.isalpha()


def _wide(word: str, width: int) -> Row:
    return (Lexeme(word, 0, is_compound=True), *(Lexeme(CONTINUED, place) for place in range(1, width)))


@dataclass(frozen=True)
class TextForms:
    """What a text is in the index. `units` are in their order; stop words are in none, but in compounds."""

    units: tuple[Unit, ...] = ()
    unsplit: Row = ()
    """With hyphens as spaces and nothing else: as papers have it whose words were made before there were compounds."""
    pairs: tuple[tuple[int, str], ...] = ()
    """Words of two that stand side by side in it, written as one: the place of the first, and the word."""
    respelled: tuple[Row, ...] = ()
    """The text as it is written in American and in British English, where that is another."""

    @cached_property
    def row(self) -> Row:
        """The text as it is written; empty where it has stop words only."""
        return self._row([unit.written() for unit in self.units])

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All rows that a paper has the text by, each once; none where it has stop words only."""
        return tuple(dict.fromkeys(row for row in self._rows() if row))

    @property
    def joined(self) -> str:
        """The text as one word, where all of it is one compound."""
        return self.units[0].joined if len(self.units) == 1 else ""

    @property
    def words(self) -> frozenset[str]:
        """All the words of its rows."""
        return frozenset(lexeme.word for row in self.rows for lexeme in row)

    def shown_words(self) -> frozenset[str]:
        """The words by which a text is pointed out where it is shown."""
        others = (lexeme.word for row in self.respelled for lexeme in row)
        return frozenset([*(word for unit in self.units for word in unit.shown_words), *others])

    def respelled_words(self, unit: Unit) -> list[str]:
        """What a word of the text is in its other spellings."""
        if unit.width > 1:
            return []
        found = (lexeme.word for row in self.respelled for lexeme in row if lexeme.position == unit.start)
        return [word for word in found if word != unit.parts[0].word]

    def _rows(self) -> Iterator[Row]:
        yield self.row
        if any(unit.joined for unit in self.units):
            yield self._row([((Lexeme(unit.joined, 0),), 1) if unit.joined else unit.written() for unit in self.units])
        if not any(unit.is_number_left for unit in self.units):
            yield self.unsplit
        yield from self.respelled
        if len(self.units) > MAX_VARIED:
            return
        written = [unit.written() for unit in self.units]
        for place, unit in enumerate(self.units):
            for other in unit.others(is_last=place == len(self.units) - 1):
                yield self._row([*written[:place], other, *written[place + 1 :]])
        for start, word in self.pairs:
            yield _without_pair(self.row, start, word)

    def _row(self, chosen: Sequence[tuple[Row, int]]) -> Row:
        found: list[Lexeme] = []
        moved = 0
        for unit, (lexemes, width) in zip(self.units, chosen, strict=True):
            found += [each._replace(position=unit.start + moved + each.position) for each in lexemes]
            moved += width - unit.width
        while found and found[-1].word == CONTINUED:  # nothing stands behind that could be told by it
            found.pop()
            found[-1] = found[-1]._replace(is_compound=False)
        return tuple(found)


Lexemes: TypeAlias = Mapping[str, TextForms]
"""What texts are in the index, by text."""


def forms_of(parts: Iterable[Lexeme], joined: Iterable[Lexeme], unsplit: Iterable[Lexeme]) -> TextForms:
    """A text of the words that Postgres has made of its parts, of its compounds, and of it without either."""
    in_place = {lexeme.position: lexeme.word for lexeme in joined}
    left = {lexeme.position: lexeme.word for lexeme in parts}
    continued = {place for place, word in in_place.items() if word == CONTINUED}
    units: list[Unit] = []
    for start in sorted({*left, *in_place} - continued):
        width = 1
        while start + width in continued:
            width += 1
        places = [place for place in range(start, start + width) if place in left]
        own = tuple(Lexeme(left[place], place - start) for place in places)
        units.append(Unit(start, width, own, in_place.get(start, "") if width > 1 else ""))
    return TextForms(tuple(unit for unit in units if unit.parts or unit.joined), tuple(unsplit))


def pairs_in(text: str) -> list[str]:
    """The words of a text that stand side by side, as compounds: `image net` may be written `imagenet`."""
    words = text.split()
    if not 2 <= len(words) <= MAX_VARIED or not all(word.isascii() and word.isalpha() for word in words):
        return []
    return ["-".join(pair) for pair in pairwise(words)]


def _without_pair(row: Row, start: int, word: str) -> Row:
    """A row with one word for the two from `start` on."""
    if {start, start + 1} - {lexeme.position for lexeme in row}:
        return ()
    before = tuple(lexeme for lexeme in row if lexeme.position < start)
    behind = tuple(each._replace(position=each.position - 1) for each in row if each.position > start + 1)
    return (*before, Lexeme(word, start), *behind)
