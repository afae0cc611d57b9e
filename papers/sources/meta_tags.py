"""Reads the meta tags of web pages from strangers: in whatever encoding, broken or endless. Pure."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

from papers.text.xml import feed_html

MAX_TAGS = 5_000
"""A paper of 3,000 authors has as many tags."""
MAX_CONTENT = 100_000

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9][\w.:-]{1,38})", re.I)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def meta_tags(data: bytes, *, content_type: str = "") -> list[tuple[str, str]]:
    """The meta tags of a page that have a name and a content, in order; names in lower case. Never fails."""
    collector = _MetaTags()
    feed_html(decode_page(data, content_type=content_type), collector)
    return collector.found


def decode_page(data: bytes, *, content_type: str = "") -> str:
    """A page as text: by its byte-order mark, the header, its own word, else UTF-8; what can't be read is U+FFFD."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, errors="replace")
    for said in (content_type, data[:4096].decode("latin-1")):
        if (match := _CHARSET.search(said)) and (known := _codec(match[1])):
            with suppress(UnicodeError):  # Python has codecs that are none for pages, such as idna
                return data.decode(known, errors="replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _codec(name: str) -> str | None:
    """The codec of a character set, if Python knows it as one. Browsers read Latin-1 as Windows-1252."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not getattr(found, "_is_text_encoding", True):
        return None
    return "cp1252" if found.name in ("iso8859-1", "ascii") else found.name


class _MetaTags:
    """Takes what the parser finds; no tree is built, so no page is too deep."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "meta" or len(self.found) >= MAX_TAGS:
            return
        name = (attributes.get("name") or attributes.get("property") or "").strip().lower()
        content = attributes.get("content") or ""
        if name and content:
            self.found.append((name, content[:MAX_CONTENT]))

    def end(self, tag: str) -> None:
        """Nothing ends here."""

    def data(self, text: str) -> None:
        """Text is not read."""

    def comment(self, text: str) -> None:
        """Neither are comments."""

    def close(self) -> None:
        """All is in `found`."""
