"""CSV with a head, as we and Zotero write it; Markdown as we write it; and lists of ids, one or more a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

from papers.catalogue.identifiers import find_arxiv_ids, find_dois
from papers.catalogue.paper_ref import PaperRef
from papers.references.common import (
    MAX_FIELD,
    MAX_ROWS,
    NO_IDENTIFIER,
    ReferenceEntry,
    find_addresses,
    make_entry,
    one_line_label,
    ref_given,
    ref_of_doi,
)
from papers.text.cleaning import safe_text

_COLUMNS = {
    **dict.fromkeys(("title", "document title", "article title", "ti", "titel", "titre", "título"), "title"),
    **dict.fromkeys(("doi", "di", "doi link", "book doi"), "doi"),
    **dict.fromkeys(("url", "urls", "link", "pdf link", "doi url"), "url"),
    **dict.fromkeys(("arxiv", "arxiv id", "arxiv_id", "arxivid", "eprint"), "arxiv"),
    **dict.fromkeys(("key", "id", "citation key", "bibtex key", "bibtexkey"), "key"),
    **dict.fromkeys(("pmid", "pubmed id", "pm"), "pmid"),
    **dict.fromkeys(("author", "authors", "au", "author full names", "autor", "auteur"), "author"),
    **dict.fromkeys(("year", "publication year", "published", "date", "py", "jahr", "année"), "year"),
    **dict.fromkeys(("tags", "manual tags", "keywords", "author keywords", "de"), "tags"),
    **dict.fromkeys(("archive location", "call number", "number", "publication title", "journal", "volume"), "place"),
    **dict.fromkeys(("extra", "notes", "note"), "more"),
}  # fmt: skip
_GATHERED = frozenset({"more", "place", "url", "tags"})
_MARK_LINE = re.compile(r"\"?sep=(.)\"?[ \t]*\n", re.I)
_NAMING = frozenset({"doi", "url", "arxiv", "pmid"})
# As our own export has it, before what a spreadsheet would run.
_APOSTROPHE = re.compile(r"'(?=[=+@\t\r-])")
_HEADING = re.compile(r"^# +(?:\[(?P<title>(?:[^\]\\]|\\.){0,1000})\]\((?P<url>[^)\s]{0,2000})\)|(?P<bare>.{0,1000}))$")
_ESCAPE = re.compile(r"\\(?=[\\`*_\[\]<>|~#+.)-])")
_BULLET = re.compile(
    r"\A(?:[-*•–][ \t]+|[-*•]+(?=\S)|\[[0-9]{1,4}\]|\([0-9]{1,4}\)|[0-9]{1,4}[.:)](?=\s)"
    r"|\\bibitem\b(?:\[[^\]\n]{0,200}\])?\{[^{}\n]{0,200}\})"
)
_LISTED = re.compile(r"^[ \t]{0,20}[-*+•][ \t]", re.MULTILINE)
_NUMBERED = re.compile(r"[ \t]{0,20}(?:\[[0-9]{1,4}\]|\([0-9]{1,4}\)|[0-9]{1,4}[.:)]|\\bibitem\b)(?=[\s{\[])")
# What may stand between two names of one paper.
_CAN_NAME = re.compile(r"[0-9]{3}|[A-Za-z]/|://")
_MOST_BETWEEN = 200
_BETWEEN = re.compile(
    r"(?:[\s.,;:()\[\]<>/|]|\b(?:doi|url|arxiv|preprint|e-?print|available|at|from|online|pmid|pmcid|https?)\b"
    r"|\b(?:[a-z-]{2,10}\.[a-z-]{2,10}|hep-[a-z]{2,3}|gr-qc|astro-ph|quant-ph|cond-mat|math-ph|nucl-[a-z]{2})\b"
    r"|\b(?:19|20)[0-9]{2}\b){0,40}",
    re.I | re.A,
)
# Beside the name of a paper, an address there is its code or talk.
_NO_PAPER_THERE = re.compile(r"https?://(?:www\.)?(?:github|gitlab|bitbucket|codeberg|youtube|youtu)\.", re.I)
_Named = tuple[tuple[int, int], PaperRef]
"""Where a name begins and ends, and the name."""
BROKEN = "The row can’t be read: a quotation mark is not closed, or a cell is too large."


def is_csv(text: str) -> bool:
    head = _without_mark_line(text)[0].split("\n", 1)[0]
    columns = {_COLUMNS.get(name, "") for name in _head(head)} - {""}
    return any(mark in head for mark in ",;\t") and (bool(_NAMING & columns) or {"title", "author"} <= columns)


def _without_mark_line(text: str) -> tuple[str, str]:
    """A text without Excel's first line, and the mark between cells that it names: `sep=;`."""
    text = text.lstrip("\ufeff")
    named = _MARK_LINE.match(text)
    return (text[named.end() :], named[1]) if named else (text, "")


