"""Names of hosts in the one form that leaves: IDNA 2008 with the mapping of UTS 46, non-transitional. Pure.

Python's own codec is IDNA 2003, which makes `straße.example` the name of somebody else, `strasse.example`. Whatever is
not ASCII goes through here before it gets into a mail, a request or a look-up.
"""

from __future__ import annotations

import re
import string
from urllib.parse import urlsplit, urlunsplit

import idna

_MAX_LENGTH = 253
_ASCII = frozenset(string.ascii_lowercase + string.digits + "-")
# Between ß and ž, and taken for i, k, l and n.
_LOOK_ALIKES = frozenset("\u0131\u0138\u0140\u0149")
# Underscores are in names that work, though not in those that IDNA makes.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def ascii_host(host: str) -> str:
    """A name in lower-case ASCII (A-labels), without a dot at its end; an IPv4 address stays as it is.

    Raises:
        ValueError: it has no valid form: an invalid label, letters that IDNA 2008 forbids, `xn--` before nonsense.
    """
    if len(host) > _MAX_LENGTH:
        raise ValueError("The name of the host is too long.")
    name = host.lower()
    if not name.isascii() or name.startswith("xn--") or ".xn--" in name:
        # idna.IDNAError is a ValueError.
        name = idna.encode(host, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    name = name.removesuffix(".")
    if len(name) > _MAX_LENGTH or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("This is not a valid host name.")
    return name


def readable_host(name: str) -> str:
    """An ASCII name as people write it, for pages alone: `xn--bcher-kva.example` as `bücher.example`.

    Only labels in letters of Western and Central European languages are turned back; of others one cannot see by which
    alphabet they are, so they stay.
    """
    return ".".join(_readable(label) if label.startswith("xn--") else label for label in name.split("."))


def _readable(label: str) -> str:
    try:
        read = idna.decode(label)
    except idna.IDNAError:
        return label
    return read if all(char in _ASCII or ("ß" <= char <= "ž" and char not in _LOOK_ALIKES) for char in read) else label


def ascii_netloc(netloc: str) -> str:
    """`user@host:port` of an address with its host as `ascii_host` has it, where that is not ASCII already.

    Raises:
        ValueError: the host has no valid form.
    """
    if netloc.isascii():
        return netloc
    user, at, place = netloc.rpartition("@")
    host, colon, port = place.partition(":")
    return f"{user}{at}{ascii_host(host)}{colon}{port}"


def ascii_address(address: str) -> str:
    """An address such as `https://straße.example/ä` with its host in ASCII; all else stays.

    Raises:
        ValueError: it is no address, or its host has no valid form.
    """
    parts = urlsplit(address)
    return address if parts.netloc.isascii() else urlunsplit(parts._replace(netloc=ascii_netloc(parts.netloc)))
