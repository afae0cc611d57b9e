"""Mails as bytes: headers, a plain part, an HTML part. Pure, and the same bytes for the same input.

Why not the standard library: parts are encoded once and joined thousands of times, which `email` cannot; and its older
policy folds `List-Unsubscribe` so that the first line is empty.
"""

from __future__ import annotations

import binascii
import re
import textwrap
from base64 import b64encode, encodebytes
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formataddr
from functools import lru_cache
from typing import NamedTuple

from papers.text.mailboxes import canonical, read_mailbox

PLACEHOLDER = "\x01"
"""Stands around the name of a word to be filled in. Nothing that is encoded has it."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]+")
_LINE_END = re.compile(r"\r\n|\r|\n")
# A word that stands for itself in quoted-printable: short, without `=`, and with nothing at its ends that a line's
# end would change.
_PLAIN = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,70}[!-<>-~])?")
LINE_LENGTH = 78
"""No header line is longer where it can be folded (RFC 5322, 2.1.1), and no line of a plain part except addresses."""
# Four characters for three bytes, and ends of lines.
_BASE64 = 4 / 3 * 78 / 76
# In base64 and with what stands around it that leaves room for the longest name of a header.
_WORD_BYTES = 36


def quoted_printable(text: str) -> str:
    """Text as quoted-printable (RFC 2045), to stand among other such pieces between soft line breaks."""
    if _PLAIN.fullmatch(text):
        return text
    data = binascii.b2a_qp(_LINE_END.sub("\n", text).encode("utf-8", "replace"), istext=True)
    return data.decode("ascii").replace("\n", "\r\n")


def quoted_printable_template(pieces: Sequence[str]) -> str:
    """A part with words to be filled in as quoted-printable: `pieces` are text, a word's name, text, …, text.

    Soft line breaks stand around each word, so that no line grows too long by what is put there.
    """
    return "".join(
        f"=\r\n{PLACEHOLDER}{piece}{PLACEHOLDER}=\r\n" if place % 2 else quoted_printable(piece)
        for place, piece in enumerate(pieces)
    )


def fill_placeholders(pieces: Sequence[str], words: Mapping[str, str]) -> str:
    """A part that was cut at its placeholders (text, a word's name, text, …, text) with its words filled in."""
    whole = list(pieces)
    whole[1::2] = [words[name] for name in whole[1::2]]
    return "".join(whole)


class EncodedSize(NamedTuple):
    """About how many bytes a part of a mail has: its HTML as it is read, and both halves in the two encodings."""

    html: int
    quoted: int
    base64: int


def size_of(text: str, html: str) -> EncodedSize:
    """Of two halves that are encoded as quoted-printable."""
    read = [len(half) - 2 * half.count("=") for half in (text, html)]
    return EncodedSize(read[1], len(text) + len(html), round(sum(read) * _BASE64))


def wrap_lines(text: str, indent: str = "") -> str:
    """`text` in lines of at most LINE_LENGTH; the first begins with `indent`, the others with as many spaces."""
    lines = textwrap.wrap(
        text,
        LINE_LENGTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def header(name: str, value: str) -> str:
    """One header line with its end, folded where it must be. No value can begin another header."""
    value = _UNSAFE.sub(" ", value).strip()
    if not value.isascii():
        value = encoded_words(value)
    line = f"{name}: {value}\r\n"
    return line if len(line) <= LINE_LENGTH + 2 else _folded(name, value)


def _folded(name: str, value: str) -> str:
    """At blanks; the name never stands alone, which some readers of mail don't understand."""
    lines, line = [], f"{name}:"
    for word in value.split():
        if len(line) + 1 + len(word) > LINE_LENGTH and line.count(" "):
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line, ""])


def encoded_words(text: str) -> str:
    """Text as words of ASCII (RFC 2047) with blanks between them, none of which ends inside a character."""
    return " ".join(f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in _cut(text.encode("utf-8", "replace")))


def _cut(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = start + _WORD_BYTES
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end]
        start = end


@lru_cache(maxsize=100)
def mailbox(name: str, address: str) -> str:
    """`"Name" <address>`, the name encoded where it must be."""
    return with_display_name(name, ascii_address(address))


def with_display_name(name: str, what: str) -> str:
    """A name before `what`, which gets pointed brackets: an address, or the id of a list."""
    name = _UNSAFE.sub(" ", name).strip()
    return formataddr((name, what)) if name.isascii() else f"{encoded_words(name)} <{what}>"


@lru_cache(maxsize=10)
def parse_sender(setting: str) -> tuple[str, str]:
    """Name and address in BROADSHEET_MAIL_FROM.

    Raises:
        AddressError: it cannot be read; the system check broadsheet.E005 says so at start.
    """
    name, address = read_mailbox(setting)
    return name, address


def ascii_address(address: str) -> str:
    """An address as every server takes it: the domain in A-labels (IDNA 2008).

    Raises:
        ValueError: characters before the @ that only servers with SMTPUTF8 know, or no address at all.
    """
    return canonical(address)


class Attachment(NamedTuple):
    """A file that comes with a message."""

    name: str
    """ASCII, without quotes or line ends."""
    content_type: str
    """With its parameters."""
    content: bytes


def assemble(headers: str, *, text: str, html: str, boundary: str, attachment: Attachment | None = None) -> bytes:
    """The message (RFC 5322, 2046), lines ended by CR LF; `text` and `html` are encoded as quoted-printable.

    `headers` has whole header lines, as `header` makes them. A half whose letters are mostly beyond ASCII is shorter as
    base64 (RFC 2045), and becomes that.
    """
    halves = [
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n',
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n",
        _half(text),
        f"\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\n",
        _half(html),
        f"\r\n--{boundary}--\r\n",
    ]
    body = halves if attachment is None else _with_attachment(halves, attachment, f"=_mixed{boundary}")
    return "".join([headers, "MIME-Version: 1.0\r\n", *body]).encode("ascii")


def _with_attachment(message: list[str], attachment: Attachment, boundary: str) -> list[str]:
    """A part and a file beside it. The boundary does not begin as that of the part does."""
    return [
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n--{boundary}\r\n',
        *message,
        f"\r\n--{boundary}\r\nContent-Type: {attachment.content_type}\r\n",
        f'Content-Disposition: attachment; filename="{attachment.name}"\r\n',
        f"Content-Transfer-Encoding: base64\r\n\r\n{_base64_lines(attachment.content)}",
        f"\r\n--{boundary}--\r\n",
    ]


def _half(quoted: str) -> str:
    """Its last header and its content, in the shorter encoding."""
    if len(quoted) > _BASE64 * (len(quoted) - 2 * quoted.count("=")):
        return f"Content-Transfer-Encoding: base64\r\n\r\n{_base64_lines(binascii.a2b_qp(quoted))}"
    return f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{quoted}"


def _base64_lines(content: bytes) -> str:
    return encodebytes(content).decode("ascii").replace("\n", "\r\n")
