"""Figures that Postgres has at the moment of the question: sources, days, mail, what waits, connections, workers.

State is read here and counted nowhere else, so it is right whatever was lost. No statement counts more than some
thousand rows, however many papers there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils.text import slugify

from config.monitoring.text_format import Family, gauge, sums_of
from digests.models.delivery import IN_HAND_STATES, WAITING_STATES
from digests.models.send_limits import ALL_MAIL
from papers import hooks
from papers.models import Edition, Heartbeat
from papers.services.embeddings.embedding_status import HEARTBEAT as EMBEDDER
from papers.services.embeddings.embedding_status import read_embedding_status
from papers.services.operations.backups import read_backups
from papers.services.operations.heartbeat import WORKERS
from papers.services.operations.queue_ages import counts_and_ages, waiting_around_papers
from papers.services.operations.status import SourceState, SourceStatus, source_states

DAYS = 7
MOST_SOURCES = 200
MOST_COUNTED = 10_000
_OPEN_STATES = [str(state) for state in (*WAITING_STATES, *IN_HAND_STATES)]
_DELIVERIES = """
    SELECT state, count(*), min(due_at)
    FROM (SELECT state, due_at FROM digests_delivery WHERE state = ANY(%s) LIMIT %s) AS found GROUP BY state
"""
# What is due and is not even planned counts, too; and mails of journal clubs, whose retries have other moments.
_LATE_SINCE = """
    SELECT least(
        (SELECT min(next_due_at) FROM digests_schedule),
        (SELECT min(planned_at) FROM digests_clubmail WHERE state IN ('waiting', 'leased', 'sending'))
    )
"""
_MAIL_DAYS = "SELECT day, sent, failed, skipped, ended FROM digests_mailday WHERE day >= %s"
_PAUSES = "SELECT name = %s FROM digests_sendingpause WHERE until IS NULL OR until > %s LIMIT 1000"
_CONNECTIONS = """
    SELECT coalesce(state, 'none'), count(*), max(extract(epoch FROM clock_timestamp() - xact_start))
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1
"""
_SERVER = """
    SELECT current_setting('max_connections')::int, pg_database_size(current_database()), greatest(reltuples, 0)
    FROM pg_class WHERE oid = 'papers_paper'::regclass
