"""The mail server's address: what each form means, what is refused, and where mails go without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured

from config.env import Env
from config.mail import MailServer, default_sender, mail_settings

OUTBOX = Path("outbox")


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        ("smtp://mail.lab", 25, False, False),
        ("smtp+starttls://mail.lab", 587, True, False),
        ("smtps://mail.lab", 465, False, True),
        ("smtps://mail.lab:10465/", 10465, False, True),
    ],
)
def test_the_scheme_says_how_it_is_protected(url: str, port: int, starttls: bool, tls: bool) -> None:
    found = mail_settings(url, outbox=OUTBOX)
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.lab", port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (starttls, tls)


def test_name_and_password_may_hold_any_character() -> None:
    server = MailServer.from_url("smtps://rita%40lab:p%40ss%3Aw%2Frd%25@[2001:db8::1]:465")
    assert (server.user, server.password, server.host) == ("rita@lab", "p@ss:w/rd%", "2001:db8::1")


@pytest.mark.parametrize(
    "url",
    ["mail.lab", "smtp://", "http://mail.lab", "smtp://:secret@:25", "smtps://a:secret@mail.lab:x", "smtp://[::1"],
)
def test_a_wrong_address_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="BROADSHEET_SMTP_URL") as caught:
        mail_settings(url, outbox=OUTBOX)
    assert "secret" not in str(caught.value)


def test_without_a_server_each_mail_is_a_file(tmp_path: Path, settings: Any) -> None:
    for name, value in mail_settings("", outbox=tmp_path / "outbox").items():
        setattr(settings, name, value)
    mail.send_mail("Your link", "It is here.", "papers@example.org", ["rita@example.org"])
    (written,) = (tmp_path / "outbox").iterdir()
    assert "It is here." in written.read_text(encoding="utf-8")
    for _ in range(20):  # in one second, from the same place in memory
        mail.send_mail("Another", "It is here.", "papers@example.org", ["rita@example.org"])
    assert len(list((tmp_path / "outbox").iterdir())) == 21


@pytest.mark.parametrize(
    ("host", "sender"),
    [
        ("papers.lab", "broadsheet@papers.lab"),
        ("127.0.0.1", "broadsheet@localhost"),
        ("[::1]", "broadsheet@localhost"),
        ("192.0.2.1", "broadsheet@[192.0.2.1]"),
        ("[2001:db8::1]", "broadsheet@[IPv6:2001:db8::1]"),
    ],
)
def test_mails_come_from_the_site(host: str, sender: str) -> None:
    assert default_sender(host) == sender
    assert Env({}).mailbox("X", sender) == sender


@pytest.mark.parametrize("value", ["papers", "@lab", "papers@", "Daily Papers", "a@b\r\nBcc: c@d"])
def test_what_is_no_mailbox_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="X must be an e-mail address"):
        Env({"X": value}).mailbox("X", "")


def test_a_mailbox_may_have_a_name() -> None:
    assert Env({"X": "Daily Papers <papers@lab.example.org>"}).mailbox("X", "") == (
        "Daily Papers <papers@lab.example.org>"
    )
