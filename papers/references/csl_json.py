"""JSON: CSL's items (Zotero, citeproc) and our own export, one item decoded at a time, so that one is all there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry, one_line_label, ref_given

_SPACE = re.compile(r"[\s,]*")
_LIST = re.compile(r'"(?:items|references|papers|results|data|entries|documents)"\s*:\s*\[')
_NUMBERED = re.compile(r"\[ ?[0-9]{1,4} ?\][^\n]")
_DECODER = json.JSONDecoder(strict=False)
BROKEN = "The file can’t be read from here on: it is not valid JSON."
NO_ITEM = "The item has no title or id."
_PLACES = ("number", "archive_location", "archive", "container-title", "version-label")


def is_json(text: str) -> bool:
    """Whether a text begins as JSON does, and not as a list of references: "[1] A. Person"."""
    start = text.lstrip("\ufeff \t\n")[:100]
    return start[:1] in ("[", "{") and _NUMBERED.match(start) is None


def parse_json(text: str) -> Iterator[ReferenceEntry]:
    """The items of an array, of `items` in an object, or one after the other (JSON lines)."""
    position = _inside(text)
    line, counted = 1, 0
    while True:
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string, too
        if position >= len(text) or text[position] == "]":
            return
        line, counted = line + text.count("\n", counted, position), position
        try:
            item, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield ReferenceEntry(line, given=one_line_label(text[position : position + 100]), problem=BROKEN)
            return
        yield _reference(line, item, text[position : position + 100])
        position = end


def _inside(text: str) -> int:
    """Where the first item begins."""
    start = len(text) - len(text.lstrip("\ufeff \t\n"))
    if text[start : start + 1] == "[":
        return start + 1
    listed = _LIST.search(text, start, start + 5_000)
    return listed.end() if listed else start


def _reference(line: int, item: Any, source: str) -> ReferenceEntry:
    if isinstance(item, str) and (named := ref_given(item)) is not None:
        return ReferenceEntry(line, given=one_line_label(item), names=(named,))
    if not isinstance(item, dict):
        return ReferenceEntry(line, given=one_line_label(source), problem=NO_ITEM)
    ids = _ids(item)
    said = [_text(item.get(name)) for name in (*_PLACES, "note")]
    arxiv = (
        _text(item.get("arxiv"))
        or ids.get("arxiv", "")
        or next((word for word in said if word.lower().startswith("arxiv:")), "")
    )
    fields = {
        "title": _text(item.get("title")),
        "arxiv": arxiv,
        "doi": _text(item.get("DOI") or item.get("doi")) or ids.get("doi", ""),
        "url": _text(item.get("URL") or item.get("url")),
        "place": " ".join(said[:-1]),
        "more": said[-1],
        "pmid": _text(item.get("PMID") or item.get("pmid")) or ids.get("pmid", "") or ids.get("pubmed", ""),
        "author": _first_author(item.get("author") or item.get("authors")),
        "year": _year(item.get("issued") or item.get("published") or item.get("year")),
    }
    own = _text(item.get("key") or item.get("id"))
    given = item.get("tags")
    tags: list[Any] = given if isinstance(given, list) else []
    words = [_text(tag.get("tag") if isinstance(tag, dict) else tag) for tag in tags[:50]]
    return make_entry(line, fields, label=own, tags=[_text(item.get("keyword")), *words])


def _ids(item: dict[str, Any]) -> dict[str, str]:
    """The ids that Semantic Scholar, Mendeley and OpenAlex have in an object of their own, by kind in lower case."""
    given = item.get("externalIds") or item.get("identifiers") or item.get("ids")
    return {str(name).lower(): _text(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _first_author(value: Any) -> str:
    """Of a list of names, or of CSL's objects with a family name or, for an institution, a literal one."""
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, dict):
        return f"{_text(first['family'])}," if first.get("family") else _text(first.get("literal") or first.get("name"))
    return _text(first)


def _year(value: Any) -> str:
    """Of a year, a date as a text, or CSL's list of parts."""
    if isinstance(value, dict):
        value = value.get("date-parts") or value.get("raw") or value.get("literal")
    while isinstance(value, list) and value:
        value = value[0]
    return _text(value)


def _text(value: Any) -> str:
    """A text or number; nothing for what is neither. CSL 1.1 has lists of one."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:MAX_FIELD] if not isinstance(value, int) or abs(value) < 10**30 else ""
