"""From a typed address to a reader who asked for mail: the confirmation mail, the link in it, and its button."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from digests.content.transactional import MailNotSentError, MailServerUnreachableError, send_transactional_mail
from digests.models import Schedule, SignUp, Subscriber, Subscription, Suppression
from digests.models.signup import UNCONFIRMED_RETENTION
from digests.schedule import DAILY, WEEKLY
from digests.services.mail_keys import key_of_reader
from digests.services.schedules import save_schedule, set_subscriptions, start_schedules
from papers.enqueue import TaskName, enqueue
from papers.models import Topic, User
from papers.retry import RetrySchedule, minutes
from papers.services.accounts.email_addresses import has_confirmed_address
from papers.services.accounts.mail_allowance import take_allowance
from papers.services.operations.installation import group_settings
from papers.text.mailboxes import is_same

logger = logging.getLogger(__name__)

# At most one mail to an address in ten minutes, however often it is typed. How many a day, all forms together:
# papers/services/accounts/mail_allowance.py.
_PAUSE = timedelta(minutes=10)
# The pause is written before the attempt that it follows; behind the last pause there is none.
_RETRIES = RetrySchedule(minutes(1, 5, 30, 180))
_UNREACHABLE = (Suppression.Reason.BOUNCED, Suppression.Reason.COMPLAINED)


def request_sign_up(*, email: str, now: datetime, topic: Topic | None = None) -> None:
    """Record that somebody wants mail at `email`, for a worker. One statement, the same whatever is known of it."""
    with transaction.atomic():
        SignUp.objects.create(email=email, topic=topic, asked_at=now, not_before=now)
        enqueue(TaskName.SEND_CONFIRMATIONS)


def request_address_change(*, subscriber: Subscriber, email: str, now: datetime) -> None:
    """Have `email` confirmed as the new address of a subscriber; until then mail goes to the old one."""
    with transaction.atomic():
        SignUp.objects.create(
            email=email, purpose=SignUp.Purpose.MOVE, subscriber=subscriber, asked_at=now, not_before=now
        )
        enqueue(TaskName.SEND_CONFIRMATIONS)


def send_due_confirmations(*, now: datetime) -> int:
    """Send the confirmation mails that wait; returns how many left. Two workers never send the same."""
    sent = 0
    while (found := _take(now)) is not None:
        sign_up, token = found
        try:
            _send(sign_up, token)
        except MailNotSentError as error:
            logger.warning("The mail of sign-up %d did not leave: %s", sign_up.pk, error)
            if isinstance(error, MailServerUnreachableError):
                break  # the others with the next minute
            continue
        SignUp.objects.filter(pk=sign_up.pk).update(sent_at=now, not_before=None)
        sent += 1
    return sent


def _take(now: datetime) -> tuple[SignUp, str] | None:
    """The next sign-up to write to, with a fresh token; None where none waits.

    When to try again is committed first, so nobody else tries meanwhile.
    """
    while True:
        with transaction.atomic():
            sign_up = (
                SignUp.objects.select_for_update(skip_locked=True, of=("self",))
                .waiting(now)
                .select_related("subscriber", "topic")
                .order_by("not_before", "pk")
                .first()
            )
            if sign_up is None:
                return None
            pause = _RETRIES.pause_after(sign_up.attempts + 1)
            if pause is None or _is_unwanted(sign_up, now):
                sign_up.not_before = None
                sign_up.save(update_fields=["not_before"])
                continue
            token = secrets.token_urlsafe(24)
            sign_up.token_digest = _digest(token)
            sign_up.not_before = now + pause
            sign_up.attempts += 1
            sign_up.save(update_fields=["token_digest", "not_before", "attempts"])
            return sign_up, token


def _is_unwanted(sign_up: SignUp, now: datetime) -> bool:
    """Whether this address is to be left in peace."""
    if Suppression.objects.of(sign_up.email).filter(reason__in=_UNREACHABLE).exists():
        return True
    earlier = SignUp.objects.of_address(sign_up.email).exclude(pk=sign_up.pk).exclude(sent_at=None)
    if earlier.filter(sent_at__gt=now - _PAUSE).exists():
        return True
    # Another attempt at the same mail was counted with the first.
    return sign_up.attempts == 0 and not take_allowance(address=sign_up.email, now=now)


def _send(sign_up: SignUp, token: str) -> None:
    if sign_up.purpose == SignUp.Purpose.MOVE:
        send_transactional_mail("move", to=sign_up.email, context={"token": token})
        return
    known = Subscriber.objects.with_address(sign_up.email).confirmed().first()
    if known is not None and known.schedules.filter(ended_at=None).exists():
        send_transactional_mail("already_subscribed", to=sign_up.email, context={"key": key_of_reader(known)})
    else:
        send_transactional_mail("confirm", to=sign_up.email, context={"token": token, "topic": sign_up.topic})


class LinkState(StrEnum):
    """Whether a link still works, was used just now, before, or never can be."""

    OPEN = "open"
    DONE = "done"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a link is for, or what pressing its button did."""

    step: LinkState
    sign_up: SignUp | None = None
    subscriber: Subscriber | None = None


def read_link(token: str, *, now: datetime) -> Confirmation:
    """What a link is for, and whether it still works. Changes nothing."""
    return _standing(SignUp.objects.filter(token_digest=_digest(token)).select_related("subscriber").first(), now)


def _standing(sign_up: SignUp | None, now: datetime) -> Confirmation:
    if sign_up is None:
        return Confirmation(LinkState.UNKNOWN)
    if sign_up.used_at is not None:
        return Confirmation(LinkState.USED, sign_up, sign_up.subscriber)
    return Confirmation(LinkState.EXPIRED if sign_up.is_expired(now) else LinkState.OPEN, sign_up, sign_up.subscriber)


