r"""How a formula written in TeX reads as one line of plain Unicode text (`$\ell_1$` → ℓ₁).

For places that cannot show MathML: mail subjects, feed titles, `<title>`, search.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from papers.text.tex_tables import FUNCTIONS, MATH_ACCENTS, SUBSCRIPTS, SUPERSCRIPTS, SYMBOLS, character, in_alphabet

MAX_SOURCE = 2_000  # characters; the longest formula in an abstract that was seen has 700
_MAX_DEPTH = 30

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\s+|[0-9]+(?:\.[0-9]+)?|.", re.S)
_SPACES = {",": " ", ":": " ", ";": " ", " ": " ", "\n": " ", ">": " ", "!": "", "\\": "; ", "/": "", "-": ""}
_PLAIN = {"}": "", "$": "", "-": "−", "*": "∗", "~": " ", "&": " "}
_WORDS = re.compile(r"text[a-z]*|mbox|hbox|emph|operatorname|math(?:rm|sf|tt|it)|unit")
_SKIPPED = re.compile(
    r"middle|[bB]igg?[lrm]?|(?:no)?limits|(?:display|text|(?:script){1,2})style|nonumber|notag|hfill?|hline|"
    r"rm|bf|it|sf|tt|cal|frak|scr|mit|em|boldmath|protect|allowbreak|(?:math)?strut|"
    r"small|tiny|large|scriptsize|footnotesize|normalsize"
)
_SIMPLE = re.compile(r"[\w.′'*†°∞]*")
_NEGATED = "\u0338"


@lru_cache(maxsize=8_192)
def to_unicode(source: str) -> str:
    """A formula (without its delimiters) as plain text, in which no backslash stands for a command."""
    text = "".join(_Reader(source[:MAX_SOURCE]).row(0))
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", text)).strip()


class _Reader:
    """A reader of one formula. Depth is bounded: hostile nesting ends in groups left out, not in an error."""

    def __init__(self, source: str) -> None:
        self.tokens = _TOKEN.findall(source)
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def row(self, depth: int, end: str = "") -> list[str]:
        """The items up to the token `end`, which is read too."""
        out: list[str] = []
        while part := self.peek():
            self.position += 1
            if part == end:
                break
            if part == "'":
                out.append("′")
            elif part in "^_":
                out.append(self._script(part, depth))
            else:
                before = out[-1][-1:] if out else ""
                if part[1:] in FUNCTIONS and before.isalnum():
                    out.append(" ")
                out.append(self._item(part, depth, follows_space=before == " "))
        return out

    def argument(self, depth: int) -> str:
        """The next group or token, as text."""
        self._skip_space()
        part = self.peek()
        if part in ("", "}", "^", "_"):
            return ""
        if part[0].isdigit() and len(part) > 1:  # \frac12 is a half
            self.tokens[self.position] = part[1:]
            return part[0]
        self.position += 1
        return self._item(part, depth + 1, follows_space=False).strip()

    def raw_argument(self) -> str:
        """The next group or token as it is written."""
        self._skip_space()
        if self.peek() == "}":
            return ""
        start, level = self.position, 0
        while part := self.peek():
            level += (part == "{") - (part == "}")
            self.position += 1
            if level <= 0:
                break
        raw = "".join(self.tokens[start : self.position])
        return raw[1:].removesuffix("}") if raw.startswith("{") else raw

    def option(self) -> str:
        """The next argument in square brackets; empty when there is none."""
        self._skip_space()
        if self.peek() != "[" or "]" not in self.tokens[self.position :]:
            return ""
        start, self.position = self.position + 1, self.tokens.index("]", self.position) + 1
        return "".join(self.tokens[start : self.position - 1])

    def _skip_space(self) -> None:
        while self.peek().isspace():
            self.position += 1

    def _item(self, part: str, depth: int, *, follows_space: bool) -> str:
        if part == "{":
            return "".join(self.row(depth + 1, "}")) if depth < _MAX_DEPTH else ""
        if part[0] == "\\" and len(part) > 1:
            return self._command(part[1:], depth, follows_space=follows_space)
        return " " if part.isspace() else _PLAIN.get(part, part)

    def _command(self, name: str, depth: int, *, follows_space: bool) -> str:
        if not name.isalpha():
            return _SPACES.get(name, SYMBOLS.get(name, name))
        if name in FUNCTIONS:
            self._skip_space()
            return name + self._gap()
        if structure := _STRUCTURES.get(name):
            return structure(self, depth) if depth < _MAX_DEPTH else ""
        if name in SYMBOLS:
            if not follows_space and self._next_is_name():
                self._skip_space()
            return SYMBOLS[name]
        if name in MATH_ACCENTS and depth < _MAX_DEPTH:
            base = self.argument(depth)
            return base + MATH_ACCENTS[name] if len(base) == 1 else base
        return self._wrapper(name, depth)

    def _wrapper(self, name: str, depth: int) -> str:
        """A command around one argument reads as that argument; without one, it reads as its name."""
        self._skip_space()
        if self.peek() == "{":
            before = self.position
            raw = self.raw_argument() if _WORDS.fullmatch(name) else "\\"
            if not set("\\^_${") & set(raw):
                return raw
            self.position = before + 1
            return self._item("{", depth, follows_space=False)
        if _SKIPPED.fullmatch(name):
            return ""
        if name.startswith(("math", "bold", "text")) or name in ("bm", "pmb"):
            return self.argument(depth) if depth < _MAX_DEPTH else ""
        return name + self._gap()

    def _next_is_name(self) -> bool:
        """Whether a letter, digit or command comes after the space here; before a sign, the author's space stays."""
        after = self.tokens[self.position + 1 : self.position + 2]
        return bool(after) and (after[0][0].isalnum() or after[0][1:].isalpha())

    def _gap(self) -> str:
        """The space between a name and the letter, digit or command that follows it."""
        part = self.peek()
        return " " if part[:1].isalnum() or part[1:].isalpha() else ""

    def _script(self, sign: str, depth: int) -> str:
        """A superscript or subscript: in raised or lowered characters where all of it has them, else `x_{i,j}`."""
        text = self.argument(depth) if depth < _MAX_DEPTH else ""
        letters = SUPERSCRIPTS if sign == "^" else SUBSCRIPTS
        if all(char in letters for char in text):
            return "".join(letters[char] for char in text)
        return f"{sign}{text}" if _SIMPLE.fullmatch(text) else f"{sign}{{{text}}}"


