"""Formats of a tag a line: RIS, PubMed's .nbib, EndNote's .enw and Web of Science's plain text, read line by line.

Why no library: rispy joins continued lines in quadratic time (9 s for 900 kB).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry

_MOST_OF_A_KIND = 50
_JOINED = frozenset({"title", "more", "doi", "url"})


@dataclass(frozen=True, slots=True)
class TaggedFormat:
    """How a format writes its entries."""

    line: re.Pattern[str]
    """A tag and its value; all other lines go on with the value before."""
    first: str
    """The tag that an entry begins with."""
    last: str
    """The tag that ends an entry; empty: the next one's first does."""
    fields: Mapping[str, str]
    """The tags that are read, each with a field of `make_entry`, `id` or `tags`."""
    starts: re.Pattern[str]
    """Finds the first line of a file in this format."""
    wraps: bool = False
    """Its lines have a width, so that a further line may begin in the middle of a keyword."""


_RIS_FIELDS = {
    **dict.fromkeys(("TI", "T1", "CT"), "title"), **dict.fromkeys(("DO", "DI"), "doi"),
    **dict.fromkeys(("UR", "LK", "L1", "L2"), "url"), "ID": "id", "N1": "more", "RN": "more",
    **dict.fromkeys(("AN", "M1", "M3", "JO", "JF", "T2", "VL", "SP", "C7"), "place"),
    **dict.fromkeys(("AU", "A1"), "author"), **dict.fromkeys(("PY", "Y1", "DA"), "year"), "KW": "tags",
}  # fmt: skip
RIS = TaggedFormat(
    re.compile(r"[^\S\n]*+([A-Z][A-Z0-9])  ?-(?: (.*)|$)"), "TY", "ER", _RIS_FIELDS,
    re.compile(r"^[^\S\n]*+TY  ?- ", re.MULTILINE),
)  # fmt: skip
# https://www.nlm.nih.gov/bsd/mms/medlineelements.html
NBIB = TaggedFormat(
    re.compile(r"([A-Z][A-Z0-9]{1,3}) {0,2}- (.*)"), "PMID", "",
    {"PMID": "pmid", "TI": "title", "BTI": "title", "LID": "doi", "AID": "doi", "FAU": "author", "AU": "author",
     "DP": "year", "OT": "tags", "TA": "place"},
    re.compile(r"\A\s*+PMID ?- ?[0-9]"), wraps=True,
)  # fmt: skip
ENW = TaggedFormat(
    re.compile(r"(%[A-Z0-9@!&+<>\[\]^~*?$#(),='/:;]) (.*)"), "%0", "",
    {"%T": "title", "%A": "author", "%D": "year", "%R": "doi", "%U": "url", "%K": "tags", "%F": "id", "%M": "place",
     "%J": "place", "%V": "place", "%Z": "more", "%>": "url"},
    re.compile(r"\A\s*+%(?:0 \S|[ATJD] [^\n]{1,2000}\n%[A-Z0-9@] )"),
)  # fmt: skip
# https://images.webofknowledge.com/images/help/WOS/hs_wos_fieldtags.html
WOS = TaggedFormat(
    re.compile(r"([A-Z][A-Z0-9])(?: (.*)|$)"), "PT", "ER",
    {"TI": "title", "DI": "doi", "AU": "author", "AF": "author", "PY": "year", "DE": "tags", "UT": "id", "PM": "pmid",
     "SO": "place", "AR": "place"},
    re.compile(r"\A\s*+(?:FN [^\n]{1,200}\nVR [^\n]{1,20}\n)?PT [A-Z](?: |\n)|\A\s*+FN (?:Clarivate|ISI|Thomson)"),
    wraps=True,
)  # fmt: skip


def is_tagged(text: str, format: TaggedFormat) -> bool:
    """Whether a text begins as this format does."""
    return format.starts.search(text[:20_000]) is not None


def parse_tagged(text: str, format: TaggedFormat) -> Iterator[ReferenceEntry]:
    """The entries. One without an end is read as far as it goes, for nothing is lost by that."""
    entry: dict[str, list[str]] | None = None
    start, last = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        match = format.line.match(line)
        if match is None:
            if entry is not None and last and line.strip():
                _add(entry, last, line.strip(), is_more=last in _JOINED or (last == "tags" and format.wraps))
            continue
        tag, value = match[1], (match[2] or "").strip()
        if tag == format.first:
            if entry is not None:
                yield _reference(start, entry)
            entry, start = {}, number
        elif tag == format.last:
            if entry is not None:
                yield _reference(start, entry)
            entry, last = None, ""
            continue
        elif entry is None and tag in format.fields:
            # Its first line is missing.
            entry, start = {}, number
        last = format.fields.get(tag, "")
        if entry is not None and last:
            _add(entry, last, value, is_more=False)
    if entry is not None:
        yield _reference(start, entry)


def _add(entry: dict[str, list[str]], name: str, value: str, *, is_more: bool) -> None:
    """One more value, or more of the last one."""
    values = entry.setdefault(name, [])
    if is_more and values:
        if len(values[-1]) < MAX_FIELD:
            values[-1] = f"{values[-1]} {value[:MAX_FIELD]}"
    elif value and len(values) < _MOST_OF_A_KIND:
        values.append(value[:MAX_FIELD])


def _reference(line: int, entry: dict[str, list[str]]) -> ReferenceEntry:
    fields = {name: (entry.get(name) or [""])[0] for name in ("title", "author", "year", "pmid")}
    fields |= {name: " ".join(entry.get(name, ())) for name in ("url", "place")}
    fields["more"] = "\n".join(entry.get("more", ()))
    fields["doi"] = _doi(entry.get("doi", []))
    return make_entry(line, fields, label=(entry.get("id") or entry.get("pmid") or [""])[0], tags=entry.get("tags", ()))


def _doi(values: list[str]) -> str:
    """PubMed says behind each of an article's ids what it is: `10.1000/xyz [doi]`, `S0140-6736(26)1 [pii]`."""
    return " ".join(
        value.removesuffix("[doi]").strip() for value in values if not value.endswith(("[pii]", "[bookaccession]"))
    )
