"""Which days' lists a source that gives one list a day is asked for."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from papers.sources.arxiv import parse_date
from papers.sources.base import FetchContext

MAX_DAYS_BACK = 31
"""How far a fetch goes back on its own after a pause; `since` may go further."""


def days_to_ask(context: FetchContext, *, first_days: int, again_days: int) -> list[date]:
    """The days (UTC) from the first that is wanted to today, in order.

    Args:
        context: its `since` is obeyed; otherwise its cursor says through which day (`through`) all is known.
        first_days: so far back the first fetch goes.
        again_days: days before that one whose lists may still have changed.
    """
    today = context.now.astimezone(UTC).date()
    first = context.since
    if first is None:
        last = parse_date(context.cursor.get("through"))
        back = again_days + (today - last).days if last else first_days
        first = today - timedelta(days=min(max(back, again_days), MAX_DAYS_BACK))
    return [first + timedelta(days=number) for number in range((today - first).days + 1)]
