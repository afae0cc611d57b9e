"""Which papers a source puts on which day's edition.

`Source.lists` says nothing, everything or at most N a day; `list_categories` narrows it. A source with lists of its own
(arXiv's announcements, Hugging Face's days) says the day; for all others it is today, once for each paper.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from papers.catalogue.categories import expand_patterns
from papers.models import Listing, Source
from papers.services.ingest.counters import count_listings
from papers.services.ingest.releases import next_release

DAILY_KIND = "daily"
MOVING_KINDS = ("new", "cross", DAILY_KIND)
# Announced, but not listed: a new version of an old paper.
_REPLACEMENTS = ("replace", "replace-cross")
# What a source says of a paper once: that it is new, or on its daily list. A cross-list of a later day is news.
ONCE_KINDS = ("new", DAILY_KIND)
# A source without lists of its own brings old entries too, at its first fetch all it has. Those are not for today.
MAX_LISTING_AGE = timedelta(days=14)
FIRST_LIST = date(1991, 8, 14)
"""arXiv's first day."""
SAMPLE_KIND = "sample"
"""The kind of a listing that the sample catalogue made. A real listing takes its place."""

RECORDS_KIND = "records"
"""The kind of a listing by arXiv's records, on a day whose announcement was not read. An announcement has the last
word: it takes over such a listing, from whatever day."""


@dataclass(frozen=True, slots=True)
class ListingRule:
    """Which papers a source, a reader or a curator may put on a day, and in whose name."""

    source_id: int | None = None
    limit: int | None = None
    """How many papers of this source a day takes; None: all."""
    categories: tuple[str, ...] = ()
    """Only papers in one of these; empty: all."""
    by: Listing.By = Listing.By.SOURCE
    user_id: int | None = None
    """The reader who submitted it."""


@dataclass(frozen=True, slots=True)
class ListingEntry:
    """A paper that a source has for a day."""

    paper_id: int
    day: date
    kind: str = ""
    position: int = 0
    submitter: str = ""
    once: bool = False
    """Only if the source never listed it before, on whatever day."""


def listing_rule_of(source: Source) -> ListingRule | None:
    """The rule in a source's settings; None when it lists nothing. No queries."""
    if source.lists == Source.Lists.NOTHING:
        return None
    return ListingRule(
        source_id=source.pk,
        limit=source.list_limit if source.lists == Source.Lists.AT_MOST else None,
        categories=expand_patterns(source.list_categories),
    )


def is_possible_day(day: date, now: datetime) -> bool:
    """Whether a source may list something on a day: not before there were such lists, nor on a day that has not come
    anywhere yet."""
    return FIRST_LIST <= day <= now.astimezone(UTC).date() + timedelta(days=1)


def is_recent_enough(published_at: datetime | None, now: datetime) -> bool:
    """Whether an entry of a source without lists of its own may go on today's edition."""
    return published_at is None or published_at >= now - MAX_LISTING_AGE


def dedupe_entries(entries: Iterable[ListingEntry]) -> list[ListingEntry]:
    """One entry a paper and day, without replacements: new before cross-listed, then by position. A paper is new on the
    first of its days alone, and on the daily list of the last."""
    found: dict[tuple[date, int], ListingEntry] = {}
    said: dict[tuple[str, int], date] = {}
    for entry in sorted(entries, key=lambda entry: (entry.day, entry.kind == "cross", entry.position)):
        if entry.kind in _REPLACEMENTS:
            continue
        if entry.kind in ONCE_KINDS:
            before = said.setdefault((entry.kind, entry.paper_id), entry.day)
            if before < entry.day and entry.kind == DAILY_KIND:
                del found[before, entry.paper_id]
                said[entry.kind, entry.paper_id] = entry.day
            elif before < entry.day:
                continue
        found.setdefault((entry.day, entry.paper_id), entry)
    return list(found.values())


