"""CSV for spreadsheets, in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from papers.citations.record import CitationFormat, CitationRecord
from papers.text.cleaning import plain_formulas

COLUMNS = (
    *("key", "id", "title", "authors", "year", "published", "arxiv", "doi"),
    *("journal", "venue", "categories", "url", "pdf", "comment", "abstract", "note"),
)
# A cell that begins so is run by spreadsheets (OWASP, CSV injection); an apostrophe makes it text.
_RUNS = ("=", "+", "-", "@", "\t", "\r")


def write(records: Iterable[CitationRecord]) -> Iterator[str]:
    """A head and a row a paper, beginning with the mark by which Excel knows UTF-8."""
    yield "\ufeff" + _row(COLUMNS)
    for record in records:
        yield _row(
            (
                record.key,
                record.public_id,
                plain_formulas(record.title),
                "; ".join(name.whole for name in record.names),
                str(record.year or ""),
                record.published.isoformat() if record.published else "",
                record.arxiv_id,
                record.doi,
                record.journal_ref,
                record.venue,
                " ".join(record.categories),
                record.url,
                record.pdf_url,
                record.comment,
                plain_formulas(record.abstract),
                record.words_of,
            )
        )


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(_RUNS) else cell for cell in cells])
    return out.getvalue()


FORMAT = CitationFormat("csv", "CSV", "text/csv; charset=utf-8", "csv", write)
