"""Markdown, for notes and for programs that read text. Formulas that only draw stay between dollars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from papers.citations.record import CitationFormat, CitationRecord
from papers.text.formulas import find_formulas
from papers.text.tex_safety import only_draws

# What would be read as a mark; `<` too, which would begin HTML.
_MARKS = re.compile(r"([\\`*_\[\]<>|~])")
# What begins HTML or a link for a reader of Markdown that knows no formulas. A space more is nothing to TeX.
_BEGINS = re.compile(r"(<(?=[A-Za-z/!?])|\](?=[(\[:]))")
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
        to_markdown(" ".join(record.categories)),
        "withdrawn" if record.is_withdrawn else "",
        to_markdown(record.words_of),
    ]
    parts = [
        f"# [{title}]({_address(record.url)})" if _is_web(record.url) else f"# {title}",
        to_markdown(", ".join(name.whole for name in record.names)),
        " · ".join(filter(None, facts)),
        f"[PDF]({_address(record.pdf_url)})" if _is_web(record.pdf_url) else "",
        to_markdown(record.abstract),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def to_markdown(text: str) -> str:
    """Text in which nothing is taken for a mark but the formulas; one that would do more than draw is text."""
    parts: list[str] = []
    position = 0
    for formula in find_formulas(text):
        if not only_draws(formula.source):
            continue
        parts += (_escaped(text[position : formula.start]), _quiet(text[formula.start : formula.end]))
        position = formula.end
    return "".join((*parts, _escaped(text[position:])))


def _escaped(text: str) -> str:
    return _BLOCK.sub(r"\1\\\2", _MARKS.sub(r"\\\1", text))


def _quiet(formula: str) -> str:
    return _BEGINS.sub(r"\1 ", " ".join(formula.split()))


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _address(url: str) -> str:
    """An address that can't end the parentheses around it."""
    return quote(url, safe="/%:@!$&'*+,;=~-._?#[]")


FORMAT = CitationFormat("md", "Markdown", "text/markdown; charset=utf-8", "md", write)
