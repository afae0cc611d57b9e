"""A file or pasted text of any of the formats, recognised by its content and not by its name."""

from __future__ import annotations

import re

from papers.references import bibtex, csl_json, ris, text_lists, zotero_rdf
from papers.references.common import MAX_BYTES, ParsedReferences, collect_entries
from papers.references.encodings import decode_text

FORMAT_NAMES = {
    "bibtex": "BibTeX",
    "ris": "RIS",
    "json": "JSON",
    "rdf": "Zotero RDF",
    "csv": "CSV",
    "markdown": "Markdown",
    "list": "a list of ids",
}
# The text is decoded already; what it says of its encoding is no longer true.
_DECLARATION = re.compile(r"\A[\ufeff\s]*<\?xml[^>]{0,500}\?>")
_BINARY = (b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\x1f\x8b", b"SQLite format", b"\xff\xd8\xff")


def parse_references(data: bytes) -> ParsedReferences:
    """What is in it. Never raises; time and memory in proportion to its length.

    `data` that is longer than `MAX_BYTES` is not read at all, as half a file would be taken for a whole one.
    """
    if len(data) > MAX_BYTES:
        return ParsedReferences("list", notes=(f"It is larger than {MAX_BYTES // 1_000_000} MB. Give it in parts.",))
    if data.startswith(_BINARY):
        return ParsedReferences(
            "list", notes=("That is no text: a PDF, a picture or a packed file. Unpack or export it first.",)
        )
    text, said = decode_text(data)
    notes = [said] if said else []
    if zotero_rdf.is_xml(text):
        return collect_entries(
            "rdf", zotero_rdf.parse_rdf(_DECLARATION.sub("", text, count=1).encode("utf-8", "replace")), notes
        )
    if csl_json.is_json(text):
        return collect_entries("json", csl_json.parse_json(text), notes)
    if bibtex.is_bibtex(text):
        return collect_entries("bibtex", bibtex.parse_bibtex(text), notes)
    if ris.is_ris(text):
        return collect_entries("ris", ris.parse_ris(text), notes)
    if text_lists.is_csv(text):
        return collect_entries("csv", text_lists.parse_csv(text), notes)
    if text_lists.is_markdown(text):
        return collect_entries("markdown", text_lists.parse_markdown(text), notes)
    return collect_entries("list", text_lists.parse_list(text), notes)
