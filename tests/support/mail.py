"""Mail that works, and the letters that were sent, for tests."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail

from config.site_url import Site
from digests.services.mail_setup import send_test_mail
from tests.support import factories


def set_up_mail(settings: Any) -> None:
    """A server is named, the site has a real address, and a test message has left."""
    settings.MAIL_IS_SENT = True
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    assert send_test_mail(to="ada@example.org", now=factories.NOW).works
    mail.outbox.clear()


def first_link_path(text: str) -> str:
    """The path of the first link of ours in a letter."""
    found = re.search(r"https?://[^/\s]+(/\S+)", text)
    assert found, text
    return found[1]


class RecordingTransport:
    """Takes every mail, and keeps it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self._offered: tuple[str, bytes] | None = None

    def send_body(self, *, recipient: str, message: bytes, key: str) -> None:
        self._offered = recipient, message

    def end_data(self) -> None:
        pass

    def read_reply(self) -> None:
        assert self._offered is not None
        self.taken.append(self._offered)

    def abandon(self) -> None:
        self._offered = None

    def quit(self) -> None:
        pass
