"""Words that may have been meant by a mistyped one. Pure.

Most mistakes in a word are a letter too many, too few, another one, or two that changed places (Damerau, 1964,
https://doi.org/10.1145/363958.363994). Two words that differ so become the same when each loses a letter or none, which
an index of equal words answers.
"""

from __future__ import annotations

from collections.abc import Iterable

MIN_LETTERS = 4
"""Shorter words are close to too many others."""
MAX_LETTERS = 24
_LONG_WORD = 8
"""From here on two mistakes are thought possible."""
_MOST_LETTERS_FOR_TWO = 16


def deletions(word: str) -> set[str]:
    """The word, and the word without any one of its letters."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def lookup_keys(word: str) -> set[str]:
    """What `deletions` of a word that was meant has one of, at most 137 texts.

    All single mistakes lead there, and of two in a long word those in which a letter is too many or another one.
    """
    once = deletions(word)
    if not _LONG_WORD <= len(word) <= _MOST_LETTERS_FOR_TWO:
        return once
    return once.union(*map(deletions, once))


def letter_groups(word: str) -> set[str]:
    """Three letters of a long word each, with their place and the word's first letter; none of a shorter one.

    Two mistakes leave one of three groups whole that have no letter in common (the pigeonhole principle): by those a
    word is found from which letters are missing, which `deletions` would need a list of pairs for.
    """
    if not _LONG_WORD <= len(word) <= MAX_LETTERS:
        return set()
    return {f"{word[0]}{place}{word[place : place + 3]}" for place in range(len(word) - 2)}


def group_lookup_keys(word: str) -> set[str]:
    """What `letter_groups` of a word that was meant has one of, at most 15 texts: mistakes move a group two places."""
    if not _LONG_WORD <= len(word) <= _MOST_LETTERS_FOR_TWO:
        return set()
    starts = (0, (len(word) - 3) // 2, len(word) - 3)
    return {
        f"{word[0]}{start + moved}{word[start : start + 3]}"
        for start in starts
        for moved in range(-2, 3)
        if start + moved >= 0
    }


def closest(word: str, known: Iterable[tuple[str, int]]) -> tuple[str, int] | None:
    """Of words with their counts the one that was most likely meant: fewest mistakes, then commonest; None if none is.

    The first letter is nearly never the wrong one, so words that share it come before those that do not.
    """
    most = 2 if _LONG_WORD <= len(word) <= _MOST_LETTERS_FOR_TWO else 1
    letters = set(word)
    found = [
        (distance, each[:1] != word[:1], -count, each)
        for each, count in known
        # Most are farther than that, and these two say so in a hundredth of the time.
        if abs(len(each) - len(word)) <= most and len(letters.symmetric_difference(each)) <= 2 * most
        if 0 < (distance := edit_distance(word, each)) <= most
    ]
    if not found:
        return None
    _, _, count, best = min(found)
    return best, -count


def edit_distance(one: str, other: str) -> int:
    """How many letters are added, dropped, replaced or swapped with their neighbour: optimal string alignment."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, each in enumerate(other, start=1):
            best = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != each))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == each:
                best = min(best, before[column - 2] + 1)
            line.append(best)
        before, last = last, line
    return last[-1]
