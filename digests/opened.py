"""How many of the papers that mails brought their reader opened: by rows of what readers do here, never by the mail."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

OF_LAST = 20
"""Papers that are looked at."""
MAILS_READ = 20
"""Mails that these may be from."""
OPENED_BY = """(
        EXISTS (SELECT FROM papers_seenpaper seen WHERE seen.user_id = {user} AND seen.paper_id = {paper}
            AND seen.done_on IS NULL)
        OR EXISTS (SELECT FROM papers_vote vote WHERE vote.user_id = {user} AND vote.paper_id = {paper})
        OR EXISTS (SELECT FROM papers_libraryitem kept WHERE kept.user_id = {user} AND kept.paper_id = {paper})
        OR EXISTS (SELECT FROM papers_tag tag JOIN papers_taggedpaper tagged ON tagged.tag_id = tag.id
            WHERE tag.user_id = {user} AND tagged.paper_id = {paper})
    )"""
"""Whether a reader opened a paper, voted for it, kept it or tagged it. To be done with its day is not to open it."""

_OPENED = f"""
    WITH mailed AS (
        SELECT wanted.schedule_id, reader.user_id, coalesce(merged.kept_id, brought.paper_id) AS paper_id,
            row_number() OVER (PARTITION BY wanted.schedule_id ORDER BY mail.period_on DESC, brought.place) AS number
        FROM unnest(%(schedules)s::bigint[]) AS wanted (schedule_id)
        JOIN digests_schedule schedule ON schedule.id = wanted.schedule_id
        JOIN digests_subscriber reader ON reader.id = schedule.subscriber_id AND reader.user_id IS NOT NULL
        CROSS JOIN LATERAL (
            SELECT period_on, paper_ids, causes FROM digests_delivery
            WHERE schedule_id = wanted.schedule_id AND state = 'sent'
              AND (%(cause)s::text IS NULL OR EXISTS (SELECT FROM unnest(causes) AS said (causes)
                WHERE %(cause)s = ANY(string_to_array(said.causes, ','))))
            ORDER BY period_on DESC LIMIT %(mails)s) AS mail
        CROSS JOIN LATERAL unnest(mail.paper_ids, mail.causes) WITH ORDINALITY AS brought (paper_id, causes, place)
        LEFT JOIN digests_mergedpaper merged ON merged.gone_id = brought.paper_id
        WHERE %(cause)s::text IS NULL OR %(cause)s = ANY(string_to_array(brought.causes, ','))
    )
    SELECT schedule_id, count(*) FILTER (WHERE {OPENED_BY.format(user="mailed.user_id", paper="mailed.paper_id")}),
        count(*)
    FROM mailed WHERE number <= %(papers)s GROUP BY schedule_id
"""  # noqa: S608  joined from constants


class OpenedPapers(NamedTuple):
    """Of the last papers that came."""

    opened: int
    total: int


def opened_of_schedules(schedule_ids: Collection[int]) -> dict[int, OpenedPapers]:
    """By schedule of a reader with an account: of the last twenty papers mailed. One query, none for none."""
    return _read(schedule_ids, None) if schedule_ids else {}


def opened_of_subscription(*, schedule_id: int, subscription_id: int) -> OpenedPapers:
    """The same of the papers that one subscription brought. One query."""
    return _read([schedule_id], str(subscription_id)).get(schedule_id, OpenedPapers(0, 0))


def _read(schedule_ids: Collection[int], cause: str | None) -> dict[int, OpenedPapers]:
    asked = {"schedules": list(schedule_ids), "cause": cause, "papers": OF_LAST, "mails": MAILS_READ}
    with connection.cursor() as cursor:
        cursor.execute(_OPENED, asked)
        return {schedule: OpenedPapers(opened, total) for schedule, opened, total in cursor.fetchall()}
