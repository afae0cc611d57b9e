"""CSV with a head, as we and Zotero write it; Markdown as we write it; and lists of ids, one or more a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from papers.catalogue.paper_ref import InvalidReference, PaperRef, parse_reference
from papers.references.common import MAX_FIELD, NO_IDENTIFIER, ReferenceEntry, find_refs, make_entry, one_line_label

_COLUMNS = {
    **dict.fromkeys(("title",), "title"), **dict.fromkeys(("doi",), "doi"), **dict.fromkeys(("url", "link"), "url"),
    **dict.fromkeys(("arxiv", "arxiv id", "arxiv_id", "eprint"), "arxiv"), **dict.fromkeys(("key", "id"), "key"),
    **dict.fromkeys(("author", "authors"), "author"),
    **dict.fromkeys(("year", "publication year", "published", "date"), "year"),
    **dict.fromkeys(("tags", "manual tags", "keywords"), "tags"),
    **dict.fromkeys(("extra", "archive location", "notes", "call number", "number"), "more"),
}  # fmt: skip
_NAMING = frozenset({"doi", "url", "arxiv"})
# As our own export has it, before what a spreadsheet would run.
_APOSTROPHE = re.compile(r"'(?=[=+@\t\r-])")
_HEADING = re.compile(r"^# +(?:\[(?P<title>(?:[^\]\\]|\\.){0,1000})\]\((?P<url>[^)\s]{0,2000})\)|(?P<bare>.{0,1000}))$")
_ESCAPE = re.compile(r"\\(?=[\\`*_\[\]<>|~#+.)-])")
_WORDS = re.compile(r"[\s,;]+")
BROKEN = "The row can’t be read: a quotation mark is open, or a cell is too large."


def is_csv(text: str) -> bool:
    head = text.lstrip("\ufeff").split("\n", 1)[0]
    return bool(_NAMING & {_COLUMNS.get(name, "") for name in _head(head)}) and any(mark in head for mark in ",;\t")


def _head(line: str) -> list[str]:
    return [name.strip().strip('"').lower() for name in line[:MAX_FIELD].split(_mark(line))]


def _mark(line: str) -> str:
    return max(",;\t", key=line.count)


def parse_csv(text: str) -> Iterator[ReferenceEntry]:
    """The rows under the head."""
    text = text.lstrip("\ufeff")
    mark = _mark(text.split("\n", 1)[0])
    rows = csv.reader(iter(text.splitlines(keepends=True)), delimiter=mark)
    columns: list[str] = []
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield ReferenceEntry(line, problem=BROKEN)
            continue
        if not columns:
            columns = [_COLUMNS.get(cell.strip().lower(), "") for cell in cells]
        elif any(cells):
            yield _row(line, columns, cells)


def _row(line: int, columns: list[str], cells: list[str]) -> ReferenceEntry:
    fields: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=False):
        cell = _APOSTROPHE.sub("", cell[:MAX_FIELD].strip(), count=1)
        if name and cell:
            fields[name] = f"{fields[name]} {cell}" if name == "more" and name in fields else fields.get(name, cell)
    return make_entry(line, fields, label=fields.get("key", ""), tags=[fields.get("tags", "")])


def is_markdown(text: str) -> bool:
    return text.lstrip("\ufeff \n").startswith("# ")


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
    """An entry a line, or one for each of several ids side by side; words around them don't matter.

    A line without any id is an entry with a problem.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.strip().strip("-*•").strip()
        if not words or words.startswith(("#", "//")):
            continue
        try:
            yield ReferenceEntry(number, given=one_line_label(words), names=(parse_reference(words[:MAX_FIELD]),))
            continue
        except InvalidReference:
            pass
        parts = [part for part in _WORDS.split(words[:MAX_FIELD]) if part]
        each = list(_each(parts))
        if len(each) == len(parts):
            yield from (ReferenceEntry(number, given=one_line_label(part), names=(named,)) for part, named in each)
            continue
        names = tuple(dict.fromkeys(find_refs(words)))
        yield ReferenceEntry(number, given=one_line_label(words), names=names, problem="" if names else NO_IDENTIFIER)


def _each(parts: list[str]) -> Iterator[tuple[str, PaperRef]]:
    for part in parts:
        try:
            yield part, parse_reference(part)
        except InvalidReference:
            return
