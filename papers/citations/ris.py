"""RIS, as Zotero, EndNote and Mendeley read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from papers.citations.person_names import PersonName
from papers.citations.record import CitationFormat, CitationRecord
from papers.text.cleaning import plain_formulas


def write(records: Iterable[CitationRecord]) -> Iterator[str]:
    """One reference after the other; each line ends as the format asks."""
    for record in records:
        journal = record.journal_ref or record.venue
        lines = [
            ("TY", "JOUR" if journal and not record.arxiv_id else "UNPB"),
            ("ID", record.key),
            ("TI", plain_formulas(record.title)),
            *(("AU", _name(name)) for name in record.names),
            ("PY", str(record.year or "")),
            ("DA", record.published.strftime("%Y/%m/%d") if record.published else ""),
            ("JO", journal),
            ("AN", f"arXiv:{record.arxiv_id}" if record.arxiv_id else ""),
            ("DO", record.doi),
            ("UR", record.url),
            ("L1", record.pdf_url),
            ("AB", plain_formulas(record.abstract)),
            *(("KW", category) for category in record.categories),
            ("N1", "Withdrawn" if record.is_withdrawn else ""),
            ("N1", record.words_of),
        ]
        yield "".join(f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in lines if value) + "ER  - \r\n\r\n"


def _name(name: PersonName) -> str:
    if name.is_group:
        return name.family
    return ", ".join(filter(None, (name.family, name.given, name.suffix)))


FORMAT = CitationFormat("ris", "RIS", "application/x-research-info-systems; charset=utf-8", "ris", write)
