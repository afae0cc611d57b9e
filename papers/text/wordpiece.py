"""Cuts text into BERT's word pieces, as an embedding model reads it. Pure; the vocabulary is given.

After https://github.com/google-research/bert/blob/master/tokenization.py, uncased: clean, lower case, no accents, words
and punctuation apart, each word in the longest pieces that the vocabulary has.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

MAX_WORD_LENGTH = 100  # in characters; a longer one is unknown, as in BERT
CACHED_WORDS = 20_000

_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPieceTokenizer:
    """A vocabulary, piece → number; pieces inside a word begin with `##`."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary = vocabulary
        self._unknown = (vocabulary["[UNK]"],)
        self._start, self._end = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._pieces = lru_cache(maxsize=CACHED_WORDS)(self._cut)

    def numbers(self, text: str, *, limit: int) -> list[int]:
        """The numbers of a text's first pieces, between those for start and end: `limit` together."""
        found = [self._start]
        for word in split_words(text):
            found += self._pieces(word)
            if len(found) >= limit - 1:
                break
        return [*found[: limit - 1], self._end]

    def _cut(self, word: str) -> tuple[int, ...]:
        if len(word) > MAX_WORD_LENGTH:
            return self._unknown
        found, begin = [], 0
        while begin < len(word):
            prefix = "##" if begin else ""
            for end in range(len(word), begin, -1):
                number = self._vocabulary.get(prefix + word[begin:end])
                if number is not None:
                    break
            else:
                return self._unknown
            found.append(number)
            begin = end
        return tuple(found)


def split_words(text: str) -> Iterator[str]:
    """The words and punctuation marks of a text, in lower case and without accents."""
    for chunk in "".join(_spaced(char) for char in text).split():
        folded = _without_marks(chunk).lower()
        begin = 0
        for place, char in enumerate(folded):
            if _is_punctuation(char):
                if begin < place:
                    yield folded[begin:place]
                yield char
                begin = place + 1
        if begin < len(folded):
            yield folded[begin:]


def _spaced(char: str) -> str:
    """A character as it is read: white space as a blank, Chinese ones apart, control characters not at all."""
    if char.isascii() and char.isprintable():
        return char
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    code = ord(char)
    if code in (0, 0xFFFD) or unicodedata.category(char) in ("Cc", "Cf", "Co"):
        return ""
    return f" {char} " if any(first <= code <= last for first, last in _CJK) else char


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")


def _is_punctuation(char: str) -> bool:
    if char.isascii():
        return not char.isalnum() and char.isprintable()
    return unicodedata.category(char).startswith("P")
