"""BibTeX and BibLaTeX as biber, JabRef, BibDesk and Mendeley write it. Macros are put in by name, and never grow.

A field's end is found by the format's own rules. What breaks them costs itself: a value that is no value ends where the
next field begins, an entry that is not closed ends where the next one begins. Why no library: bibtexparser 2.1 takes
longer than 20 s for 900 kB of `@a{`, pybtex builds all entries with their persons; here, whatever the file, each
character is looked at a fixed number of times.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry, one_line_label

# btparse's characters of a name, which biber reads by: Mendeley has `web_page`.
_NAME = r"[^\s\"#%'(),={}@\\]"
# An entry that is not closed ends where the next one begins: at an @ that is the first of its line.
_START = re.compile(rf"^[ \t]*@[ \t]*({_NAME}{{1,100}}+)[ \t]*+[{{(]", re.MULTILINE)
_INNER_START = re.compile(rf"@[ \t]*({_NAME}{{1,100}}+)\s{{0,20}}+[{{(]")
# A line that begins like an entry and has no brace: read by none, and to be told.
_NO_BRACE = re.compile(r"^[ \t]*@[ \t]*(?!(?i:comment|preamble|string)\b)[A-Za-z]++[^\n]{0,200}", re.MULTILINE)
_COMMENT = re.compile(r"[ \t]*@[ \t]*(?i:comment)[ \t]*[{(]")
_BRACE = re.compile(r"[{}]")
_ESCAPABLE_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_QUOTE = re.compile(r'[{}"]')
_ESCAPABLE_QUOTE = re.compile(r'\\[\\{}]|[{}"]')
# A key is all up to the first comma; without one, up to the end of its line or of the entry.
_KEY = re.compile(r"\s*+([^,\n}]{0,500}+)[^,\n}]*+,?")
_IS_FIELD = re.compile(rf"\s*+{_NAME}{{1,100}}+[ \t]*+=[ \t]*+[{{\"]")
_FIELD = re.compile(rf"(?:[\s,]++|%[^\n]*+)*+({_NAME}{{1,100}}+)\s*+=\s*+")
_BARE = re.compile(r"[^\s,#{}\"()=]{1,300}+")
_BARE_LINE = re.compile(r"[^,{}\n]*+")
_BEHIND_BARE = re.compile(r"[ \t]*+(?:[,#})\n]|$)")
_MORE_FIELDS = re.compile(rf"[\s,]*+{_NAME}{{1,100}}+[ \t]*+=[ \t]*+[{{\"]")
_JOIN = re.compile(r"\s*+#\s*+")
_SPACE = re.compile(r"(?:[\s,]++|%[^\n]*+)*+")
# Where reading goes on behind a value that was none: before the next field, or at the end of the entry.
_RESUME = re.compile(rf"[{{}}]|[,\n][ \t]{{0,100}}+(?={_NAME}{{1,100}}+[ \t]{{0,20}}+=)")
_NEXT_LINE = re.compile(rf"\n[ \t]{{0,100}}+(?={_NAME}{{1,100}}+[ \t]{{0,20}}+=[ \t]{{0,20}}+[{{\"])")
_NO_ENTRY = frozenset({"comment", "preamble", "string", "xdata"})
_PLACES = ("journal", "journaltitle", "howpublished", "eid", "pages", "series", "slaccitation", "publisher")
_NOTES = ("note", "annote", "annotation", "addendum", "pubstate")
_ADDRESSES = ("url", "ee", "link", "adsurl", "biburl", "bdsk-url-1", "bdsk-url-2", "bdsk-url-3")
_KEPT = frozenset(
    (
        *("title", "eprint", "archiveprefix", "eprinttype", "primaryclass", "eprintclass", "doi", "arxivid", "arxiv"),
        *("keywords", "keyword", "mendeley-tags", "volume", "number", "author", "year", "date", "pmid"),
        *_PLACES, *_NOTES, *_ADDRESSES,
    )
)  # fmt: skip
_MAX_MACROS = 5_000
_MAX_MACRO = 1_000
_MAX_FIELDS = 2_000
NOT_CLOSED = "The entry has no closing brace."
NO_BRACE = "The entry has no opening brace after its type."


class _BrokenError(Exception):
    """The end of a value or an entry is not to be found. Never leaves this module."""


@dataclass(slots=True)
class _Entry:
    """An entry as far as it was read."""

    key: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    is_clean: bool = True
    """Nothing in it was passed over."""


@dataclass(slots=True)
class _Reading:
    """How values are read: the macros they may name, and whether `\\{` is no brace."""

    macros: dict[str, str]
    escapes: bool = False
    lines: list[int] = field(default_factory=list)
    """The ends of lines behind which a field begins, and at which a value ends, too."""

    def next_line(self, text: str, position: int) -> int:
        """Where a value ends at the latest."""
        place = bisect_right(self.lines, position)
        return self.lines[place] if place < len(self.lines) else len(text)


def is_bibtex(text: str) -> bool:
    return _START.search(text) is not None


def parse_bibtex(text: str) -> Iterator[ReferenceEntry]:
    """The entries, and those that can't be read, in their order."""
    macros: dict[str, str] = {}
    starts = [match.start() for match in _START.finditer(text)]
    ends = [*starts[1:], len(text)]
    yield from _without_brace(text[: starts[0]] if starts else text, 1)
    line, counted, position = 1, 0, 0
    to_look_at = 2 * len(text)
    for place, start in enumerate(starts):
        if start < position:
            continue
        position = ends[place]
        if to_look_at > 0 and (comment := _COMMENT.match(text, start)) is not None:
            # A comment goes on over lines that look like entries, as JabRef and biber have it.
            end = _end_or_none(text, comment.end())
            to_look_at -= (end or len(text)) - start
            if end is None:
                continue
            start, position = end, max(position, end)
            if end > ends[place]:
                continue
        line, counted = line + text.count("\n", counted, start), start
        found = list(_chunk(text[start : ends[place]], line, macros))
        if found and not found[0][1] and place + 1 < len(ends):
            longer = text[start : ends[place + 1]]
            if (whole := _over_two(longer, ends[place] - start, line, macros)) is not None:
                found = [whole]
                position = ends[place + 1]
        yield from (entry for entry, _ in found)


