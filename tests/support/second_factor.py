"""A reader's telephone: codes for the second factor."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client

from tests.support.people import PASSWORD


def code_of(secret: str) -> str:
    """What a telephone shows that is half a minute late."""
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def early_code_of(secret: str) -> str:
    """What a telephone shows that is half a minute early: it is accepted for another minute."""
    *_, step = yield_hotp_counters_from_time()
    return str(format_hotp_value(hotp_value(secret, step)))


def turn_on(browser: Client) -> str:
    """Turn the second factor on; the secret."""
    secret, _ = turn_on_and_keep_code(browser)
    forget_used_codes()
    return secret


def turn_on_and_keep_code(browser: Client) -> tuple[str, str]:
    """Turn the second factor on; the secret, and the code that was used."""
    again = browser.get("/account/two-factor/on")["Location"]
    browser.post(again, {"password": PASSWORD})
    page = browser.get("/account/two-factor/on")
    secret = page.context["form"].secret
    assert secret in page.content.decode()
    code = early_code_of(secret)
    answer = browser.post("/account/two-factor/on", {"code": code})
    assert answer["Location"] == "/account/two-factor/codes"
    return str(secret), code


def forget_used_codes() -> None:
    """As after a minute and a half: a code works once, and the tests' next one comes in the same half minute."""
    cache.clear()
    for app in Authenticator.objects.filter(type=Authenticator.Type.TOTP):
        app.data.pop("last_step", None)
        app.save()
