"""All citation formats, in the order in which pages offer them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from papers.citations import bibtex, csl, csv_table, json_array, markdown, ris
from papers.citations.record import CitablePaper, CitationFormat, citation_record

CITATION_FORMATS: Mapping[str, CitationFormat] = {
    module.FORMAT.name: module.FORMAT for module in (bibtex, ris, csl, csv_table, json_array, markdown)
}


def format_papers(papers: Iterable[CitablePaper], name: str) -> Iterator[str]:
    """`papers` in the format with this name, in parts as they come. Takes one paper at a time; no queries.

    Raises:
        KeyError: there is no such format.
    """
    return CITATION_FORMATS[name].write(citation_record(paper) for paper in papers)
