"""Whether mail works here, and the test message that shows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.core.cache import cache

from digests.content.transactional import MailNotSentError, can_send_mail, send_transactional_mail
from digests.models import MailTest
from papers.hooks import lists_changed

_KEY = "mail-trial"
_SECONDS = 60


class MailSetupState(StrEnum):
    """How far mail is set up."""

    NO_SERVER = "no-server"
    LOOPBACK = "loopback"
    UNTRIED = "untried"
    FAILED = "failed"
    WORKS = "works"


@dataclass(frozen=True, slots=True)
class MailSetup:
    """Whether addresses may be taken, and how the last test went."""

    state: MailSetupState
    result: str = ""
    tested_at: datetime | None = None

    @property
    def works(self) -> bool:
        return self.state is MailSetupState.WORKS


def current_mail_setup() -> MailSetup:
    """How mail is set up. One cached read; a test shows at once, or within a minute where the cache is away."""
    row: tuple[str, bool, str, str] | None = cache.get(_KEY)
    if row is None:
        found = MailTest.objects.filter(pk=1).values_list("settings_digest", "succeeded", "result", "tested_at").first()
        digest, succeeded, result, at = found or ("", False, "", datetime.min)  # noqa: DTZ901  never shown
        row = (digest, succeeded, result, at.isoformat())
        cache.set(_KEY, row, _SECONDS)
    settings_digest, succeeded, result, tested = row
    if not settings.MAIL_IS_SENT:
        return MailSetup(MailSetupState.NO_SERVER)
    if not can_send_mail():
        return MailSetup(MailSetupState.LOOPBACK)
    if settings_digest != _settings_digest():
        return MailSetup(MailSetupState.UNTRIED)
    return MailSetup(
        MailSetupState.WORKS if succeeded else MailSetupState.FAILED, result, datetime.fromisoformat(tested)
    )


def send_test_mail(*, to: str, now: datetime) -> MailSetup:
    """Send a test message, into the outbox where there is no server, and store how it went.

    Returns how mail is set up now.
    """
    try:
        send_transactional_mail("test", to=to, context={})
        succeeded, result = can_send_mail(), f"The server accepted a test e-mail to {to}."
    except MailNotSentError as error:
        succeeded, result = False, f"The test e-mail was not sent: {error}"
    if can_send_mail():
        values = {"tested_at": now, "settings_digest": _settings_digest(), "succeeded": succeeded, "result": result}
        MailTest.objects.update_or_create(pk=1, defaults=values)
        cache.delete(_KEY)
        lists_changed.notify()
    return current_mail_setup()


def _settings_digest() -> str:
    """Changes with the server, its user, the sender and the site: then mail must be tried again."""
    parts = (
        *(settings.EMAIL_BACKEND, getattr(settings, "EMAIL_HOST", ""), getattr(settings, "EMAIL_PORT", "")),
        *(getattr(settings, "EMAIL_HOST_USER", ""), settings.DEFAULT_FROM_EMAIL, settings.SITE_URL),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
