"""Offering a daily mail weekly to a reader who opened none of it for three weeks; and doing it, once that is asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from digests.models import Subscriber
from digests.models.delivery import OFFERED_STATES
from digests.opened import OPENED_BY
from digests.schedule import DAILY, WEEKLY
from digests.services.preferences import read_choice, read_subjects, save_preferences

UNREAD_FOR = timedelta(weeks=3)
OFFERED_AGAIN_AFTER = timedelta(days=92)
FEWEST_MAILS = 5
"""Fewer mails in three weeks say nothing."""

# Only readers with an account leave rows of what they read; of others nothing is known, and nothing is offered.
_OFFER = f"""
    UPDATE digests_delivery mail SET offers_weekly = true
    FROM digests_subscriber reader JOIN papers_user person ON person.id = reader.user_id
    WHERE mail.schedule_id = ANY(%(schedules)s) AND mail.planned_at = %(now)s AND mail.state = 'planned'
      AND reader.id = mail.subscriber_id
      AND greatest(person.visited_at, person.last_login, person.date_joined) < %(since)s
      AND %(fewest)s <= (SELECT count(*) FROM digests_delivery earlier
        WHERE earlier.schedule_id = mail.schedule_id AND earlier.state = 'sent' AND earlier.sent_at >= %(since)s)
      AND EXISTS (SELECT FROM digests_delivery earlier WHERE earlier.schedule_id = mail.schedule_id
        AND earlier.state = 'sent' AND earlier.sent_at < %(since)s)
      AND NOT EXISTS (SELECT FROM digests_delivery earlier WHERE earlier.schedule_id = mail.schedule_id
        AND earlier.offers_weekly AND earlier.planned_at >= %(offered_from)s AND earlier.state = ANY(%(offered)s))
      AND NOT EXISTS (
        SELECT FROM digests_delivery earlier CROSS JOIN LATERAL unnest(earlier.paper_ids) AS brought (paper_id)
        LEFT JOIN digests_mergedpaper merged ON merged.gone_id = brought.paper_id
        CROSS JOIN LATERAL (SELECT coalesce(merged.kept_id, brought.paper_id) AS paper_id) AS now_is
        WHERE earlier.schedule_id = mail.schedule_id AND earlier.state = 'sent' AND earlier.sent_at >= %(since)s
          AND {OPENED_BY.format(user="reader.user_id", paper="now_is.paper_id")})
"""  # noqa: S608  joined from constants


def offer_weekly(*, schedules: Collection[int], now: datetime) -> int:
    """Have mails of these daily schedules that were planned at `now` offer to come weekly, where their readers opened
    nothing for three weeks and did not come by; how many. In the transaction that planned them. One statement.
    """
    asked: dict[str, Any] = {
        "schedules": list(schedules),
        "now": now,
        "since": now - UNREAD_FOR,
        "offered_from": now - OFFERED_AGAIN_AFTER,
        "offered": [str(state) for state in OFFERED_STATES],
        "fewest": FEWEST_MAILS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OFFER, asked)
        return int(cursor.rowcount)


def comes_daily(subscriber: Subscriber) -> bool:
    """Whether there is a daily mail to come weekly. One query."""
    return subscriber.schedules.filter(frequency=DAILY.name, ended_at=None).exists()


def make_weekly(*, subscriber: Subscriber, now: datetime) -> str:
    """Have all that comes daily come weekly. Returns the token that undoes it, for `restore_choice`. Idempotent."""
    with transaction.atomic():
        undo, chosen = read_choice(subscriber), read_subjects(subscriber)
        kinds, topics, lists = dict(chosen.kinds), dict(chosen.topics), dict(chosen.lists)
        for found in (kinds, topics, lists):
            daily = found.pop(DAILY.name, [])
            found[WEEKLY.name] = list(dict.fromkeys([*found.get(WEEKLY.name, []), *daily]))
        save_preferences(subscriber=subscriber, kinds=kinds, topics=topics, lists=lists, when={}, now=now)
    return undo
