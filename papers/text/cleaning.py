"""What it knows: how titles, abstracts and names as sources send them become clean Unicode text.

Cleaned text has no TeX and no HTML left but formulas (`$…$`, verbatim) and `\\$` where a bare dollar would begin one;
`papers.text.html` turns it into HTML or plain text. The raw text is kept beside it, so all of this can be done again.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

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


def clean_line(raw: str) -> str:
    """One line of text: a title, a name, a comment. Entities are decoded once, white space is collapsed, NFC."""
    return " ".join(_decode(raw).split())


def clean_title(raw: str) -> str:
    """A title for display: `clean_line`, and TeX as Unicode except for formulas."""
    line = clean_line(raw)
    return " ".join(to_text(line).split()) or line


def clean_abstract(raw: str) -> str:
    """An abstract for display, its paragraphs parted by a blank line.

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


# --- Names ----------------------------------------------------------------------------------------------------------

# At the end of a name, without the marks behind it.
_ET_AL = re.compile(r"(?:^|[\s,;])(?:and\s)?et\.?\s?al(?:ii)?$|^others$", re.I)
_LONGEST_ET_AL = len(", and et. alii")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV|Ph\.?D|M\.?D)\.?", re.I)
# Of text whose white space is one blank each.
_SEPARATOR = re.compile(r"[(),;:]|\sand\s|\s&\s|\s(?:for|on behalf of)\s(?=the\s|[A-Z]\S*+\s[Cc]ollab)", re.I)
_FOOTNOTE = re.compile(r"\(\s*([0-9]{1,3}|[a-z*†‡§]{1,2})\s*\)\s*")
_KEYS = re.compile(r"\s*(?:[0-9]{1,3}|[a-z*†‡§])(?:(?:\s*+(?:,|and|&|;)\s*+|\s++)(?:[0-9]{1,3}|[a-z*†‡§]))*\s*")
_ARTICLE = re.compile(r"the\s", re.I)
_COLLABORATION = re.compile(r"\b(?:collaborations?|consortium|team|group|project)\b", re.I)
# Many authors may share a long affiliation: what is kept must not grow with both.
_MAX_AFFILIATION = 500
_MAX_AFFILIATIONS = 20
_APOSTROPHES = re.compile(r"['`]")
_ASCII_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ParsedAuthor:
    """An author as a source names them."""

    name: str
    affiliation: str | None = None


def clean_name(raw: str) -> str:
    """A name for display; empty when there is no name in it (":", "et al.")."""
    line = clean_line(raw)
    if "\\" in line or "{" in line or "~" in line:
        line = " ".join(to_text(line).replace("~", " ").split())
    line = _without_et_al(line).strip(" ,;:")
    return line if any(map(str.isalnum, line)) else ""


def _without_et_al(line: str) -> str:
    stem = line.rstrip(" .,;)")
    found = _ET_AL.search(stem, max(0, len(stem) - _LONGEST_ET_AL))
    return stem[: found.start()] if found else line


def clean_authors(names: Iterable[str]) -> list[str]:
    """Names for display, in their order, without those that are none (":", "et al.")."""
    return [name for name in map(clean_name, names) if name]


def split_authors(raw: str) -> list[ParsedAuthor]:
    """The authors in one string, as arXivRaw and the RSS have them.

    Commas, semicolons and "and" part authors outside brackets; what is in brackets is an affiliation, or the key of
    one in a list at the end ("A. Person (1), B. Other (2) ((1) Somewhere, (2) Elsewhere)"). Someone who writes for a
    collaboration is followed by the collaboration. Brackets without a partner part nothing.
    """
    pieces, brackets = _split_names(" ".join(_decode(raw).split()))
    footnotes: dict[str, str] = {}
    for inside in brackets:
        footnotes.update(_footnotes(inside))
    authors: list[ParsedAuthor] = []
    for name, insides in pieces:
        cleaned = clean_name(_without_article(name))
        if authors and _SUFFIX.fullmatch(cleaned):
            authors[-1] = ParsedAuthor(f"{authors[-1].name}, {cleaned}", authors[-1].affiliation)
        elif cleaned:
            authors.append(ParsedAuthor(cleaned, _affiliation(insides, footnotes)))
    return authors


