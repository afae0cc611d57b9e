"""What is stored encrypted: secrets that have to be read again, such as tokens, webhooks and seeds of second factors.

Fernet (AES-128-CBC with HMAC-SHA256), by a key that HKDF (RFC 5869) derives from SECRET_KEY: a table, or a copy of the
database alone, opens nothing. What one of SECRET_KEY_FALLBACKS encrypted is read, and written again by SECRET_KEY at
the next start (`config/stored_secrets.py`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

PREFIX = "fernet1:"
"""Before each encrypted text; what begins otherwise is as it was before it was encrypted."""
_INFO = b"broadsheet: secrets at rest, 1"


class UnreadableSecretError(Exception):
    """Neither SECRET_KEY nor one of its fallbacks opens a stored secret."""


class UnreadableSecret(str):
    """Stands, empty, for a stored secret that no key opens. Saved again it stays what it was, for the key's return."""

    __slots__ = ("stored",)
    stored: str

    def __new__(cls, stored: str) -> UnreadableSecret:
        made = super().__new__(cls, "")
        made.stored = stored
        return made


def encrypt_text(text: str) -> str:
    """The text as it is stored."""
    return _encrypt(text, settings.SECRET_KEY)


def decrypt_text(stored: str) -> str:
    """The text of what was stored, encrypted or not.

    Raises:
        UnreadableSecretError: it was encrypted with a key that is not here.
    """
    return _decrypt(stored, keys_in_force())


def keys_in_force() -> tuple[str, ...]:
    """SECRET_KEY, which encrypts, and then its fallbacks."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def renewed(stored: str, keys: Sequence[str] | None = None) -> str | None:
    """The same encrypted by the first of the keys, by default SECRET_KEY; None where it is so already, or is empty.

    Raises:
        UnreadableSecretError: none of the keys opens it.
    """
    first, *others = keys or keys_in_force()
    if not stored:
        return None
    try:
        text = _decrypt(stored, (first,))
    except UnreadableSecretError:
        return _encrypt(_decrypt(stored, others), first)
    return None if stored.startswith(PREFIX) else _encrypt(text, first)


def _encrypt(text: str, key: str) -> str:
    return PREFIX + _fernet(key).encrypt(text.encode()).decode("ascii")


def _decrypt(stored: str, keys: Sequence[str]) -> str:
    if not stored.startswith(PREFIX):
        return stored
    try:
        return MultiFernet([_fernet(key) for key in keys]).decrypt(stored.removeprefix(PREFIX).encode()).decode()
    except (InvalidToken, ValueError) as error:  # ValueError: there is no key left to try
        raise UnreadableSecretError("A stored secret was encrypted with another SECRET_KEY.") from error


class EncryptedTextField(_TextField):
    """Text that is encrypted where it is stored; it can't be looked for.

    What no key opens is read as an `UnreadableSecret`, which is empty.
    """

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        if value is None:
            return None
        try:
            return decrypt_text(value)
        except UnreadableSecretError:
            return UnreadableSecret(value)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, UnreadableSecret):
            return value.stored
        text = super().get_prep_value(value)
        return encrypt_text(text) if text else text

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def deconstruct(self) -> Any:
        """As Django's own: the column is the same, so migrations need not know of this class."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.TextField", arguments, options


@lru_cache(maxsize=16)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
