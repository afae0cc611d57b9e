"""BibTeX and BibLaTeX, read in one pass. Macros are put in by name, once, and never grow beyond a line.

Why no library: bibtexparser 2.1 takes longer than 20 s for 900 kB of `@a{`, pybtex builds all entries with their
persons; here, whatever the file, each character is looked at a fixed number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry, one_line_label

# An entry that is not closed ends where the next one begins: at an @ that is the first of its line.
_START = re.compile(r"^[ \t]*@[ \t]*([A-Za-z]+)[ \t]*[{(]", re.MULTILINE)
_INNER_START = re.compile(r"@[ \t]*([A-Za-z]+)[ \t]*[{(]")
_BRACE = re.compile(r"[{}]")
_QUOTE = re.compile(r'[{}"]')
_KEY = re.compile(r"\s*+([^\s,{}()=\"#%]{0,300}+)\s*+(?=[,})]|$)")
_FIELD = re.compile(r"[\s,]*+([A-Za-z][\w:.+/-]{0,100}+)\s*+=\s*+")
_BARE = re.compile(r"[^\s,#{}\"()=]{1,300}")
_JOIN = re.compile(r"\s*+#\s*+")
_SPACE = re.compile(r"\s*")
_NO_ENTRY = frozenset({"comment", "preamble", "string"})
_KEPT = frozenset(
    (
        *("title", "eprint", "archiveprefix", "eprinttype", "doi", "url", "arxivid", "arxiv", "keywords", "keyword"),
        *("journal", "journaltitle", "note", "howpublished", "volume", "number", "annote", "ee"),
        *("author", "year", "date"),
    )
)
_MAX_MACROS = 5_000
_MAX_MACRO = 1_000
_MAX_FIELDS = 2_000
NOT_CLOSED = "The entry is not closed, so it can’t be told where it ends."


class _Broken(Exception):
    """The end of an entry is not to be found. Never leaves this module."""


def is_bibtex(text: str) -> bool:
    return _START.search(text) is not None


def parse_bibtex(text: str) -> Iterator[ReferenceEntry]:
    """The entries, and those that can't be read, in their order."""
    macros: dict[str, str] = {}
    starts = [match.start() for match in _START.finditer(text)]
    line, counted = 1, 0
    for place, start in enumerate(starts):
        line, counted = line + text.count("\n", counted, start), start
        end = starts[place + 1] if place + 1 < len(starts) else len(text)
        yield from _chunk(text[start:end], line, macros)


def _chunk(text: str, line: int, macros: dict[str, str]) -> Iterator[ReferenceEntry]:
    """The entries from one line that begins with @ to the next: one, and what stands behind it on its last line."""
    position, seen = 0, 0
    while (match := _INNER_START.search(text, position)) is not None:
        line, seen = line + text.count("\n", seen, match.start()), match.start()
        kind = match[1].lower()
        try:
            if kind in _NO_ENTRY:
                position = _no_entry(text, match.end(), kind, macros)
            else:
                found, position = _entry(text, match.end(), line, macros)
                yield found
        except _Broken:
            if kind not in ("comment", "preamble"):
                yield ReferenceEntry(
                    line, given=one_line_label(text[match.start() : match.start() + 200]), problem=NOT_CLOSED
                )
            return


def _no_entry(text: str, position: int, kind: str, macros: dict[str, str]) -> int:
    if kind != "string":
        return _closing(text, position)
    match = _FIELD.match(text, position)
    if match is None:
        return _closing(text, position)
    value, end = _value(text, match.end(), macros)
    if len(macros) < _MAX_MACROS:
        macros[match[1].lower()] = value[:_MAX_MACRO]
    return end


def _entry(text: str, position: int, line: int, macros: dict[str, str]) -> tuple[ReferenceEntry, int]:
    key = _KEY.match(text, position)
    name = key[1] if key else ""
    position = key.end() if key else position
    fields: dict[str, str] = {}
    for _ in range(_MAX_FIELDS):
        match = _FIELD.match(text, position)
        if match is None:
            break
        value, position = _value(text, match.end(), macros)
        if (field := match[1].lower()) in _KEPT:
            fields.setdefault(field, value)
    else:
        raise _Broken
    position = _end(text, position)
    return _reference(line, name, fields), position


def _end(text: str, position: int) -> int:
    """Behind the brace that closes the entry; what stands before it and is no field is passed over."""
    position = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string, too
    while text[position : position + 1] == ",":
        position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
    if text[position : position + 1] in ("}", ")"):
        return position + 1
    return _closing(text, position)


def _closing(text: str, position: int) -> int:
    """Behind the brace that closes what is open at `position`."""
    depth = 1
    for match in _BRACE.finditer(text, position):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    raise _Broken


def _value(text: str, position: int, macros: dict[str, str]) -> tuple[str, int]:
    """A field's value and where it ends: parts in braces, in quotation marks, numbers and names of macros."""
    parts: list[str] = []
    length = 0
    while True:
        part, position = _part(text, position, macros)
        if length < MAX_FIELD:
            parts.append(part[: MAX_FIELD - length])
            length += len(parts[-1])
        join = _JOIN.match(text, position)
        if join is None:
            return "".join(parts), position
        position = join.end()


def _part(text: str, position: int, macros: dict[str, str]) -> tuple[str, int]:
    first = text[position : position + 1]
    if first == "{":
        end = _closing(text, position + 1)
        return text[position + 1 : min(end - 1, position + 1 + MAX_FIELD)], end
    if first == '"':
        depth = 0
        for match in _QUOTE.finditer(text, position + 1):
            if match[0] == '"' and depth <= 0:
                return text[position + 1 : min(match.start(), position + 1 + MAX_FIELD)], match.end()
            depth += (match[0] == "{") - (match[0] == "}")
        raise _Broken
    bare = _BARE.match(text, position)
    if bare is None:
        raise _Broken
    return macros.get(bare[0].lower(), bare[0]), bare.end()


def _reference(line: int, key: str, fields: dict[str, str]) -> ReferenceEntry:
    flat = {name: " ".join(value.split()) for name, value in fields.items()}
    named = flat.get("archiveprefix", flat.get("eprinttype", "arxiv")).lower()
    arxiv = flat.get("eprint", "") if named == "arxiv" else ""
    journal = " ".join(flat.get(name, "") for name in ("journal", "journaltitle", "note", "howpublished", "annote"))
    number = " ".join(flat.get(name, "") for name in ("volume", "number"))
    # DBLP writes "CoRR" and "abs/1706.03762".
    more = f"{journal} {number.replace('abs/', 'arXiv:')}"
    return make_entry(
        line,
        {
            "title": flat.get("title", ""),
            "arxiv": _plain(arxiv or flat.get("arxivid", "") or flat.get("arxiv", "")),
            "doi": _plain(flat.get("doi", "")),
            "url": _plain(flat.get("url", "") or flat.get("ee", "")),
            "more": _plain(more),
            "author": flat.get("author", ""),
            "year": flat.get("year", "") or flat.get("date", ""),
        },
        label=key,
        tags=[flat.get("keywords", ""), flat.get("keyword", "")],
    )


_COMMAND = re.compile(r"\\(?:url|href|path)\b|\\(?=[_%&#$~])|[{}]")


def _plain(text: str) -> str:
    """An id or address without what TeX needs: braces, escapes, `\\url`."""
    return " ".join(_COMMAND.sub(" " if "\\url" in text or "\\href" in text else "", text).split())
