"""Papers in the formats of reference managers and other programs: one pure writer a file, one way to call them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from papers.citations import bibtex, csl, csv_table, json_array, markdown, ris
from papers.citations.record import CitationRecord, citation_record
from papers.models import Paper

CitationWriter = Callable[[Iterable[CitationRecord]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class CitationFormat:
    """One of them. Its name ends the address: `/papers/2603.01234.bib`."""

    name: str
    label: str
    media_type: str
    suffix: str
    """Of the file that is saved."""
    write: CitationWriter


CITATION_FORMATS: Mapping[str, CitationFormat] = {
    found.name: found
    for found in (
        CitationFormat("bib", "BibTeX", "application/x-bibtex; charset=utf-8", "bib", bibtex.write),
        CitationFormat("ris", "RIS", "application/x-research-info-systems; charset=utf-8", "ris", ris.write),
        CitationFormat("csl", "CSL-JSON", "application/vnd.citationstyles.csl+json", "csl.json", csl.write),
        CitationFormat("csv", "CSV", "text/csv; charset=utf-8", "csv", csv_table.write),
        CitationFormat("json", "JSON", "application/json", "json", json_array.write),
        CitationFormat("md", "Markdown", "text/markdown; charset=utf-8", "md", markdown.write),
    )
}


def format_papers(papers: Iterable[Paper], name: str) -> Iterator[str]:
    """`papers` in the format with this name, in parts as they come. Takes one paper at a time; no queries.

    Raises:
        KeyError: there is no such format.
    """
    return CITATION_FORMATS[name].write(citation_record(paper) for paper in papers)
