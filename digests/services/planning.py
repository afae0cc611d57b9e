"""Plans every mail that is due: up to AT_A_TIME schedules in one transaction, as many transactions as it takes.

One process plans at a time, under an advisory lock; a second one finds nothing to do. Killed at any point, what was
committed is planned once and for all, and the rest is still due.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from digests.content.keys import row_of_mail
from digests.models.delivery import WAITING_STATES, DeliveryState
from digests.models.mail_keys import KeyPurpose, derive_key, digest_of_key
from digests.schedule import (
    DAILY,
    FREQUENCIES,
    RULE_FIELDS,
    RecurrenceRule,
    Slot,
    is_too_late,
    latest_slot,
    next_slot,
    period_for,
)
from digests.selection.choose_papers import DigestBatch, store_deliveries
from digests.services.weekly_offer import offer_weekly
from papers.locks import AdvisoryLock, try_lock_transaction
from papers.services.ingest.releases import current_release

AT_A_TIME = 5_000
# Enough to sort the candidates of AT_A_TIME schedules without files.
_WORK_MEM = "64MB"


@dataclass(frozen=True, slots=True)
class PlanningResult:
    """What one run planned."""

    planned: int = 0
    skipped: int = 0
    """Nothing new for them, or nothing may be sent to them."""
    postponed: int = 0
    """So late that the next mail brings the papers."""

    def __add__(self, other: PlanningResult) -> PlanningResult:
        return PlanningResult(
            self.planned + other.planned, self.skipped + other.skipped, self.postponed + other.postponed
        )


@dataclass(frozen=True, slots=True)
class _Move:
    """Where schedules of the same hour stand, and where they stand afterwards."""

    schedules: Sequence[int]
    next: Slot
    batch: DigestBatch | None
    """The mails to plan; None where they are left to the next."""


def plan_due(*, now: datetime) -> PlanningResult:
    """Plan all mails that are due at `now`. Idempotent: a slot has one mail, however often it is planned."""
    done = PlanningResult()
    for frequency in FREQUENCIES:  # in this order
        while True:
            with transaction.atomic():
                count, step = _plan_some(frequency, now)
            done += step
            if count < AT_A_TIME:
                break
    return done


def _plan_some(frequency: str, now: datetime) -> tuple[int, PlanningResult]:
    """Plan the longest due of a frequency; how many schedules there were."""
    if not try_lock_transaction(AdvisoryLock.MAIL_PLANNING):
        return 0, PlanningResult()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_WORK_MEM])
    moves = _due_moves(frequency, now)
    batches = [move.batch for move in moves if move.batch is not None]
    # After the rows are locked: what was planned for them before is committed, and what is released is seen below.
    upto = current_release()
    planned = skipped = 0
    if batches:
        planned, skipped = store_deliveries(batches, overtaken=_overtake(batches), upto=upto, now=now)
        if frequency == DAILY.name and planned:
            offer_weekly(schedules=[pk for batch in batches for pk in batch.schedules], now=now)
    _move_on(moves, upto=upto)
    postponed = sum(len(move.schedules) for move in moves if move.batch is None)
    return sum(len(move.schedules) for move in moves), PlanningResult(planned, skipped, postponed)


_RULE_COLUMNS = ", ".join(RULE_FIELDS)
_DUE = f"""
    WITH due AS (
        SELECT * FROM digests_schedule WHERE next_due_at <= %(now)s AND frequency = %(frequency)s
        ORDER BY next_due_at, id LIMIT %(count)s FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT {_RULE_COLUMNS}, next_on, next_due_at, array_agg(due.id), array_agg(reader.key_nonce)
    FROM due JOIN digests_subscriber reader ON reader.id = due.subscriber_id
    GROUP BY {_RULE_COLUMNS}, next_on, next_due_at
"""  # noqa: S608  names of columns


def _due_moves(frequency: str, now: datetime) -> list[_Move]:
    """The longest due, locked; one that its reader is changing at this moment is left to the next minute.

    Most readers have the same hour as many others, so few moments are worked out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "frequency": frequency, "count": AT_A_TIME})
        rows = cursor.fetchall()
    moves = []
    for *rule_fields, on, due_at, schedules, nonces in rows:
        rule, first = RecurrenceRule(frequency, *rule_fields), Slot(on, due_at)
        slot = latest_slot(rule, first=first, now=now)
        following = next_slot(rule, after=now, last_on=slot.on)
        batch = None if is_too_late(rule, slot, now) else batch_for_slot(schedules, rule, slot)
        if batch is not None:
            batch = replace(batch, key_digests=_key_digests(schedules, nonces, slot.on))
        moves.append(_Move(schedules, following, batch))
    return moves


def _key_digests(schedules: Sequence[int], nonces: Sequence[UUID], on: date) -> list[bytes]:
    """Of the keys that these schedules' mails for a date will have: stored with the mails, so sending need not."""
    return [
        digest_of_key(derive_key(KeyPurpose.MAIL, row_of_mail(schedule, on), nonce=nonce))
        for schedule, nonce in zip(schedules, nonces, strict=True)
    ]


def batch_for_slot(schedules: Sequence[int], rule: RecurrenceRule, slot: Slot) -> DigestBatch:
    """The mails of schedules for a slot, to choose papers for. No queries."""
    top_from, top_before = period_for(rule, slot.on)
    return DigestBatch(
        schedules=schedules,
        period_on=slot.on,
        due_at=slot.due_at,
        floor=slot.due_at - FREQUENCIES[rule.frequency].max_look_back,
        top_from=top_from,
        top_before=top_before,
    )


_OVERTAKE = """
    WITH overtaken AS (
        UPDATE digests_delivery SET state = %(superseded)s, reason = 'the next mail was due', owner = '',
            content_spec = ''
        WHERE schedule_id = ANY(%(schedules)s) AND state = ANY(%(waiting)s)
        RETURNING schedule_id, from_release
    )
    SELECT schedule_id, min(from_release) FROM overtaken GROUP BY schedule_id
"""


def _overtake(batches: Collection[DigestBatch]) -> dict[int, int]:
    """What was not accepted until the next mail is due is given up, and its papers are chosen from once more.

    By schedule: the release behind which it began.
    """
    parameters: dict[str, Any] = {
        "superseded": DeliveryState.SUPERSEDED,
        "schedules": [pk for batch in batches for pk in batch.schedules],
        "waiting": [str(state) for state in WAITING_STATES],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OVERTAKE, parameters)
        return dict(cursor.fetchall())


_MOVE_ON = """
    UPDATE digests_schedule schedule SET next_on = move.next_on, next_due_at = move.next_due_at,
        last_on = coalesce(move.last_on, schedule.last_on),
        last_release = CASE WHEN move.last_on IS NULL THEN schedule.last_release ELSE %(upto)s END
    FROM unnest(%(schedules)s::bigint[], %(places)s::int[]) AS moved (id, place)
    JOIN unnest(%(next_on)s::date[], %(next_due_at)s::timestamptz[], %(last_on)s::date[]) WITH ORDINALITY
        AS move (next_on, next_due_at, last_on, place) ON move.place = moved.place
    WHERE schedule.id = moved.id
"""


def _move_on(moves: Sequence[_Move], *, upto: int) -> None:
    parameters: dict[str, Any] = {
        "schedules": [pk for move in moves for pk in move.schedules],
        "places": [place for place, move in enumerate(moves, 1) for _ in move.schedules],
        "next_on": [move.next.on for move in moves],
        "next_due_at": [move.next.due_at for move in moves],
        "last_on": [move.batch.period_on if move.batch else None for move in moves],
        "upto": upto,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, parameters)