def _head(line: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in line[:MAX_FIELD].split(_mark(line))]


def _mark(line: str) -> str:
    return max(",;\t", key=line.count)


def parse_csv(text: str) -> Iterator[ReferenceEntry]:
    """The rows under the head."""
    body, mark = _without_mark_line(text)
    skipped = 1 if mark else 0
    mark = mark or _mark(body.split("\n", 1)[0])
    rows = csv.reader(io.StringIO(body, newline="\n"), delimiter=mark)
    columns: list[str] = []
    while True:
        line = rows.line_num + 1 + skipped
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield ReferenceEntry(line, problem=BROKEN)
            continue
        if not columns:
            columns = [_COLUMNS.get(cell.strip().strip('"').strip().lower(), "") for cell in cells]
        elif any(cell.strip() for cell in cells):
            yield _row(line, columns, cells)


def _row(line: int, columns: list[str], cells: list[str]) -> ReferenceEntry:
    fields: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=False):
        cell = _APOSTROPHE.sub("", cell[:MAX_FIELD].strip(), count=1)
        if name and cell:
            fields[name] = f"{fields[name]}\n{cell}" if name in _GATHERED and name in fields else fields.get(name, cell)
    return make_entry(line, fields, label=fields.get("key", ""), tags=[fields.get("tags", "")])


def is_markdown(text: str) -> bool:
    return text.lstrip("\ufeff \n").startswith("# ")


def has_bullets(text: str) -> bool:
    """Whether lines in it begin as those of a list, which none of our own export do."""
    return _LISTED.search(text) is not None


def parse_markdown(text: str) -> Iterator[ReferenceEntry]:
    """A part for each paper, as our export has it: its heading, and the line with its ids."""
    line, heading = 0, None
    facts: list[str] = []
    for number, words in enumerate(text.split("\n"), start=1):
        if (match := _HEADING.match(words[:MAX_FIELD])) is not None:
            if heading is not None:
                yield _section(line, heading, facts)
            line, heading, facts = number, match, []
        elif heading is not None and len(facts) < 6 and words.strip():
            facts.append(words[:MAX_FIELD])
    if heading is not None:
        yield _section(line, heading, facts)


def _section(line: int, heading: re.Match[str], facts: list[str]) -> ReferenceEntry:
    said = next((fact for fact in facts if "arXiv:" in fact or "doi:" in fact), "")
    parts = [_ESCAPE.sub("", part) for part in said.split(" · ")]
    fields = {
        "title": _ESCAPE.sub("", heading["title"] or heading["bare"] or ""),
        "arxiv": next((part.removeprefix("arXiv:") for part in parts if part.startswith("arXiv:")), ""),
        "doi": next((part.removeprefix("doi:") for part in parts if part.startswith("doi:")), ""),
        "url": _ESCAPE.sub("", heading["url"] or ""),
    }
    return make_entry(line, fields)


