"""Unpacks an answer's body while it comes, and never holds more of it than the cap. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from papers.outbound.errors import NetworkError, TooLargeError

# What packed data may weigh beyond the cap of the unpacked: headers of gzip members and blocks that unpack to nothing.
_SLACK_BYTES = 64 * 1024


def read_body(chunks: Iterable[bytes], *, encoding: str, max_bytes: int) -> bytes:
    """The whole decoded body. `encoding` is the Content-Encoding header.

    Raises:
        TooLargeError: it is larger than `max_bytes`, found out before more than that is unpacked.
        NetworkError: it is damaged, ends early, or is packed in a way that was not asked for.
    """
    body = bytearray()
    received = 0
    unpack = _unpacker(encoding)
    for chunk in chunks:
        received += len(chunk)
        body += unpack.feed(chunk, max_bytes - len(body)) if unpack else chunk
        if len(body) > max_bytes or received > max_bytes + _SLACK_BYTES:
            raise TooLargeError(f"The answer is larger than {max_bytes:,} bytes, the most that is read of one.")
    if unpack and received and not unpack.is_whole:
        raise NetworkError("The answer ended in the middle of its packed body.")
    return bytes(body)


def read_start(chunks: Iterable[bytes], *, encoding: str, max_bytes: int) -> bytes:
    """The first `max_bytes` of the decoded body at most; what can't be unpacked is left out."""
    body = bytearray()
    try:
        unpack = _unpacker(encoding)
        for chunk in chunks:
            body += unpack.feed(chunk, max_bytes - len(body)) if unpack else chunk
            if len(body) >= max_bytes:
                break
    except NetworkError:
        pass  # an error page is only wanted for its words
    return bytes(body[:max_bytes])


class _Unpacker:
    """A gzip or deflate stream. Gives at most one byte more than there is room for, which is how one tells a bomb."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if is_gzip else None
        self._head = b""

    @property
    def is_whole(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    def feed(self, data: bytes, room: int) -> bytes:
        if self._inflate is None:
            self._head += data
            if len(self._head) < 2:
                return b""
            data, self._inflate = self._head, zlib.decompressobj(_deflate_wbits(self._head))
        out = bytearray()
        try:
            while data and len(out) <= room:
                if self._inflate.eof:
                    if not (self._is_gzip and data[:1] == b"\x1f"):
                        break  # what follows the end is padding, except for one more gzip member
                    self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
                out += self._inflate.decompress(data, room + 1 - len(out))
                data = self._inflate.unconsumed_tail or self._inflate.unused_data
        except zlib.error as error:
            raise NetworkError(f"The answer's packed body is damaged ({error}).") from error
        return bytes(out)


def _deflate_wbits(head: bytes) -> int:
    """Servers mean by "deflate" either a zlib stream, as the standard does, or a bare one; the first two bytes tell."""
    is_zlib = head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _unpacker(encoding: str) -> _Unpacker | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return _Unpacker(is_gzip=name != "deflate")
    raise NetworkError(f"The answer is packed as {name!r}, which was not asked for.")