def _over_two(text: str, first: int, line: int, macros: dict[str, str]) -> tuple[ReferenceEntry, bool] | None:
    """An entry with a line in it, at `first`, that begins like a further one; None where it is not whole that way."""
    match = _INNER_START.search(text)
    if match is None or match[1].lower() in _NO_ENTRY:
        return None
    try:
        entry, end = _best_entry(text, match.end(), macros)
    except _BrokenError:
        return None
    is_all = entry.is_clean and end > first and "@" not in text[end:]
    return (_reference(line, entry.key, entry.fields), True) if is_all else None


def _without_brace(text: str, line: int) -> Iterator[ReferenceEntry]:
    """The lines of a text between entries that begin like one."""
    for match in _NO_BRACE.finditer(text) if "@" in text else ():
        yield _unread(line + text.count("\n", 0, match.start()), match[0], NO_BRACE)


def _unread(line: int, text: str, problem: str) -> ReferenceEntry:
    return ReferenceEntry(line, given=one_line_label(text), problem=problem)


def _end_or_none(text: str, position: int) -> int | None:
    try:
        return _closing(text, position)
    except _BrokenError:
        return None


def _chunk(text: str, line: int, macros: dict[str, str]) -> Iterator[tuple[ReferenceEntry, bool]]:
    """The entries from one line that begins with @ to the next: one, and what stands behind it on its last line; each
    with whether nothing in it was passed over."""
    position, seen = 0, 0
    while (match := _INNER_START.search(text, position)) is not None:
        between = _without_brace(text[position : match.start()], line + text.count("\n", seen, position))
        yield from ((each, True) for each in between)
        line, seen = line + text.count("\n", seen, match.start()), match.start()
        kind = match[1].lower()
        try:
            if kind in _NO_ENTRY:
                position = _no_entry(text, match.end(), kind, macros)
            else:
                entry, position = _best_entry(text, match.end(), macros)
                yield _reference(line, entry.key, entry.fields), entry.is_clean
        except _BrokenError:
            if kind not in ("comment", "preamble"):
                yield _unread(line, text[match.start() : match.start() + 200], NOT_CLOSED), False
            return
    behind = _without_brace(text[position:], line + text.count("\n", seen, position))
    yield from ((each, True) for each in behind)


