"""Papers in the formats of reference managers and other programs: one pure writer a file, one way to call them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from papers.citations import bibtex, csl, csv_table, json_array, markdown, ris
from papers.citations.record import Record, record_of
from papers.models import Paper

Write = Callable[[Iterable[Record]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Format:
    """One of them. Its name ends the address: `/papers/2603.01234.bib`."""

    name: str
    label: str
    media_type: str
    suffix: str
    """Of the file that is saved."""
    write: Write


FORMATS: Mapping[str, Format] = {
    found.name: found
    for found in (
        Format("bib", "BibTeX", "application/x-bibtex; charset=utf-8", "bib", bibtex.write),
        Format("ris", "RIS", "application/x-research-info-systems; charset=utf-8", "ris", ris.write),
        Format("csl", "CSL-JSON", "application/vnd.citationstyles.csl+json", "csl.json", csl.write),
        Format("csv", "CSV", "text/csv; charset=utf-8", "csv", csv_table.write),
        Format("json", "JSON", "application/json", "json", json_array.write),
        Format("md", "Markdown", "text/markdown; charset=utf-8", "md", markdown.write),
    )
}


def export(papers: Iterable[Paper], name: str) -> Iterator[str]:
    """`papers` in the format with this name, in parts as they come. Takes one paper at a time; no queries.

    Raises:
        KeyError: there is no such format.
    """
    return FORMATS[name].write(record_of(paper) for paper in papers)