def parse_list(text: str) -> Iterator[ReferenceEntry]:
    """An entry for each paper that is named on a line; words around them don't matter.

    Names of different kinds with nothing between them are one paper's, as in a list of references: "doi:10.1000/xyz,
    arXiv:2401.01234". A line without any is an entry with a problem, but for a remark, which begins with `#` or `//`.
    Where the lines are numbered, an entry goes from one number to the next.
    """
    for number, line in _logical_lines(text):
        words = _BULLET.sub("", safe_text(line).strip(), count=1).strip()
        if not words:
            continue
        found = list(_named_in(words))
        if not found:
            if not words.startswith(("#", "//")):
                yield ReferenceEntry(number, given=one_line_label(words), problem=NO_IDENTIFIER)
        elif len(found) == 1:
            yield ReferenceEntry(number, given=one_line_label(words), names=found[0][1])
        else:
            yield from (ReferenceEntry(number, given=one_line_label(each), names=names) for each, names in found)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines; in a list whose entries are numbered, each with those that go on with it."""
    lines = text.split("\n")
    numbered = [place for place, line in enumerate(lines) if _NUMBERED.match(line)]
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if len(numbered) < 2 or numbered[0] != first:
        yield from enumerate(lines, start=1)
        return
    for start, end in zip(numbered, [*numbered[1:], len(lines)], strict=True):
        yield start + 1, " ".join(line.strip() for line in lines[start:end])


def _named_in(words: str) -> Iterator[tuple[str, tuple[PaperRef, ...]]]:
    """The papers named in a line, in their order, each with how it is written and all its names."""
    if _CAN_NAME.search(words) is None:
        return
    found = (_arxiv_names(words), _doi_names(words), find_addresses(words))
    names = _without_overlap([name for each in found for name in islice(each, MAX_ROWS + 1)])
    if not names:
        if named := ref_given(words):
            yield words, (named,)
        return
    papers: list[tuple[str, list[PaperRef]]] = []
    has_words = _has_words(words, names)
    known: set[PaperRef] = set()
    end = 0
    for (start, last), named in names:
        is_further_name = (
            papers
            and named.scheme not in {each.scheme for each in papers[-1][1]}
            and has_words
            and start - end <= _MOST_BETWEEN
            and _BETWEEN.fullmatch(words[end:start]) is not None
        )
        if is_further_name:
            papers[-1][1].append(named)
        elif named not in known:
            papers.append((words[start:last], [named]))
        known.add(named)
        end = last
    for written, all_names in papers:
        yield written, tuple(sorted(all_names, key=lambda each: each.scheme))


def _arxiv_names(words: str) -> Iterator[_Named]:
    return ((span, PaperRef("arxiv", found.value)) for span, found in find_arxiv_ids(words))


def _doi_names(words: str) -> Iterator[_Named]:
    return ((span, named) for span, doi in find_dois(words) if (named := ref_of_doi(doi)) is not None)


def _without_overlap(names: list[_Named]) -> list[_Named]:
    """In their order; of two at one place the one that begins first, which is an address around an id."""
    kept: list[_Named] = []
    for (start, end), named in sorted(names, key=lambda each: (each[0][0], -each[0][1])):
        if not kept or start >= kept[-1][0][1]:
            kept.append(((start, end), named))
            continue
        (before, last), known = kept[-1]
        # An address ends at a "<", a DOI need not.
        is_longer = known.scheme == named.scheme == "doi" and named.value.startswith(known.value)
        kept[-1] = ((before, max(end, last)), named if is_longer else known)
    if any(named.scheme != "url" for _, named in kept):
        kept = [each for each in kept if each[1].scheme != "url" or not _NO_PAPER_THERE.match(each[1].value)]
    return kept


def _has_words(words: str, names: list[_Named]) -> bool:
    """Whether more stands in a line than names of papers side by side."""
    rest = "".join(char for char in words[: names[0][0][0]] if char.isalnum())
    return rest.lower() not in ("", "doi", "arxiv", "https", "http")