def _fraction(reader: _Reader, depth: int) -> str:
    return f"{_bracketed(reader.argument(depth))}/{_bracketed(reader.argument(depth))}"


def _root(reader: _Reader, depth: int) -> str:
    degree = reader.option()
    return f"{SUPERSCRIPTS.get(degree, degree)}√{_bracketed(reader.argument(depth))}"


def _binomial(reader: _Reader, depth: int) -> str:
    return f"({reader.argument(depth)} choose {reader.argument(depth)})"


def _second(reader: _Reader, depth: int) -> str:
    reader.raw_argument()
    return reader.argument(depth)


def _nothing(reader: _Reader, _depth: int) -> str:
    reader.raw_argument()
    return ""


def _negation(reader: _Reader, depth: int) -> str:
    base = reader.argument(depth)
    return base[:1] + _NEGATED + base[1:] if base else ""


def _delimiter(reader: _Reader, _depth: int) -> str:
    if reader.peek() == ".":
        reader.position += 1
    return ""


def _character(reader: _Reader, _depth: int) -> str:
    return character(reader.raw_argument())


def _in(alphabet: str) -> Callable[[_Reader, int], str]:
    return lambda reader, depth: in_alphabet(reader.argument(depth), alphabet)


# Letters in script, bold or sans serif stay plain: few fonts have them, and O(n) is what is meant by 𝒪(n).
_STRUCTURES: dict[str, Callable[[_Reader, int], str]] = {
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac", "flatfrac"), _fraction),
    **dict.fromkeys(("binom", "dbinom", "tbinom"), _binomial),
    **dict.fromkeys(("overset", "underset", "stackrel", "textcolor", "href", "class", "style"), _second),
    **dict.fromkeys(("begin", "end", "label", "tag", "hspace", "vspace", "kern", "mkern", "color"), _nothing),
    **dict.fromkeys(("phantom", "hphantom", "vphantom"), _nothing),
    **dict.fromkeys(("mathbb", "Bbb", "mathds", "mathbbm"), _in("double-struck")),
    **dict.fromkeys(("quad", "qquad", "enspace", "space", "thinspace"), lambda _reader, _depth: " "),
    **dict.fromkeys(("left", "right"), _delimiter),
    "mathfrak": _in("fraktur"),
    "sqrt": _root,
    "not": _negation,
    "unicode": _character,
    "bmod": lambda _reader, _depth: " mod ",
    "pmod": lambda reader, depth: f" (mod {reader.argument(depth)})",
}


def _bracketed(text: str) -> str:
    """`text` in brackets, unless it is one name or number or has brackets already."""
    is_closed = text.startswith("(") and text.find(")") == len(text) - 1
    return text if is_closed or _SIMPLE.fullmatch(text) else f"({text})"
