r"""How a formula written in TeX becomes MathML Core, by way of latex2mathml.

latex2mathml is strict where papers are not and writes MathML 3; this module reads more TeX than it does (see
`_prepared`) and rewrites its tree into what browsers draw: letters of mathematical alphabets instead of mathvariant,
lengths instead of named spaces, no style, no class, no link. The result is well-formed XML made of the elements and
attributes listed here and nothing else; `papers.text.html` checks it once more with a sanitiser.
"""

import html
import re
import unicodedata
from functools import lru_cache
from xml.etree.ElementTree import Element

from latex2mathml import exceptions
from latex2mathml.converter import Converter

from papers.text.tex import to_text
from papers.text.tex_math import MAX_SOURCE
from papers.text.tex_tables import MATH_ALIASES, SYMBOLS, character, in_alphabet, word_set

_MAX_DEPTH = 24  # of braces; what people write has less than ten
_MAX_EM = 5.0  # longer spaces tear a line apart


class _CannotConvertError(Exception):
    """The formula has something that has no place in MathML, or that nobody knows."""


# The library's exceptions share no base class. The others are what it raises on input that ends too early (it calls
# next() on its tokens), on missing arguments, and on macros within macros within macros.
_FAILURES: tuple[type[Exception], ...] = (
    _CannotConvertError,
    *(value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, Exception)),
    StopIteration, RuntimeError, IndexError, KeyError, TypeError, ValueError, AttributeError,
)  # fmt: skip

ELEMENTS = word_set("""
math mrow mi mo mn mtext mspace msub msup msubsup mfrac msqrt mroot mover munder munderover mtable mtr mtd mstyle
mpadded mphantom
""")
ATTRIBUTES: dict[str, frozenset[str]] = {
    "math": frozenset({"display", "alttext"}),
    "mi": frozenset({"mathvariant"}),
    "mo": word_set("stretchy fence form lspace rspace minsize maxsize largeop movablelimits separator"),
    "mspace": frozenset({"width"}),
    "mpadded": frozenset({"width", "lspace"}),
    "mfrac": frozenset({"linethickness"}),
    "mover": frozenset({"accent"}),
    "munder": frozenset({"accentunder"}),
    "mstyle": frozenset({"displaystyle", "scriptlevel"}),
    "mtable": frozenset({"displaystyle"}),
    "mtd": frozenset({"columnalign"}),
}
_LENGTH_ATTRIBUTES = word_set("width lspace rspace minsize maxsize linethickness")
_LENGTH = re.compile(r"(-?(?:\d++(?:\.\d++)?|\.\d++))(em|ex|px|pt|mu)?")
_EM = {"em": 1.0, "ex": 0.45, "px": 1 / 16, "pt": 1 / 12, "mu": 1 / 18, None: 1.0}
_NAMED_LENGTHS = {
    "thinmathspace": "0.167em", "mediummathspace": "0.222em", "thickmathspace": "0.278em",
    "negativethinmathspace": "-0.167em", "negativemediummathspace": "-0.222em", "negativethickmathspace": "-0.278em",
}  # fmt: skip
_WORD = re.compile(r"[a-z]+|-?\d")
_ACCENTS = frozenset("´¯˘ˇ˙¨`^˚~→―\u20db\u20dc")
_FENCES = frozenset("⟨⟩⌈⌉⌊⌋")
_OPERATORS = frozenset(":;′″‴⁗⟨⟩")  # what the library takes for letters, beside mathematical signs
_DRAWN = {"―": "¯", "⧸": "/"}  # what few fonts can draw or stretch

# --- More TeX than the library reads --------------------------------------------------------------------------------

# Macro definitions could grow a few characters into millions.
_FORBIDDEN = re.compile(
    r"\\(?:def|edef|gdef|let|(?:re)?newcommand|(?:re)?newenvironment|DeclareMathOperator)(?![a-zA-Z])"
)
_UNICODE = re.compile(r"\\unicode\{(x?[0-9a-fA-F]{2,6})\}")
_TEXT_COMMAND = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|sc|tt|sl|up|md|normal)?|mbox|hbox|emph)\s*\{((?:[^{}]|\{[^{}]*\})*)\}"
)
_ODD_OPERATOR = re.compile(r"\\operatorname\*?\s*(?=\{([^{}]*[^a-zA-Z\s*{}]))")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([a-z]+)\*?\}")
_ENVIRONMENTS = {
    "aligned": "align*", "alignedat": "align*", "eqnarray": "align*", "align": "align*", "gather": "matrix",
    "gathered": "matrix", "multline": "matrix", "dcases": "cases", "rcases": "matrix",
}  # fmt: skip
_NEGATION = re.compile(r"\\not\s*(?:\\([a-zA-Z]+)|([^\\\s]))\s?")
_COMMAND = re.compile(r"\\([a-zA-Z]+)")
_NOT_WORDS = re.compile(r"[{}$^\\]")
_PERCENT = re.compile(r"(?<!\\)%")


