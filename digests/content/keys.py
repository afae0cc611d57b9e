"""The keys that a mail's links have, and which of their digests are not stored yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from digests.models.mail_keys import KeyPurpose, derive_key, digest_of_key


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key whose digest is to be stored with its row before anybody is given it."""

    purpose: KeyPurpose
    row_id: int
    subscriber_id: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class MailKeys:
    """The keys in the links of one mail."""

    mail: str
    reader: str
    schedule: str
    subscriptions: Mapping[int, str]
    """By subscription, of those that the mail names."""


class KeyRing:
    """Derives keys, and remembers those whose digests the tables lack: they are new, or SECRET_KEY is."""

    def __init__(self) -> None:
        self.new: list[NewKey] = []

    def key(
        self,
        purpose: KeyPurpose,
        row_id: int,
        *,
        subscriber_id: int,
        nonce: UUID,
        stored: bytes | memoryview | None,
        row: object = None,
    ) -> str:
        """The key of a row whose stored digest is `stored`; `row`: what it is derived from, if not the id. No query."""
        key = derive_key(purpose, row_id if row is None else row, nonce=nonce)
        digest = digest_of_key(key)
        if stored is None or digest != bytes(stored):
            self.new.append(NewKey(purpose, row_id, subscriber_id, digest))
        return key


def row_of_mail(schedule_id: int, period_on: object) -> str:
    """What a mail's key is derived from: a schedule has one mail for a date, so it is known before the row is."""
    return f"{schedule_id} {period_on}"
