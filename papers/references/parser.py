"""A file or pasted text of any of the formats, recognised by its content and not by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from papers.references import bibtex, csl_json, endnote_xml, tagged, text_lists, zotero_rdf
from papers.references.common import MAX_BYTES, ParsedReferences, ReferenceEntry, collect_entries
from papers.references.encodings import decode_text
from papers.references.foreign_files import what_to_export

FORMAT_NAMES = {
    "bibtex": "BibTeX",
    "ris": "RIS",
    "nbib": "PubMed’s format",
    "enw": "EndNote’s format",
    "endnote": "EndNote XML",
    "wos": "Web of Science’s format",
    "json": "JSON",
    "rdf": "Zotero RDF",
    "csv": "CSV",
    "markdown": "Markdown",
    "list": "a list of ids",
}
# The text is decoded already; what it says of its encoding is no longer true.
_DECLARATION = re.compile(r"\A[\ufeff\s]*<\?xml[^>]{0,500}\?>")

_Parse = Callable[[str], Iterator[ReferenceEntry]]


def parse_references(data: bytes) -> ParsedReferences:
    """What is in it. Never raises; time and memory in proportion to its length.

    `data` that is longer than `MAX_BYTES` is not read at all, as half a file would be taken for a whole one. Where a
    format gives no entry that names a paper or has a title, the text is read as a list.
    """
    if len(data) > MAX_BYTES:
        return ParsedReferences(
            "list", notes=(f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it into smaller files.",)
        )
    if said := what_to_export(data):
        return ParsedReferences("list", notes=(said,))
    text, said = decode_text(data)
    notes = [said] if said else []
    first: ParsedReferences | None = None
    for name, parse in _formats(text):
        found = collect_entries(name, parse(text), notes)
        if any(entry.names or entry.title for entry in found.references):
            return _unless_a_list(found, text, notes) if name == "markdown" else found
        first = first or found
    listed = collect_entries("list", text_lists.parse_list(text), notes)
    return listed if first is None or any(entry.names for entry in listed.references) else first


def _unless_a_list(found: ParsedReferences, text: str, notes: Sequence[str]) -> ParsedReferences:
    """`found`, or the same text as a list where that names more papers: lists, too, have headings and remarks."""
    if all(entry.names for entry in found.references) and not text_lists.has_bullets(text):
        return found
    listed = collect_entries("list", text_lists.parse_list(text), notes)
    count, other = (sum(bool(entry.names) for entry in each.references) for each in (found, listed))
    return listed if other > count else found


def _formats(text: str) -> Iterator[tuple[str, _Parse]]:
    """The formats that a text looks like, the likeliest first."""
    if endnote_xml.is_endnote_xml(text):
        yield "endnote", lambda text: endnote_xml.parse_endnote_xml(_as_xml(text))
    elif zotero_rdf.is_xml(text):
        yield "rdf", lambda text: zotero_rdf.parse_rdf(_as_xml(text))
    if csl_json.is_json(text):
        yield "json", csl_json.parse_json
    if bibtex.is_bibtex(text):
        yield "bibtex", bibtex.parse_bibtex
    for name, format in (("nbib", tagged.NBIB), ("wos", tagged.WOS), ("enw", tagged.ENW), ("ris", tagged.RIS)):
        if tagged.is_tagged(text, format):
            yield name, lambda text, format=format: tagged.parse_tagged(text, format)  # type: ignore[misc]
    if text_lists.is_csv(text):
        yield "csv", text_lists.parse_csv
    if text_lists.is_markdown(text):
        yield "markdown", text_lists.parse_markdown


def _as_xml(text: str) -> bytes:
    return _DECLARATION.sub("", text, count=1).encode("utf-8", "replace")