@lru_cache(maxsize=8_192)
def to_mathml(source: str, *, is_display: bool = False) -> str | None:
    """A formula (without its delimiters) as a `<math>` element; None where it can only be shown as source.

    The TeX is kept in `alttext`. Bounded: at most 2,000 characters and 24 braces deep.
    """
    if len(source) > MAX_SOURCE or _FORBIDDEN.search(source) or _depth(source) > _MAX_DEPTH:
        return None
    try:
        tree = Converter(display="block" if is_display else "inline").convert_to_element(_prepared(source))
        body = _row(list(tree))
    except _FAILURES:
        return None
    display = ' display="block"' if is_display else ""
    return f'<math{display} alttext="{html.escape(source)}">{body}</math>'


def _depth(source: str) -> int:
    """How deep braces are nested."""
    depth = deepest = 0
    for char in source:
        depth += (char == "{") - (char == "}")
        deepest = max(deepest, depth)
    return deepest


def _prepared(source: str) -> str:
    """The formula in TeX that latex2mathml reads."""
    source = _PERCENT.sub(r"\\%", source)
    if "\\" not in source:
        return source
    source = _TEXT_COMMAND.sub(_plain_words, _UNICODE.sub(_unicode, source))
    source = _ENVIRONMENT.sub(lambda match: f"\\{match[1]}{{{_ENVIRONMENTS.get(match[2], match[2])}}}", source)
    source = _NEGATION.sub(_negated, _ODD_OPERATOR.sub(_odd_operator, source))
    return _COMMAND.sub(lambda match: MATH_ALIASES.get(match[1], match[0]), source)


def _unicode(match: re.Match[str]) -> str:
    return character(match[1])


def _plain_words(match: re.Match[str]) -> str:
    """Words inside a formula, without what is TeX in them."""
    words = _NOT_WORDS.sub("", to_text(match[1]))
    return rf"\text{{{words}}}"


def _odd_operator(match: re.Match[str]) -> str:
    return r"\mathrm" if "\\" in match[1] else r"\text"


def _negated(match: re.Match[str]) -> str:
    symbol = SYMBOLS.get(match[1], "") if match[1] else match[2]
    composed = unicodedata.normalize("NFC", f"{symbol}\u0338")
    return composed if symbol and len(composed) == 1 else match[0]


# --- The tree, rewritten --------------------------------------------------------------------------------------------

_CHILDREN = {"msub": 2, "msup": 2, "mfrac": 2, "mroot": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}
_TOKENS = frozenset({"mi", "mo", "mn", "mtext"})
_CLOSING = frozenset(")]}⟩|!.")
_SIGNS = frozenset("+−±∓-")
_THIN_SPACE = '<mspace width="0.167em"/>'
_FUNCTION_NAME = re.compile("[A-Za-z][A-Za-z\u2006\u2009]+")
_UPRIGHT_LETTER = re.compile(r'<mi mathvariant="normal">([A-Za-z])</mi>')
_UPRIGHT_WORD = re.compile(rf"(?:{_UPRIGHT_LETTER.pattern}){{2,}}")


def _written(element: Element) -> str:
    """An element and all in it as MathML Core."""
    tag = element.tag if element.tag in ELEMENTS else "mrow"
    if tag in _TOKENS and len(element) == 0:
        return _token(tag, element)
    attributes = _attributes(tag, element)
    if tag == "mspace":
        return f"<mspace{attributes}/>" if attributes else ""
    count = _CHILDREN.get(tag)
    if count is None:
        if tag in _TOKENS or (tag in ("mstyle", "mpadded") and not attributes):
            tag = "mrow"
        body = _row(list(element))
        return body if tag == "mrow" and len(element) == 1 else f"<{tag}{attributes}>{body}</{tag}>"
    children = [_written(child) or "<mrow></mrow>" for child in element]
    if tag == "munderover" and len(children) == 2:
        tag = "mover"
    elif len(children) != count:
        return f"<mrow>{''.join(children)}</mrow>"
    if tag in ("mover", "munder") and html.unescape(element[1].text or "") in _ACCENTS:
        attributes += ' accent="true"' if tag == "mover" else ' accentunder="true"'
        children[1] = children[1].replace(">¯<", ">_<") if tag == "munder" else children[1]
    return f"<{tag}{attributes}>{''.join(children)}</{tag}>"


