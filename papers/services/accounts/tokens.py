"""Secrets in addresses that are mailed or handed over: made once, and stored only as a digest."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.urls import reverse


def new_token() -> str:
    """192 random bits, in characters that an address may have."""
    return secrets.token_urlsafe(24)


def token_digest(token: str) -> str:
    """What is stored of a token, so that a leaked table opens nothing: SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_url(view_name: str, token: str) -> str:
    """The full address of a view that takes the token."""
    # SITE_URL holds the sub-path, which reverse() would add a second time.
    return settings.SITE.origin + reverse(view_name, args=[token])
