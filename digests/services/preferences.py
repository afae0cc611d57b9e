"""What a reader chose on the page of preferences, written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from digests.models import Schedule, SignUp, Subscriber, Subscription, Suppression
from digests.schedule import FREQUENCIES
from digests.services.schedules import (
    Limits,
    Subject,
    end_schedule,
    pause_schedule,
    save_schedule,
    set_subscriptions,
)
from papers.models import Topic, User

_UNDO_SALT = "digests.preferences"
UNDO_LIFETIME = timedelta(hours=24)


def subscribable_topics(reader: User | AnonymousUser | None) -> QuerySet[Topic]:
    """What can be subscribed to: topics for all, and a reader's own."""
    mine = Q(owner=reader) if reader is not None and reader.is_authenticated else Q(pk=None)
    return Topic.objects.filter(Q(owner=None) | mine).order_by("owner", Lower("name"), "pk")


def get_or_create_subscriber(user: User) -> Subscriber:
    """The reader's row, made at the first visit to the page; nothing is sent before the address is confirmed."""
    found = Subscriber.objects.filter(user=user).first()
    if found is not None:
        return found
    with transaction.atomic():
        same = Subscriber.objects.select_for_update(of=("self",)).with_address(user.email).first()
        if same is None:
            return Subscriber.objects.get_or_create(user=user, defaults={"email": user.email})[0]
        same.user = user  # the address of an account is its owner's, whoever typed it into the strip
        same.save(update_fields=["user"])
        return same


def save_preferences(
    *,
    subscriber: Subscriber,
    kinds: Mapping[str, Sequence[str]],
    topics: Mapping[str, Sequence[int]],
    when: Mapping[str, Any],
    now: datetime,
    limits: Mapping[Subject, Limits] | None = None,
) -> None:
    """Make a reader's mails be exactly these: frequency → kinds, frequency → topics. Idempotent.

    A frequency with nothing in it ends; what waits of it is cancelled. A subject that comes in another mail than before
    keeps its limits, or has those of `limits`.
    """
    with transaction.atomic():
        limits = {**_limits_of(subscriber), **(limits or {})}
        for frequency in FREQUENCIES:
            about, topic_ids = kinds.get(frequency, ()), topics.get(frequency, ())
            if about or topic_ids:
                schedule = save_schedule(subscriber=subscriber, frequency=frequency, now=now, **when)
                set_subscriptions(schedule=schedule, kinds=about, topic_ids=topic_ids, limits=limits)
            elif (going := _going(subscriber).filter(frequency=frequency).first()) is not None:
                end_schedule(schedule=going, now=now)
        subscriber.consent = {
            **subscriber.consent,
            "changed_at": now.isoformat(),
            "about": {frequency: [*kinds.get(frequency, ()), *topics.get(frequency, ())] for frequency in FREQUENCIES},
        }
        subscriber.save(update_fields=["consent"])


class ChosenSubjects(NamedTuple):
    """What a reader gets: frequency → kinds, frequency → topics."""

    kinds: Mapping[str, list[str]]
    topics: Mapping[str, list[int]]


def read_subjects(subscriber: Subscriber) -> ChosenSubjects:
    """What a reader gets now. One query."""
    kinds: dict[str, list[str]] = {}
    topics: dict[str, list[int]] = {}
    rows = _subscriptions_of(subscriber).filter(schedule__ended_at=None)
    for frequency, kind, topic in rows.values_list("schedule__frequency", "kind", "topic"):
        if topic is None:
            kinds.setdefault(frequency, []).append(kind)
        else:
            topics.setdefault(frequency, []).append(topic)
    return ChosenSubjects(kinds, topics)


def _subscriptions_of(subscriber: Subscriber) -> QuerySet[Subscription]:
    return Subscription.objects.filter(schedule__subscriber=subscriber).order_by("pk")


def _limits_of(subscriber: Subscriber) -> dict[Subject, Limits]:
    """By subject, where a line or a number was chosen. One query."""
    rows = _subscriptions_of(subscriber).values_list("kind", "topic", *Limits._fields)
    found = {(kind, topic): Limits(*chosen) for kind, topic, *chosen in rows}
    return {subject: limits for subject, limits in found.items() if limits != Limits()}


def read_choice(subscriber: Subscriber) -> str:
    """A token of what a reader gets now, for `restore_choice`. Two queries."""
    chosen = read_subjects(subscriber)
    limits = [
        (kind, topic, one.line, one.min_votes, one.max_papers) for (kind, topic), one in _limits_of(subscriber).items()
    ]
    token = {"reader": subscriber.pk, "kinds": chosen.kinds, "topics": chosen.topics, "limits": limits}
    return signing.dumps(token, salt=_UNDO_SALT)


def restore_choice(*, subscriber: Subscriber, token: str, now: datetime) -> bool:
    """Make a reader's mails be what they were at `read_choice`, without topics that are gone since; False where the
    token is of somebody else, or too old. Idempotent.
    """
    try:
        before = signing.loads(token, salt=_UNDO_SALT, max_age=UNDO_LIFETIME)
    except signing.BadSignature:
        return False
    if before["reader"] != subscriber.pk:
        return False
    there = set(subscribable_topics(subscriber.user).values_list("pk", flat=True))
    topics = {often: [pk for pk in ids if pk in there] for often, ids in before["topics"].items()}
    limits = {
        (kind, topic): Limits(line, votes, most, now) for kind, topic, line, votes, most in before.get("limits", ())
    }
    save_preferences(subscriber=subscriber, kinds=before["kinds"], topics=topics, when={}, now=now, limits=limits)
    return True


def forget_subscriber(*, subscriber: Subscriber) -> bool:
    """Delete an address that has no account, and all that is kept of it: what it asked for, was sent and refused.

    False where it has an account by now, with which it goes. What is being handed over may still arrive.
    """
    with transaction.atomic():
        found = Subscriber.objects.select_for_update(of=("self",)).filter(pk=subscriber.pk, user=None).first()
        if found is None:
            return False
        SignUp.objects.of_address(found.email).delete()
        Suppression.objects.of(found.email).delete()
        found.delete()
    return True


def pause_subscriber(*, subscriber: Subscriber, until: date | None, keeps_papers: bool, now: datetime) -> None:
    """Send a reader nothing for dates before `until`; None ends a pause. Idempotent."""
    with transaction.atomic():
        for schedule in _going(subscriber):
            if schedule.paused_until != until:
                pause_schedule(schedule=schedule, until=until, keeps_papers=keeps_papers, now=now)


def _going(subscriber: Subscriber) -> QuerySet[Schedule]:
    return subscriber.schedules.filter(ended_at=None).order_by("pk")
