"""BibTeX, as bibtex, biber and every reference manager read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from papers.citations.latex import title_to_latex, to_latex
from papers.citations.person_names import PersonName
from papers.citations.record import CitationFormat, CitationRecord

_ENCODED = {"{": "%7B", "}": "%7D", "\\": "%5C", "^": "%5E", '"': "%22", " ": "%20"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def write(records: Iterable[CitationRecord]) -> Iterator[str]:
    """One entry after the other, an empty line between them."""
    for number, record in enumerate(records):
        yield ("\n" if number else "") + entry(record)


def entry(record: CitationRecord) -> str:
    """One entry: an article where a journal is known, else what BibTeX has for preprints."""
    journal = record.journal_ref or record.venue
    kind = "article" if journal and not record.arxiv_id else "misc"
    fields = [
        ("title", f"{{{title_to_latex(record.title)}}}"),
        ("author", f"{{{' and '.join(_name(name) for name in record.names)}}}" if record.names else ""),
        ("journal", f"{{{to_latex(journal)}}}" if kind == "article" else ""),
        ("year", f"{{{record.year}}}" if record.year else ""),
        ("month", _MONTHS[record.published.month - 1] if record.published else ""),
        ("eprint", f"{{{record.arxiv_id}}}" if record.arxiv_id else ""),
        ("archivePrefix", "{arXiv}" if record.arxiv_id else ""),
        (
            "primaryClass",
            f"{{{_verbatim(record.primary_category)}}}" if record.arxiv_id and record.primary_category else "",
        ),
        ("doi", f"{{{_verbatim(record.doi)}}}" if record.doi else ""),
        ("url", f"{{{_verbatim(record.url)}}}" if record.url else ""),
        ("note", f"{{{to_latex(_note(record, journal))}}}" if _note(record, journal) else ""),
    ]
    lines = [f"  {name} = {value}," for name, value in fields if value]
    return "\n".join((f"@{kind}{{{record.key},", *lines, "}")) + "\n"


def _note(record: CitationRecord, journal: str) -> str:
    said = [journal if record.arxiv_id else "", "Withdrawn" if record.is_withdrawn else "", record.words_of]
    return ". ".join(filter(None, said))


def _name(name: PersonName) -> str:
    if name.is_group:
        return f"{{{to_latex(name.family)}}}"
    parts = [to_latex(name.family), *([to_latex(name.suffix)] if name.suffix else []), to_latex(name.given)]
    # "and" parts names, so one that has it within is put in braces.
    return ", ".join(f"{{{part}}}" if " and " in f" {part.lower()} " else part for part in parts)


def _verbatim(text: str) -> str:
    r"""An address or DOI, which styles read as they are; what would end the field or begin a command is encoded.

    `^` too: where a style has the address in an argument, TeX reads `^^5c` as a backslash.
    """
    return "".join(_ENCODED.get(char, char) for char in text if char.isprintable())


FORMAT = CitationFormat("bib", "BibTeX", "application/x-bibtex; charset=utf-8", "bib", write)
