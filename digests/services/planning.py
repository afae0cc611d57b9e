"""The tick: plans every mail that is due, so many at a time, each so many in one transaction.

One process plans at a time, under an advisory lock; a second one finds nothing to do. Killed at any point, what was
committed is planned once and for all, and the rest is still due.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from digests.models import Schedule, Suppression
from digests.models.delivery import WAITING, State
from digests.models.subscriber import Frequency
from digests.schedule import REACHES, Slot, is_too_late, latest_slot, next_slot, period_for
from digests.selection import Due, store_choices
from papers.services.releases import current_release

_LOCK = 0x62730002  # of pg_advisory_xact_lock; every lock of Broadsheet begins with the bytes "bs"
AT_A_TIME = 10_000
# Enough to sort the candidates of so many schedules without files.
_WORK_MEM = "64MB"


@dataclass(frozen=True, slots=True)
class Planned:
    """What one tick did."""

    planned: int = 0
    skipped: int = 0
    """Nothing new for them, or nothing may be sent to them."""
    put_off: int = 0
    """So late that the next mail brings the papers."""

    def __add__(self, other: Planned) -> Planned:
        return Planned(self.planned + other.planned, self.skipped + other.skipped, self.put_off + other.put_off)


class _Move(NamedTuple):
    """Where a schedule stands afterwards."""

    schedule_id: int
    next: Slot
    due: Due | None
    """The mail to plan; None where it is left to the next."""


def plan_due(*, now: datetime) -> Planned:
    """Plan all mails that are due at `now`. Idempotent: a slot has one mail, whoever plans it."""
    done = Planned()
    # One frequency after the other: what a reader's daily mail brings, the weekly one of the same hour does not.
    for frequency in Frequency.values:
        while True:
            with transaction.atomic():
                count, step = _plan_some(frequency, now)
            done += step
            if count < AT_A_TIME:
                break
    return done


def _plan_some(frequency: str, now: datetime) -> tuple[int, Planned]:
    """Plan the longest due of a frequency; how many schedules there were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0, Planned()
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_WORK_MEM])
    schedules = _due_schedules(frequency, now)
    if not schedules:
        return 0, Planned()
    moves = _moves(schedules, now)
    due = [move.due for move in moves if move.due is not None]
    # After the rows are locked: what was planned for them before is committed, and what is released is seen below.
    upto = current_release()
    planned, skipped = store_choices(_with_overtaken(due), upto=upto, now=now) if due else (0, 0)
    _move_on(moves, upto=upto)
    return len(schedules), Planned(planned, skipped, len(moves) - len(due))


def _due_schedules(frequency: str, now: datetime) -> list[Schedule]:
    """The longest due, locked; one that its reader is changing at this moment is left to the next tick."""
    found = Schedule.objects.filter(next_due_at__lte=now, frequency=frequency).select_related("subscriber__user")
    locked = found.select_for_update(of=("self",), skip_locked=True, no_key=True)
    return list(locked.order_by("next_due_at", "pk")[:AT_A_TIME])


def _moves(schedules: Sequence[Schedule], now: datetime) -> list[_Move]:
    reasons = _skip_reasons(schedules)
    slots: dict[Any, tuple[Slot, Slot]] = {}  # most readers have the same hour as many others
    moves = []
    for schedule in schedules:
        rule = schedule.rule
        key = (rule, schedule.next_on)
        if key not in slots:
            slots[key] = _slots(schedule, now)
        slot, following = slots[key]
        is_left = is_too_late(rule, slot, now)
        due = None if is_left else due_of(schedule, slot, skip_reason=reasons.get(schedule.pk, ""))
        moves.append(_Move(schedule.pk, following, due))
    return moves


def _slots(schedule: Schedule, now: datetime) -> tuple[Slot, Slot]:
    """The slot that stands for all that are due, and the one after it."""
    assert schedule.next_on is not None  # noqa: S101  the constraint schedule_slot_whole
    assert schedule.next_due_at is not None  # noqa: S101
    slot = latest_slot(schedule.rule, first=Slot(schedule.next_on, schedule.next_due_at), now=now)
    return slot, next_slot(schedule.rule, after=now, last_on=slot.on)


def due_of(schedule: Schedule, slot: Slot, *, skip_reason: str = "") -> Due:
    """The mail of a schedule for a slot, to choose papers for. No queries."""
    top_from, top_before = period_for(schedule.rule, slot.on)
    return Due(
        schedule_id=schedule.pk,
        subscriber_id=schedule.subscriber_id,
        user_id=schedule.subscriber.user_id,
        period_on=slot.on,
        due_at=slot.due_at,
        since=schedule.last_release,
        floor=max(schedule.covers_from, slot.due_at - REACHES[schedule.frequency]),
        size=schedule.max_papers,
        top_from=top_from,
        top_before=top_before,
        skip_reason=skip_reason,
    )


_SUPPRESSED = "SELECT * FROM digests_suppression WHERE lower(address) = ANY(%s)"


def _skip_reasons(schedules: Sequence[Schedule]) -> dict[int, str]:
    """By schedule: why its reader may get no mail. One query."""
    addresses = {schedule.subscriber.email.lower() for schedule in schedules}
    found = Suppression.objects.raw(_SUPPRESSED, [list(addresses)])  # one value; ten thousand of them take a while
    suppressed = {one.address.lower(): one.get_reason_display() for one in found}
    reasons = {}
    for schedule in schedules:
        reader = schedule.subscriber
        if (why := suppressed.get(reader.email.lower())) is not None:
            reasons[schedule.pk] = f"no mail to this address: {why}"
        elif reader.user is not None and not reader.user.is_active:
            reasons[schedule.pk] = "the account is closed"
    return reasons


_OVERTAKE = """
    WITH overtaken AS (
        UPDATE digests_delivery SET state = %(superseded)s, reason = 'the next mail was due', owner = '', made_of = ''
        WHERE schedule_id = ANY(%(schedules)s) AND state = ANY(%(waiting)s)
        RETURNING schedule_id, from_release
    )
    SELECT schedule_id, min(from_release) FROM overtaken GROUP BY schedule_id
"""


def _with_overtaken(due: Collection[Due]) -> list[Due]:
    """What was not accepted until the next mail is due is given up, and its papers are chosen from once more."""
    parameters: dict[str, Any] = {
        "superseded": State.SUPERSEDED,
        "schedules": [one.schedule_id for one in due],
        "waiting": [str(state) for state in WAITING],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OVERTAKE, parameters)
        since = dict(cursor.fetchall())
    return [
        replace(one, since=min(one.since, since[one.schedule_id])) if one.schedule_id in since else one for one in due
    ]


_MOVE_ON = """
    UPDATE digests_schedule schedule SET next_on = moved.next_on, next_due_at = moved.next_due_at,
        last_on = coalesce(moved.last_on, schedule.last_on),
        last_release = CASE WHEN moved.last_on IS NULL THEN schedule.last_release ELSE %(upto)s END
    FROM unnest(%(schedules)s::bigint[], %(next_on)s::date[], %(next_due_at)s::timestamptz[], %(last_on)s::date[])
        AS moved (id, next_on, next_due_at, last_on)
    WHERE schedule.id = moved.id
"""


def _move_on(moves: Sequence[_Move], *, upto: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE_ON,
            {
                "schedules": [move.schedule_id for move in moves],
                "next_on": [move.next.on for move in moves],
                "next_due_at": [move.next.due_at for move in moves],
                "last_on": [move.due.period_on if move.due else None for move in moves],
                "upto": upto,
            },
        )