# Day and paper of those that fulfil the rule and are not listed yet, up to the limit of the day.
_SELECT_UNLISTED = """
    WITH asked AS (
        SELECT *, row_number() OVER (PARTITION BY day ORDER BY position, paper_id) AS place
        FROM unnest(%(days)s::date[], %(papers)s::bigint[], %(kinds)s::text[], %(positions)s::int[], %(once)s::bool[])
            AS asked (day, paper_id, kind, position, once)
        JOIN papers_paper paper ON paper.id = asked.paper_id
        WHERE (%(categories)s::text[] = '{}' OR paper.categories && %(categories)s::text[])
          AND NOT EXISTS (
            SELECT FROM papers_listing listed WHERE listed.paper_id = asked.paper_id
            AND (listed.kind <> %(sample)s OR %(is_sample)s)
            AND (listed.day = asked.day OR (listed.source_id = %(source)s AND (
                asked.once OR (listed.kind = asked.kind AND asked.kind = ANY(%(only_once)s))))))
    )
    SELECT day, paper_id FROM asked WHERE %(limit)s::int IS NULL OR place + (
        SELECT count(*) FROM papers_listing listed
        WHERE listed.day = asked.day AND listed.source_id = %(source)s) <= %(limit)s
"""


def select_unlisted(entries: Collection[ListingEntry], rule: ListingRule) -> list[ListingEntry]:
    """Those of `entries` (as `dedupe_entries` returns them) that are to be listed and are not yet. One query."""
    if not entries:
        return []
    by_key = {(entry.day, entry.paper_id): entry for entry in entries}
    with connection.cursor() as cursor:
        cursor.execute(
            _SELECT_UNLISTED,
            {
                "days": [entry.day for entry in entries],
                "papers": [entry.paper_id for entry in entries],
                "kinds": [entry.kind for entry in entries],
                "only_once": list(ONCE_KINDS),
                "positions": [entry.position for entry in entries],
                "once": [entry.once for entry in entries],
                "categories": list(rule.categories),
                "source": rule.source_id,
                "limit": rule.limit,
                "sample": SAMPLE_KIND,
                "is_sample": all(entry.kind == SAMPLE_KIND for entry in entries),
            },
        )
        return [by_key[day, paper_id] for day, paper_id in cursor.fetchall()]


def add_listings(entries: Collection[ListingEntry], rule: ListingRule, *, now: datetime) -> int:
    """Put papers on their days' editions, and return the number of those that were not there. Idempotent.

    The caller's transaction holds the locks of the papers, so that the votes copied here are those of its end.
    """
    _move_to_said_day([entry for entry in entries if entry.kind in MOVING_KINDS], rule)
    if not select_unlisted(entries, rule):
        return 0
    release = next_release()
    # Once more: who held the lock before may have listed some of them, or filled a day.
    chosen = select_unlisted(entries, rule)
    if chosen:
        _take_over(chosen)
        _insert(chosen, rule, release, now)
        _count(chosen)
    return len(chosen)


