"""What readers decide about their mail: when it comes, about what, a pause, an end. The next slot follows at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from django.db import connection, transaction

from digests.line import ANY
from digests.models import Schedule, Subscriber, Subscription
from digests.models.delivery import WAITING_STATES, DeliveryState
from digests.schedule import FREQUENCIES, RULE_FIELDS, due_on, next_slot

Subject: TypeAlias = tuple[str, int | None, int | None]
"""A kind of subscriptions, and the topic or the shared list where it is one."""


class Limits(NamedTuple):
    """How much of a subject is in a mail: columns of Subscription."""

    line: str = ANY
    min_votes: int = 0
    max_papers: int | None = None
    line_set_at: datetime | None = None


# What a reader chooses, as `save_schedule` takes it.
_CHOSEN = (*RULE_FIELDS, "max_papers", "sends_empty")


def save_schedule(*, subscriber: Subscriber, frequency: str, now: datetime, **chosen: Any) -> Schedule:
    """The reader's schedule of this frequency with what is `chosen`, made or changed, and going again if it had ended.

    `chosen` may have what `RULE_FIELDS` names, max_papers and sends_empty. A new one looks back on its last period
    only. Idempotent.

    Raises:
        ValueError: there is no such frequency.
    """
    if frequency not in FREQUENCIES:
        raise ValueError(f"No mail comes {frequency!r}; digests/schedule.py has {', '.join(FREQUENCIES)}.")
    if unknown := set(chosen) - set(_CHOSEN):
        raise TypeError(f"A schedule has no {', '.join(sorted(unknown))}.")
    with transaction.atomic():
        fresh = {"covers_from": now - FREQUENCIES[frequency].period}
        schedule, is_new = Schedule.objects.select_for_update().get_or_create(
            subscriber=subscriber, frequency=frequency, defaults=fresh
        )
        if not is_new and schedule.ended_at is not None:
            schedule.covers_from = max(schedule.covers_from, fresh["covers_from"])
        schedule.ended_at = None
        for name, value in chosen.items():
            setattr(schedule, name, value)
        _set_next_slot(schedule, now)
        schedule.save()
    return schedule


def subjects_of(kinds: Iterable[str], topic_ids: Iterable[int], list_ids: Iterable[int]) -> set[Subject]:
    """What a mail is to be about."""
    return {
        *((kind, None, None) for kind in kinds),
        *((Subscription.Kind.TOPIC.value, pk, None) for pk in topic_ids),
        *((Subscription.Kind.LIST.value, None, pk) for pk in list_ids),
    }


def set_subscriptions(
    *,
    schedule: Schedule,
    kinds: Iterable[str] = (),
    topic_ids: Iterable[int] = (),
    list_ids: Iterable[int] | None = None,
    limits: Mapping[Subject, Limits] = MappingProxyType({}),
) -> None:
    """Make the mail be about exactly these; those that stay keep their links and limits. Idempotent.

    Without `list_ids` the shared lists that it is about stay. `limits` are given to those that are new to the mail.
    """
    wanted = subjects_of(kinds, topic_ids, list_ids or ())
    with transaction.atomic():
        Schedule.objects.select_for_update().get(pk=schedule.pk)
        for one in schedule.subscriptions.all():
            if one.subject in wanted:
                wanted.remove(one.subject)
            elif one.shared_list_id is None or list_ids is not None:
                one.delete()
        Subscription.objects.bulk_create(
            Subscription(
                schedule=schedule,
                kind=subject[0],
                topic_id=subject[1],
                shared_list_id=subject[2],
                **limits.get(subject, Limits())._asdict(),
            )
            for subject in sorted(wanted, key=str)
        )


def move_subscriptions(*, subscriber: Subscriber, wanted: Mapping[str, Collection[Subject]]) -> None:
    """Let subjects that leave one mail of a reader for another keep their rows, and with them links, limits, and what
    waits below their line. `wanted`: all that each frequency is to be about; those in it have a schedule. Idempotent.
    """
    with transaction.atomic():
        going = subscriber.schedules.filter(ended_at=None)
        schedules = {one.frequency: one for one in going.select_for_update().order_by("pk")}
        rows = Subscription.objects.filter(schedule__in=schedules.values()).select_related("schedule").order_by("pk")
        there = {(one.schedule.frequency, one.subject): one for one in rows}
        for frequency, subjects in wanted.items():
            for subject in subjects:
                if (frequency, subject) in there:
                    continue
                leaving = (
                    one
                    for (other, about), one in there.items()
                    if about == subject and subject not in wanted.get(other, ())
                )
                if (found := next(leaving, None)) is not None:
                    del there[found.schedule.frequency, subject]
                    found.schedule = schedules[frequency]
                    found.save(update_fields=["schedule"])
                    there[frequency, subject] = found


def start_schedules(*, subscriber: Subscriber, now: datetime) -> None:
    """Let the mail of a reader begin who has just confirmed the address. Idempotent."""
    with transaction.atomic():
        for schedule in subscriber.schedules.select_for_update().filter(next_due_at=None, ended_at=None):
            schedule.covers_from = max(schedule.covers_from, now - FREQUENCIES[schedule.frequency].period)
            _set_next_slot(schedule, now)
            schedule.save()


def pause_schedule(*, schedule: Schedule, until: date | None, keeps_papers: bool, now: datetime) -> None:
    """Send nothing for local dates before `until`; None ends a pause.

    With `keeps_papers` the first mail afterwards brings what came meanwhile, as far back as a mail reaches; without,
    the last period only. What is waiting already is cancelled.
    """
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=schedule.pk)
        schedule.paused_until = until
        if until is not None and not keeps_papers:
            resumed_at = due_on(schedule.rule, until) or datetime.combine(until, time(), now.tzinfo)
            schedule.covers_from = max(schedule.covers_from, resumed_at - FREQUENCIES[schedule.frequency].period)
        _set_next_slot(schedule, now)
        schedule.save()
        if until is not None:
            cancel_waiting(schedules=[schedule.pk], reason="paused by the reader", before=until)


def end_schedule(*, schedule: Schedule, now: datetime) -> None:
    """Unsubscribe from all of a schedule, at once: also what is waiting to be sent is cancelled. Idempotent."""
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=schedule.pk)
        if schedule.ended_at is None:
            schedule.ended_at = now
        schedule.next_on = schedule.next_due_at = None
        schedule.save()
        cancel_waiting(schedules=[schedule.pk], reason="unsubscribed")


_CANCEL = """
    WITH cancelled AS (
        UPDATE digests_delivery SET state = 'cancelled', reason = %(reason)s,
            owner = '', leased_until = NULL, content_spec = ''
        WHERE schedule_id = ANY(%(schedules)s) AND state = ANY(%(states)s)
          AND (%(before)s::date IS NULL OR period_on < %(before)s)
        RETURNING schedule_id, from_release
    ), least_of AS (
        SELECT schedule_id, min(from_release) AS release FROM cancelled GROUP BY schedule_id
    )
    UPDATE digests_schedule schedule SET last_release = least(schedule.last_release, least_of.release)
    FROM least_of WHERE schedule.id = least_of.schedule_id
"""


def cancel_waiting(*, schedules: Iterable[int], reason: str, before: date | None = None) -> None:
    """Cancel what is not being handed over yet, of mails meant for dates before `before`; None: of all.

    Their papers count as not offered, so a later mail of the schedule may bring them. One statement; idempotent.
    """
    with connection.cursor() as cursor:
        parameters = {
            "reason": reason,
            "schedules": list(schedules),
            "states": [*WAITING_STATES, DeliveryState.LEASED],
            "before": before,
        }
        cursor.execute(_CANCEL, parameters)


def _set_next_slot(schedule: Schedule, now: datetime) -> None:
    """Set the next slot of a schedule whose row is ours; nothing for those that have ended or were never confirmed."""
    if schedule.ended_at is not None or schedule.subscriber.confirmed_at is None:
        schedule.next_on = schedule.next_due_at = None
        return
    last_on = schedule.last_on
    if schedule.paused_until is not None:
        last_on = max(filter(None, (last_on, schedule.paused_until - timedelta(days=1))))
    slot = next_slot(schedule.rule, after=now, last_on=last_on)
    schedule.next_on, schedule.next_due_at = slot.on, slot.due_at
