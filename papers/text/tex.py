"""How TeX written in running text reads as plain Unicode.

One pass over the text with an explicit stack: unbalanced braces, endless nesting and very long input cost time in
proportion to their length and never raise.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from papers.text.formulas import Formula, find_formulas
from papers.text.tex_tables import (
    GREEK,
    LETTERS,
    MATH_ACCENTS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
    TEXT_ACCENTS,
    character,
    word_set,
)
from papers.text.urls import strip_trailing_punctuation

_TOKEN = re.compile(
    r"""
    (?P<url>(?<![A-Za-z])https?://(?:[^\s<>{}\\"^`|$]|\\[_%&\#~](?:\{\})?)+)
    |\\(?P<word>[a-zA-Z]+)\*?
    |\\(?P<sign>.)
    |(?P<script>[_^])(?=\{)
    |(?P<brace>[{}])
    |(?P<tie>~+)
    |(?P<dash>(?<![-<])-{2,3}(?![->]))
    """,
    re.X | re.S,
)
_MAX_DEPTH = 50  # of braces; deeper ones are text, or each level would copy what is inside once more
_NEEDS_TOKENS = re.compile(r"[\\{~]|--")
_DOUBLE_QUOTES = re.compile(r"``([^`]{0,400}?)(?:''|\"(?![a-zA-Z]))")
_SINGLE_QUOTES = re.compile(r"(?<![`\\])`([^\s`'][^`'\n]{0,80})'(?!['\w])")

_ARGUMENT = re.compile(r"\s*\{([^{}]*)\}")
_OPTIONS = re.compile(r"\s*\[[^\[\]]*\](?=\s*[\[{])")
_OPEN = re.compile(r"\s*\{")
_EMPTY_GROUP = re.compile(r"\{\}")
_SPACE = re.compile(r"\s+")
_BASE = re.compile(r"\s*\{\s*\\?([^\W\d_])\s*\}|\s*\\([ij])(?![a-zA-Z])|\s*([^\W\d_])")
_GENITIVE = re.compile(r"\w\\'s(?!\w)")
_TIED_AFTER = re.compile(r"[A-Za-z\\(\[{$]")
_GROUPED_WORD = re.compile(r"[^\s,;:=\"{}]+")
_URL_ESCAPE = re.compile(r"\\([_%&#~])(?:\{\})?")
_BARE_LETTER = re.compile(r"\s+([^\W\d_])(?!\w)")
_TEXT_FORMULA = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|sc|tt|sl|up|md|normal)?|emph|mbox|hbox|mathrm|rm)\s*\{([^{}\\$^_]*)\}"
    r"|\\([%&#_])|\\unicode\{(x[0-9a-fA-F]{2,5})\}"
)

_DROPPED_WITH_ARGUMENT = re.compile(
    r"(?:no|foot|paren|text|auto|full)?[cC]ite[a-zA-Z]*|[a-zA-Z]{0,4}ref|label|[vh]space|vskip|hskip|color|ding|begin|end|"
    r"thispagestyle|includegraphics|input|bibliography(?:style)?|index|phantom|pagestyle|setlength|newcommand|fa[A-Z]\w*"
)
# Switches, and layout: gone without a trace.
_DECLARATIONS = word_set("""
em it bf rm sc tt sl sf cal bfseries itshape scshape ttfamily rmfamily sffamily normalfont upshape mdseries boldmath
unboldmath tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge noindent indent centering
raggedright smallskip medskip bigskip allowbreak nobreak nobreakdash displaystyle textstyle maketitle left right big Big
bigg Bigg bigl bigr Bigl Bigr protect relax leavevmode newpage clearpage hfill vfill footnotemark and unskip
ignorespaces mathrm mathbf
""")
_SPACES = word_set("quad qquad enspace thinspace space hspace nobreakspace newline linebreak")
_ARGUMENT_COUNTS = {
    "textcolor": 2, "colorbox": 2, "texorpdfstring": 2, "hyperlink": 2, "hypertarget": 2, "raisebox": 2, "scalebox": 2,
    "resizebox": 3, "href": 2, "frac": 2, "tfrac": 2, "dfrac": 2, "SI": 2, "qty": 2, "ion": 2, "replaced": 2,
    "foreignlanguage": 2,
}  # fmt: skip


@dataclass(slots=True)
class _Group:
    """An open brace: what stood before it, and the text inside so far."""

    opening: str
    command: str = ""
    arguments: list[str] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    has_markup: bool = False


def to_text(source: str) -> str:
    r"""`source` without TeX markup: accents and symbols as Unicode, `\emph{…}` and its like as the bare words.

    Formulas stay as they are, as does `\$` where a bare dollar would begin one. A link `\href{url}{words}` becomes
    `words (url)`. An author's own command reads as its name; braces that are part of the sentence stay.
    """
    if "`" in source:
        source = _SINGLE_QUOTES.sub(r"‘\1’", _DOUBLE_QUOTES.sub(r"“\1”", source))
    return _unescape_dollars(_Reader(source).read()) if _NEEDS_TOKENS.search(source) else source


def _unescape_dollars(text: str) -> str:
    r"""`$` for `\$`, unless the bare dollar would be taken for the start or end of a formula."""
    if r"\$" not in text:
        return text
    bare = text.replace(r"\$", "$")
    before = [formula.source.replace(r"\$", "$") for formula in find_formulas(text)]
    return bare if before == [formula.source for formula in find_formulas(bare)] else text


class _Reader:
    """One pass over a text; `read` returns it as plain text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.groups = [_Group("")]
        # In text where a backslash escapes quotes (\"so\"), no letter wants the two dots.
        self.escapes_quotes = bool(re.search(r"\w\\\"(?:[\s.,;:!?)]|$)", source))
        self.is_tex = "\\" in source

    def read(self) -> str:
        for formula in find_formulas(self.source):
            self._read_until(formula.start)
            if self.position <= formula.start:
                self._emit(_formula_text(self.source[formula.start : formula.end], formula))
                self.position = formula.end
        self._read_until(len(self.source))
        while len(self.groups) > 1:
            group = self.groups.pop()
            self._emit(("" if group.command.isalpha() else group.opening) + "".join([*group.arguments, *group.out]))
        return unicodedata.normalize("NFC", "".join(self.groups[0].out))

    def _emit(self, text: str) -> None:
        self.groups[-1].out.append(text)

    def _read_until(self, end: int) -> None:
        while self.position < end:
            match = _TOKEN.search(self.source, self.position, end)
            if match is None:
                self._emit(self.source[self.position : end])
                self.position = end
                return
            if match.start() > self.position:
                self._emit(self.source[self.position : match.start()])
            self.position = match.end()
            _TOKEN_READERS[match.lastgroup or "url"](self, match)

    # Readers of one token each; self.position is behind the token already.

    def _url(self, match: re.Match[str]) -> None:
        url = strip_trailing_punctuation(match[0])
        self.position = match.start() + len(url)
        self._emit(_URL_ESCAPE.sub(r"\1", url))

    def _brace(self, match: re.Match[str]) -> None:
        if match[0] == "{" and len(self.groups) < _MAX_DEPTH:
            self.groups.append(_Group("{"))
        elif match[0] == "{" or len(self.groups) == 1:
            self._emit(match[0])
        else:
            self._close()

    def _script(self, match: re.Match[str]) -> None:
        if not self._open_argument(_Group(match[0] + "{", command=match[0])):
            self._emit(match[0])

    def _tie(self, match: re.Match[str]) -> None:
        before, after = self.source[match.start() - 1 : match.start()], self.source[match.end() : match.end() + 1]
        is_after_text = bool(before) and (before.isalnum() or before in ".,;:)]}%'\"$") and not before.isspace()
        is_tied = is_after_text and (_TIED_AFTER.match(after) or (after.isdigit() and (before in ".$" or self.is_tex)))
        self._emit(" " if is_tied else match[0])

    def _dash(self, match: re.Match[str]) -> None:
        self._emit("–" if len(match[0]) == 2 else "—")

    def _sign(self, match: re.Match[str]) -> None:
        sign = match["sign"]
        if (
            sign in TEXT_ACCENTS
            and not _GENITIVE.match(self.source, match.start() - 1)
            and self._accent(sign, match.start())
        ):
            return
        if sign in "~^" and (empty := _EMPTY_GROUP.match(self.source, self.position)):
            self.position = empty.end()
            self._emit(sign)
        elif sign in ",; :\\\n":
            self._emit(" ")
        elif sign in "!/-@":
            pass
        elif sign == "$":
            self._emit(r"\$")
        else:
            self._emit(SYMBOLS.get(sign, sign if sign in "\"'`.()[]=~" else match[0]))

    def _accent(self, name: str, start: int) -> bool:
        """Read the letter that an accent belongs to; False when there is none, or no such letter exists."""
        base = _BASE.match(self.source, self.position)
        if base is None:
            return False
        before = self.source[start - 1 : start]
        is_spaced = base[0][0].isspace()
        if is_spaced and not (name.isalpha() or before == "{"):
            return False
        if name == '"' and self.escapes_quotes and not (before.isalnum() or before == "{"):
            return False
        composed = unicodedata.normalize("NFC", (base[1] or base[2] or base[3]) + TEXT_ACCENTS[name])
        if len(composed) > 1 or (name.isalpha() and base[3] and not is_spaced):
            return False
        self.position = base.end()
        self._emit(composed)
        return True

    def _word(self, match: re.Match[str]) -> None:
        name = match["word"]
        self.groups[-1].has_markup |= not self.groups[-1].out
        special = _SPECIAL.get(name)
        if name in TEXT_ACCENTS and self._accent(name, match.start()):
            return
        if special:
            special(self)
        elif _DROPPED_WITH_ARGUMENT.fullmatch(name):
            self._drop_arguments(closes_up="ite" in name or name.endswith("ref"))
        elif name in LETTERS:
            self._emit(LETTERS[name])
            self._skip(_SPACE) or self._skip(_EMPTY_GROUP)
        elif name in _SPACES:
            self._emit(" ")
        elif name in _DECLARATIONS:
            self._skip(_EMPTY_GROUP) or self._skip(_SPACE)
        elif name in SYMBOLS and name != "sqrt":
            self._symbol(SYMBOLS[name])
        else:
            self._command(match)

    def _symbol(self, symbol: str) -> None:
        r"""A symbol, raised or lowered after a bare `^` or `_` (M_\odot, 30^\circ)."""
        out = self.groups[-1].out
        letters = {"_": SUBSCRIPTS, "^": SUPERSCRIPTS}.get(out[-1][-1:], {}) if out else {}
        if symbol in letters:
            out[-1] = out[-1][:-1]
        self._emit(letters.get(symbol, symbol))
        self._skip(_EMPTY_GROUP)

    def _command(self, match: re.Match[str]) -> None:
        """A command with an argument gives way to it; one without is read as its name."""
        name = match["word"]
        self._skip(_EMPTY_GROUP)
        while self._skip(_OPTIONS):
            pass
        damaged = _ARGUMENT.match(self.source, self.position)
        if damaged and name + damaged[1] in GREEK:  # arXiv's forms turned {\beta} into \b{eta}
            self.position = damaged.end()
            self._emit(GREEK[name + damaged[1]])
        elif name in MATH_ACCENTS and (letter := _BARE_LETTER.match(self.source, self.position)):
            self.position = letter.end()
            self._emit(letter[1] + MATH_ACCENTS[name])
        elif not self._open_argument(_Group(match[0], command=name)):
            self._emit(match[0] if len(name) == 1 else "" if name.startswith("text") else name)

    def _open_argument(self, group: _Group) -> bool:
        brace = _OPEN.match(self.source, self.position)
        if brace and len(self.groups) < _MAX_DEPTH:
            self.position = brace.end()
            self.groups.append(group)
            return True
        return False

    def _close(self) -> None:
        """Write the text of the group that ends here to the one around it."""
        group = self.groups.pop()
        text = "".join(group.out)
        if not group.command:
            self._emit(text if group.has_markup or self._is_grouping(text) else "{" + text + "}")
            return
        group.arguments.append(text)
        if len(group.arguments) < _ARGUMENT_COUNTS.get(group.command, 1):
            more = _Group(group.opening, command=group.command, arguments=group.arguments)
            if self._open_argument(more):
                return
        self._emit(_apply(group.command, group.arguments))

    def _is_grouping(self, text: str) -> bool:
        """Whether braces only keep letters together ({BERT}, 10{,}000) and are no part of the sentence."""
        out = self.groups[-1].out
        is_after_word = bool(out) and out[-1][-1:].isalnum()
        is_before_word = self.source[self.position : self.position + 1].isalnum()
        return not text or is_after_word or is_before_word or bool(_GROUPED_WORD.fullmatch(text))

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self.source, self.position)
        if match:
            self.position = match.end()
        return match is not None

    def _drop_arguments(self, *, closes_up: bool) -> None:
        """Skip what a command takes; a citation leaves no space where it was (`shown~\\cite{a}.`)."""
        out = self.groups[-1].out
        while closes_up and out and not (out[-1] and not out[-1][-1].isspace()):
            trimmed = out.pop().rstrip()
            if trimmed:
                out.append(trimmed)
        while self._skip(_OPTIONS):
            pass
        self._skip(_ARGUMENT)

    def _href(self) -> None:
        r"""`words (url)` for `\href{url}{words}`, or the URL alone where the words say no more than it does."""
        url = _ARGUMENT.match(self.source, self.position)
        if url is None:
            return
        self.position = url.end()
        address = _URL_ESCAPE.sub(r"\1", url[1]).strip()
        if not self._open_argument(_Group("", command="href", arguments=[address])):
            self._emit(address)

    def _url_command(self) -> None:
        if url := _ARGUMENT.match(self.source, self.position):
            self.position = url.end()
            self._emit(_URL_ESCAPE.sub(r"\1", url[1]).strip())

    def _verb(self) -> None:
        rest = self.source[self.position : self.position + 200]
        end = rest.find(rest[0], 1) if rest and not rest[0].isalnum() else -1
        if end > 0:
            self._emit(rest[1:end])
            self.position += end + 1

    def _item(self) -> None:
        self._emit("\n\n• ")
        self._skip(_SPACE)

    def _paragraph(self) -> None:
        self._emit("\n\n")
        self._skip(_SPACE)

    def _footnote(self) -> None:
        self._open_argument(_Group("", command="footnote"))

    def _unicode(self) -> None:
        code = _ARGUMENT.match(self.source, self.position)
        if code:
            self.position = code.end()
            self._emit(character(code[1]))


_TOKEN_READERS: dict[str, Callable[[_Reader, re.Match[str]], None]] = {
    "url": _Reader._url, "word": _Reader._word, "sign": _Reader._sign, "script": _Reader._script,
    "brace": _Reader._brace,
    "tie": _Reader._tie, "dash": _Reader._dash,
}  # fmt: skip
_SPECIAL: dict[str, Callable[[_Reader], None]] = {
    "href": _Reader._href, "url": _Reader._url_command, "nolinkurl": _Reader._url_command, "verb": _Reader._verb,
    "item": _Reader._item, "par": _Reader._paragraph, "footnote": _Reader._footnote, "unicode": _Reader._unicode,
}  # fmt: skip


def _apply(command: str, arguments: list[str]) -> str:
    """The words that a command and its arguments stand for: its last argument, unless it is known to mean more."""
    if command in MATH_ACCENTS and len(arguments[-1]) == 1:
        return arguments[-1] + MATH_ACCENTS[command]
    reading = _READINGS.get(command)
    is_whole = len(arguments) == _ARGUMENT_COUNTS.get(command, 1)
    return reading(arguments) if reading and is_whole else arguments[-1]


def _script(sign: str, text: str) -> str:
    """A script in raised or lowered characters where all of it has them, else as it was."""
    letters = SUBSCRIPTS if sign == "_" else SUPERSCRIPTS
    if all(char in letters for char in text):
        return "".join(letters[char] for char in text)
    return f"{sign}{{{text}}}"


def _link(address: str, words: str) -> str:
    bare = address.rstrip("/").removeprefix("https://").removeprefix("http://")
    says_no_more = not words or "http" in words or words.rstrip("/").endswith(bare)
    return address if says_no_more else f"{words} ({address})"


_READINGS: dict[str, Callable[[list[str]], str]] = {
    "_": lambda arguments: _script("_", arguments[0]),
    "^": lambda arguments: _script("^", arguments[0]),
    "textsubscript": lambda arguments: "".join(SUBSCRIPTS.get(char, char) for char in arguments[0]),
    "textsuperscript": lambda arguments: "".join(SUPERSCRIPTS.get(char, char) for char in arguments[0]),
    "href": lambda arguments: _link(arguments[0], arguments[1].strip()),
    "footnote": lambda arguments: f" ({arguments[0].strip()})",
    "enquote": lambda arguments: f"“{arguments[0]}”",
    "sqrt": lambda arguments: f"√{arguments[0]}" if len(arguments[0]) < 2 else f"√({arguments[0]})",
    "replaced": lambda arguments: arguments[0],
    **dict.fromkeys(("frac", "tfrac", "dfrac"), "/".join),
    **dict.fromkeys(("SI", "qty", "ion"), " ".join),
}


def _formula_text(whole: str, formula: Formula) -> str:
    r"""A formula as it is kept: verbatim, but as words where it only sets words (`$\textbf{C}$hain`)."""
    words = _TEXT_FORMULA.fullmatch(formula.source)
    if words is None:
        return rf"\[{formula.source}\]" if whole.startswith("\\begin") else whole
    if words[3]:
        return character(words[3]) or whole
    return words[1] if words[1] is not None else words[2]
