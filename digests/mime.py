"""Mails as bytes: headers, a plain part, an HTML part. Pure, and the same bytes for the same input.

Why not the standard library: parts are encoded once and joined thousands of times, which `email` cannot; and its older
policy folds `List-Unsubscribe` so that the first line is empty.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from email.header import Header
from email.utils import formataddr, parseaddr

MARK = "\x01"
"""Stands around the name of a word to be filled in. Nothing that is encoded has it."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]+")
_LINE_END = re.compile(r"\r\n|\r|\n")


def encode(text: str) -> str:
    """Text as quoted-printable (RFC 2045), to stand among other such pieces between soft line breaks."""
    data = binascii.b2a_qp(_LINE_END.sub("\n", text).encode("utf-8", "replace"), istext=True)
    return data.decode("ascii").replace("\n", "\r\n")


def encode_open(pieces: Sequence[str]) -> str:
    """The same of a part with words to be filled in: `pieces` are text, a word's name, text, …, text.

    Soft line breaks stand around each word, so that no line grows too long by what is put there.
    """
    return "".join(
        f"=\r\n{MARK}{piece}{MARK}=\r\n" if place % 2 else encode(piece) for place, piece in enumerate(pieces)
    )


def filled(part: str, words: Mapping[str, str]) -> str:
    """A part of `encode_open` with its words, encoded, filled in."""
    pieces = part.split(MARK)
    pieces[1::2] = [words[name] for name in pieces[1::2]]
    return "".join(pieces)


def header(name: str, value: str) -> str:
    """One header line with its end, folded where it must be. No value can begin another header."""
    value = _UNSAFE.sub(" ", value).strip()
    if len(name) + len(value) + 2 <= 78 and value.isascii():
        return f"{name}: {value}\r\n"
    if value.isascii() and " " not in value:
        return f"{name}: {value}\r\n"  # addresses: no place to fold, and shorter than 998 characters
    encoded = Header(value, "utf-8" if not value.isascii() else None, header_name=name, maxlinelen=76)
    return f"{name}: {encoded.encode(linesep=chr(13) + chr(10))}\r\n"


def mailbox(name: str, address: str) -> str:
    """`"Name" <address>`, the name encoded where it must be."""
    return formataddr((_UNSAFE.sub(" ", name).strip(), ascii_address(address)))


def ascii_address(address: str) -> str:
    """An address as every server takes it: the domain in punycode.

    Raises:
        ValueError: characters before the @ that only servers with SMTPUTF8 know, or no address at all.
    """
    local, at, domain = parseaddr(address)[1].rpartition("@")
    if not at or not local or not local.isascii() or _UNSAFE.search(address) or re.search(r"[\s<>]", local + domain):
        raise ValueError("This address cannot be written to.")
    return f"{local}@{domain.encode('idna').decode('ascii') if not domain.isascii() else domain}"


def assemble(headers: Sequence[tuple[str, str]], *, text: str, html: str, boundary: str) -> bytes:
    """The message (RFC 5322, 2046), lines ended by CR LF; `text` and `html` are encoded already."""
    lines = [header(name, value) for name, value in headers]
    lines += [
        "MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n',
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
        text,
        f"\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
        html,
        f"\r\n--{boundary}--\r\n",
    ]
    return "".join(lines).encode("ascii")
