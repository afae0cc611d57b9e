"""What all readers of references share: a row, its limits, and which paper its fields name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from papers.catalogue.identifiers import (
    arxiv_id_of_doi,
    find_arxiv_id,
    find_dois,
    parse_dois,
    parse_eprint,
)
from papers.catalogue.paper_ref import InvalidReferenceError, PaperRef, parse_reference
from papers.text.cleaning import clean_title, safe_text
from papers.text.names import author_key, clean_name
from papers.text.urls import strip_trailing_punctuation

MAX_BYTES = 12_000_000
MAX_ROWS = 10_000
MAX_TITLE = 300
MAX_FIELD = 4_000
MAX_NAME = 200
MAX_TAGS = 10
NO_IDENTIFIER = "No arXiv id, DOI or address found."

_URL_INSIDE = re.compile(r"https?://[^\s\"<>{}|\\^`]{4,1500}", re.I)
# Of BibTeX and of lists: "and", a semicolon, a line.
# "arXiv: 2401.01234" or "DOI: 10.1000/xyz" on a line of a note: that is no mention, but where its program puts an id.
_LABELLED = re.compile(r"[ \t]*(?:arxiv|doi)[ \t]*:", re.I | re.A)
_MOST_ADDRESSES = 5
_NEXT_AUTHOR = re.compile(r"\sand\s|;|\n", re.I)
_PMID = re.compile(r"[0-9]{1,9}")
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
    unsure: tuple[PaperRef, ...] = ()
    """Those of `names` that stand in a note only, which may be about another paper: its title must agree."""
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
    """The entry with these fields: `title`, `arxiv`, `doi`, `url` (one or more), `place` for the name of a journal and
    its volume, where some programs write an arXiv id, and `more` for free text.

    `archive` goes with an old arXiv id that is a number only. `pmid` is an id of PubMed. `author` is the first author,
    or all of them as BibTeX has them, and `year` a text with a year in it.
    """
    fields = {name: safe_text(value[:MAX_FIELD]) for name, value in fields.items()}
    title = clean_title(fields.get("title", "")[:MAX_FIELD])[:MAX_TITLE]
    own = tuple(dict.fromkeys(_own_names(fields)))
    unsure: tuple[PaperRef, ...] = ()
    if not any(each.scheme in ("arxiv", "doi") for each in own):
        unsure = tuple(dict.fromkeys(find_refs(fields.get("more", ""), with_addresses=False)))
        if not own and not unsure and (pmid := fields.get("pmid", "").strip()) and _PMID.fullmatch(pmid):
            own = (PaperRef("url", f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"),)
    names = (*own, *unsure)
    shown = one_line_label(label) or (names[0].value if names else "")
    return ReferenceEntry(
        line, title, shown, names, clean_tags(tags), "" if names else NO_IDENTIFIER, unsure,
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


def _own_names(fields: Mapping[str, str]) -> Iterator[PaperRef]:
    """What the fields for it name; and free text that is nothing but a name."""
    labelled = [line for line in fields.get("more", "").split("\n")[:50] if _LABELLED.match(line)]
    for given in (fields.get("arxiv", ""), *labelled):
        if found := parse_eprint(strip_trailing_punctuation(given.strip()), fields.get("archive", "")):
            yield PaperRef("arxiv", found.value)
        elif (named := ref_given(given)) and named.scheme != "url":
            yield named
    if (found := find_arxiv_id(fields.get("place", ""))) is not None:
        yield PaperRef("arxiv", found.value)
    dois = parse_dois(fields.get("doi", ""))[:3]
    for doi in dois:
        if named := ref_of_doi(doi):
            yield named
    if not dois and (named := ref_given(fields.get("doi", "").strip())):
        yield named
    for address in fields.get("url", "").split()[:_MOST_ADDRESSES]:
        if named := ref_given(strip_trailing_punctuation(address)):
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
    for _, doi in find_dois(text):
        if named := ref_of_doi(doi):
            yield named
    if with_addresses:
        for _, named in find_addresses(text):
            yield named


def find_addresses(text: str) -> Iterator[tuple[tuple[int, int], PaperRef]]:
    """What the addresses in a text name, each with where it begins and ends."""
    for match in _URL_INSIDE.finditer(text):
        if named := ref_given(strip_trailing_punctuation(match[0])):
            yield match.span(), named


def ref_given(text: str) -> PaperRef | None:
    """What `parse_reference` makes of it, if anything."""
    if not text:
        return None
    try:
        return parse_reference(text)
    except InvalidReferenceError:
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