def confirm_link(token: str, *, now: datetime) -> Confirmation:
    """Press the button of a link. Idempotent: a second time it was used."""
    with transaction.atomic():
        found = SignUp.objects.select_for_update(of=("self",)).filter(token_digest=_digest(token))
        standing = _standing(found.select_related("subscriber", "topic").first(), now)
        sign_up = standing.sign_up
        if standing.step is not LinkState.OPEN or sign_up is None:
            return standing
        subscriber = _moved(sign_up) if sign_up.purpose == SignUp.Purpose.MOVE else _subscribed(sign_up, now)
        if subscriber is None:
            return Confirmation(LinkState.EXPIRED, sign_up)
        sign_up.used_at, sign_up.subscriber = now, subscriber
        sign_up.save(update_fields=["used_at", "subscriber"])
        Suppression.objects.of(sign_up.email).filter(reason=Suppression.Reason.UNSUBSCRIBED).delete()
    return Confirmation(LinkState.DONE, sign_up, subscriber)


def request_new_link(token: str, *, now: datetime) -> None:
    """Send another link to the address of one that is too old."""
    standing = read_link(token, now=now)
    if standing.step is LinkState.EXPIRED and (sign_up := standing.sign_up) is not None:
        if sign_up.purpose == SignUp.Purpose.MOVE and sign_up.subscriber is not None:
            request_address_change(subscriber=sign_up.subscriber, email=sign_up.email, now=now)
        else:
            request_sign_up(email=sign_up.email, topic=sign_up.topic, now=now)


def _subscribed(sign_up: SignUp, now: datetime) -> Subscriber:
    """The subscriber of a confirmed address, with a first mail to change or keep."""
    known = Subscriber.objects.select_for_update(of=("self",)).with_address(sign_up.email).first()
    subscriber = known or Subscriber.objects.create(email=sign_up.email)
    if subscriber.user_id is None:
        account = User.objects.filter(email__iexact=sign_up.email, is_active=True, subscriber=None).first()
        subscriber.user = account
    subscriber.confirmed_at = subscriber.confirmed_at or now
    subscriber.consent = {
        "how": "form, confirmed by mail",
        "asked_at": sign_up.asked_at.isoformat(),
        "confirmed_at": now.isoformat(),
    }
    subscriber.save()
    start_schedules(subscriber=subscriber, now=now)
    if not subscriber.schedules.filter(ended_at=None).exists():
        create_default_schedule(subscriber=subscriber, topic=sign_up.topic, now=now)
    return subscriber


def has_confirmed_account(subscriber: Subscriber) -> bool:
    """Whether mail goes to an account's own address, which it has confirmed: it need not be asked again. One query."""
    user = subscriber.user
    return user is not None and is_same(user.email, subscriber.email) and has_confirmed_address(user)


def confirm_account(*, subscriber: Subscriber, now: datetime) -> bool:
    """Begin the mail of a reader whose account has a confirmed address; False where it has none. Idempotent."""
    if not has_confirmed_account(subscriber):
        return False
    with transaction.atomic():
        subscriber.confirmed_at = subscriber.confirmed_at or now
        subscriber.consent = {**subscriber.consent, "how": "settings of an account", "confirmed_at": now.isoformat()}
        subscriber.save(update_fields=["confirmed_at", "consent"])
        start_schedules(subscriber=subscriber, now=now)
    return True


def create_default_schedule(*, subscriber: Subscriber, topic: Topic | None, now: datetime) -> Schedule:
    """What a reader gets who chooses nothing else: the topic asked for, each day; else what is trending, each week."""
    frequency = DAILY if topic else WEEKLY
    zone = group_settings().time_zone
    if subscriber.user is not None and subscriber.user.zone() is not None:
        zone = subscriber.user.time_zone
    schedule = save_schedule(subscriber=subscriber, frequency=frequency.name, now=now, time_zone=zone)
    kinds = [] if topic else [Subscription.Kind.TRENDING]
    set_subscriptions(schedule=schedule, kinds=kinds, topic_ids=[topic.pk] if topic else [])
    return schedule


def _moved(sign_up: SignUp) -> Subscriber | None:
    """The subscriber at the new address, and a word to the old one; None where the address has become another's, or the
    reader is suspended.
    """
    subscriber = sign_up.subscriber
    if subscriber is None or (subscriber.user is not None and not subscriber.user.is_active):
        return None
    taken = Subscriber.objects.with_address(sign_up.email).exclude(pk=subscriber.pk).first()
    if taken is not None and taken.confirmed_at is not None:
        return None
    if taken is not None:
        taken.delete()
    old_address = subscriber.email
    subscriber.email = sign_up.email
    subscriber.save(update_fields=["email"])
    if not is_same(old_address, sign_up.email):
        transaction.on_commit(lambda: _notify_old_address(old_address, sign_up.email))
    return subscriber


def _notify_old_address(old_address: str, new_address: str) -> None:
    try:
        send_transactional_mail("moved", to=old_address, context={"address": new_address})
    except MailNotSentError as error:
        logger.warning("The old address got no mail about the change: %s", error)


def delete_expired_sign_ups(*, now: datetime) -> int:
    """Delete what was never confirmed, and links that are of no use any more; how many rows."""
    before = now - UNCONFIRMED_RETENTION
    old, _ = SignUp.objects.filter(asked_at__lt=before).delete()
    # An account's own row stays: it is no stranger's address.
    pending, _ = Subscriber.objects.filter(confirmed_at=None, user=None, created_at__lt=before).delete()
    return old + pending


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
