"""Files that people try and that can't be read here: what each is, and what to export instead."""

from __future__ import annotations

import re

_OFFER = "BibTeX, RIS or CSV"
# By how a file begins.
_BEGINNINGS = (
    (b"%PDF", "That is no text but a PDF. Give the paper’s arXiv id, DOI or address instead."),
    (b"SQLite format", f"That is the database of a program, such as Zotero or Mendeley. Export its items as {_OFFER}."),
    (b"\xd0\xcf\x11\xe0", "That is an old Office file. Save it as CSV and give that."),
    (b"\x1f\x8b", "That is no text but a packed file. Unpack it first."),
    (b"BZh", "That is no text but a packed file. Unpack it first."),
    (b"\xfd7zXZ", "That is no text but a packed file. Unpack it first."),
    (b"7z\xbc\xaf", "That is no text but a packed file. Unpack it first."),
    (b"\x89PNG", "That is no text but a picture. Give the papers’ arXiv ids, DOIs or addresses as text."),
    (b"\xff\xd8\xff", "That is no text but a picture. Give the papers’ arXiv ids, DOIs or addresses as text."),
    (b"{\\rtf", "That is formatted text (RTF). Save it as plain text and give that."),
)
_ZIPPED = (
    (b"xl/", "That is an Excel workbook. Save it there as CSV and give that."),
    (b"word/", "That is a Word document. Save it as plain text, or paste the ids."),
    (b"opendocument.spreadsheet", "That is a spreadsheet. Save it there as CSV and give that."),
    (b"opendocument.text", "That is a text document. Save it as plain text, or paste the ids."),
    (b".enl", f"That is an EndNote library. Export its references there as {_OFFER} or EndNote XML."),
)
# By the root of an XML document.
_ROOTS = (
    ("opml", "That is a list of feeds (OPML), not of papers. A curator adds feeds under Sources, by their addresses."),
    ("PubmedArticleSet", "That is PubMed’s XML. Choose there Save, Format: PubMed, and give the .nbib file."),
    ("modsCollection", f"That is MODS. Export as {_OFFER} instead."),
    ("mods", f"That is MODS. Export as {_OFFER} instead."),
    ("b:Sources", f"That is Word’s list of sources. Export from where it came as {_OFFER}."),
    ("Sources", f"That is Word’s list of sources. Export from where it came as {_OFFER}."),
    ("TEI", f"That is TEI. Export as {_OFFER} instead."),
    ("rss", "That is a feed, not a library. A curator adds feeds under Sources, by their addresses."),
    ("collection", f"That is MARC. Export as {_OFFER} instead."),
)
_ROOT = re.compile(rb"<([A-Za-z][\w.:-]{0,60})(?=[\s/>])")


def what_to_export(data: bytes) -> str:
    """A sentence that says what a file is that is not read here, and what to give instead; empty for all others."""
    if data.startswith(b"PK\x03\x04"):
        return next(
            (words for mark, words in _ZIPPED if mark in data), "That is no text but a packed file. Unpack it first."
        )
    for mark, words in _BEGINNINGS:
        if data.startswith(mark):
            return words
    start = data[:20_000].replace(b"\x00", b"") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data[:20_000]
    if not start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return ""
    root = _ROOT.search(start)
    name = root[1].decode("ascii") if root else ""
    return next((words for known, words in _ROOTS if known == name), "")
