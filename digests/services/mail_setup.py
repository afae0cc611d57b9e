"""Whether mail works here, and the test message that shows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.core.cache import cache

from digests.content.transactional import LetterError, may_leave, send_letter
from digests.models import MailTrial
from papers.web.page_cache_stamp import renew_stamp

_KEY = "mail-trial"
_SECONDS = 60


class MailState(StrEnum):
    """How far mail is set up."""

    NO_SERVER = "no-server"
    LOOPBACK = "loopback"
    UNTRIED = "untried"
    FAILED = "failed"
    WORKS = "works"


@dataclass(frozen=True, slots=True)
class Mail:
    """Whether addresses may be taken, and how the last test went."""

    state: MailState
    said: str = ""
    tried_at: datetime | None = None

    @property
    def works(self) -> bool:
        return self.state is MailState.WORKS


def current_mail() -> Mail:
    """How mail is set up. One cached read; a test shows at once, or within a minute where the cache is away."""
    row: tuple[str, bool, str, datetime] | None = cache.get(_KEY)
    if row is None:
        found = MailTrial.objects.filter(pk=1).values_list("way", "has_left", "said", "tried_at").first()
        row = found or ("", False, "", datetime.min)  # noqa: DTZ901  never shown
        cache.set(_KEY, row, _SECONDS)
    way, has_left, said, tried_at = row
    if not settings.MAIL_IS_SENT:
        return Mail(MailState.NO_SERVER)
    if not may_leave():
        return Mail(MailState.LOOPBACK)
    if way != _way():
        return Mail(MailState.UNTRIED)
    return Mail(MailState.WORKS if has_left else MailState.FAILED, said, tried_at)


def send_test(*, to: str, now: datetime) -> Mail:
    """Send a test message and note how it went; in the outbox where there is no server. The result is for people."""
    try:
        send_letter("test", to=to, context={})
        has_left, said = may_leave(), f"The server took a test message to {to}."
    except LetterError as error:
        has_left, said = False, f"The test message did not leave: {error}"
    if may_leave():
        values = {"tried_at": now, "way": _way(), "has_left": has_left, "said": said}
        MailTrial.objects.update_or_create(pk=1, defaults=values)
        cache.delete(_KEY)
        renew_stamp()
    return current_mail()


def _way() -> str:
    """Changes with the server, its user, the sender and the site: then mail must be tried again."""
    parts = (
        *(settings.EMAIL_BACKEND, getattr(settings, "EMAIL_HOST", ""), getattr(settings, "EMAIL_PORT", "")),
        *(getattr(settings, "EMAIL_HOST_USER", ""), settings.DEFAULT_FROM_EMAIL, settings.SITE_URL),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
