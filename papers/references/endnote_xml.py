"""EndNote's XML: a `record` each, its texts in runs of `style`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from papers.references.common import MAX_FIELD, ReferenceEntry, make_entry
from papers.text.xml import Element, XmlError, element_text, iterate_xml

NOT_READ = "The file can’t be read from here on: the XML is incomplete, or declares a document type."
_FIRST = re.compile(r"<(?:xml|records)>\s*+(?:<records>\s*+)?<record(?:\s[^<>]{0,200})?>", re.I)


def is_endnote_xml(text: str) -> bool:
    return _FIRST.search(text[:20_000]) is not None


def parse_endnote_xml(data: bytes) -> Iterator[ReferenceEntry]:
    """The records, each with the line on which it begins."""
    line = 1
    try:
        for record in iterate_xml(data, "record"):
            line = int(str(record.sourceline or line))
            yield _reference(record, line)
    except XmlError:
        yield ReferenceEntry(line, problem=NOT_READ)


def _reference(record: Element, line: int) -> ReferenceEntry:
    fields = {
        "title": _text(record, "titles/title"),
        "author": _text(record, "contributors/authors/author"),
        "year": _text(record, "dates/year"),
        "doi": _text(record, "electronic-resource-num"),
        "url": " ".join(_texts(record, "urls//url")),
        "place": " ".join(
            _text(record, path)
            for path in ("titles/secondary-title", "periodical/full-title", "volume", "pages", "number")
        ),
        "more": "\n".join([_text(record, "accession-num"), _text(record, "notes"), _text(record, "research-notes")]),
    }
    return make_entry(line, fields, label=_text(record, "label"), tags=_texts(record, "keywords/keyword"))


def _text(record: Element, path: str) -> str:
    return next(iter(_texts(record, path)), "")


def _texts(record: Element, path: str) -> list[str]:
    return [" ".join(element_text(found)[:MAX_FIELD].split()) for found in islice(record.iterfind(path), 50)]
