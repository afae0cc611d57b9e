"""Files that people try and that can't be read here: what each is, and what to export instead."""

from __future__ import annotations

import re

_OFFER = "BibTeX, RIS or CSV"
# By how a file begins.
_BEGINNINGS = (
    (b"%PDF", "This is a PDF, not a list of references. Enter the paper’s arXiv id, DOI or address instead."),
    (b"SQLite format", f"This is the database of a program, such as Zotero or Mendeley. Export its items as {_OFFER}."),
    (b"\xd0\xcf\x11\xe0", "This is an old Office file. Save it as CSV and import that."),
    (b"\x1f\x8b", "This is a compressed file. Extract it first."),
    (b"BZh", "This is a compressed file. Extract it first."),
    (b"\xfd7zXZ", "This is a compressed file. Extract it first."),
    (b"7z\xbc\xaf", "This is a compressed file. Extract it first."),
    (b"\x89PNG", "This is an image. Enter the papers’ arXiv ids, DOIs or addresses as text."),
    (b"\xff\xd8\xff", "This is an image. Enter the papers’ arXiv ids, DOIs or addresses as text."),
    (b"{\\rtf", "This is formatted text (RTF). Save it as plain text and import that."),
)
_ZIPPED = (
    (b"xl/", "This is an Excel workbook. Save it as CSV and import that."),
    (b"word/", "This is a Word document. Save it as plain text, or paste the ids."),
    (b"opendocument.spreadsheet", "This is a spreadsheet. Save it as CSV and import that."),
    (b"opendocument.text", "This is a text document. Save it as plain text, or paste the ids."),
    (b".enl", f"This is an EndNote library. Export its references as {_OFFER} or EndNote XML."),
)
# By the root of an XML document.
_ROOTS = (
    ("opml", "This is a list of feeds (OPML), not of papers. A curator can open it under Add a source."),
    ("PubmedArticleSet", "This is PubMed XML. In PubMed, choose Save, Format: PubMed, and import the .nbib file."),
    ("modsCollection", f"This is MODS. Export as {_OFFER} instead."),
    ("mods", f"This is MODS. Export as {_OFFER} instead."),
    ("b:Sources", f"This is Word’s list of sources. Export the references from their original program as {_OFFER}."),
    ("Sources", f"This is Word’s list of sources. Export the references from their original program as {_OFFER}."),
    ("TEI", f"This is TEI. Export as {_OFFER} instead."),
    ("rss", "This is a feed, not a library. A curator adds feeds under Sources, by their addresses."),
    ("collection", f"This is MARC. Export as {_OFFER} instead."),
)
_ROOT = re.compile(rb"<([A-Za-z][\w.:-]{0,60})(?=[\s/>])")


def what_to_export(data: bytes) -> str:
    """A sentence that says what a file is that is not read here, and what to give instead; empty for all others."""
    if data.startswith(b"PK\x03\x04"):
        return next((words for mark, words in _ZIPPED if mark in data), "This is a compressed file. Extract it first.")
    for mark, words in _BEGINNINGS:
        if data.startswith(mark):
            return words
    start = data[:20_000].replace(b"\x00", b"") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data[:20_000]
    if not start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return ""
    root = _ROOT.search(start)
    name = root[1].decode("ascii") if root else ""
    return next((words for known, words in _ROOTS if known == name), "")
