"""IP addresses as servers and proxies write them, in the one form that they are compared and counted by. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# An IPv4 client as an IPv6 socket shows it (RFC 4291, 2.5.5.2).
_MAPPED = IPv6Network("::ffff:0:0/96")
# What some proxies put into X-Forwarded-For: an address with its port.
_WITH_PORT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?", re.ASCII)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a text, without port and zone; IPv4 in IPv6 as the IPv4 address. None where there is none."""
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port[1] or with_port[2]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def unmapped_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """The same network; as an IPv4 one where it is of IPv4 addresses in IPv6, such as `::ffff:10.0.0.0/104`."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network