def _without_article(name: str) -> str:
    """ "The" goes before a collaboration, and nowhere else."""
    article = _ARTICLE.search(name)
    if article is None or _COLLABORATION.search(name, article.end()) is None:
        return name
    return name[: article.start()] + name[article.end() :]


def _split_names(text: str) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """The names outside brackets, each with the brackets behind it, and all the brackets."""
    is_balanced = text.count("(") == text.count(")")
    pieces: list[tuple[str, list[str]]] = []
    name, insides, brackets = "", [], list[str]()
    depth = start = opened = 0
    for match in _SEPARATOR.finditer(text):
        mark = match[0]
        if mark == "(" and is_balanced:
            if depth == 0:
                name += text[start : match.start()]
                opened = match.end()
            depth += 1
        elif mark == ")" and is_balanced and depth:
            depth -= 1
            if depth == 0:
                insides.append(text[opened : match.start()])
                start = match.end()
        elif depth == 0 and mark not in "()":
            pieces.append((name + text[start : match.start()], insides))
            brackets += insides
            name, insides, start = "", [], match.end()
    pieces.append((name + (text[start:] if depth == 0 else ""), insides))
    return pieces, brackets + insides


def _footnotes(inside: str) -> dict[str, str]:
    """The affiliations by key in a list such as "(1) Somewhere, (2) Elsewhere"."""
    parts = _FOOTNOTE.split(inside)
    return {key: text[:_MAX_AFFILIATION].strip(" ,;") for key, text in zip(parts[1::2], parts[2::2], strict=True)}


def _affiliation(insides: list[str], footnotes: dict[str, str]) -> str | None:
    """The affiliation in the brackets behind a name."""
    found: list[str] = []
    for inside in insides:
        if _KEYS.fullmatch(inside):
            found += [footnotes[key] for key in re.findall(r"[0-9]+|[a-z*†‡§]", inside) if key in footnotes]
        elif not _FOOTNOTE.match(inside):
            found.append(" ".join(to_text(inside).split()))
    return "; ".join(list(filter(None, found))[:_MAX_AFFILIATIONS]) or None


def author_key(name: str) -> str:
    """What an author is followed by: folded words in the order of speech, so "Müller, Ö." and "Ö. Muller" agree.

    Not an identity: two people of one name share it, and "J. Smith" stays `j smith`.
    """
    if "," in name:
        parts = [part.strip() for part in name.split(",")]
        suffixes = [part for part in parts[1:] if _SUFFIX.fullmatch(part)]
        given = [part for part in parts[1:] if part not in suffixes]
        name = " ".join([*given, parts[0], *suffixes])
    folded = _APOSTROPHES.sub("", fold(name))
    if folded.isascii():  # nearly all; in half the time
        return " ".join(_ASCII_WORD.findall(folded))
    return " ".join("".join(char if _is_of_word(char) else " " for char in folded).split())


_PLUSES = re.compile(r"\b([a-z])(\+\+|#)")
# As `papers_words` of the database has it: in these scripts each letter is a word of its own.
_LETTER_IS_WORD = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])")


def organization_key(name: str) -> str:
    """What an organization is found and followed by: its words, folded. "Google DeepMind" is `google deepmind`."""
    folded = _PLUSES.sub(lambda match: match[1] + ("sharp" if match[2] == "#" else "plusplus"), fold(name))
    return " ".join("".join(char if _is_of_word(char) else " " for char in folded).split())[:200].rstrip()


def organization_words(key: str) -> list[str]:
    """The words by which the search index knows an organization."""
    return _LETTER_IS_WORD.sub(r" \1 ", key).split()


def _is_of_word(char: str) -> bool:
    """Letters and digits, and the marks without which the letters of many scripts are not themselves."""
    return char.isalnum() or (char > "\x7f" and unicodedata.category(char)[0] == "M")


# --- Finding and sorting --------------------------------------------------------------------------------------------

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
    """`text` as it is indexed and asked for: formulas as plain letters, everything folded."""
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


def sort_key(text: str) -> str:
    """What a title or name is sorted by: folded, without what stands before its first letter or digit."""
    folded = search_text(text)
    first = next((index for index, char in enumerate(folded) if char.isalnum()), 0)
    return folded[first:]
