"""Mails that tell the owner of an account what happened to it: one a thing, whatever else they want by mail."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from digests.content.transactional import MailNotSentError, MessageIdentity, send_transactional_mail
from digests.models import Suppression
from papers.models import SecurityEvent
from papers.retry import RetrySchedule, minutes
from papers.services.accounts.email_addresses import has_confirmed_address
from papers.services.accounts.mail_allowance import MailKind, take_allowance

logger = logging.getLogger(__name__)

# The pause is written before the attempt that it follows; behind the last pause there is none.
_RETRIES = RetrySchedule(minutes(5, 30, 180, 720))


def send_due_security_mails(*, now: datetime) -> int:
    """Send the mails that are due; returns how many left. Two workers never send the same."""
    sent = 0
    while (event := _take(now)) is not None:
        identity = MessageIdentity(name=f"security.{event.pk}", at=event.at)
        try:
            send_transactional_mail("security", to=event.user.email, context={"event": event}, identity=identity)
        except MailNotSentError as error:
            logger.warning("A mail about an account's security did not leave: %s", error)
            continue
        sent += 1
        SecurityEvent.objects.filter(pk=event.pk).update(mail_at=None)
    return sent


def _take(now: datetime) -> SecurityEvent | None:
    """The next event to tell of; None where none waits.

    When to try again is committed first: nobody else tries meanwhile, and after a kill somebody does.
    """
    while True:
        with transaction.atomic():
            due = SecurityEvent.objects.due_mails(now).select_for_update(skip_locked=True, of=("self",))
            event = due.select_related("user", "by").first()
            if event is None:
                return None
            pause = _RETRIES.pause_after(event.mail_attempts + 1)
            is_told = pause is not None and _may_be_told(event) and _is_allowed(event, now)
            event.mail_at = now + pause if is_told and pause is not None else None
            event.mail_attempts += 1
            event.save(update_fields=["mail_at", "mail_attempts"])
        if is_told:
            return event


def _is_allowed(event: SecurityEvent, now: datetime) -> bool:
    """Whoever has a password could sign in from a new place each minute: three such mails a day say enough, and the log
    has all of it. What else happens to an account is always told. Another attempt at the same mail was counted.
    """
    if event.kind != SecurityEvent.Kind.NEW_DEVICE or event.mail_attempts > 0:
        return True
    return take_allowance(address=event.user.email, now=now, kind=MailKind.NEW_DEVICE)


def _may_be_told(event: SecurityEvent) -> bool:
    """Whether the address is known to be theirs, and takes mail. Who wants no papers by mail is told all the same."""
    refused = Suppression.objects.of(event.user.email).exclude(reason=Suppression.Reason.UNSUBSCRIBED)
    return event.user.is_active and has_confirmed_address(event.user) and not refused.exists()
