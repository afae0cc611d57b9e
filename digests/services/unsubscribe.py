"""Unsubscribing, and undoing it. Works by the keys in mails, for ever; effective at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction

from digests.models import Schedule, Subscriber, Subscription
from digests.services.mail_keys import find_by_key
from digests.services.schedules import Limits, end_schedule, save_schedule
from papers.models import SharedList, Topic

_SALT = "digests.undo"
UNDO_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class UnsubscribeTarget:
    """What a link in a mail can end."""

    subscriber: Subscriber
    is_active: bool
    """Whether there is anything to end."""
    schedule: Schedule | None = None
    """The mail that the link is for; None: all of them."""
    subscriptions: Sequence[Subscription] = ()
    """All that the mail is about."""
    chosen: Subscription | None = None
    """The one that the link is for; None: the whole mail."""


def find_unsubscribe_target(key: str) -> UnsubscribeTarget | None:
    """What the link with this key can end; None for a key that belongs to nothing, or no longer. Few queries."""
    chosen = find_by_key(Subscription.objects.select_related("schedule__subscriber"), key)
    schedule = chosen.schedule if chosen else find_by_key(Schedule.objects.select_related("subscriber"), key)
    if schedule is None:
        subscriber = find_by_key(Subscriber.objects.all(), key)
        return (
            None
            if subscriber is None
            else UnsubscribeTarget(subscriber, subscriber.schedules.filter(ended_at=None).exists())
        )
    rows = Subscription.objects.with_rights().filter(schedule=schedule)
    about = list(rows.select_related("topic", "shared_list").order_by("pk"))
    return UnsubscribeTarget(
        subscriber=schedule.subscriber,
        is_active=schedule.ended_at is None,
        schedule=schedule,
        subscriptions=about,
        chosen=next((one for one in about if chosen and one.pk == chosen.pk), None),
    )


def unsubscribe_from_one(*, subscription: Subscription, now: datetime) -> str:
    """End one subscription; with the last one its mail ends. Returns the token that undoes it. Idempotent."""
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=subscription.schedule_id)
        undo = _undo([schedule.pk], one=subscription)
        if schedule.subscriptions.exclude(pk=subscription.pk).exists():
            subscription.delete()
        else:
            end_schedule(schedule=schedule, now=now)
    return undo


def unsubscribe_from_schedule(*, schedule: Schedule, now: datetime) -> str:
    """End a whole mail. Returns the token that undoes it. Idempotent."""
    end_schedule(schedule=schedule, now=now)
    return _undo([schedule.pk])


def unsubscribe_from_all(*, subscriber: Subscriber, now: datetime) -> str:
    """End all of a reader's mail. Returns the token that undoes it. Idempotent."""
    with transaction.atomic():
        going = list(subscriber.schedules.filter(ended_at=None).order_by("pk"))
        for schedule in going:
            end_schedule(schedule=schedule, now=now)
    return _undo([schedule.pk for schedule in going])


def _undo(schedules: Sequence[int], *, one: Subscription | None = None) -> str:
    """The row comes back as it was: by its id a mail's link still finds it, and what waits below its line rises."""
    ended: dict[str, object] = {"schedules": list(schedules), "kind": "", "topic": None}
    if one is not None:
        set_at = one.line_set_at.isoformat() if one.line_set_at else None
        ended |= {
            "kind": one.kind,
            "topic": one.topic_id,
            "list": one.shared_list_id,
            "row": one.pk,
            "digest": bytes(one.key_digest).hex() if one.key_digest else None,
            "limits": (one.line, one.min_votes, one.max_papers, set_at),
        }
    return signing.dumps(ended, salt=_SALT)


def undo_unsubscribe(token: str, *, now: datetime) -> bool:
    """Undo what returned `token`, which nobody else can make; False when it is too late for that. Idempotent.

    It is too late, too, once the topic or the list that was ended is gone.
    """
    try:
        ended = signing.loads(token, salt=_SALT, max_age=UNDO_LIFETIME)
    except signing.BadSignature:
        return False
    with transaction.atomic():
        if ended["topic"] and not Topic.objects.select_for_update(no_key=True).filter(pk=ended["topic"]).exists():
            return False
        shared_list = ended.get("list")
        if shared_list and not SharedList.objects.select_for_update(no_key=True).filter(pk=shared_list).exists():
            return False
        found = Schedule.objects.filter(pk__in=ended["schedules"]).select_related("subscriber")
        for schedule in found.order_by("pk"):
            save_schedule(subscriber=schedule.subscriber, frequency=schedule.frequency, now=now)
            if ended["kind"]:
                Subscription.objects.get_or_create(
                    schedule=schedule,
                    kind=ended["kind"],
                    topic_id=ended["topic"],
                    shared_list_id=shared_list,
                    defaults=_row_of(ended),
                )
    return True


def _row_of(ended: Mapping[str, Any]) -> dict[str, Any]:
    """What a subscription that comes back has beside its subject. Its id is given to no other meanwhile."""
    line, votes, most, set_at = ended["limits"]
    digest, limits = ended["digest"], Limits(line, votes, most, datetime.fromisoformat(set_at) if set_at else None)
    return {**limits._asdict(), "pk": ended["row"], "key_digest": bytes.fromhex(digest) if digest else None}
