"""The words of titles and abstracts with JATS, HTML or MathML in them, as Crossref, pages and feeds send them.

Entities are decoded before tags are looked for, twice where a program has escaped what was escaped. What stands above
or below the line is Unicode where it can be, and else stands apart (`x_{i,j}`). A formula's TeX stays where no MathML
says the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from papers.text.tex import to_text

_Tags = tuple[re.Pattern[str], re.Pattern[str]]

# With as many digits as a character can have: Python refuses to read very long numbers.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TIMES_ESCAPED = 2
# In quotation marks an attribute may hold anything; "<i and j>" is no tag.
_ATTRIBUTES = r"(?:\s++[A-Za-z_][\w:.-]{0,60}+\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>]++))*+\s*+"


def _element(name: str) -> _Tags:
    return re.compile(rf"<(?:\w{{1,20}}+:)?{name}{_ATTRIBUTES}>", re.I), re.compile(
        rf"</(?:\w{{1,20}}+:)?{name}\s*+>", re.I
    )


# Formulas, of which Crossref has TeX beside MathML, a whole document with its preamble; and MathML's note of its TeX.
_FORMULAS = tuple(_element(name) for name in ("inline-formula", "disp-formula", "alternatives"))
_TEX = _element("tex-math")
_NOTES = tuple(_element(name) for name in ("annotation-xml", "annotation"))
_MATHML = re.compile(r"<(?:\w{1,20}+:)?math(?=[\s>])", re.I)
_WHOLE_FORMULA = re.compile(
    r"\s*+(?:\$\$?(?P<dollars>[^$]++)\$?\$|\\[(\[](?P<brackets>(?:[^\\]|\\[^)\]])++)\\[)\]])\s*+"
)
_SCRIPTS = tuple((_element(name), mark) for name, mark in (("sub", "_"), ("inf", "_"), ("sup", "^")))
_MATH = _element("math")
_MATH_TAG = re.compile(r"<(/?)(?:\w{1,20}+:)?([a-z]{1,20}+)(?=[\s/>])[^<>]*+>", re.I)
_MOST_NESTED = 50
_HEADING = _element("title")
_BLOCK = re.compile(r"</?(?:jats:)?(?:p|sec|list|list-item|div|li|ul|ol|br|h[1-6])\b[^<>]*>", re.I)
# Tags by name, or with a prefix: "p<0.001 and n>3" has none.
_TAG = re.compile(
    r"</?(?:[a-z]\w{0,20}:[a-z][\w-]{0,40}|i|b|u|em|strong|sub|sup|inf|sc|scp|tt|span|italic|bold|small|font|roman"
    r"|monospace|underline|overline|strike|sans-serif|inline-formula|disp-formula|alternatives|tex-math|math"
    rf"|m[a-z]{{1,12}}|xref|ext-link|named-content|styled-content|a|abbr|cite|q){_ATTRIBUTES}/?>",
    re.I,
)
_NO_HEADING = re.compile(r"\s*+(?:abstract|summary|zusammenfassung|résumé|resumen)\s*+[.:]?+\s*+", re.I)


def plain_line(text: str) -> str:
    """A title or name on one line, without tags."""
    if "<" not in text and "&" not in text:
        return " ".join(text.split())
    return " ".join(_TAG.sub("", _scripts(_formulas(_decoded(text)))).split())


def plain_abstract(jats: str) -> str:
    """The text of an abstract: paragraphs separated by a blank line, headings before their section."""
    text = _each(
        _formulas(_decoded(jats)),
        _HEADING,
        lambda words: "\n\n" if _NO_HEADING.fullmatch(words) else f"\n\n{_heading(words)} ",
    )
    text = _TAG.sub("", _BLOCK.sub("\n\n", _scripts(text)))
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return re.sub(r"(?<=\x00) *\n\n", " ", "\n\n".join(filter(None, paragraphs))).replace("\x00", "")


def marks_as_text(html: str) -> str:
    """HTML whose formulas, `sub` and `sup` are characters, for readers who drop all tags."""
    return _scripts(_formulas(html)) if "<" in html else html


def is_abstract_heading(text: str) -> bool:
    """Whether it is nothing but the word "Abstract"."""
    return _NO_HEADING.fullmatch(text) is not None


def _decoded(text: str) -> str:
    for _ in range(_TIMES_ESCAPED):
        if "&" not in text:
            break
        text = _ENTITY.sub(lambda match: unescape(match[0]), text)
    return text


def _formulas(text: str) -> str:
    """`text` with the TeX of its formulas, and without it where MathML stands beside it."""
    if "<" not in text:
        return text
    for tags in _FORMULAS:
        text = _each(text, tags, lambda inside: _without_tex(inside) if _MATHML.search(inside) else inside)
    for tags in _NOTES:
        text = _each(text, tags, lambda _: "")
    text = _each(text, _TEX, _tex)
    return _each(text, _MATH, _math_text)


def _without_tex(inside: str) -> str:
    return _each(inside, _TEX, lambda _: "")


def _tex(source: str) -> str:
    """A formula as ours are written, out of a document around it."""
    _, _, behind = source.partition(r"\begin{document}")
    document, end, _ = behind.partition(r"\end{document}")
    source = (document if end else source).strip()
    whole = _WHOLE_FORMULA.fullmatch(source)
    if whole:
        return f"${(whole['dollars'] or whole['brackets']).strip()}$"
    return source if "$" in source or not source else f"${source}$"


def _math_text(inside: str) -> str:
    """MathML as characters, in one pass: what stands above or below as `_script` has it, fractions with a stroke."""
    stack: list[tuple[str, list[str]]] = [("", [])]
    position = 0
    for tag in _MATH_TAG.finditer(inside):
        if words := " ".join(inside[position : tag.start()].split()):
            stack[-1][1].append(words)
        position = tag.end()
        if not tag[1] and not tag[0].endswith("/>") and len(stack) < _MOST_NESTED:
            stack.append((tag[2].lower(), []))
        elif tag[1] and len(stack) > 1 and stack[-1][0] == tag[2].lower():
            name, parts = stack.pop()
            stack[-1][1].append(_math_element(name, parts))
    words = " ".join(inside[position:].split())
    return "".join([*(part for _, parts in stack for part in parts), words])


def _math_element(name: str, parts: list[str]) -> str:
    if name == "msub" and len(parts) == 2:
        return parts[0] + _script(parts[1], "_")
    if name == "msup" and len(parts) == 2:
        return parts[0] + _script(parts[1], "^")
    if name == "msubsup" and len(parts) == 3:
        return parts[0] + _script(parts[1], "_") + _script(parts[2], "^")
    if name == "mfrac" and len(parts) == 2:
        return "/".join(part if len(part) == 1 or part.isalnum() else f"({part})" for part in parts)
    if name == "msqrt":
        joined = "".join(parts)
        return f"√{joined}" if len(joined) == 1 else f"√({joined})"
    return "".join(parts)


def _scripts(text: str) -> str:
    for tags, mark in _SCRIPTS:
        text = _each(text, tags, lambda inside, mark=mark: _script(inside, mark))  # type: ignore[misc]
    return text


def _script(inside: str, mark: str) -> str:
    """What stands above or below the line, as Unicode, or as TeX has it."""
    words = " ".join(_TAG.sub("", inside).split())
    if not words or len(words) > 40 or {"{", "}", "$", "\\"} & set(words):
        return f" {words}" if words else ""
    written = to_text(f"{mark}{{{words}}}")
    return f"{mark}{words}" if len(words) == 1 and "{" in written else written


def _each(text: str, tags: _Tags, written: Callable[[str], str]) -> str:
    """`text` with each element between a first and a last tag as `written` has what is in it.

    Not one pattern: with a first tag that is never closed, it would look at the rest anew for each further one.
    """
    parts: list[str] = []
    position = 0
    while (first := tags[0].search(text, position)) and (last := tags[1].search(text, first.end())):
        parts += (text[position : first.start()], written(text[first.end() : last.start()]))
        position = last.end()
    return "".join((*parts, text[position:]))


def _heading(words: str) -> str:
    """A heading, with a mark behind it that joins it to the paragraph that follows."""
    words = " ".join(words.split()).rstrip(".:")
    return f"{words}.\x00" if words else ""
