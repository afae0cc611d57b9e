"""Mail that works, and the letters that were sent, for tests."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail

from config.site_url import Site
from digests.content.keys import KeyRing
from digests.models import Delivery, Schedule, Subscriber, Subscription
from digests.models.mail_keys import KeyPurpose, message_name
from digests.services.mail_keys import key_of_reader, keys_of_mails, store_new_keys
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


def mail_key(row: Subscriber | Schedule | Subscription | Delivery) -> str:
    """The key that the next mail's link to a row has, opening it from now on."""
    if isinstance(row, Subscriber):
        return key_of_reader(row)
    if isinstance(row, Delivery):
        return keys_of_mails([row], reader=row.subscriber)[0]
    ring = KeyRing()
    reader = row.subscriber if isinstance(row, Schedule) else row.schedule.subscriber
    purpose = KeyPurpose.SCHEDULE if isinstance(row, Schedule) else KeyPurpose.SUBSCRIPTION
    key = ring.key(purpose, row.pk, subscriber_id=reader.pk, nonce=reader.key_nonce, stored=row.key_digest)
    store_new_keys(ring.new)
    return key


def message_id_of(mail: Delivery) -> str:
    """What tells its Message-ID from that of others."""
    nonce = mail.subscriber.key_nonce
    return message_name(schedule_id=mail.schedule_id, period_on=mail.period_on, nonce=nonce)


class RecordingTransport:
    """Takes every mail, and keeps it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self._offered: tuple[str, bytes] | None = None

    def send_body(self, *, recipient: str, message: bytes, name: str) -> None:
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
