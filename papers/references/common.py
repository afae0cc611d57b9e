"""What all readers of references share: a row, its limits, and which paper its fields name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from papers.catalogue.identifiers import arxiv_id_of_doi, find_arxiv_id, parse_arxiv_id, parse_dois
from papers.catalogue.paper_ref import InvalidReference, PaperRef, parse_reference
from papers.text.cleaning import clean_title, safe_text
from papers.text.names import author_key, clean_name

MAX_BYTES = 12_000_000
MAX_ROWS = 10_000
MAX_TITLE = 300
MAX_FIELD = 4_000
MAX_NAME = 200
MAX_TAGS = 10
NO_IDENTIFIER = "There is no arXiv id, DOI or address in it."

_DOI_INSIDE = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{}]{1,300}")
_URL_INSIDE = re.compile(r"https?://[^\s\"<>{}|\\^`]{4,1500}", re.I)
# Of BibTeX and of lists: "and", a semicolon, a line.
_NEXT_AUTHOR = re.compile(r"\sand\s|;|\n", re.I)
_YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
_SEPARATORS = re.compile(r"[,;\n]")


@dataclass(frozen=True, slots=True)
class ReferenceEntry:
    """One entry of a file. Without `names` it names no paper, and `problem` says why."""

    line: int
    """Where it begins, from 1."""
    title: str = ""
    given: str = ""
    """What it is called in the file: its key, its id or its first words."""
    names: tuple[PaperRef, ...] = ()
    """All that it names the paper by, the surest first."""
    tags: tuple[str, ...] = ()
    problem: str = ""
    author: str = ""
    """The first author's family name, folded as `text.names.author_key` does; with `year` it tells papers of one title
    apart."""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedReferences:
    """What was read of a file: its format, its entries, and what is to be said of it as a whole."""

    format: str
    """A key of `FORMAT_NAMES`."""
    references: tuple[ReferenceEntry, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the reader."""


def make_entry(line: int, fields: Mapping[str, str], *, label: str = "", tags: Iterable[str] = ()) -> ReferenceEntry:
    """The entry with these fields: `title`, `arxiv`, `doi`, `url` and `more` for free text.

    `author` is the first author, or all of them as BibTeX has them, and `year` a text with a year in it.
    """
    fields = {name: safe_text(value[:MAX_FIELD]) for name, value in fields.items()}
    title = clean_title(fields.get("title", "")[:MAX_FIELD])[:MAX_TITLE]
    names = tuple(dict.fromkeys(_names(fields)))
    shown = one_line_label(label) or (names[0].value if names else "")
    return ReferenceEntry(
        line, title, shown, names, clean_tags(tags), "" if names else NO_IDENTIFIER,
        family_key(fields.get("author", "")), year_in(fields.get("year", "")),
    )  # fmt: skip


def family_key(authors: str) -> str:
    """The family name of the first of some authors: before a comma, or the last word."""
    first = clean_name(_NEXT_AUTHOR.split(authors[:MAX_NAME], maxsplit=1)[0])
    family, comma, _ = first.partition(",")
    words = author_key(family).split()
    return " ".join(words if comma else words[-1:])


def year_in(text: str) -> int | None:
    """The first number in it that can be a year of publication."""
    found = _YEAR.search(text[:100])
    return int(found[0]) if found else None


def _names(fields: Mapping[str, str]) -> Iterator[PaperRef]:
    """What the fields for it name; free text only where they name nothing: a note may be about another paper."""
    named = tuple(_own_names(fields))
    yield from named
    if not any(each.scheme in ("arxiv", "doi") for each in named):
        yield from find_refs(fields.get("more", "")[:MAX_FIELD], with_addresses=False)


def _own_names(fields: Mapping[str, str]) -> Iterator[PaperRef]:
    if found := parse_arxiv_id(fields.get("arxiv", "")[:MAX_FIELD]):
        yield PaperRef("arxiv", found.value)
    for doi in parse_dois(fields.get("doi", "")[:MAX_FIELD])[:3]:
        if named := ref_of_doi(doi):
            yield named
    url = fields.get("url", "")[:MAX_FIELD]
    if named := _given(url.split(" ", 1)[0]):
        yield named


def ref_of_doi(doi: str) -> PaperRef | None:
    """The paper that a DOI names (one of arXiv's own is an arXiv id); None for one that is too long."""
    if arxiv := arxiv_id_of_doi(doi):
        return PaperRef("arxiv", arxiv.value)
    return PaperRef("doi", doi) if len(doi) <= 500 else None


def find_refs(text: str, *, with_addresses: bool = True) -> Iterator[PaperRef]:
    """The papers named in running text, in order; a bare number with a point in it is none."""
    text = safe_text(text[:MAX_FIELD])
    if arxiv := find_arxiv_id(text):
        yield PaperRef("arxiv", arxiv.value)
    for match in _DOI_INSIDE.finditer(text):
        for doi in parse_dois(match[0].rstrip(".,;)]"))[:1]:
            if named := ref_of_doi(doi):
                yield named
    if with_addresses:
        for match in _URL_INSIDE.finditer(text):
            if named := _given(match[0].rstrip(".,;)]")):
                yield named


def _given(text: str) -> PaperRef | None:
    if not text:
        return None
    try:
        return parse_reference(text)
    except InvalidReference:
        return None


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags that can be kept: short, each once, without slashes. Those that can't are left out."""
    names: dict[str, str] = {}
    for given in tags:
        for part in _SEPARATORS.split(given[:MAX_FIELD]):
            name = " ".join(safe_text(part).split()).removeprefix("#").strip()
            if name and len(name) <= 60 and not set(name) & set("/\\") and name not in (".", ".."):
                names.setdefault(name.casefold(), name)
            if len(names) >= MAX_TAGS:
                return tuple(names.values())
    return tuple(names.values())


def one_line_label(text: str) -> str:
    """`text` on one line, cut to 200 characters."""
    return " ".join(safe_text(text[:MAX_FIELD]).split())[:200]


def collect_entries(format: str, entries: Iterator[ReferenceEntry], notes: Sequence[str] = ()) -> ParsedReferences:
    """The first `MAX_ROWS` entries of a file; where there are more, a note says at which line it stopped."""
    rows: list[ReferenceEntry] = []
    said = list(notes)
    for row in entries:
        if len(rows) >= MAX_ROWS:
            said.append(
                f"Only the first {MAX_ROWS:,} entries were read. What begins at line {row.line:,} was not: "
                "take the rest in a second file."
            )
            break
        rows.append(row)
    return ParsedReferences(format, tuple(rows), tuple(said))
