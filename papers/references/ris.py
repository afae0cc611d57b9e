"""RIS, read line by line. Why no library: rispy joins continued lines in quadratic time (9 s for 900 kB)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry

_LINE = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*)|$)")
_FIRST = re.compile(r"^[^\S\n]*+TY  ?- ", re.MULTILINE)
_KEPT = {
    **dict.fromkeys(("TI", "T1", "CT"), "title"), **dict.fromkeys(("DO", "DI"), "doi"),
    **dict.fromkeys(("UR", "LK"), "url"), "ID": "id", "AN": "more", "M1": "more", "M3": "more", "N1": "more",
    **dict.fromkeys(("AU", "A1"), "author"), **dict.fromkeys(("PY", "Y1", "DA"), "year"),
    "JO": "more", "T2": "more", "L1": "more", "L2": "more", "KW": "tags", "VL": "more",
}  # fmt: skip
NOT_CLOSED = "The entry has no last line “ER  -”."
_MOST_TAGS = 50


def is_ris(text: str) -> bool:
    return _FIRST.search(text[:20_000]) is not None


def parse_ris(text: str) -> Iterator[ReferenceEntry]:
    """The entries. One without an end is read as far as it goes, for nothing is lost by that."""
    entry: dict[str, list[str]] | None = None
    start, last = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        match = _LINE.match(line.strip())
        if match is None:
            if entry is not None and last in _KEPT and len(entry.get(_KEPT[last], ())) < _MOST_TAGS:
                entry.setdefault(_KEPT[last], []).append(line[:MAX_FIELD])
            continue
        last, value = match[1], (match[2] or "").strip()
        if last == "TY":
            if entry:
                yield _reference(start, entry)
            entry, start = {}, number
        elif last == "ER":
            if entry is not None:
                yield _reference(start, entry)
            entry = None
        elif entry is not None and last in _KEPT and value:
            entry.setdefault(_KEPT[last], []).append(value[:MAX_FIELD])
    if entry:
        yield _reference(start, entry)


def _reference(line: int, entry: dict[str, list[str]]) -> ReferenceEntry:
    fields = {
        name: " ".join(entry.get(name, ())[: 1 if name == "url" else 20]) for name in ("title", "doi", "url", "more")
    }
    numbers = (word for word in entry.get("more", ()) if word.lower().startswith("arxiv:"))
    fields["arxiv"] = next(numbers, "")
    fields |= {name: entry.get(name, [""])[0] for name in ("author", "year")}
    return make_entry(line, fields, label=" ".join(entry.get("id", ())[:1]), tags=entry.get("tags", ()))
