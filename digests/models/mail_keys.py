"""The keys in the addresses of mails: derived, and never stored.

A key is an HMAC-SHA256 (RFC 2104) of what it is for, by a key that HKDF (RFC 5869) derives from SECRET_KEY. The tables
have its digest only, by which its row is found: so a copy of them opens nothing, and a link holds for ever, whatever
becomes of SECRET_KEY. When that changes, the next mail has keys of the new one, whose digests are stored beside those
of the earlier ones (`FormerKey`).

No comparison here has to take the same time whatever is guessed: a row is looked up by the digest of what was given,
and who gives it can't choose which digest that is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

_INFO = b"broadsheet: keys in mails, 1"
# 128 bits, 22 characters: short enough for one line of a header.
_KEY_BYTES = 16


class KeyPurpose(models.TextChoices):
    """What a key opens. No two purposes ever have the same key."""

    READER = "reader", "a reader's preferences and the way out of all mail"
    SCHEDULE = "schedule", "the way out of one regular mail"
    SUBSCRIPTION = "subscription", "the way out of one of its subjects"
    MAIL = "mail", "a mail as a page"
    CLUB = "club", "the way out of a journal club's mail"


def derive_key(purpose: KeyPurpose, row: object, *, nonce: UUID) -> str:
    """The key for a row, by the SECRET_KEY in force; 22 characters of base64url.

    Args:
        row: its id; of a mail its schedule and date, which are known before it is stored.
        nonce: the reader's `key_nonce`, random. So no id that is given anew, after a backup was restored, has the key
            of another reader's mail.
    """
    made = hmac.digest(_signing_key(settings.SECRET_KEY), f"{purpose.value} {nonce.hex} {row}".encode(), "sha256")
    return base64.urlsafe_b64encode(made[:_KEY_BYTES]).rstrip(b"=").decode("ascii")


def digest_of_key(key: str) -> bytes:
    """What the row of a key is found by: SHA-256, which is enough for keys that nobody can guess."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def message_name(*, schedule_id: int, period_on: object, nonce: UUID) -> str:
    """The name of a mail in its Message-ID and in the outbox folder. It is no secret and does not depend on SECRET_KEY,
    so that a second attempt is the same mail for its reader's program.
    """
    named = hashlib.sha256(f"message {nonce.hex} {schedule_id} {period_on}".encode()).digest()
    return base64.urlsafe_b64encode(named[:_KEY_BYTES]).rstrip(b"=").decode("ascii")


@lru_cache(maxsize=4)
def _signing_key(secret_key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(secret_key.encode())


def key_digest_field(help_text: str) -> models.BinaryField[bytes | None, bytes | None]:
    """A column for the digest of the key that the next mail has, if nothing changes; empty before the first mail."""
    return models.BinaryField(null=True, max_length=32, editable=False, help_text=help_text)


class FormerKey(models.Model):
    """The digest of a key in mails that were sent before SECRET_KEY changed, or before keys were derived from it."""

    digest = models.BinaryField(primary_key=True)
    subscriber = models.ForeignKey("digests.Subscriber", on_delete=models.CASCADE, related_name="former_keys")
    purpose = models.CharField(max_length=12, choices=KeyPurpose)
    # No foreign key, which would make deleting old mails read each of them; with the reader it can't be another's row.
    row_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            # Mails are deleted after a while, and these with them.
            models.Index(fields=["created_at"], name="former_key_of_mail", condition=Q(purpose="mail")),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.row_id}"
