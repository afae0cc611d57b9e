"""Where the sentences of an abstract begin and end. Linear in the length of the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from papers.text.formulas import find_formulas


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A mark that may end a sentence with the quotes and brackets that close behind it, and the white space that follows.
_STOP = re.compile(r"[.!?…]['\"”’»)\]]{0,3}(?=\s)|\n\n")
_ABBREVIATIONS = _words("""
    e.g i.e eg ie cf viz vs etc al ca approx resp incl excl fig figs eq eqs eqn eqns sec secs sect ch chap ref refs tab
    thm prop def lem cor ex no nos nr vol vols pp ed eds dept univ inst prof dr mr mrs ms st jr sr phys rev lett math
    astrophys proc acad sci appl comm commun int conf symp nat nucl arxiv var sp spp subsp gen w.r.t s.t i.i.d a.k.a
    u.s u.k e.u d.h z.b std dev avg min max inc ltd corp co dist
""")
_MAY_END = _words("etc al u.s u.k e.u i.i.d inc ltd corp co no min max dev ex ed sp spp")
"""Abbreviations, and words written like one, with which a sentence may end all the same."""
_NUMBERED = re.compile(r"(?:\(?(?:[0-9]{1,2}|[ivx]{1,4}|[a-zA-Z])[.)]|[-*•–])\s*\Z")
HEADING = re.compile(
    r"(?:context|background|introduction|motivation|purpose|aims?|goals?|objectives?|methods?|methodology|approach|"
    r"materials and methods|results?|findings|conclusions?|discussion|significance|summary)[.:]?",
    re.I,
)
"""A heading within an abstract: it belongs to the sentence behind it."""
_ITEM = re.compile(r"[:;]\s+[0-9]{1,2}\Z")
"""The number of an item within a sentence, as in "the following are equal: 1. …"."""
_LONGEST_ASIDE = 300
"""Characters; a bracket that was opened further back was forgotten."""
_OPENERS = "'\"“‘«([{$\\*_-–•"
_WORD_BEFORE = re.compile(r"[^\s(\[{“\"'$]{1,24}\Z")
_STARTERS = _words("""
    The This These Those That There Then Thus Here Hence However We Our In It Its A An On For From To With As At By If
    When While Moreover Furthermore Finally Also Although Using Such Both Additionally Further First Second Results
    Experiments Through Based Code
""")
"""Words that begin a sentence rather than go on behind an abbreviation."""


MAX_QUOTED = 180
"""Characters of a sentence that are quickly read."""


class Sentence(NamedTuple):
    """A sentence of a text: `text[start:end]`, without the white space around it."""

    start: int
    end: int


def find_sentences(text: str) -> list[Sentence]:
    """The sentences of a cleaned abstract, in order; nothing for a text without letters.

    A paragraph ends its last sentence. Marks within formulas, decimals, initials, "e.g.", "et al.", "Fig. 2" and the
    numbers of enumerations end none.
    """
    formulas = [(formula.start, formula.end) for formula in find_formulas(text)]
    starts = [start for start, _ in formulas]
    found: list[Sentence] = []
    begin = 0
    for stop in _STOP.finditer(text):
        end = stop.end() if stop[0] != "\n\n" else stop.start()
        if stop[0] != "\n\n":
            place = bisect_right(starts, stop.start()) - 1
            if place >= 0 and stop.start() < formulas[place][1]:
                continue
            if not _ends(text, begin, stop):
                continue
        _add(found, text, begin, end)
        begin = stop.end()
    _add(found, text, begin, len(text))
    return found


def quoted(sentence: str, start: int, end: int) -> str:
    """A sentence, or as much of it around `start` to `end` as is quickly read, between whole words."""
    if len(sentence) <= MAX_QUOTED:
        return sentence
    room = max(0, MAX_QUOTED - (end - start)) // 2
    first, last = max(0, start - room), min(len(sentence), max(end, start + 1) + room)
    last = min(last, first + 2 * MAX_QUOTED)
    if first:
        space = sentence.find(" ", first, start)
        first = space + 1 if space >= 0 else first
    if last < len(sentence):
        space = sentence.rfind(" ", end, last)
        last = space if space >= 0 else last
    return f"{'… ' if first else ''}{sentence[first:last].strip()}{' …' if last < len(sentence) else ''}"


def _add(found: list[Sentence], text: str, begin: int, end: int) -> None:
    """Add what is between two places; a scrap without a letter belongs to the sentence before it."""
    part = text[begin:end]
    stripped = part.strip()
    if not stripped:
        return
    if found and HEADING.fullmatch(text, found[-1].start, found[-1].end):
        begin = found.pop().start
        part = text[begin:end]
        stripped = part.strip()
    start = begin + len(part) - len(part.lstrip())
    if any(map(str.isalpha, stripped)):
        found.append(Sentence(start, start + len(stripped)))
    elif found:
        found[-1] = Sentence(found[-1].start, start + len(stripped))


def _ends(text: str, begin: int, stop: re.Match[str]) -> bool:
    """Whether the mark `stop` in the sentence that began at `begin` ends it."""
    after = text[stop.end() : stop.end() + 40].lstrip()
    if not after:
        return True
    first = after.lstrip(_OPENERS)[:1]
    mark = text[stop.start()]
    # A small letter goes on with a sentence, but for one in a formula; a sentence that begins with "k-means" is rare.
    if first.islower() and not (after[0] in "$\\" and mark == "."):
        return False
    if mark != ".":
        return True
    before = text[max(begin, stop.start() - 24) : stop.start()]
    if _is_within_brackets(text[max(begin, stop.start() - _LONGEST_ASIDE) : stop.start()]):
        return False
    if _ITEM.search(before):
        return False
    if _NUMBERED.fullmatch(before.strip() + ".") and stop.start() - begin < 6:
        return False
    word = _WORD_BEFORE.search(before)
    if word is None:
        return True
    return not _is_abbreviation(word[0], after)


def _is_within_brackets(before: str) -> bool:
    """Whether a round bracket of the sentence is open at its end."""
    return before.count("(") > before.count(")")


def _is_abbreviation(word: str, after: str) -> bool:
    """Whether the mark behind `word` is that of an abbreviation and ends no sentence, by what comes `after`."""
    plain = word.lstrip("~").rsplit("~", 1)[-1]
    plain = plain if plain.isupper() and len(plain) > 1 and "." not in plain else plain.lower()  # SP is no "sp."
    next_word = re.match(r"[A-Za-z]*", after)
    starts_anew = next_word is not None and next_word[0] in _STARTERS and after[next_word.end() :][:1] != "."
    if plain in _ABBREVIATIONS:
        return not (plain in _MAY_END and (starts_anew or (plain in ("etc", "al") and after[:1].isupper())))
    if len(word) == 1 and word.isalpha() and word.isupper():  # an initial: "J. Smith"
        return not starts_anew
    return bool(re.fullmatch(r"(?:[A-Za-z]\.){1,3}[A-Za-z]", word)) and not starts_anew
