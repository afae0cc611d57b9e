"""The first page of a PDF as a small picture. Pure; strangers' bytes, so it is called in a child process.

A PNG of 16 shades is written here by hand (RFC 2083): that is smaller than a JPEG of text, and needs no image library.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

WIDTH = 160
"""Pixels; shown at half of it, so it is sharp on a dense screen."""
MAX_HEIGHT = 240
"""Pixels; of a poster's longer page, its upper part."""
MAX_BYTES = 15_000
_SIDES = (36.0, 14_400.0)
"""Points that a page's side may have: the largest that PDF knows, and what is no page."""


class NoFirstPageError(Exception):
    """The file is no PDF with a page that can be drawn; the message says why."""


class Picture(NamedTuple):
    """A PNG and its size in pixels."""

    png: bytes
    width: int
    height: int


def draw_first_page(data: bytes) -> Picture:
    """The first page of the PDF `data`, at most `MAX_BYTES` large.

    Raises:
        NoFirstPageError: it can't be drawn.
    """
    import pypdfium2  # here, in the child that draws: three megabytes that no other process needs

    try:
        document = pypdfium2.PdfDocument(data)
        page = document[0]
        sides = page.get_size()
        if not all(_SIDES[0] <= side <= _SIDES[1] for side in sides):
            raise NoFirstPageError("The page has no size that a page has.")
        bitmap = page.render(scale=WIDTH / sides[0], grayscale=True, may_draw_forms=False)
        width, height, stride = bitmap.width, min(bitmap.height, MAX_HEIGHT), bitmap.stride
        shades = bytes(bitmap.buffer)
    except (pypdfium2.PdfiumError, IndexError, ValueError) as error:
        raise NoFirstPageError(f"The file can’t be drawn: {error}") from error
    rows = [shades[start : start + width] for start in range(0, stride * height, stride)]
    for bits in (4, 2, 1):
        png = _png(rows, width, bits)
        if len(png) <= MAX_BYTES:
            break
    return Picture(png, width, height)


def _png(rows: list[bytes], width: int, bits: int) -> bytes:
    """A PNG of so many bits a pixel, in shades of grey."""
    lines = b"".join(b"\x00" + _packed(row, bits) for row in rows)
    header = struct.pack(">IIBBBBB", width, len(rows), bits, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _packed(row: bytes, bits: int) -> bytes:
    """The nearest of the shades that there are, several in a byte, the first in its highest bits."""
    most, each = (1 << bits) - 1, 8 // bits
    levels = [(shade * most + 127) // 255 for shade in row]
    levels += [0] * (-len(levels) % each)
    packed = bytearray()
    for start in range(0, len(levels), each):
        byte = 0
        for level in levels[start : start + each]:
            byte = byte << bits | level
        packed.append(byte)
    return bytes(packed)
