"""Bytes of unknown encoding as text: Unicode by its marks or its look, else as Windows wrote it."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 4_096
_DECLARED = re.compile(
    rb"^[ \t]*%{1,2}[ \t]*Encoding[ \t]*:[ \t]*([\w.:-]{2,40})|<\?xml[^<>]{0,200}?encoding=[\"']([\w.:-]{2,40})",
    re.I | re.M,
)


def decode_text(data: bytes) -> tuple[str, str]:
    """The text with `\\n` at line ends and without NUL, and what is to be said of how it was read, or nothing."""
    text, said = _decoded(data)
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text.replace("\r\n", "\n").replace("\r", "\n"), said


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _whole(data, encoding)
    if encoding := _wide(data[:_LOOKED_AT]):
        return _whole(data, encoding)
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    if (name := _declared(data[:_LOOKED_AT])) is not None:
        with suppress(UnicodeError):  # Python has codecs that are none for files, such as idna
            return data.decode(name), ""
    try:
        return data.decode(
            "cp1252"
        ), "The file is not UTF-8 and was read as Windows-1252. Check that accents are correct."
    except UnicodeDecodeError:
        return data.decode("latin-1"), "The file is not UTF-8 and was read as Latin-1. Check that accents are correct."


def _declared(start: bytes) -> str | None:
    """The encoding that a file says it has: JabRef's in a comment, XML's in its first line."""
    found = _DECLARED.search(start)
    name = (found[1] or found[2]).decode("ascii") if found else ""
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return known.name if getattr(known, "_is_text_encoding", True) and known.name != "ascii" else None


def _whole(data: bytes, encoding: str) -> tuple[str, str]:
    text = data.decode(encoding, errors="replace")
    return text, "Some characters could not be read." if "\ufffd" in text else ""


def _wide(start: bytes) -> str:
    """Two bytes a character without a mark: of mostly Latin text every second byte is 0."""
    if len(start) < 4:
        return ""
    half = len(start) // 2
    if start[1::2].count(0) > half * 0.6:
        return "utf-16-le"
    return "utf-16-be" if start[0::2].count(0) > half * 0.6 else ""
