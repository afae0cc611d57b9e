"""What the workers do for mail. A message carries no truth: what is due and what is waiting are found in the tables."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app, shared_task
from django.utils import timezone

from digests.services import (
    club_mail,
    club_mail_plan,
    double_opt_in,
    mail_scheduler,
    mention_mail,
    notices,
    security_mail,
    sending,
)
from papers.enqueue import TaskName, enqueue
from papers.services.clubs.meetings import plan_all_meetings

logger = logging.getLogger(__name__)


@shared_task(name=TaskName.SEND_CONFIRMATIONS)
def send_confirmations() -> None:
    """Send the confirmation mails that wait, and delete what was never confirmed."""
    sent = double_opt_in.send_due_confirmations(now=timezone.now())
    deleted = double_opt_in.delete_expired_sign_ups(now=timezone.now())
    logger.info("Sent %d confirmation mails, deleted %d sign-ups", sent, deleted)


@shared_task(name=TaskName.SEND_MENTIONS)
def send_mentions() -> None:
    """Mail readers who asked for it where they were named."""
    if sent := mention_mail.send_due_mention_mails(now=timezone.now()):
        logger.info("Sent %d mails to people who were named", sent)


@shared_task(name=TaskName.SEND_SECURITY)
def send_security() -> None:
    """Mail people what happened to their accounts."""
    if sent := security_mail.send_due_security_mails(now=timezone.now()):
        logger.info("Sent %d mails about accounts", sent)


@shared_task(name=TaskName.SEND_CLUB_MAIL)
def send_club_mail() -> None:
    """Plan the meetings of journal clubs, and send their reminders and what changed since."""
    now = timezone.now()
    plan_all_meetings(now=now)
    club_mail_plan.plan_club_mail(now=now)
    if sent := club_mail.send_due_club_mail(now=now):
        logger.info("Sent %d mails of journal clubs", sent)


@shared_task(name=TaskName.RUN_SCHEDULED_MAIL)
def run_scheduled_work() -> None:
    """Plan what is due, take over from workers that died, and have what is waiting sent. Beat calls it every minute."""
    done = mail_scheduler.run_scheduled_work(now=timezone.now())
    if done.planned.planned or done.planned.skipped:
        logger.info("Planned %d mails, skipped %d", done.planned.planned, done.planned.skipped)
    if done.is_waiting:
        enqueue(TaskName.SEND_WAITING)


@shared_task(name=TaskName.SEND_WAITING)
def send_waiting() -> None:
    """Lease and send what is waiting. Waiting lives in the rows (`not_before`), never in a countdown."""
    done = sending.send_waiting(enqueue_another=_enqueue_another_sender)
    if done.counts or done.stopped:
        logger.info("Sent mail: %s %s", dict(done.counts), done.stopped)


def _enqueue_another_sender() -> None:
    """Have one more mail worker send too, if one is free: while nobody takes a message, there is no second one.

    So as many senders work as there are, and what else waits for them, such as confirmations, waits no longer for it.
    """
    with current_app.connection_for_write() as connection:
        # Not passive, for which kombu 5.7 looks under a name without the prefix of ours, and finds no queue.
        channel: Any = connection.default_channel
        waiting = channel.queue_declare("mail").message_count
    if not waiting:
        enqueue(TaskName.SEND_WAITING)


@shared_task(name=TaskName.POST_NOTICES)
def post_notices() -> None:
    """Post to channels what curators should know. Beat calls it every minute; twice at once does no harm."""
    if sent := notices.post_due_notices(now=timezone.now()):
        logger.info("Sent %d notices to curators", sent)
