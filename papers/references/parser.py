"""A file or pasted text of any of the formats, told apart by what is in it and not by its name."""

from __future__ import annotations

import re

from papers.references import bibtex, csl_json, ris, text_lists, zotero_rdf
from papers.references.common import MAX_BYTES, Reading, limited
from papers.references.encodings import decode

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


def read(data: bytes) -> Reading:
    """What is in it. Never raises; time and memory in proportion to its length.

    `data` that is longer than `MAX_BYTES` is not read at all, as half a file would be taken for a whole one.
    """
    if len(data) > MAX_BYTES:
        return Reading("list", notes=(f"It is larger than {MAX_BYTES // 1_000_000} MB. Give it in parts.",))
    if data.startswith(_BINARY):
        return Reading(
            "list", notes=("That is no text: a PDF, a picture or a packed file. Unpack or export it first.",)
        )
    text, said = decode(data)
    notes = [said] if said else []
    if zotero_rdf.is_xml(text):
        return limited("rdf", zotero_rdf.read(_DECLARATION.sub("", text, count=1).encode("utf-8", "replace")), notes)
    if csl_json.is_json(text):
        return limited("json", csl_json.read(text), notes)
    if bibtex.is_bibtex(text):
        return limited("bibtex", bibtex.read(text), notes)
    if ris.is_ris(text):
        return limited("ris", ris.read(text), notes)
    if text_lists.is_csv(text):
        return limited("csv", text_lists.read_csv(text), notes)
    if text_lists.is_markdown(text):
        return limited("markdown", text_lists.read_markdown(text), notes)
    return limited("list", text_lists.read_list(text), notes)
