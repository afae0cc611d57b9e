"""A file's bytes, unpacked where it is packed, a piece at a time. Pure."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

CHUNK = 1 << 20
# An .xz file may ask for gigabytes of memory to be unpacked; those that xz itself makes ask for 65 MB at most.
_XZ_MEMORY = 256 << 20


class UnreadableFileError(Exception):
    """A file that can't be read, or not to its end; the message is a sentence about it, which begins with "it"."""


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The content of a file, unpacked, a megabyte at a time; gzip, xz and bzip2 are known by their first bytes.

    Raises:
        UnreadableFileError: it ends in the middle, or is damaged.
    """
    head = file.read(6)
    file.seek(0)
    try:
        if head.startswith(b"\x1f\x8b"):
            yield from _read(gzip.GzipFile(fileobj=file))
        elif head.startswith(b"\xfd7zXZ\x00"):
            yield from _xz(file)
        elif head.startswith(b"BZh"):
            yield from _read(bz2.BZ2File(file))
        else:
            yield from _read(file)
    except EOFError:
        raise UnreadableFileError("it ends in the middle; copy it again") from None
    except (lzma.LZMAError, gzip.BadGzipFile, zlib.error, OSError) as error:
        raise UnreadableFileError(f"it is damaged or can't be read ({error})") from error


def read_lines(pieces: Iterable[bytes], *, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not empty, with their numbers from 1; None for one that is longer than `max_bytes`."""
    number, rest, is_long = 1, b"", False
    for piece in pieces:
        first, *others = piece.split(b"\n")
        rest = b"" if is_long else rest + first
        is_long = is_long or len(rest) > max_bytes
        for after in others:
            if is_long:
                yield number, None
            elif rest and not rest.isspace():
                yield number, rest
            number, rest, is_long = number + 1, after, len(after) > max_bytes
    if is_long:
        yield number, None
    elif rest and not rest.isspace():
        yield number, rest


def read_whole(pieces: Iterable[bytes], *, max_bytes: int) -> bytes:
    """The pieces put together.

    Raises:
        UnreadableFileError: it is larger than `max_bytes`.
    """
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > max_bytes:
            raise UnreadableFileError(f"it is one document of more than {max_bytes >> 20} MB; cut it into smaller ones")
    return bytes(found)


def _read(file: BinaryIO | gzip.GzipFile | bz2.BZ2File) -> Iterator[bytes]:
    while piece := file.read(CHUNK):
        yield piece


def _xz(file: BinaryIO) -> Iterator[bytes]:
    """As `lzma.open`, with a bound on the memory that a file may ask for."""
    data = file.read(CHUNK)
    while data.strip(b"\x00"):  # zeros may stand behind a stream
        unpack = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not unpack.eof:
            if unpack.needs_input and not data and not (data := file.read(CHUNK)):
                raise EOFError
            if piece := unpack.decompress(data, CHUNK):
                yield piece
            data = b""
        data = unpack.unused_data.lstrip(b"\x00") or file.read(CHUNK)
