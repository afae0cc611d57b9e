"""British and American spellings of English words, for questions: `colour` and `color`, `generalisation`. Pure.

Only regular endings and words that papers are full of. A spelling that no paper has costs nothing: the index says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_MAX_CHARS = 400
"""Of a longer text nobody needs other spellings: what ranks by it asks for each word alone."""
_SUFFIX = r"(?=(?:s|ed|ing|er|ers|ful|less|able|al|ally|ist|ists|ism|hood|hoods|ite|ites|ably|is[a-z]+|iz[a-z]+)?\b)"
_OUR = (
    rf"\b(behavi|misbehavi|col|discol|fav|flav|neighb|lab|tum|vap|harb|hon|hum|rum|od|arm|endeav|rig|vig){{}}{_SUFFIX}"
)
# What comes before -ise where it is a suffix, as in `generalise`: not in noise, rise, exercise or promise.
_STEM = r"\b([a-z]{2,}(?:al|ar|er|or|il|im|in|an|en|on|at|et|it|ot|ic|id|ag|og|as|es|os|ym|um|iv|ol|ul))"
_END = r"(e|es|ed|er|ers|ing|ation|ations|ational|able)\b"
_WORDS = (  # British, American
    ("centre", "center"),
    ("centres", "centers"),
    ("centred", "centered"),
    ("fibre", "fiber"),
    ("fibres", "fibers"),
    ("metre", "meter"),
    ("metres", "meters"),
    ("analyse", "analyze"),
    ("analysed", "analyzed"),
    ("analyser", "analyzer"),
    ("analysing", "analyzing"),
    ("catalyse", "catalyze"),
    ("catalysed", "catalyzed"),
    ("defence", "defense"),
    ("defences", "defenses"),
    ("offence", "offense"),
    ("catalogue", "catalog"),
    ("catalogues", "catalogs"),
    ("programme", "program"),
    ("programmes", "programs"),
    ("grey", "gray"),
    ("greyscale", "grayscale"),
    ("aluminium", "aluminum"),
    ("sulphur", "sulfur"),
    ("leukaemia", "leukemia"),
    ("anaemia", "anemia"),
    ("paediatric", "pediatric"),
    ("haemoglobin", "hemoglobin"),
    ("foetal", "fetal"),
    ("artefact", "artifact"),
    ("artefacts", "artifacts"),
)


def _whole_words(pairs: dict[str, str]) -> tuple[re.Pattern[str], Callable[[re.Match[str]], str]]:
    return re.compile(rf"\b(?:{'|'.join(pairs)})\b"), lambda match: pairs[match[0]]


_TO_AMERICAN = (
    (re.compile(_OUR.format("our")), r"\1or"),
    (re.compile(f"{_STEM}is{_END}"), r"\1iz\2"),
    _whole_words(dict(_WORDS)),
)
_TO_BRITISH = (
    (re.compile(_OUR.format("or")), r"\1our"),
    (re.compile(f"{_STEM}iz{_END}"), r"\1is\2"),
    _whole_words({american: british for british, american in _WORDS}),
)


def other_spellings(text: str) -> list[str]:
    """A text in lower case, with all its words as Americans and as Britons write them; without the text itself."""
    if len(text) > _MAX_CHARS or not text.isascii():
        return []
    found = dict.fromkeys((_respelled(text, _TO_AMERICAN), _respelled(text, _TO_BRITISH)))
    return [each for each in found if each != text]


def _respelled(text: str, rules: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]) -> str:
    for pattern, other in rules:
        text = pattern.sub(other, text)
    return text
