"""Names of hosts in the one form that leaves: IDNA 2008 with the mapping of UTS 46, non-transitional. Pure.

Python's own codec is IDNA 2003, which makes `straße.example` the name of somebody else, `strasse.example`. Whatever is
not ASCII goes through here before it gets into a mail, a request or a look-up.
"""

from __future__ import annotations

import re

import idna

_MAX_LENGTH = 253
# Underscores are in names that work, though not in those that IDNA makes.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def ascii_host(host: str) -> str:
    """A name in lower-case ASCII (A-labels), without a dot at its end; an IPv4 address stays as it is.

    Raises:
        ValueError: it has no valid form: a label that is none, letters that IDNA 2008 forbids, `xn--` before nonsense.
    """
    if len(host) > _MAX_LENGTH:
        raise ValueError("The name of the host is too long.")
    name = host.lower()
    if not name.isascii() or name.startswith("xn--") or ".xn--" in name:
        # idna.IDNAError is a ValueError.
        name = idna.encode(host, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    name = name.removesuffix(".")
    if len(name) > _MAX_LENGTH or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("This is no name of a host.")
    return name