def _no_entry(text: str, position: int, kind: str, macros: dict[str, str]) -> int:
    if kind != "string":
        return _closing(text, position)
    match = _FIELD.match(text, position)
    if match is None:
        return _closing(text, position)
    value, end = _value(text, match.end(), _Reading(macros))
    if len(macros) < _MAX_MACROS:
        macros[match[1].lower()] = value[:_MAX_MACRO]
    return end


def _best_entry(text: str, position: int, macros: dict[str, str]) -> tuple[_Entry, int]:
    r"""The entry as BibTeX counts braces, all of them; where that leaves something over, as JabRef does, without `\{`;
    and where it has no end, with each value's end before the next line that is a field."""
    best: tuple[_Entry, int] | None = None
    partial: _Entry | None = None
    readings = [_Reading(macros)]
    if "\\{" in text or "\\}" in text:
        readings.append(_Reading(macros, escapes=True))
    for reading in readings:
        entry = _Entry()
        try:
            end = _read_entry(entry, text, position, reading)
        except _BrokenError:
            partial = partial or entry
            continue
        if best is None or entry.is_clean:
            best = entry, end
        if entry.is_clean:
            break
    if best is not None:
        return best
    if lines := [match.start() for match in _NEXT_LINE.finditer(text, position)]:
        partial = _Entry(is_clean=False)
        with suppress(_BrokenError):
            return partial, _read_entry(partial, text, position, _Reading(macros, lines=lines))
    if partial is None or not partial.fields:
        raise _BrokenError
    # As far as it goes: nothing else stands in its chunk.
    partial.is_clean = False
    return partial, len(text)


def _read_entry(entry: _Entry, text: str, position: int, reading: _Reading) -> int:
    """Read an entry's key and fields into it, and return where it ends.

    Raises:
        _BrokenError: it has no end; what was read stands in `entry`.
    """
    if _IS_FIELD.match(text, position) is None and (key := _KEY.match(text, position)) is not None:
        entry.key, position = key[1].strip(), key.end()
    return _read_fields(entry, text, position, reading)


def _read_fields(entry: _Entry, text: str, position: int, reading: _Reading) -> int:
    """Read the fields from `position` into `entry`, and return where it ends."""
    for _ in range(_MAX_FIELDS):
        match = _FIELD.match(text, position)
        if match is not None:
            value, position = _value(text, match.end(), reading)
            name = match[1].lower()
            if name in _KEPT and value and not entry.fields.get(name):
                entry.fields[name] = value[:MAX_FIELD]
            continue
        closed = _end(text, position)
        if closed is not None and _MORE_FIELDS.match(text, closed) is None:
            return closed
        entry.is_clean = False
        resumed = closed or _resume(text, position)
        if resumed is None:
            break
        position = resumed
    raise _BrokenError


def _end(text: str, position: int) -> int | None:
    """Behind the brace that closes the entry, if it is what comes next."""
    position = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string, too
    return position + 1 if text[position : position + 1] in ("}", ")") else None


def _resume(text: str, position: int) -> int | None:
    """Before the next field, or the brace that closes the entry; None where neither is there."""
    depth = 0
    for match in _RESUME.finditer(text, position):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            if depth == 0:
                return match.start()
            depth -= 1
        elif depth == 0:
            return match.start() if match.start() > position else match.end()
    return None


def _closing(text: str, position: int, last: int | None = None, *, escapes: bool = False) -> int:
    """Behind the brace that closes what is open at `position`, before `last`."""
    depth = 1
    for match in (_ESCAPABLE_BRACE if escapes else _BRACE).finditer(
        text, position, len(text) if last is None else last
    ):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
        if depth == 0:
            return match.end()
    raise _BrokenError


