"""What the workers do for mail. A message carries no truth: what is to be done is found in the database."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from digests.services import signups

logger = logging.getLogger(__name__)


@shared_task(name="digests.answer_sign_ups")
def answer_sign_ups() -> None:
    """Send the letters that wait for it, and forget what was never confirmed."""
    sent = signups.answer_waiting(now=timezone.now())
    forgotten = signups.forget_unconfirmed(now=timezone.now())
    logger.info("Sent %d letters, forgot %d sign-ups", sent, forgotten)
