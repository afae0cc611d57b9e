"""Markdown, for notes and for programs that read text. Formulas stay between dollars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from papers.citations.record import CitationFormat, CitationRecord
from papers.text.formulas import find_formulas

# What would be read as a mark; `<` too, which would begin HTML.
_MARKS = re.compile(r"([\\`*_\[\]<>|~])")
_BLOCK = re.compile(r"^([^\S\n]*+)([#+-]|\d++[.)])(?=\s)", re.MULTILINE)


def write(records: Iterable[CitationRecord]) -> Iterator[str]:
    """A part for each paper: title, who, when and where, abstract."""
    for number, record in enumerate(records):
        yield ("\n" if number else "") + section(record)


def section(record: CitationRecord) -> str:
    """One paper as a heading, its facts and its abstract; ends with a line break."""
    title = to_markdown(" ".join(record.title.split()))
    facts = [
        record.published.isoformat() if record.published else str(record.year or ""),
        f"arXiv:{record.arxiv_id}" if record.arxiv_id else "",
        f"doi:{to_markdown(record.doi)}" if record.doi else "",
        to_markdown(record.journal_ref or record.venue),
        " ".join(record.categories),
        "withdrawn" if record.is_withdrawn else "",
        to_markdown(record.words_of),
    ]
    parts = [
        f"# [{title}]({_address(record.url)})" if record.url else f"# {title}",
        to_markdown(", ".join(name.whole for name in record.names)),
        " · ".join(filter(None, facts)),
        f"[PDF]({_address(record.pdf_url)})" if record.pdf_url else "",
        to_markdown(record.abstract),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def to_markdown(text: str) -> str:
    """Text in which nothing is taken for a mark but the formulas."""
    parts: list[str] = []
    position = 0
    for formula in find_formulas(text):
        parts += (_escaped(text[position : formula.start]), text[formula.start : formula.end])
        position = formula.end
    return "".join((*parts, _escaped(text[position:])))


def _escaped(text: str) -> str:
    return _BLOCK.sub(r"\1\\\2", _MARKS.sub(r"\\\1", text))


def _address(url: str) -> str:
    """An address that can't end the parentheses around it."""
    return url.replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")


FORMAT = CitationFormat("md", "Markdown", "text/markdown; charset=utf-8", "md", write)
