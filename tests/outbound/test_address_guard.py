"""Which addresses may be opened."""

from __future__ import annotations

import pytest

from papers.outbound.address_guard import AllowList, allowed_addresses, check_proxy_target, check_url, is_public
from papers.outbound.errors import RefusedError

NOTHING = AllowList()

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",  # IPv4-mapped: dialled as IPv4, so it has no business here
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
    "64:ff9b::a9fe:a9fe",  # NAT64 of 169.254.169.254
    "64:ff9b:1::808:808",  # local-use NAT64
    "100::1",  # discard
    "2001::1",  # Teredo
    "2001:2::1",  # benchmarks
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2600:1f18::1",
    "2a00:1450::1",
    "64:ff9b::808:808",  # NAT64 of 8.8.8.8: how an IPv6-only network reaches it
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_no_public_host_is_refused(address):
    assert not is_public(address)
    for port in (80, 443):
        with pytest.raises(RefusedError, match="not on the public internet"):
            allowed_addresses("innocent.example", port, [address], NOTHING)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_opened_on_the_ports_of_the_web_only(address):
    assert is_public(address)
    assert allowed_addresses("paper.example", 443, [address], NOTHING) == (address,)
    for port in (22, 25, 5432, 6379, 8080):
        with pytest.raises(RefusedError, match="port of the web"):
            allowed_addresses("paper.example", port, [address], NOTHING)


def test_of_a_mixed_answer_only_the_public_addresses_are_opened():
    found = ["10.0.0.1", "1.1.1.1", "::1", "2600:1f18::1"]
    assert allowed_addresses("both.example", 80, found, NOTHING) == ("1.1.1.1", "2600:1f18::1")


def test_a_refusal_names_what_to_add():
    with pytest.raises(RefusedError, match=r"add mirror\.lab:8080 to BROADSHEET_FETCH_ALLOW"):
        allowed_addresses("Mirror.LAB.", 8080, ["10.1.2.3"], NOTHING)
    with pytest.raises(RefusedError, match=r"add \[::1\]:80 to BROADSHEET_FETCH_ALLOW"):
        allowed_addresses("::1", 80, ["::1"], NOTHING)


@pytest.mark.parametrize(
    ("entry", "host", "port", "address", "opens"),
    [
        ("mirror.lab", "mirror.lab", 80, "10.1.2.3", True),
        ("mirror.lab", "MIRROR.lab.", 8080, "10.1.2.3", True),
        ("mirror.lab", "other.mirror.lab", 80, "10.1.2.3", False),
        ("mirror.lab:8080", "mirror.lab", 8080, "10.1.2.3", True),
        ("mirror.lab:8080", "mirror.lab", 80, "10.1.2.3", False),
        ("127.0.0.1:8765", "127.0.0.1", 8765, "127.0.0.1", True),
        ("127.0.0.1:8765", "localhost", 8765, "127.0.0.1", True),
        ("127.0.0.1:8765", "localhost", 8766, "127.0.0.1", False),
        ("127.0.0.1:8765", "localhost", 8765, "::1", False),
        ("10.1.0.0/16", "anything.lab", 9000, "10.1.255.255", True),
        ("10.1.0.0/16", "anything.lab", 80, "10.2.0.0", False),
        ("[fd00::1]:8080", "fd00::1", 8080, "fd00::1", True),
        ("[fd00::1]:8080", "fd00::1", 80, "fd00::1", False),
        ("fd00::/8", "v6.lab", 80, "fd12::1", True),
        ("fd00::/8", "v4.lab", 80, "10.0.0.1", False),
    ],
)
def test_the_allow_list_opens_what_it_names_and_no_more(entry, host, port, address, opens):
    allow = AllowList.parse([entry])
    if opens:
        assert allowed_addresses(host, port, [address], allow) == (address,)
    else:
        with pytest.raises(RefusedError):
            allowed_addresses(host, port, [address], allow)


@pytest.mark.parametrize(
    "entry", ["", "host:", "host:0", "host:70000", "host:http", "[::1]x", "http://host", "a b", "*", "10.1.0.1/16"]
)
def test_an_entry_of_the_allow_list_that_is_none_is_named(entry):
    with pytest.raises(ValueError) as error:
        AllowList.parse([entry])
    assert repr(entry) in str(error.value)


@pytest.mark.parametrize(
    ("scheme", "host", "has_credentials"),
    [
        ("ftp", "a.example", False),
        ("file", "", False),
        ("", "a.example", False),
        ("https", "", False),
        ("https", "a.example", True),
    ],
)
def test_what_is_no_plain_web_address_is_refused(scheme, host, has_credentials):
    with pytest.raises(RefusedError):
        check_url(scheme=scheme, host=host, has_credentials=has_credentials)


def test_a_plain_web_address_passes():
    check_url(scheme="http", host="a.example", has_credentials=False)
    check_url(scheme="https", host="::1", has_credentials=False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "::1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "localhost",
        "a.localhost",
        "intranet",
        "10.0.0.1",
    ],
)
def test_a_proxy_is_not_asked_for_what_is_inside(host):
    with pytest.raises(RefusedError):
        check_proxy_target(host, 80)


def test_a_proxy_is_asked_for_public_names_and_addresses_on_the_ports_of_the_web():
    check_proxy_target("export.arxiv.org", 443)
    check_proxy_target("1.1.1.1", 80)
    with pytest.raises(RefusedError):
        check_proxy_target("export.arxiv.org", 22)
