"""Mails to readers who are named in comments and asked for such mail: one for all that waits for a reader."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from digests.content.transactional import MailNotSentError, send_transactional_mail
from digests.models import Suppression
from papers.models import Mention, User
from papers.retry import RetrySchedule, minutes
from papers.services.accounts.email_addresses import has_confirmed_address

logger = logging.getLogger(__name__)

# The pause is written before the attempt that it follows; behind the last pause there is none.
_RETRIES = RetrySchedule(minutes(5, 30, 180, 720))
_SHOWN = 10


def send_due_mention_mails(*, now: datetime) -> int:
    """Send the mails that are due; returns how many left. Two workers never send the same."""
    sent = 0
    while (taken := _take(now)) is not None:
        user, mentions = taken
        if mentions:
            try:
                send_transactional_mail("mentioned", to=user.email, context=_context(mentions))
            except MailNotSentError as error:
                logger.warning("A mail to somebody who was named did not leave: %s", error)
                continue
            sent += 1
        Mention.objects.filter(pk__in=[mention.pk for mention in mentions]).update(mail_at=None)
    return sent


def _take(now: datetime) -> tuple[User, list[Mention]] | None:
    """The next reader with the mentions to mail, perhaps none any more; None where nobody waits.

    When to try again is committed first: nobody else tries meanwhile, and after a kill somebody does.
    """
    with transaction.atomic():
        waiting = Mention.objects.exclude(mail_at=None)
        first = waiting.filter(mail_at__lte=now).order_by("mail_at", "pk").select_for_update(skip_locked=True).first()
        if first is None:
            return None
        own = waiting.filter(user=first.user_id)
        keys = list(own.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
        pause = _RETRIES.pause_after(first.mail_attempts + 1)
        if pause is None or not _wants_mail(first.user):
            own.filter(pk__in=keys).update(mail_at=None)
            return first.user, []
        own.filter(pk__in=keys).update(mail_at=now + pause, mail_attempts=first.mail_attempts + 1)
        shown = list(Mention.objects.of(first.user).filter(pk__in=keys, read_at=None))
        gone = set(keys) - {mention.pk for mention in shown}
        Mention.objects.filter(pk__in=gone).update(mail_at=None)
        return first.user, shown


def _wants_mail(user: User) -> bool:
    return (
        user.is_active
        and user.mails_mentions
        and has_confirmed_address(user)
        and not Suppression.objects.of(user.email).exists()
    )


def _context(mentions: list[Mention]) -> dict[str, object]:
    shown = [
        {
            "by": mention.comment.user.username if mention.comment.user else "Someone",
            "title": mention.comment.paper.title,
        }
        for mention in mentions[:_SHOWN]
    ]
    return {"mentions": shown, "others": len(mentions) - len(shown), "by": shown[0]["by"]}