"""
_CONNECTION_STATES = {
    "active": "active",
    "idle": "idle",
    "idle in transaction": "idle_in_transaction",
    "idle in transaction (aborted)": "idle_in_transaction",
}


def database_families(*, now: datetime) -> Iterator[Family]:
    """All of it, in about twenty short statements.

    Raises:
        DatabaseError: Postgres does not answer, or not in time.
    """
    yield from _workers(now)
    yield from _sources(source_states(now=now)[:MOST_SOURCES], now)
    yield from _days(now)
    yield from _mail(now)
    yield from _queues(now)
    yield from _embeddings(now)
    yield from _backups(now)
    yield from _server()


def _workers(now: datetime) -> Iterator[Family]:
    family = gauge("broadsheet_heartbeat_age_seconds", "Since the workers, or the embedder, were alive.")
    seen = dict(Heartbeat.objects.filter(name__in=(WORKERS, EMBEDDER)).values_list("name", "at"))
    for name, at in sorted(seen.items()):
        family.add(max(0.0, (now - at).total_seconds()), part=name)
    yield family


def _sources(found: list[SourceStatus], now: datetime) -> Iterator[Family]:
    by_state = gauge("broadsheet_sources", "Sources that are on, by how they stand; unasked are those never fetched.")
    names = [state.value for state in SourceState if state is not SourceState.OFF]
    enabled = [one for one in found if one.source.is_enabled]
    counted = sums_of({}, [*names, "unasked"])
    for one in enabled:
        counted["unasked" if one.is_unasked else (one.trouble or one.state).value] += 1
    for state, count in counted.items():
        by_state.add(count, state=state)
    lag = gauge("broadsheet_source_lag_seconds", "Since a source that is on was last visited to a good end.")
    overdue = gauge("broadsheet_source_overdue_seconds", "By how much a source's next fetch is late.")
    failures = gauge("broadsheet_source_failures", "Fetches of a source that failed in a row.")
    for one in enabled:
        labels = {"source": str(one.source.pk), "kind": one.source.kind}
        if one.source.last_success_at:
            lag.add(max(0.0, (now - one.source.last_success_at).total_seconds()), **labels)
        late = (now - one.source.next_fetch_at).total_seconds() if one.source.next_fetch_at else 0.0
        overdue.add(max(0.0, late), **labels)
        failures.add(one.source.error_count, **labels)
    yield from (by_state, lag, overdue, failures)


def _days(now: datetime) -> Iterator[Family]:
    announced = gauge("broadsheet_day_announced_papers", "What arXiv announced on a day, as far as it was read.")
    stored = gauge("broadsheet_day_stored_papers", "How many of a day's announced papers are stored.")
    missing = gauge("broadsheet_day_missing_papers", "Announced papers of a day that are missing.")
    compared = gauge("broadsheet_day_compared", "Whether a day was compared with its announcement.")
    today = now.date()
    for edition in Edition.objects.filter(day__gt=today - timedelta(days=DAYS), day__lte=today, is_sample=False):
        label = str((today - edition.day).days)
        compared.add(edition.announced_count is not None, days_ago=label)
        missing.add(len(edition.missing), days_ago=label)
        if edition.announced_count is not None:
            announced.add(edition.announced_count, days_ago=label)
            stored.add(edition.stored_count or 0, days_ago=label)
    yield from (announced, stored, missing, compared)


def _mail(now: datetime) -> Iterator[Family]:
    waiting = gauge("broadsheet_deliveries", f"Mails under way, by state; counted up to {MOST_COUNTED}.")
    late = gauge("broadsheet_delivery_late_seconds", "By how much the longest waiting mail is late, planned or not.")
    ended = gauge("broadsheet_deliveries_ended", "How the mails meant for a day ended; counted every five minutes.")
    paused = gauge("broadsheet_mail_paused", "Whether all mail is stopped; and how many domains are.")
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERIES, [_OPEN_STATES, MOST_COUNTED])
        rows = cursor.fetchall()
        cursor.execute(_LATE_SINCE)
        moments = [cursor.fetchone()[0], *(due for state, _, due in rows if state in WAITING_STATES)]
        cursor.execute(_MAIL_DAYS, [now.date() - timedelta(days=1)])
        days = cursor.fetchall()
        cursor.execute(_PAUSES, [ALL_MAIL, now])
        pauses = [row[0] for row in cursor.fetchall()]
    for state, count in sums_of({row[0]: row[1] for row in rows}, _OPEN_STATES).items():
        waiting.add(count, state=state)
    late.add(max([0.0, *((now - moment).total_seconds() for moment in moments if moment)]))
    for day, *counts in days:
        if 0 <= (ago := (now.date() - day).days) <= 1:
            for outcome, count in zip(("sent", "given_up", "skipped", "cancelled"), counts, strict=True):
                ended.add(count, outcome=outcome, days_ago=str(ago))
    paused.add(any(pauses), scope="all")
    paused.add(pauses.count(False), scope="domains")
    yield from (waiting, late, ended, paused)


def _queues(now: datetime) -> Iterator[Family]:
    waiting = gauge("broadsheet_queue_waiting", "What waits in rows, by queue; counted up to a thousand.")
    age = gauge("broadsheet_queue_age_seconds", "How long the oldest in a queue has waited.")
    asked = waiting_around_papers(now=now)
    found = [(one.name, *seen) for one, seen in zip(asked, counts_and_ages(asked, now=now), strict=True)]
    found += [(one.name, one.waiting, one.oldest or timedelta()) for one in hooks.statistics_queues.all(now)]
    for name, count, oldest in found:
        label = slugify(name).replace("-", "_")  # names are words of the program
        waiting.add(count, queue=label)
        age.add(oldest.total_seconds(), queue=label)
    yield from (waiting, age)


def _embeddings(now: datetime) -> Iterator[Family]:
    found = read_embedding_status(now=now)
    yield gauge("broadsheet_embeddings_on", "Whether search by meaning is on.", found.is_on)
    yield gauge("broadsheet_embedding_backlog", f"Papers that wait for a vector; up to {MOST_COUNTED}.", found.waiting)
    yield gauge("broadsheet_embedded_papers", "Papers with a vector of the model in use.", found.embedded)
    yield gauge("broadsheet_embedding_failing", "Whether the model failed when last asked.", bool(found.last_error))


def _backups(now: datetime) -> Iterator[Family]:
    found = read_backups(now=now)
    yield gauge("broadsheet_backups_on", "Whether backups are made by themselves.", found.is_on)
    yield gauge("broadsheet_backup_failed", "Whether the last attempt at a backup failed.", bool(found.last_failed))
    good = found.last_good
    age = max(0.0, (now - good.started_at).total_seconds()) if good else None
    yield gauge("broadsheet_backup_age_seconds", "Since the last good backup was begun.", age)
    yield gauge("broadsheet_backup_bytes", "The size of the last good backup.", good.bytes if good else None)


def _server() -> Iterator[Family]:
    by_state = gauge("broadsheet_database_connections", "Connections to the database, by state.")
    longest = gauge("broadsheet_database_longest_transaction_seconds", "The oldest open transaction.")
    with connection.cursor() as cursor:
        cursor.execute(_CONNECTIONS)
        rows = cursor.fetchall()
        cursor.execute(_SERVER)
        most, size, papers = cursor.fetchone()
    counted = sums_of({}, ("active", "idle", "idle_in_transaction", "other"))
    for state, count, _ in rows:
        counted[_CONNECTION_STATES.get(state, "other")] += count
    for name, count in counted.items():
        by_state.add(count, state=name)
    longest.add(max([0.0, *(float(row[2]) for row in rows if row[2] is not None)]))
    yield from (by_state, longest)
    yield gauge("broadsheet_database_connections_max", "Connections that the server takes (max_connections).", most)
    yield gauge("broadsheet_database_bytes", "The size of the database.", size)
    yield gauge("broadsheet_papers", "Papers, as Postgres estimates it.", float(papers))
