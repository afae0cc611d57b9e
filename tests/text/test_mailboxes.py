"""Addresses as they are typed: what is read, the one form they get, and what is none. The same on every Python."""

from __future__ import annotations

import time

import pytest

from papers.text.mailboxes import AddressError, Mailbox, canonical, read_mailbox


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("papers@lab.example", "", "papers@lab.example"),
        (" Papers@LAB.example ", "", "Papers@lab.example"),
        ("<papers@lab.example>", "", "papers@lab.example"),
        ("Daily Papers <papers@lab.example>", "Daily Papers", "papers@lab.example"),
        ('"Papers, daily" <papers@lab.example>', "Papers, daily", "papers@lab.example"),
        (r'"The \"Lab\"" <papers@lab.example>', 'The "Lab"', "papers@lab.example"),
        ("Büro (Lab) <papers@lab.example>", "Büro (Lab)", "papers@lab.example"),
        ("broadsheet@localhost", "", "broadsheet@localhost"),
        # Domains that are IP addresses, which Python's parseaddr reads in some releases only.
        ("broadsheet@[127.0.0.1]", "", "broadsheet@[127.0.0.1]"),
        ("Lab <broadsheet@[ipv6:2001:DB8::1]>", "Lab", "broadsheet@[IPv6:2001:db8::1]"),
        ('"odd.one@"@lab.example', "", '"odd.one@"@lab.example'),
    ],
)
def test_what_is_read(text: str, name: str, address: str) -> None:
    found = read_mailbox(text)
    assert found == (name, address)
    assert read_mailbox(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "papers", "@lab.example", "papers@", "a@b@c.example", "Papers <a@b.example", "Papers a@b.example>",
        "a@b.example, c@d.example", "<a@b.example> x", "A <b> <c@d.example>", '"open <a@b.example>', "A <>",
        "a@b.example\r\nBcc: c@d.example", "A\n <a@b.example>", "a b@c.example", "a@b c.example", "a@[300.1.1.1]",
        "a@[b.example]", "a@[IPv6:::g]", "a@b..example", "a@-b.example", "a@" + "b" * 64 + ".example",
        "a" * 65 + "@b.example", "a@" + "b." * 130 + "example", "a@b.example\x00", "<" * 2_000, "a@<b.example>",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressError):
        read_mailbox(text)


def test_a_name_cannot_begin_another_address() -> None:
    written = str(Mailbox('x" <evil@other.example>, "y', "papers@lab.example"))
    assert read_mailbox(written) == ('x" <evil@other.example>, "y', "papers@lab.example")
    written = str(Mailbox("ü <evil@other.example>", "papers@lab.example"))
    assert read_mailbox(written) == ("ü <evil@other.example>", "papers@lab.example")


@pytest.mark.parametrize(
    "text", ['"' * 900, '"\\' * 450 + '"@b.example', "a@" + "ü" * 900, "<>" * 450 + ">", "\\" * 999]
)
def test_nasty_text_is_refused_at_once(text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(AddressError):
        canonical(text)
    with pytest.raises(AddressError):
        read_mailbox(text)
    assert time.monotonic() - begun < 0.1


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ('"victim"@lab.example', "victim@lab.example"),
        ('"a.b"@lab.example', "a.b@lab.example"),
        ('"a@b"@lab.example', '"a@b"@lab.example'),
    ],
)
def test_quotes_that_change_nothing_are_left_out(typed: str, stored: str) -> None:
    """Mail to either comes to one mailbox, so whatever is counted by address must count them as one."""
    assert canonical(typed) == stored
