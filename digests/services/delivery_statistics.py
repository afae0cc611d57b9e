"""How the mails of each day ended: counted now and then, shown on the statistics page."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection, transaction

from digests.models import Delivery, MailDay
from digests.models.delivery import WAITING_STATES
from papers.locks import AdvisoryLock, lock_transaction
from papers.ranking.charts import BarChart, BarRow, QueueChart, Series
from papers.services.operations.queue_ages import queue_age
from papers.services.operations.statistics_page import day_label, days_shown

RECENT_SPAN = timedelta(days=3)
"""Mails of these days still move; older ones hardly, so those are counted anew once a night."""
RECOUNT_SPAN = timedelta(days=45)
"""Longer than a monthly mail may wait."""

_SERIES = (
    Series("stored", "sent"),
    Series("lesser", "skipped: nothing to send"),
    Series("unknown", "cancelled or overtaken"),
    Series("missing", "failed"),
    Series("open", "waiting"),
)
# What was planned a day before may be meant for the first day that is counted. Days that lost their last mail go.
_COUNT = """
    WITH counted AS (
        SELECT period_on,
            count(*) FILTER (WHERE state = 'sent') AS sent,
            count(*) FILTER (WHERE state = 'skipped') AS skipped,
            count(*) FILTER (WHERE state IN ('failed', 'unknown')) AS failed,
            count(*) FILTER (WHERE state IN ('cancelled', 'superseded')) AS ended,
            count(*) FILTER (WHERE state IN ('planned', 'leased', 'sending', 'retry')) AS waiting
        FROM digests_delivery
        WHERE planned_at >= %(since)s::date - 2 AND period_on >= %(since)s::date
        GROUP BY period_on
    ), gone AS (
        DELETE FROM digests_mailday WHERE day >= %(since)s::date AND day NOT IN (SELECT period_on FROM counted)
    )
    INSERT INTO digests_mailday (day, sent, skipped, failed, ended, waiting, counted_at)
    SELECT period_on, sent, skipped, failed, ended, waiting, %(now)s FROM counted
    ON CONFLICT (day) DO UPDATE SET sent = excluded.sent, skipped = excluded.skipped, failed = excluded.failed,
        ended = excluded.ended, waiting = excluded.waiting, counted_at = excluded.counted_at
"""


def count_days(*, now: datetime, span: timedelta = RECENT_SPAN) -> None:
    """Count the mails of the days since `now - span`. Idempotent; two at once wait for each other."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_transaction(AdvisoryLock.MAIL_COUNTS)
        cursor.execute(_COUNT, {"now": now, "since": (now - span).date()})


def mail_queues(now: datetime) -> list[QueueChart]:
    """Mail that could leave and has not. One query along the index of the senders."""
    ready = Delivery.objects.filter(state__in=WAITING_STATES, not_before__lte=now)
    return [queue_age("Mail", ready, "not_before", now=now)]


def mail_charts(last: date) -> list[BarChart]:
    """How the mails of a month ended. One query."""
    days = days_shown(last)
    found = {row.day: row for row in MailDay.objects.filter(day__range=(days[0], last))}
    rows = tuple(BarRow(day_label(day), _values(found.get(day))) for day in days)
    text = "By the day that they were meant for; counted every few minutes."
    return [BarChart(title="Mail", first="Day", series=_SERIES, rows=rows, text=text)]


def _values(row: MailDay | None) -> tuple[int, ...]:
    return (row.sent, row.skipped, row.ended, row.failed, row.waiting) if row else (0, 0, 0, 0, 0)
