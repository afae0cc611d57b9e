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
    move_subscriptions,
    pause_schedule,
    save_schedule,
    set_subscriptions,
    subjects_of,
)
from papers.models import SharedList, Topic, User
from papers.services.operations.installation import group_settings

_UNDO_SALT = "digests.preferences"
UNDO_LIFETIME = timedelta(hours=24)


def subscribable_topics(reader: User | AnonymousUser | None) -> QuerySet[Topic]:
    """What can be subscribed to: topics for all, and a reader's own."""
    mine = Q(owner=reader) if reader is not None and reader.is_authenticated else Q(pk=None)
    return Topic.objects.filter(Q(owner=None) | mine).order_by("owner", Lower("name"), "pk")


def subscribable_lists(reader: User | None) -> QuerySet[SharedList]:
    """The shared lists that a reader may read, and so subscribe to; without an account none."""
    return SharedList.objects.none() if reader is None else SharedList.objects.readable_by(reader)


def subscribe_to_list(*, subscriber: Subscriber, shared_list: SharedList, frequency: str, now: datetime) -> None:
    """Have what comes to a shared list mailed so often, beside all that comes already; with `""` no more. Idempotent.

    A mail that nothing else is in ends. The caller has checked that the reader may read the list.

    Raises:
        ValueError: there is no such frequency.
    """
    with transaction.atomic():
        if frequency:
            going = _going(subscriber).first()
            zone = {} if going is not None else {"time_zone": _zone_of(subscriber)}
            before = Schedule.objects.filter(subscriber=subscriber, frequency=frequency, ended_at__isnull=False).first()
            if before is not None:  # what it was about has ended with it
                before.subscriptions.all().delete()
            schedule = save_schedule(subscriber=subscriber, frequency=frequency, now=now, **zone)
            move_subscriptions(subscriber=subscriber, wanted={frequency: subjects_of((), (), [shared_list.pk])})
            Subscription.objects.get_or_create(
                schedule=schedule, kind=Subscription.Kind.LIST, topic=None, shared_list=shared_list
            )
        others = Subscription.objects.filter(schedule__subscriber=subscriber, shared_list=shared_list)
        others.exclude(schedule__frequency=frequency).delete()
        for empty in _going(subscriber).filter(subscriptions=None):
            end_schedule(schedule=empty, now=now)


def list_frequency(user: User, shared_list: SharedList) -> str:
    """How often a reader is mailed what comes to a list; empty: never. One query."""
    found = Subscription.objects.filter(
        schedule__subscriber__user=user, schedule__ended_at=None, shared_list=shared_list
    )
    return found.values_list("schedule__frequency", flat=True).first() or ""


def _zone_of(subscriber: Subscriber) -> str:
    zone = subscriber.user.time_zone if subscriber.user is not None else ""
    return zone or group_settings().time_zone


def _lists_of(subscriber: Subscriber) -> dict[str, list[int]]:
    """Frequency → shared lists, as it is now. One query."""
    found: dict[str, list[int]] = {}
    rows = Subscription.objects.filter(schedule__in=_going(subscriber), shared_list__isnull=False).order_by("pk")
    for frequency, key in rows.values_list("schedule__frequency", "shared_list"):
        found.setdefault(frequency, []).append(key)
    return found


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
    lists: Mapping[str, Sequence[int]] | None = None,
    when: Mapping[str, Any],
    now: datetime,
    limits: Mapping[Subject, Limits] | None = None,
) -> None:
    """Make a reader's mails be exactly these: frequency → kinds, frequency → topics, frequency → shared lists.
    Idempotent.

    A frequency with nothing in it ends; what waits of it is cancelled. Without `lists` those stay as they are. A
    subject that comes in another mail than before keeps its limits and what waits below its line; one that is new has
    those of `limits`.
    """
    with transaction.atomic():
        listed = _lists_of(subscriber) if lists is None else lists
        limits = {**_limits_of(subscriber), **(limits or {})}
        chosen = {often: (kinds.get(often, ()), topics.get(often, ()), listed.get(often, ())) for often in FREQUENCIES}
        going = {
            often: save_schedule(subscriber=subscriber, frequency=often, now=now, **when)
            for often, about in chosen.items()
            if any(about)
        }
        move_subscriptions(subscriber=subscriber, wanted={often: subjects_of(*chosen[often]) for often in going})
        for frequency, (about, topic_ids, list_ids) in chosen.items():
            if (schedule := going.get(frequency)) is not None:
                set_subscriptions(schedule=schedule, kinds=about, topic_ids=topic_ids, list_ids=list_ids, limits=limits)
            elif (ending := _going(subscriber).filter(frequency=frequency).first()) is not None:
                end_schedule(schedule=ending, now=now)
        subscriber.consent = {
            **subscriber.consent,
            "changed_at": now.isoformat(),
            "about": {frequency: [*kinds.get(frequency, ()), *topics.get(frequency, ())] for frequency in FREQUENCIES},
        }
        subscriber.save(update_fields=["consent"])


class ChosenSubjects(NamedTuple):
    """What a reader gets: frequency → kinds, frequency → topics, frequency → shared lists."""

    kinds: Mapping[str, list[str]]
    topics: Mapping[str, list[int]]
    lists: Mapping[str, list[int]]


def read_subjects(subscriber: Subscriber) -> ChosenSubjects:
    """What a reader gets now. One query."""
    kinds: dict[str, list[str]] = {}
    topics: dict[str, list[int]] = {}
    lists: dict[str, list[int]] = {}
    rows = _subscriptions_of(subscriber).filter(schedule__ended_at=None)
    for frequency, kind, topic, shared_list in rows.values_list("schedule__frequency", "kind", "topic", "shared_list"):
        if topic is not None:
            topics.setdefault(frequency, []).append(topic)
        elif shared_list is not None:
            lists.setdefault(frequency, []).append(shared_list)
        else:
            kinds.setdefault(frequency, []).append(kind)
    return ChosenSubjects(kinds, topics, lists)


def _subscriptions_of(subscriber: Subscriber) -> QuerySet[Subscription]:
    return Subscription.objects.filter(schedule__subscriber=subscriber).order_by("pk")


def _limits_of(subscriber: Subscriber) -> dict[Subject, Limits]:
    """By subject, where a line or a number was chosen. One query."""
    rows = _subscriptions_of(subscriber).values_list("kind", "topic", "shared_list", *Limits._fields)
    found = {(kind, topic, shared_list): Limits(*chosen) for kind, topic, shared_list, *chosen in rows}
    return {subject: limits for subject, limits in found.items() if limits != Limits()}


def read_choice(subscriber: Subscriber) -> str:
    """A token of what a reader gets now, for `restore_choice`. Two queries."""
    chosen = read_subjects(subscriber)
    limits = [(*subject, one.line, one.min_votes, one.max_papers) for subject, one in _limits_of(subscriber).items()]
    return signing.dumps({"reader": subscriber.pk, **chosen._asdict(), "limits": limits}, salt=_UNDO_SALT)


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
    readable = set(subscribable_lists(subscriber.user).values_list("pk", flat=True))
    lists = {often: [pk for pk in ids if pk in readable] for often, ids in before.get("lists", {}).items()}
    limits = {
        (kind, topic, listed): Limits(line, votes, most, now)
        for kind, topic, listed, line, votes, most in before.get("limits", ())
    }
    save_preferences(
        subscriber=subscriber, kinds=before["kinds"], topics=topics, lists=lists, when={}, now=now, limits=limits
    )
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
