"""Answers leave compressed, whatever stands in front: a day's page is a fifth of its size, for about a millisecond.

gzip (RFC 1952) is what every browser and feed reader takes. Static files are compressed once, when they are collected.
What a page cache keeps is kept compressed (`papers/web/page_cache.py`), by zlib, which makes less of it; what is made
for one reader is compressed by ISA-L (python-isal), in a third of the time. An answer that is somebody's own gets a
head of random length: who can make a browser ask again and again, and sees how long the answers are, learns little of
what stands in them (BREACH). Django's own middleware does so, too, at a third of the speed, and for what many share as
well.
"""

from __future__ import annotations

import re
import secrets
import struct
import zlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from isal import isal_zlib

SMALLEST = 500
"""Bytes; what is shorter fits one packet anyway."""
FAST_LEVEL = 3
"""ISA-L's last."""
KEPT_LEVEL = 6
"""zlib's, for what is compressed once and sent to many: there the time is worth it."""
LONGEST_PADDING = 100

_HEAD = b"\x1f\x8b\x08%b\x00\x00\x00\x00\x00\xff"  # deflate, no time, no operating system
_NAMED = b"\x08"
_TEXT = re.compile(r"(?:text/|application/(?:[\w.-]+\+)?(?:json|xml|javascript)\b|image/svg\+xml\b)", re.ASCII)
_WEIGHT = re.compile(r"[01](?:\.[0-9]{0,3})?")


def gzipped(body: bytes, *, padding: int = 0, is_kept: bool = False) -> bytes:
    """`body` as one gzip member; the same bytes for the same body and padding, which is a number of bytes."""
    if is_kept:
        deflated = zlib.compress(body, KEPT_LEVEL, wbits=-zlib.MAX_WBITS)
    else:
        deflated = isal_zlib.compress(body, FAST_LEVEL, wbits=-zlib.MAX_WBITS)
    head = _HEAD % (_NAMED if padding else b"\x00") + (b"a" * (padding - 1) + b"\x00" if padding else b"")
    tail = struct.pack("<LL", isal_zlib.crc32(body), len(body) & 0xFFFFFFFF)
    return b"".join((head, deflated, tail))


def gunzipped(packed: bytes) -> bytes:
    """What `gzipped` has packed."""
    return zlib.decompress(packed, zlib.MAX_WBITS | 16)


def takes_gzip(request: HttpRequest) -> bool:
    """Whether whoever asks says so (RFC 9110, 12.5.3). A weight of 0 is a no; a name of its own counts before `*`."""
    weights = {
        one.partition(";")[0].strip().lower(): weight
        for one in request.headers.get("Accept-Encoding", "")[:1000].split(",")
        if (weight := _weight(one)) is not None
    }
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(preference: str) -> float | None:
    """The weight that is given to an encoding, 1 where none is; None for what is not understood."""
    _, has_weight, said = preference.partition(";")
    name, _, value = said.partition("=")
    if not has_weight:
        return 1.0
    return float(value) if name.strip().lower() == "q" and _WEIGHT.fullmatch(value.strip()) else None


def mark_gzip(response: HttpResponse) -> None:
    """Say that the body of an answer is compressed. The bytes differ from the plain ones, so its ETag is a weak one."""
    response.headers["Content-Encoding"] = "gzip"
    weaken_etag(response)


def weaken_etag(response: HttpResponse) -> None:
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        response.headers["ETag"] = f"W/{etag}"


class CompressionMiddleware:
    """Compresses what is text. Stands under WhiteNoise, which has files compressed, and over all that makes pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 304:
            patch_vary_headers(response, ["Accept-Encoding"])
            if takes_gzip(request):  # the answer that the browser has was compressed, and had such an ETag
                weaken_etag(response)
            return response
        if response.streaming or not _TEXT.match(response.headers.get("Content-Type", "")):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if len(response.content) < SMALLEST or response.has_header("Content-Encoding") or not takes_gzip(request):
            return response
        if "no-transform" in response.headers.get("Cache-Control", ""):
            return response
        response.content = gzipped(response.content, padding=1 + secrets.randbelow(LONGEST_PADDING))
        response.headers["Content-Length"] = str(len(response.content))
        mark_gzip(response)
        return response