def _value(text: str, position: int, reading: _Reading) -> tuple[str, int]:
    """A field's value and where it ends: parts in braces, in quotation marks, numbers and names of macros.

    A value may be missing: `doi = ,`.
    """
    parts: list[str] = []
    length = 0
    if text[position : position + 1] in (",", "}", ")"):
        return "", position
    while True:
        part, position = _part(text, position, reading)
        if length < MAX_FIELD:
            parts.append(part[: MAX_FIELD - length])
            length += len(parts[-1])
        join = _JOIN.match(text, position)
        if join is None:
            return "".join(parts), position
        position = join.end()


def _part(text: str, position: int, reading: _Reading) -> tuple[str, int]:
    first = text[position : position + 1]
    if first in ("{", '"'):
        last = reading.next_line(text, position)
        try:
            end = (_closing if first == "{" else _quoted)(text, position + 1, last, escapes=reading.escapes)
        except _BrokenError:
            if last == len(text):
                raise
            return text[position + 1 : min(last, position + 1 + MAX_FIELD)].strip('{}", \n'), last
        return text[position + 1 : min(end - 1, position + 1 + MAX_FIELD)], end
    bare = _BARE.match(text, position)
    if bare is None:
        return "", position
    if not _BEHIND_BARE.match(text, bare.end()) and (rest := _BARE_LINE.match(text, position)):
        return rest[0].strip()[:MAX_FIELD], rest.end()
    return reading.macros.get(bare[0].lower(), bare[0]), bare.end()


def _quoted(text: str, position: int, last: int, *, escapes: bool = False) -> int:
    """Behind the quotation mark that closes a value, which is none within braces."""
    depth = 0
    for match in (_ESCAPABLE_QUOTE if escapes else _QUOTE).finditer(text, position, last):
        if match[0] == '"' and depth <= 0:
            return match.end()
        depth += (match[0] == "{") - (match[0] == "}")
    raise _BrokenError


def _reference(line: int, key: str, fields: dict[str, str]) -> ReferenceEntry:
    flat = {name: " ".join(value.split()) for name, value in fields.items()}
    named = flat.get("archiveprefix", flat.get("eprinttype", "arxiv")).lower()
    archive = flat.get("primaryclass", "") or flat.get("eprintclass", "")
    # Older records have the archive itself there: `archivePrefix = {hep-th}`.
    archive = archive or (named if named != "arxiv" else "")
    arxiv = flat.get("eprint", "")
    # DBLP writes "CoRR" and "abs/1706.03762".
    number = " ".join(flat.get(name, "") for name in ("volume", "number")).replace("abs/", "arXiv:")
    return make_entry(
        line,
        {
            "title": _without_outer_braces(flat.get("title", "")),
            "arxiv": _plain(arxiv or flat.get("arxivid", "") or flat.get("arxiv", "")),
            "archive": _plain(archive),
            "doi": _plain(flat.get("doi", "")),
            "url": _plain(" ".join(flat.get(name, "") for name in _ADDRESSES if name != "biburl")),
            "place": _plain(" ".join([*(flat.get(name, "") for name in _PLACES), number])),
            "more": _plain("\n".join(flat.get(name, "") for name in _NOTES)),
            "author": flat.get("author", ""),
            "year": flat.get("year", "") or flat.get("date", ""),
            "pmid": flat.get("pmid", ""),
        },
        label=key,
        tags=[_plain(flat.get(name, "")) for name in ("keywords", "keyword", "mendeley-tags")],
    )


def _without_outer_braces(text: str) -> str:
    """A title without the braces around all of it, by which it keeps its capitals."""
    for _ in range(_MOST_OUTER_BRACES):
        if not text.startswith("{") or _end_or_none(text, 1) != len(text):
            break
        text = text[1:-1].strip()
    return text


_MOST_OUTER_BRACES = 5
_COMMAND = re.compile(r"\\(?:url|href|path)\b|\\(?=[_%&#$~])|[{}]")


def _plain(text: str) -> str:
    """An id or address without what TeX needs: braces, escapes, `\\url`."""
    return _COMMAND.sub(" " if "\\url" in text or "\\href" in text else "", text).strip()
