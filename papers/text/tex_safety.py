r"""Whether a formula does no more than draw, wherever TeX or a Markdown reader sets it.

A formula of a stranger's title ends up in somebody's thesis. TeX can read files (`\input`), write them (`\openout`),
run commands (`\write18`), and rename its own commands (`\def`, `\catcode`), so that a list of forbidden words is never
complete. So this is a list of what is allowed: the symbols, accents and constructions of formulas, in the tables that
formulas are drawn by, and no way to build a command's name (`\csname`, `^^5c`) or to leave the formula.
"""

from __future__ import annotations

import re

from latex2mathml import commands, symbols_parser

from papers.text.tex_tables import FUNCTIONS, MATH_ACCENTS, SYMBOLS, word_set

_STRUCTURE = word_set("""
textbf textit textmd textnormal textrm textsc textsf textsl texttt textup emph nicefrac sfrac tfrac argmax argmin
operatorname xspace ensuremath mathds mathbbm nonumber notag lVert rVert lvert rvert Vert vert lbrack rbrack
middle dots dotsc dotsb dotsm dotsi iff implies impliedby And bigtimes coloneqq eqqcolon
""")
# What the library knows beside drawing: definitions, links, classes and styles of HTML, and what changes how all that
# follows is read.
_NO_DRAWING = word_set("""
DeclareMathOperator Space class def href newcommand newenvironment renewcommand style tag unicode verb
""")
_ENVIRONMENTS = word_set("""
Bmatrix Vmatrix align aligned alignedat array bmatrix cases eqnarray equation gather gathered matrix multline pmatrix
rcases smallmatrix split subarray vmatrix
""")


def _library_commands() -> frozenset[str]:
    words: set[str] = set(symbols_parser.SYMBOLS)
    for value in vars(commands).values():
        words.update([value] if isinstance(value, str) else value if isinstance(value, (tuple, dict)) else ())
    return frozenset(word[1:] for word in words if isinstance(word, str) and word.startswith("\\"))


_ALLOWED = (
    _library_commands() | _STRUCTURE | frozenset(SYMBOLS) | frozenset(FUNCTIONS) | frozenset(MATH_ACCENTS)
) - _NO_DRAWING
# A command's name, or one character behind a backslash; what TeX reads in a way of its own.
_TOKEN = re.compile(r"\\(?:([A-Za-z]+)|(.)|\Z)|\^\^|[%#\x00-\x08\x0b-\x1f\x7f]", re.S)
_ENVIRONMENT = re.compile(r"\s*\{([A-Za-z]+)\*?\}")


def only_draws(source: str) -> bool:
    r"""Whether a formula, without its delimiters, can be given to TeX as it is.

    False for a command that is not known to draw, for an environment other than those of formulas, for `%`, `#` and
    `^^` that are not escaped, and for a backslash at the end, which would escape the dollar behind it.
    """
    return all(_is_harmless(source, match) for match in _TOKEN.finditer(source)) and source.count("$") % 2 == 0


def _is_harmless(source: str, match: re.Match[str]) -> bool:
    word, sign = match[1], match[2]
    if word in ("begin", "end"):
        environment = _ENVIRONMENT.match(source, match.end())
        return environment is not None and environment[1] in _ENVIRONMENTS
    return word in _ALLOWED if word else bool(sign) and not sign.isalpha()
