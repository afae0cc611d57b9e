"""CSL-JSON, the input of citation styles (citeproc)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from papers.citations.json_array import json_array_of
from papers.citations.person_names import PersonName
from papers.citations.record import CitationFormat, CitationRecord
from papers.text.cleaning import plain_formulas


def write(records: Iterable[CitationRecord]) -> Iterator[str]:
    """All papers as one JSON array, a part a paper."""
    return json_array_of(item(record) for record in records)


def item(record: CitationRecord) -> dict[str, Any]:
    """One paper; what is not known is left out."""
    journal = record.journal_ref or record.venue
    day = record.published
    date_parts = [day.year, day.month, day.day] if day else [record.year] if record.year else None
    fields: dict[str, Any] = {
        "id": record.key,
        "type": "article-journal" if journal and not record.arxiv_id else "article",
        "title": plain_formulas(record.title),
        "author": [_name(name) for name in record.names],
        "issued": {"date-parts": [date_parts]} if date_parts else None,
        "container-title": journal,
        "publisher": "arXiv" if record.arxiv_id else "",
        "number": f"arXiv:{record.arxiv_id}" if record.arxiv_id else "",
        "version": str(record.version or ""),
        "DOI": record.doi,
        "URL": record.url,
        "abstract": plain_formulas(record.abstract),
        "keyword": ", ".join(record.categories),
        "note": record.words_of,
    }
    return {name: value for name, value in fields.items() if value}


def _name(name: PersonName) -> dict[str, str]:
    if name.is_group:
        return {"literal": name.family}
    parts = {"family": name.family, "given": name.given, "suffix": name.suffix}
    return {part: value for part, value in parts.items() if value}


FORMAT = CitationFormat("csl", "CSL-JSON", "application/vnd.citationstyles.csl+json", "csl.json", write)
