"""The sentences of an abstract with the role that each plays, as they are stored, and the line made of them. Pure.

Stored is a short text: for each sentence the letter of its role and where it ends, `b96 A203 m310 R402`. A capital
letter says that the sentence belongs to the line, which says what the paper does. So no model is needed to read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from papers.text.sentences import HEADING

LINE_CHARS = 420
"""As many characters as a line of two sentences may have, as shown; of longer pairs only the first is taken."""
# How much less sure than the surest the first aim and the first result may be, and how sure a result beside an aim is.
_AIM_NEARLY, _RESULT_NEARLY, _RESULT_SURE = 0.3, 0.5, 0.6


class SentenceRole(StrEnum):
    """What a sentence of an abstract is for; in the order of the classifier's weights."""

    BACKGROUND = "background"
    AIM = "aim"
    METHOD = "method"
    RESULT = "result"
    RESOURCE = "resource"


class LikenessFacet(StrEnum):
    """One side of a paper by which others may be like it."""

    SUBJECT = "subject"
    METHOD = "method"
    RESULT = "result"

    @property
    def roles(self) -> frozenset[SentenceRole]:
        """The roles of the sentences that tell of it."""
        return _FACET_ROLES[self]


_FACET_ROLES: Mapping[LikenessFacet, frozenset[SentenceRole]] = {
    LikenessFacet.SUBJECT: frozenset((SentenceRole.BACKGROUND, SentenceRole.AIM)),
    LikenessFacet.METHOD: frozenset((SentenceRole.METHOD,)),
    LikenessFacet.RESULT: frozenset((SentenceRole.RESULT, SentenceRole.RESOURCE)),
}

_LETTERS = {"b": SentenceRole.BACKGROUND, "a": SentenceRole.AIM, "m": SentenceRole.METHOD}
_LETTERS |= {"r": SentenceRole.RESULT, "c": SentenceRole.RESOURCE}
_BY_ROLE = {role: letter for letter, role in _LETTERS.items()}
_STORED = re.compile(r"([bamrc])([0-9]{1,7})", re.I)


class RoleSentence(NamedTuple):
    """A sentence of an abstract: `abstract[start:end]`, its role, and whether the line has it."""

    start: int
    end: int
    role: SentenceRole
    leads: bool = False


def write_roles(sentences: Iterable[RoleSentence]) -> str:
    """What is stored of an abstract's sentences."""
    return " ".join(
        f"{_BY_ROLE[sentence.role].upper() if sentence.leads else _BY_ROLE[sentence.role]}{sentence.end}"
        for sentence in sentences
    )


def read_roles(abstract: str, stored: str | None) -> list[RoleSentence]:
    """The sentences of an abstract, by what is stored of it; empty where nothing is, or it is of another text."""
    found: list[RoleSentence] = []
    end = 0
    for letter, number in _STORED.findall(stored or ""):
        start, end = end, int(number)
        if not start < end <= len(abstract):
            return []
        start += len(abstract[start:end]) - len(abstract[start:end].lstrip())
        found.append(RoleSentence(start, end, _LETTERS[letter.lower()], leads=letter.isupper()))
    return found


def facet_sentences(abstract: str, stored: str | None, facet: LikenessFacet) -> list[str]:
    """The sentences of an abstract that tell of a facet; empty where none does, or roles are not known."""
    return [abstract[each.start : each.end] for each in read_roles(abstract, stored) if each.role in facet.roles]


def leading_line(abstract: str, stored: str | None, chars: int = LINE_CHARS) -> str:
    """What a paper does: one or two sentences of its abstract, about `chars` characters, cut at a word.

    Empty where no sentence is aim or result, or roles are not known yet.
    """
    from papers.text.html import excerpt  # it brings Markdown, 20 MB that processes without pages need not have

    parts = [_shown(abstract[each.start : each.end]) for each in read_roles(abstract, stored) if each.leads]
    if len(parts) > 1 and len(" ".join(parts)) > chars:
        parts = parts[:1]
    return excerpt(" ".join(parts), chars)


def _shown(sentence: str) -> str:
    """A sentence without the heading before it, as in "Aims. We …"."""
    heading = HEADING.match(sentence)
    if heading is None or heading[0][-1:] not in ".:":
        return sentence
    return sentence[heading.end() :].lstrip() or sentence


class RoleRun(NamedTuple):
    """Sentences of one role that follow one another."""

    role: SentenceRole
    text: str


def role_runs(abstract: str, stored: str | None) -> list[RoleRun]:
    """An abstract in parts of one role each; a paragraph ends a part. Empty where roles are not known."""
    found: list[RoleRun] = []
    begin = last = 0
    sentences = read_roles(abstract, stored)
    for place, sentence in enumerate(sentences):
        between = abstract[last : sentence.start]
        if place and (sentence.role is not sentences[place - 1].role or "\n\n" in between):
            found.append(RoleRun(sentences[place - 1].role, abstract[begin:last]))
            begin = sentence.start
        last = sentence.end
    return [*found, RoleRun(sentences[-1].role, abstract[begin:].strip())] if sentences else []


def mark_line(sentences: Sequence[RoleSentence], certainty: Sequence[Sequence[float]]) -> list[RoleSentence]:
    """The same sentences, with those marked that make the line: an aim, and the result that follows it.

    `certainty` has for each sentence the probability of each role, in the order of `SentenceRole`. Of those that are
    nearly as sure as the surest, the first is taken: what comes later mostly says more of the same. Beside an aim, a
    doubtful result is left out.
    """
    aims = _sure(sentences, certainty, SentenceRole.AIM)
    results = _sure(sentences, certainty, SentenceRole.RESULT)
    aim = _first_of_surest(aims, _AIM_NEARLY)
    later = {place: sure for place, sure in results.items() if aim is None or place > aim}
    result = _first_of_surest(later or results, _RESULT_NEARLY)
    if aim is not None and result is not None and results[result] < _RESULT_SURE:
        result = None
    return [sentence._replace(leads=place in (aim, result)) for place, sentence in enumerate(sentences)]


def _sure(
    sentences: Sequence[RoleSentence], certainty: Sequence[Sequence[float]], role: SentenceRole
) -> dict[int, float]:
    """How sure the sentences of a role are, by place."""
    column = list(SentenceRole).index(role)
    return {place: certainty[place][column] for place, each in enumerate(sentences) if each.role is role}


def _first_of_surest(sure: Mapping[int, float], nearly: float) -> int | None:
    """The first place whose certainty is within `nearly` of the highest; None for no places."""
    best = max(sure.values(), default=0.0)
    return next((place for place, value in sure.items() if value >= best - nearly), None)
