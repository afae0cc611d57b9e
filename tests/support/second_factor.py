"""A reader's telephone: codes for the second factor."""

from __future__ import annotations

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client

from tests.support.people import PASSWORD


def code_of(secret: str) -> str:
    """What a telephone shows now."""
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def turn_on(browser: Client) -> str:
    """Turn the second factor on; the secret."""
    again = browser.get("/account/two-factor/on")["Location"]
    browser.post(again, {"password": PASSWORD})
    page = browser.get("/account/two-factor/on")
    secret = page.context["form"].secret
    assert secret in page.content.decode()
    answer = browser.post("/account/two-factor/on", {"code": code_of(secret)})
    assert answer["Location"] == "/account/two-factor/codes"
    cache.clear()  # a code works once; the tests' next one comes in the same half minute
    return str(secret)
