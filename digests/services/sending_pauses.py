"""What holds mail back for a while: a pause of all mail, or of mail to one domain. Beginning it, asking, ending it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from digests.models import SendingPause
from digests.models.send_limits import ALL_MAIL


def sending_blocked_reason(*, now: datetime) -> str:
    """What keeps all mail back, in words for the operator; empty: nothing. At most one query."""
    if settings.MAIL_IS_SENT and settings.SITE.is_loopback:
        return "The links in mails would lead nowhere: set BROADSHEET_SITE_URL to the address that readers type."
    pause = SendingPause.objects.active(now).filter(name=ALL_MAIL).first()
    return pause.reason if pause else ""


def paused_domains(*, now: datetime) -> list[str]:
    """The domains to which nothing is sent at the moment. One query."""
    return list(SendingPause.objects.active(now).exclude(name=ALL_MAIL).values_list("name", flat=True))


def current_pauses(*, now: datetime) -> list[SendingPause]:
    """All that is held back at the moment, all mail first, for administrators. One query."""
    return list(SendingPause.objects.active(now).order_by("name"))


def pause_sending(name: str, *, reason: str, now: datetime, duration: timedelta) -> None:
    """Send nothing to a domain for a while, or nothing at all (`name` is ALL_MAIL)."""
    SendingPause.objects.update_or_create(name=name, defaults={"since": now, "until": now + duration, "reason": reason})


def resume_sending(name: str) -> bool:
    """Let mail go out again before its pause has ended; whether there was one. Idempotent."""
    return SendingPause.objects.filter(name=name).delete()[0] > 0
