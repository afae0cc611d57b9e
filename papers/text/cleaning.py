"""How titles, abstracts and comments as sources send them become clean Unicode text.

Cleaned text has no TeX and no HTML left but formulas (`$…$`, verbatim) and `\\$` where a bare dollar would begin one;
`papers.text.html` turns it into HTML or plain text. The raw text is kept beside it, so all of this can be done again.
"""

import html
import re
import unicodedata

from papers.text import tex_math
from papers.text.formulas import find_formulas
from papers.text.tex import to_text

# What neither Postgres nor XML 1.0 takes: NUL and the other C0 and C1 controls, lone surrogates, non-characters.
# Line feed, tab and the separators that count as white space (form feed, NEL, ...) are not among them.
_UNSAFE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# White space that XML 1.0 does not take.
_ODD_SPACE = re.compile("[\x0b\x0c\x85]")
# What nobody sees: zero-width spaces, soft hyphens, byte-order marks, bidi controls. The joiners stay where they
# shape letters or emoji, that is, after something that is not ASCII.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
    "|(?:(?<=[\x00-\x7f])|^)[\u200c\u200d]+"
)
# What shows nothing wherever it stands (Unicode's Default_Ignorable_Code_Point), and a pattern of no dots of Braille.
_SHOWS_NOTHING = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# UTF-8 read as Latin-1 or Windows-1252: a byte after Ã or Â, two after â. Other lead bytes are too often real letters.
_MOJIBAKE = re.compile("[ÂÃ][\x80-\xbf]|â[\x80€][\x80-\xbfœžŸšŠŒŽ‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™›]")
_PARAGRAPH = re.compile(r"\n(?:[ \t]{2,}|\s*\n)\s*")
_SPACES = re.compile(r" {2,}| +(?=\n)|(?<=\n) +")
_LEFT_OVER = re.compile(r" ?\((?:see|e\.g\.,?)? ?[,;]*\)")
_ANCHOR = re.compile(
    r"<a\s[^<>]{0,300}?href\s*+=\s*+[\"']?+\s*+(https?://[^\s\"'<>]++)[^<>]{0,300}+>(.{0,300}?)</a\s*+>", re.I | re.S
)
_PLACEHOLDER = re.compile(r"(?:this|the|that)? ?(?:https?)? ?(?:url|link|here)\.?", re.I)


def safe_text(text: str) -> str:
    """`text` without what Postgres, UTF-8 or XML 1.0 refuse; odd white space becomes a space."""
    if text.isprintable() and text.isascii():
        return text
    return _ODD_SPACE.sub(" ", _UNSAFE.sub("", text))


def without_invisible(text: str) -> str:
    """`text` without what nobody sees, as it comes along with words that are pasted."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def typed_line(text: str) -> str:
    """One line that somebody typed here, such as a name: as `safe_text`, its white space collapsed, and without what
    nobody sees. A bidi control would turn around whatever stands behind the name on pages and in mails. Empty where
    nothing of it can be seen: nobody could press a link with such a name.
    """
    line = " ".join(without_invisible(safe_text(text)).split())
    return "" if is_blank(line) else line


def is_blank(text: str) -> bool:
    """Whether nothing in a text can be seen: white space, joiners, fillers of Hangul, and the like."""
    return _SHOWS_NOTHING.fullmatch(text) is not None


def clean_line(raw: str) -> str:
    """One line of text: a title, a name, a comment. Entities are decoded once, white space is collapsed, NFC."""
    return " ".join(_decode(raw).split())


def clean_title(raw: str) -> str:
    """A title for display: `clean_line`, and TeX as Unicode except for formulas."""
    line = clean_line(raw)
    return " ".join(to_text(line).split()) or line


def clean_abstract(raw: str) -> str:
    """An abstract for display, its paragraphs separated by a blank line.

    arXiv starts a paragraph with a line break and two spaces; its other line breaks are wraps.
    """
    decoded = _decode(raw)
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    decoded = decoded.replace("\u2029", "\n")
    text = "\n\n".join(" ".join(part.split()) for part in _PARAGRAPH.split(decoded.strip()))
    cleaned = to_text(flatten_links(text))
    if cleaned is text:
        return text
    if "cite" in raw:
        cleaned = _LEFT_OVER.sub("", cleaned)
    return _SPACES.sub(lambda match: " " if "  " in match[0] else "", cleaned).strip()


def flatten_links(text: str) -> str:
    """`<a href="http…">words</a>` as `words (url)`, or as the bare URL where the words say no more."""
    if "<a" not in text and "<A" not in text:
        return text
    return _ANCHOR.sub(_flat_link, text)


def _flat_link(match: re.Match[str]) -> str:
    url, words = match[1], match[2].strip()
    stop = "." if words.endswith(".") and not url.endswith(".") else ""
    if not words or "http" in words or _PLACEHOLDER.fullmatch(words):
        return url + stop
    return f"{words} ({url})"


def _decode(raw: str) -> str:
    """The text that was meant: entities decoded once, mis-decoded UTF-8 repaired, invisible characters gone, NFC."""
    text = _ENTITY.sub(_entity, raw) if "&" in raw else raw
    if text.isascii():
        return text if text.isprintable() else _UNSAFE.sub("", text)
    if "Ã" in text or "Â" in text or "â" in text:
        text = _MOJIBAKE.sub(_repaired, text)
    text = _INVISIBLE.sub("", _UNSAFE.sub("", text))
    return unicodedata.normalize("NFC", text)


def _entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _repaired(match: re.Match[str]) -> str:
    """The character whose UTF-8 bytes were read one by one; the match itself when they are no UTF-8."""
    try:
        return b"".join(_byte(char) for char in match[0]).decode()
    except UnicodeError:
        return match[0]


def _byte(char: str) -> bytes:
    return bytes([ord(char)]) if ord(char) < 0x100 else char.encode("cp1252")


# --- Comparing and finding -------------------------------------------------------------------------------------------

# Marks over Latin, Greek and Cyrillic letters. Marks of other scripts are letters of their own, and stay.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]")
_FOLDED = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ŋ": "n",
        "ʼ": "'",
        "’": "'",
    }
)


def fold(text: str) -> str:
    """`text` for comparing: compatibility forms and case folded, marks over letters dropped (`ﬁ` fi, `𝛼` α, `é` e)."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", _MARKS.sub("", decomposed).translate(_FOLDED))


def search_text(text: str) -> str:
    """`text` as the index holds it and queries name it: formulas as plain letters, everything folded."""
    return fold(plain_formulas(text))


def plain_formulas(text: str) -> str:
    r"""`text` with its formulas as Unicode characters and `\$` as a dollar."""
    if "$" not in text and "\\" not in text:
        return text
    parts, position = [], 0
    for formula in find_formulas(text):
        parts += [text[position : formula.start], tex_math.to_unicode(formula.source)]
        position = formula.end
    return "".join([*parts, text[position:]]).replace(r"\$", "$")
