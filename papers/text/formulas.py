"""Where the formulas in a text are, and which dollars are money."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_ENVIRONMENTS = "equation|align|eqnarray|multline|gather|displaymath|math|flalign"
_MARK = re.compile(
    rf"\\[\\$()\[\]]|\\(?:begin|end)\{{(?:{_ENVIRONMENTS})\*?\}}|\$\$|\$|\n\n",
)
_CLOSING = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_LONG_WORD = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}")
_MONEY = re.compile(r"\d[\d.,]*\s?(?:[kKMBT]|bn|[mb]illion|trillion|thousand|USD|per)?\b")
_MAX_NESTED_DOLLARS = 4
_MATH_SIGNS = frozenset("\\^_=<>|+{}")


class Formula(NamedTuple):
    """A formula in a text: `text[start:end]` is all of it, `source` what is between its delimiters."""

    start: int
    end: int
    source: str
    is_display: bool


def find_formulas(text: str) -> Iterator[Formula]:
    r"""The formulas in `text`, in order: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and equation environments.

    A dollar that is money, and one without a partner in the same paragraph, is text. So is `\$`.
    """
    if "$" not in text and "\\" not in text:
        return
    position = 0
    while mark := _MARK.search(text, position):
        found = _formula_at(text, mark)
        if found:
            yield found
        # After a rejected `$$` its second dollar may still open a formula.
        position = found.end if found else mark.start() + (1 if mark[0] == "$$" else len(mark[0]))


def formula_at(text: str, position: int) -> Formula | None:
    """The formula that begins exactly there, if one does."""
    mark = _MARK.match(text, position)
    return _formula_at(text, mark) if mark else None


def _formula_at(text: str, mark: re.Match[str]) -> Formula | None:
    """The formula that the delimiter `mark` opens, if it opens one."""
    opening, start = mark[0], mark.end()
    if opening.startswith("\\begin"):
        return _environment_at(text, mark)
    closing = _CLOSING.get(opening)
    end = _next_mark(text, start) if closing else None
    if end is None or not (end[0] == closing or (closing == "$" and end[0] == "$$")):
        return None
    source = text[start : end.start()]
    # A formula in words in a formula: $\text{with $n$ points}$
    for _ in range(_MAX_NESTED_DOLLARS):
        if closing != "$" or source.count("{") <= source.count("}"):
            break
        further = _next_mark(text, end.end())
        if further is None or further[0] != "$":
            break
        end, source = further, text[start : further.start()]
    if opening.startswith("$") and not _is_plausible(source, text[end.start() + 1 : end.start() + 2]):
        return None
    if not source.strip():
        return None
    return Formula(mark.start(), end.start() + len(opening), source.strip(), opening in ("$$", "\\["))


def _next_mark(text: str, start: int) -> re.Match[str] | None:
    while end := _MARK.search(text, start):
        if end[0] not in ("\\\\", "\\$"):
            return end
        start = end.end()
    return None


def _environment_at(text: str, mark: re.Match[str]) -> Formula | None:
    """The formula of an equation environment; its lines become rows of an `aligned` one."""
    end = _next_mark(text, mark.end())
    if end is None or end[0] != mark[0].replace("begin", "end"):
        return None
    source = text[mark.end() : end.start()].strip()
    if "&" in source or "\\\\" in source:
        source = rf"\begin{{aligned}}{source}\end{{aligned}}"
    return Formula(mark.start(), end.end(), source, True)


def _is_plausible(source: str, after: str) -> bool:
    """Whether what stands between two dollars is a formula and not the words between two prices."""
    words = len(_LONG_WORD.findall(source))
    money = _MONEY.match(source)
    if money and "\\" not in source and (after.isdigit() or (words and money.end() < len(source))):
        return False
    is_loose = source[:1].isspace() or source[-1:].isspace()
    if is_loose and words > 1 and not (source[:1].isspace() and "\\" in source):
        return False
    if not _MATH_SIGNS.isdisjoint(source):
        return words < 12
    return words < 6 and not (is_loose and source.strip().isalpha() and len(source.strip()) > 1)
