"""Which part of a name is the family's, and which names are no person's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from papers.text.names import PARTICLES

_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?", re.I)
_GROUP = re.compile(r"\b(?:collaborations?|consortium|team|group|project|initiative|university|institute)\b", re.I)


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's, in parts; or of a group, whole, in `family` with `is_group`."""

    family: str
    given: str = ""
    suffix: str = ""
    is_group: bool = False

    @property
    def whole(self) -> str:
        return " ".join(filter(None, (self.given, self.family, self.suffix)))


def parse_name(text: str) -> PersonName:
    """`Ludwig van Beethoven` → van Beethoven, Ludwig; `Lovelace, Ada` as it says; groups and single words whole."""
    text = " ".join(text.split())
    if _GROUP.search(text):
        return PersonName(text, is_group=True)
    if "," in text:
        return _with_comma(text)
    words, suffix = text.split(" "), ""
    if len(words) > 2 and _SUFFIX.fullmatch(words[-1]):
        suffix = words.pop()
    if len(words) == 1:
        return PersonName(text, is_group=True)
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in PARTICLES and words[start - 1][0].islower():
        start -= 1
    return PersonName(" ".join(words[start:]), " ".join(words[:start]), suffix)


def _with_comma(text: str) -> PersonName:
    family, _, rest = (part.strip() for part in text.partition(","))
    if _SUFFIX.fullmatch(rest):
        name = parse_name(family)
        return PersonName(name.family, name.given, rest, name.is_group)
    given, _, suffix = (part.strip() for part in rest.partition(","))
    return PersonName(family, given, suffix, is_group=not given)