def _row(elements: list[Element]) -> str:
    """Elements side by side, with the thin spaces that TeX sets around names of functions."""
    parts: list[str] = []
    for index, element in enumerate(elements):
        written = _written(element)
        if index and _is_sign(element) and _is_operator(elements[index - 1]):
            written = written.replace("<mo", '<mo form="prefix"', 1)
        elif _is_function(element):
            before, after = elements[index - 1 : index], elements[index + 1 : index + 2]
            if before and not _is_function(before[0]) and not _is_operator(before[0]):
                written = _THIN_SPACE + written
            if after and _core(after[0]).tag != "mo":
                written += _THIN_SPACE
        parts.append(written)
    return _UPRIGHT_WORD.sub(_joined, "".join(parts))


def _core(element: Element) -> Element:
    """What an element is about: the base under its scripts."""
    while len(element) and element.tag in _CHILDREN and element.tag != "mfrac":
        element = element[0]
    return element


def _is_operator(element: Element) -> bool:
    """Whether an element asks for something to its right; a closing bracket does not."""
    core = _core(element)
    return core.tag == "mo" and html.unescape(core.text or "") not in _CLOSING and not _is_function(element)


def _is_sign(element: Element) -> bool:
    return element.tag == "mo" and html.unescape(element.text or "") in _SIGNS


def _is_function(element: Element) -> bool:
    core = _core(element)
    return (
        core.tag in ("mi", "mo") and len(core) == 0 and bool(_FUNCTION_NAME.fullmatch(html.unescape(core.text or "")))
    )


def _joined(match: re.Match[str]) -> str:
    letters = _UPRIGHT_LETTER.findall(match[0])
    return f"<mi>{''.join(letters)}</mi>"


def _token(tag: str, element: Element) -> str:
    """An identifier, operator, number or text.

    Raises:
        _CannotConvertError: it is the name of a command that nobody knows.
    """
    text = html.unescape(element.text or "")
    if text.startswith("\\") and len(text) > 1:
        if text[1:] not in SYMBOLS:
            raise _CannotConvertError(text)
        text = SYMBOLS[text[1:]]
    if "\\" in text and text != "\\":
        raise _CannotConvertError(text)
    if tag == "mtext":
        return f"<mtext>{html.escape(_breakable(text), quote=False)}</mtext>"
    variant = element.get("mathvariant")
    if _FUNCTION_NAME.fullmatch(text):
        return f"<mi>{text}</mi>"
    if variant and variant != "normal":
        text = in_alphabet(text, variant)
    if tag == "mi" and len(text) == 1 and (text in _OPERATORS or unicodedata.category(text) == "Sm"):
        fence = ' stretchy="false"' if text in _FENCES else ""
        return f"<mo{fence}>{html.escape(text, quote=False)}</mo>"
    text = html.escape(_DRAWN.get(text, text), quote=False)
    upright = ' mathvariant="normal"' if variant == "normal" and tag == "mi" and len(text) == 1 else ""
    return f"<{tag}{upright}{_attributes(tag, element)}>{text}</{tag}>"


def _breakable(text: str) -> str:
    """Words with ordinary spaces between them, so that a line can break; at the ends a space must be a hard one."""
    inner = text.replace("\xa0", " ").strip(" ")
    before, after = text[:1] in " \xa0" and bool(inner), text[-1:] in " \xa0" and bool(inner)
    return "\xa0" * before + inner + "\xa0" * after if inner else "\xa0" * bool(text)


def _attributes(tag: str, element: Element) -> str:
    """The attributes of an element that MathML Core knows and whose values are sane."""
    out = ""
    for name, value in element.attrib.items():
        if name == "mathvariant" or name not in ATTRIBUTES.get(tag, ()):
            continue
        if name in _LENGTH_ATTRIBUTES:
            value = _sane_length(value)
        if value and (name in _LENGTH_ATTRIBUTES or _WORD.fullmatch(value)):
            out += f' {name}="{value}"'
    return out


def _sane_length(value: str) -> str:
    """A length that does not tear the page apart; empty for any other."""
    value = _NAMED_LENGTHS.get(value, value).strip()
    match = _LENGTH.fullmatch(value)
    if match is None or abs(float(match[1]) * _EM[match[2]]) > _MAX_EM:
        return ""
    return value if match[2] in ("em", "ex", "px") else f"{float(match[1]) * _EM[match[2]]:.3g}em"
