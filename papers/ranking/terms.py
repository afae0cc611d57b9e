"""The words of a text and the pairs of words that stand beside each other, in a form to compare."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MAX_CHARACTERS = 6_000
"""Of a text; no abstract is longer."""

_WORD = re.compile(r"[^\W_](?:[\w@+.]*[\w@+])?")
# Between two words of a pair stands nothing but a space or a hyphen.
_HYPHENS = ("-", "‐", "–")
_CLOSE = frozenset((" ", "\n", *_HYPHENS))
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about above across after again all also although among an and any are as at based be because been before
        being below between both but by can cannot could did do does doing due during each either et al few for from
        further had has have having he hence her here his how however i if in into is it its itself just may me
        might more most much must my new no nor not now of off on once one only onto or other our ours out over own
        paper per propose proposed rather s same several she should show shows since so some such than that the
        their them then there therefore these they this those three through thus to too two under until up upon us
        use used uses using various very via was we well were what when where whether which while who whose why will
        with within without would yet you your
        """,
    )
)


def terms_of(text: str) -> dict[str, str]:
    """The terms of a text, each with the first way it is written there; in the order of the text.

    A term is a word in small letters, without accents and the s of a plural, or two such words beside each other.
    """
    found: dict[str, str] = {}
    text = text[:MAX_CHARACTERS]
    before, began, ended = "", 0, 0
    for start, end, word in _words(text):
        if word:
            found.setdefault(word, text[start:end])
            if before and start == ended + 1 and text[ended] in _CLOSE:
                found.setdefault(f"{before} {word}", text[began:end].replace("\n", " "))
        before, began, ended = word, start, end
    return found


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    """Each word's place and form; the form of a stop word is empty."""
    for match in _WORD.finditer(text):
        word, start, end = match[0].lower(), match.start(), match.end()
        # The "of" of chain-of-thought and the 4 of GPT-4 say something.
        is_joined = text[start - 1 : start] in _HYPHENS or text[end : end + 1] in _HYPHENS
        if (word in STOP_WORDS or word.isdigit()) and not is_joined:
            yield start, end, ""
            continue
        if not word.isascii():
            letters = unicodedata.normalize("NFKD", word)
            word = "".join(letter for letter in letters if not unicodedata.combining(letter)).lower().strip()
        yield start, end, singular(word)


def singular(word: str) -> str:
    """A word without the s of a plural."""
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "siu":
        return word[:-1]
    return word
