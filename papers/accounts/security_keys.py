"""Security keys and passkeys (WebAuthn) as a second factor: where they work, and what a browser sends of one.

A key belongs to a domain, and browsers offer it only there: over https, or at `localhost`. A numeric address has none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

MAX_KEYS = 10
"""How many keys an account may have."""
MAX_CREDENTIAL_CHARACTERS = 20_000
"""What a browser sends of a key is some 1,500; attestations with certificates are a few thousand."""

LOCALHOST = "localhost"
UNKNOWN_KEY = "This key was not accepted. Try again, with a key that belongs to this account."

# What decoding and checking raise over an answer that no browser gives: other types, broken CBOR, odd algorithms.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class KeySite:
    """Whether keys work at the address that a request came to."""

    domain: str
    """The domain that keys belong to (the RP ID of WebAuthn, 4); empty where they don't work."""
    instead: str = ""
    """Where they would: the site's address with a name; empty where it has none."""


def key_site(request: HttpRequest) -> KeySite:
    """Whether keys work here. By the site's own name, whatever a `Host` says; a loopback site's is `localhost`."""
    site = settings.SITE
    if site.is_loopback:
        here = request.get_host().partition(":")[0]  # of "[::1]:8000" a bracket, which is no name either
        return KeySite(LOCALHOST) if here == LOCALHOST else KeySite("", instead=_by_name())
    return KeySite(site.host if site.is_https and not _is_ip(site.host) else "")


def loopback_name_url() -> str:
    """The address of a loopback site by its name, where its own is written in numbers; else empty."""
    site = settings.SITE
    return _by_name() if site.is_loopback and site.host != LOCALHOST else ""


def _by_name() -> str:
    site = settings.SITE
    return str(site.url.replace(f"://{site.host}", f"://{LOCALHOST}", 1))


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class CredentialField(forms.JSONField):
    """What a browser says of a key, as JSON, in a field that is not shown."""

    def __init__(self) -> None:
        super().__init__(
            widget=forms.HiddenInput,
            max_length=MAX_CREDENTIAL_CHARACTERS,
            error_messages={"required": "Your browser did not send a key. This step needs JavaScript."},
        )

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
        except RecursionError as error:  # 20,000 brackets
            raise ValidationError(UNKNOWN_KEY) from error
        if found is not None and not isinstance(found, dict):
            raise ValidationError(UNKNOWN_KEY)
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        return None  # an answer counts once: a page that says what was wrong with it does not bring it back

    def prepare_value(self, value: Any) -> str:
        return ""
