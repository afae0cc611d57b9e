"""What it knows: how the names of authors and organizations read, and by which keys they are found and followed."""

import re
import unicodedata
from dataclasses import dataclass

from papers.text.cleaning import clean_line, fold
from papers.text.tex import to_text

_ET_AL = re.compile(r"(?:^|[\s,;])(?:and\s)?et\.?\s?al(?:ii)?$|^others$", re.I)
_LONGEST_ET_AL = len(", and et. alii")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV|Ph\.?D|M\.?D)\.?", re.I)
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


def split_authors(raw: str) -> list[ParsedAuthor]:
    """The authors named in one string, as arXivRaw and the RSS send them, in their order.

    Commas, semicolons and "and" part authors outside brackets; what is in brackets is an affiliation, or the key of
    one in a list at the end ("A. Person (1), B. Other (2) ((1) Somewhere, (2) Elsewhere)"). Someone who writes for a
    collaboration is followed by the collaboration. Brackets without a partner part nothing.
    """
    pieces, brackets = _split_names(clean_line(raw))
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