def _move_to_said_day(entries: Collection[ListingEntry], rule: ListingRule) -> None:
    """A paper stands on one day: what arXiv's records listed goes where the announcement has it, and what a site's
    daily lists had on an earlier day where they have it now."""
    if not entries:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH asked AS (
                SELECT * FROM unnest(%(days)s::date[], %(papers)s::bigint[], %(kinds)s::text[], %(positions)s::int[])
                    AS asked (day, paper_id, kind, position)
            ), old AS (
                SELECT listing.id, listing.day FROM papers_listing listing JOIN asked USING (paper_id)
                WHERE (listing.kind = %(records)s AND asked.kind <> %(daily)s) OR (
                    listing.kind = %(daily)s AND asked.kind = %(daily)s
                    AND listing.source_id = %(source)s AND listing.day < asked.day)
                FOR UPDATE OF listing
            ), gone AS (
                DELETE FROM papers_listing listing USING old, asked
                WHERE listing.id = old.id AND asked.paper_id = listing.paper_id AND asked.day <> listing.day
                    AND EXISTS (SELECT FROM papers_listing other
                        WHERE other.paper_id = listing.paper_id AND other.day = asked.day)
                RETURNING listing.id, listing.day
            ), moved AS (
                UPDATE papers_listing listing SET day = asked.day, kind = asked.kind, position = asked.position
                FROM old, asked WHERE listing.id = old.id AND asked.paper_id = listing.paper_id
                    AND NOT EXISTS (SELECT FROM papers_listing other WHERE other.paper_id = listing.paper_id
                        AND other.day = asked.day AND other.id <> listing.id)
                RETURNING old.day AS left_day, listing.day AS day
            )
            SELECT day FROM gone UNION SELECT left_day FROM moved UNION SELECT day FROM moved
            """,
            {
                "days": [entry.day for entry in entries],
                "papers": [entry.paper_id for entry in entries],
                "kinds": [entry.kind for entry in entries],
                "positions": [entry.position for entry in entries],
                **{"records": RECORDS_KIND, "daily": DAILY_KIND, "source": rule.source_id},
            },
        )
        days = sorted(day for (day,) in cursor.fetchall())
        if days:
            cursor.execute(
                "INSERT INTO papers_edition (day, note, listed_count, is_sample, missing, check_note) "
                "SELECT day, '', 0, false, '{}', '' FROM unnest(%s::date[]) AS new (day) ON CONFLICT DO NOTHING",
                [days],
            )
    count_listings(days)


def _take_over(entries: Collection[ListingEntry]) -> None:
    """Make room where the sample lists one of these papers on the same day."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (
                DELETE FROM papers_listing listing USING unnest(%s::date[], %s::bigint[]) AS asked (day, paper_id)
                WHERE listing.day = asked.day AND listing.paper_id = asked.paper_id AND listing.kind = %s
                RETURNING listing.day
            )
            UPDATE papers_edition edition SET listed_count = listed_count - counted.gone
            FROM (SELECT day, count(*) AS gone FROM gone GROUP BY day) counted WHERE edition.day = counted.day
            """,
            [[entry.day for entry in entries], [entry.paper_id for entry in entries], SAMPLE_KIND],
        )


def _insert(entries: Collection[ListingEntry], rule: ListingRule, release: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_listing
                (day, paper_id, by, source_id, user_id, kind, position, submitter, release, created_at, vote_count,
                source_votes)
            SELECT asked.day, paper.id, %s, %s, %s, asked.kind, asked.position, asked.submitter, %s, %s,
                paper.vote_count,
                coalesce((SELECT max(votes) FROM papers_paperexternalcounts WHERE paper_id = paper.id), 0)
            FROM unnest(%s::date[], %s::bigint[], %s::text[], %s::int[], %s::text[])
                AS asked (day, paper_id, kind, position, submitter)
            JOIN papers_paper paper ON paper.id = asked.paper_id
            """,
            [
                *(rule.by, rule.source_id, rule.user_id, release, now),
                [entry.day for entry in entries],
                [entry.paper_id for entry in entries],
                [entry.kind for entry in entries],
                [entry.position for entry in entries],
                [entry.submitter for entry in entries],
            ],
        )


def _count(entries: Iterable[ListingEntry]) -> None:
    """Keep the editions' counts. A day that a source lists on is no sample any more."""
    entries = list(entries)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_edition (day, note, listed_count, is_sample, missing, check_note)
            SELECT asked.day, '', count(*) FILTER (WHERE paper.hidden_at IS NULL), false, '{}', ''
            FROM unnest(%s::date[], %s::bigint[]) AS asked (day, paper_id)
            JOIN papers_paper paper ON paper.id = asked.paper_id
            GROUP BY asked.day ORDER BY asked.day
            ON CONFLICT (day) DO UPDATE
            SET listed_count = papers_edition.listed_count + excluded.listed_count, is_sample = false
            """,
            [[entry.day for entry in entries], [entry.paper_id for entry in entries]],
        )
