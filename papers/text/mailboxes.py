"""E-mail addresses as people and settings write them: `rita@example.org`, `Rita Vo <rita@example.org>`. Pure.

Our own reader, because `email.utils.parseaddr` answers differently from one patch release of Python to the next:
domains that are IP addresses are read by some, and a stricter mode came in the middle of several series.
"""

from __future__ import annotations

import re
from email.utils import formataddr
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from papers.text.hostnames import ascii_host, readable_host

MAX_LENGTH = 254
"""Of an address, which a path with its two brackets leaves (RFC 5321, 4.5.3.1.3)."""
_MAX_LOCAL = 64
_MAX_TEXT = 1_000

# RFC 5321, 4.1.2, without blanks and angles in the quoted form: they would have to be quoted again in each command.
_LOCAL = re.compile(r"""[\w.!#$%&'*+/=?^`{|}~-]+|"(?:[!#-;=?-\[\]-~]|\\["\\])+\"""", re.ASCII)
_PLAIN_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+", re.ASCII)
_SPECIALS = frozenset('()<>@,;:\\".[]')


class AddressError(ValueError):
    """A text is no address that mail can be sent to; the message is a sentence for the person who typed it."""


class Mailbox(NamedTuple):
    """A name, which may be empty, and an address in its one form, all ASCII."""

    name: str
    address: str

    def __str__(self) -> str:
        """As `read_mailbox` and other programs read it; the name may have letters beyond ASCII."""
        if not self.name or self.name.isascii():
            return formataddr((self.name, self.address))
        quoted = self.name.replace("\\", r"\\").replace('"', r"\"")
        return f'"{quoted}" <{self.address}>' if _SPECIALS & set(self.name) else f"{self.name} <{self.address}>"


def read_mailbox(text: str) -> Mailbox:
    """`local@domain`, or a name (plain or in quotes) before it in angle brackets.

    Raises:
        AddressError: it is neither.
    """
    text = text.strip()
    if len(text) > _MAX_TEXT or not text.isprintable():
        raise AddressError("This is not an e-mail address.")
    if not text.endswith(">"):
        return Mailbox("", canonical(text))
    name, angle, address = text[:-1].rpartition("<")
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    elif {"<", ">", '"'} & set(name):
        angle = ""
    if not angle or not address:
        raise AddressError("This is not an e-mail address.")
    return Mailbox(name, canonical(address))


def canonical(address: str) -> str:
    """The one form of an address: before the @ as it is typed, the domain in lower case and ASCII. No other leaves.

    Two addresses are one if these are equal without regard to case. A domain that is an IP address is written as in
    RFC 5321, 4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.

    Raises:
        AddressError: it has no such form, or only for servers with SMTPUTF8, which few are.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain:
        raise AddressError("This is not an e-mail address.")
    if not local.isascii():
        raise AddressError("Only plain ASCII characters are supported before the @.")
    if len(local) > _MAX_LOCAL or not _LOCAL.fullmatch(local):
        raise AddressError("The part before the @ is not valid.")
    if local.startswith('"') and _PLAIN_LOCAL.fullmatch(bare := re.sub(r"\\(.)", r"\1", local[1:-1])):
        local = bare  # the quotes change nothing (RFC 5322, 3.2.4), so it is one mailbox with or without them
    whole = f"{local}@{ascii_domain(domain)}"
    if len(whole) > MAX_LENGTH:
        raise AddressError("This address is too long.")
    return whole


def ascii_domain(domain: str) -> str:
    """What stands behind the @, as mail servers take it: A-labels of IDNA 2008, or an IP address in brackets.

    Raises:
        AddressError: it has no such form.
    """
    try:
        if domain.startswith("[") and domain.endswith("]"):
            return _literal(domain[1:-1])
        return ascii_host(domain)
    except ValueError:
        raise AddressError("The part after the @ is not a valid domain name.") from None


def _literal(text: str) -> str:
    if text[:5].lower() == "ipv6:":
        return f"[IPv6:{IPv6Address(text[5:])}]"
    return f"[{IPv4Address(text)}]"


def canonical_or_same(address: str) -> str:
    """`canonical`, and the text as it is where there is none: to look for what may not be an address at all."""
    try:
        return canonical(address)
    except AddressError:
        return address.strip()


def readable(address: str) -> str:
    """An address for a page: its domain in the letters of its language where that can't mislead."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{readable_host(domain)}"


def is_same(one: str, other: str) -> bool:
    """Whether two addresses are one mailbox, however they are written."""
    return canonical_or_same(one).casefold() == canonical_or_same(other).casefold()


_DOTS_DO_NOT_COUNT = frozenset({"gmail.com", "googlemail.com"})


def mailbox_key(address: str) -> str:
    """What addresses of one inbox have in common, to count mails by; never to send to.

    What stands behind a `+` is left out: nearly all servers deliver it to the same person (RFC 5233), and where one
    does not, two people share a count. Nor do dots and the second name of Gmail count:
    https://support.google.com/mail/answer/7436150
    """
    local, _, domain = canonical_or_same(address).casefold().rpartition("@")
    base = local if local.startswith('"') else local.partition("+")[0] or local
    if domain in _DOTS_DO_NOT_COUNT:
        base, domain = base.replace(".", ""), "gmail.com"
    return f"{base}@{domain}"
