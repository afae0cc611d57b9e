"""Which addresses the outbound client may open: the public internet, and what the operator allows. No I/O.

The check is on addresses, not on how they are written, so that `127.1`, `0x7f000001`, a name that resolves inwards and
a name that answers differently the second time are all the same case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from papers.outbound.errors import RefusedError
from papers.text.hostnames import ascii_host

PUBLIC_PORTS = frozenset({80, 443})

# Written out rather than left to `is_global`, whose answer changed between patch releases of Python.
# https://www.iana.org/assignments/iana-ipv4-special-registry
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Only 2000::/3 is given out; loopback, unique local, link-local, multicast and IPv4-mapped lie outside of it.
# https://www.iana.org/assignments/iana-ipv6-special-registry
_UNICAST_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo, benchmarks and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which wraps any IPv4 address
        "3fff::/20",  # documentation
    )
)
# An IPv6-only network reaches IPv4 hosts through it (RFC 6052); its local-use sibling 64:ff9b:1::/48 stays refused.
_NAT64 = IPv6Network("64:ff9b::/96")
_FORMS = "write a host, host:port, an address, or a network such as 10.1.0.0/16."

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def is_public(address: str | Address) -> bool:
    """Whether an IP address is one of the public internet.

    Raises:
        ValueError: it is no IP address.
    """
    if isinstance(address, str):
        address = ip_address(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _UNICAST_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts of one's own network that may be fetched from. An entry without a port opens every port.

    A name opens whatever it resolves to; an address or network opens these addresses under whatever name.
    """

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """Read entries such as `mirror.lab`, `mirror.lab:8080`, `127.0.0.1:8765`, `10.1.0.0/16`, `[fd00::1]:80`.

        Raises:
            ValueError: an entry has none of these forms; the message names it.
        """
        names: set[tuple[str, int | None]] = set()
        networks: list[tuple[Network, int | None]] = []
        for entry in entries:
            host, port = _split_port(entry)
            try:
                networks.append((ip_network(host), port))
            except ValueError:
                names.add((_checked_name(host, entry), port))
        return cls(frozenset(names), tuple(networks))

    def has_name(self, host: str, port: int) -> bool:
        name = _plain(host)
        return (name, port) in self.names or (name, None) in self.names

    def has_host(self, host: str, port: int) -> bool:
        """Whether a host is on the list as it is written, be it a name or an address."""
        try:
            return self.has_address(host, port)
        except ValueError:
            return self.has_name(host, port)

    def has_address(self, address: str, port: int) -> bool:
        wanted = ip_address(address)
        return any(
            wanted.version == network.version and wanted in network and allowed_port in (None, port)
            for network, allowed_port in self.networks
        )


def check_url(*, scheme: str, host: str, has_credentials: bool) -> None:
    """Refuse what no address could make right; ports and addresses are checked by `allowed_addresses`.

    Raises:
        RefusedError: not http(s), no host or one whose name has no valid form, or credentials in the address.
    """
    if scheme not in ("http", "https"):
        raise RefusedError(f"Only http and https addresses are fetched, not {scheme or 'one without a scheme'}.")
    if not host:
        raise RefusedError("The address names no host.")
    try:
        _ = ":" in host or ascii_host(host)
    except ValueError:
        raise RefusedError(f"{host} is not a valid host name.") from None
    if has_credentials:
        raise RefusedError("An address with a user name or password in it is not fetched; take them out.")


def allowed_addresses(host: str, port: int, addresses: Sequence[str], allow: AllowList) -> tuple[str, ...]:
    """Those of the addresses that `host` resolved to which may be connected to, in their order.

    Raises:
        RefusedError: none may; the message says how an operator can allow the host.
    """
    if allow.has_name(host, port):
        return tuple(addresses)
    opened = tuple(
        address
        for address in addresses
        if allow.has_address(address, port) or (port in PUBLIC_PORTS and is_public(address))
    )
    if not opened:
        raise _refusal(host, port)
    return opened


def check_proxy_target(host: str, port: int) -> None:
    """Check a target whose name a proxy will resolve. Addresses must be public; of names only full ones pass.

    Raises:
        RefusedError: it is no target on the public internet.
    """
    name = _plain(host)
    try:
        public = is_public(name)
    except ValueError:
        # A last label that starts with a digit is an address in another spelling, such as 127.1 or 0x7f.1.
        rest, _, last = name.rpartition(".")
        public = bool(rest) and not last[:1].isdigit() and last != "localhost"
    if not public or port not in PUBLIC_PORTS:
        raise _refusal(host, port)


def _refusal(host: str, port: int) -> RefusedError:
    why = "is not on the public internet" if port in PUBLIC_PORTS else "is not on a port of the web (80, 443)"
    place = f"[{host}]:{port}" if ":" in host else f"{_plain(host)}:{port}"
    return RefusedError(
        f"{place} {why}, so it is not fetched. "
        f"If it is a host of your own network, add {place} to BROADSHEET_FETCH_ALLOW."
    )


def _split_port(entry: str) -> tuple[str, int | None]:
    """`host:8080` → (host, 8080); a bare IPv6 address or network keeps its colons."""
    text = entry.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    else:
        return text, None
    if not colon:
        return host, None
    if colon != ":" or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(f"{entry!r} has no valid port; {_FORMS}")
    return host, int(port)


def _checked_name(host: str, entry: str) -> str:
    try:
        return ascii_host(host)
    except ValueError:
        raise ValueError(f"{entry!r} can't be read; {_FORMS}") from None


def _plain(host: str) -> str:
    return host.lower().rstrip(".")
