"""JSON in our own words: all that a list has of a paper, texts as stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from papers.citations.record import CitationFormat, CitationRecord


def write(records: Iterable[CitationRecord]) -> Iterator[str]:
    """All papers as one JSON array, a part a paper."""
    return json_array_of(_fields(record) for record in records)


def json_array_of(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Items as one array, a part an item, so that a long list is never held as a whole."""
    opening = "["
    for item in items:
        yield f"{opening}\n{json.dumps(item, ensure_ascii=False)}"
        opening = ","
    yield "[]\n" if opening == "[" else "\n]\n"


def _fields(record: CitationRecord) -> dict[str, Any]:
    return {
        "id": record.public_id,
        "key": record.key,
        "title": record.title,
        "authors": [name.whole for name in record.names],
        "abstract": record.abstract,
        "published": record.published.isoformat() if record.published else None,
        "year": record.year,
        "arxiv": record.arxiv_id or None,
        "version": record.version,
        "doi": record.doi or None,
        "journal": record.journal_ref or None,
        "venue": record.venue or None,
        "comment": record.comment or None,
        "categories": list(record.categories),
        "url": record.url or None,
        "pdf": record.pdf_url or None,
        "withdrawn": record.is_withdrawn,
        "note": record.words_of or None,
    }


FORMAT = CitationFormat("json", "JSON", "application/json", "json", write)
