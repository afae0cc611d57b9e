r"""Text as TeX reads it: accents as commands, special characters escaped, formulas left as they are."""

from __future__ import annotations

import re
import unicodedata

from papers.text.formulas import find_formulas
from papers.text.tex_safety import only_draws

_ESCAPED = {
    **{char: f"\\{char}" for char in "&%$#_"},
    # Not \\{ and \\}: BibTeX counts braces, whatever stands before them.
    "{": r"{\textbraceleft}",
    "}": r"{\textbraceright}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_WRITTEN = {
    **{"ß": r"{\ss}", "ø": r"{\o}", "Ø": r"{\O}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}", "Œ": r"{\OE}"},
    **{"ł": r"{\l}", "Ł": r"{\L}", "đ": r"{\dj}", "Đ": r"{\DJ}", "ð": r"{\dh}", "Ð": r"{\DH}", "þ": r"{\th}"},
    **{"Þ": r"{\TH}", "ı": r"{\i}", "å": r"{\aa}", "Å": r"{\AA}"},
    **{"–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"{\dots}", "\u00a0": "~"},
}
# Combining mark → the command that sets it.
_ACCENTS = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": "."},
    **{"\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k", "\u0323": "d"},
    **{"\u0331": "b"},
}
_WORD = re.compile(r"[^\s\-–—/:;,.()\[\]?!\"'“”‘’]+")
_LONG = 4


def to_latex(text: str) -> str:
    """LaTeX that sets this text; formulas in it would be set as their signs."""
    return "".join(_character(char) for char in unicodedata.normalize("NFC", text))


def title_to_latex(text: str) -> str:
    """A title: formulas kept, and words that must keep their capitals in braces, whatever a style does to the rest.

    A formula that would do more than draw (`papers.text.tex_safety`) is set as its signs.
    """
    protects_names = _is_sentence(text)
    parts: list[str] = []
    position = 0
    for formula in find_formulas(text):
        if not _is_balanced(formula.source) or not only_draws(formula.source):
            continue
        parts.append(_words(text[position : formula.start], protects_names=protects_names, is_start=position == 0))
        parts.append("{$" + formula.source.replace("\n", " ") + "$}")
        position = formula.end
    parts.append(_words(text[position:], protects_names=protects_names, is_start=position == 0))
    return "".join(parts)


def _words(text: str, *, protects_names: bool, is_start: bool) -> str:
    first = _WORD.search(text).start() if is_start and _WORD.search(text) else -1  # type: ignore[union-attr]

    def protect(match: re.Match[str]) -> str:
        word, shown = match[0], to_latex(match[0])
        keeps = any(char.isupper() for char in word[1:]) or (len(word) == 1 and word.isupper() and word not in "AI")
        is_name = protects_names and word[0].isupper() and match.start() != first
        return f"{{{shown}}}" if keeps or is_name else shown

    out: list[str] = []
    position = 0
    for match in _WORD.finditer(text):
        out += (to_latex(text[position : match.start()]), protect(match))
        position = match.end()
    return "".join((*out, to_latex(text[position:])))


def _is_sentence(text: str) -> bool:
    """Whether a title is written like a sentence: then a capital within it is a name's."""
    words = [word for word in _WORD.findall(text)[1:] if len(word) >= _LONG and word[0].isalpha()]
    return len([word for word in words if word[0].isupper()]) * 2 <= len(words)


def _is_balanced(source: str) -> bool:
    """Whether braces pair, as a bibliography file needs them to, escaped ones too."""
    depth = 0
    for char in source:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return depth == 0


def _character(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    if char in _WRITTEN:
        return _WRITTEN[char]
    if char.isascii():
        return char
    parts = unicodedata.normalize("NFD", char)
    base, mark = parts[0], parts[1:]
    if mark not in _ACCENTS or not (base.isascii() and base.isalpha()):
        return char
    accent = _ACCENTS[mark]
    return f"{{\\{accent}{{{base}}}}}" if accent.isalpha() else f"{{\\{accent}{base}}}"
