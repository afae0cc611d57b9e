"""Days whose announcement was not read, filled from arXiv's records: every announcement day has an edition and a row.

Feeds hold one day; what was missed in them is gone. arXiv's records stay, and tell the day under which a paper was most
likely announced (`sources.arxiv_schedule.announcement_day`). Such a day says that it was not read: records are no list
that anything could be compared with. A feed that is read later has the last word.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min

from papers.models import AnnouncedList, Edition, FetchRun, Source
from papers.services.editions.listing import RECORDS_KIND, SAMPLE_KIND, ListingEntry, add_listings, listing_rule_of
from papers.services.fetching.completeness import check_day, unread_categories
from papers.services.ingest.announcements import LIKELY_DAYS_KEPT
from papers.sources.arxiv_schedule import eastern_day, has_feed, is_overdue, last_sure_day, may_be_quiet


def fill_unread_days(now: datetime) -> int:
    """List what arXiv's records tell of days whose feeds were not read in time, write down how these days stand, and
    return how many papers were listed. Idempotent.

    The first of these days is that on which the site began, or the last announced one before.
    """
    first = _first_day()
    if first is None:
        return 0
    today = eastern_day(now)
    first = max(first, today - LIKELY_DAYS_KEPT)
    days = [first + timedelta(days=back) for back in range((today - first).days + 1)]
    return sum(_fill(day, now) for day in days if has_feed(day) and is_overdue(day, now))


def _first_day() -> date | None:
    """The day on which announcements were first asked for, where they were read, else the last one before that was
    surely announced; None where they are not asked for."""
    began = Source.objects.announcing().aggregate(made=Min("created_at"), fetched=Min("runs__started_at"))
    moments = [moment for moment in began.values() if moment is not None]
    if not moments:
        return None
    day = eastern_day(min(moments))
    return day if AnnouncedList.objects.filter(day=day, is_whole=True).exists() else last_sure_day(day)


def _fill(day: date, now: datetime) -> int:
    unread = unread_categories(day)
    if not unread:
        return 0
    with transaction.atomic():
        entries = _entries(day, unread)
        rules = [listing_rule_of(source) for source in Source.objects.announcing()]
        listed = sum(add_listings(entries, rule, now=now) for rule in rules if rule is not None) if entries else 0
        recorded = _recorded_count(day, unread)
        edition = Edition.objects.filter(day=day).first()
        if not recorded and edition is None and (_may_be_empty(day, now) or not _is_anybody_asked()):
            return 0
        if edition is None or edition.recorded_count != recorded or listed:
            Edition.objects.update_or_create(day=day, defaults={"recorded_count": recorded})
            check_day(day, now)
    return listed


def _may_be_empty(day: date, now: datetime) -> bool:
    """Whether a day of which nothing is known needs no row: it may be one of arXiv's holidays, or what is announced
    today may still come, as long as arXiv answers."""
    is_failing = Source.objects.announcing().filter(error_count__gt=0).exists()
    return may_be_quiet(day) or (day == eastern_day(now) and not is_failing)


def _is_anybody_asked() -> bool:
    """Whether arXiv was ever asked for its announcements, whatever came. Before that an empty day says nothing."""
    unknown = (FetchRun.State.RUNNING, FetchRun.State.ABANDONED)
    return FetchRun.objects.filter(source__in=Source.objects.announcing()).exclude(state__in=unknown).exists()


_OF_DAY = """
    FROM papers_recordedannouncement recorded
    JOIN papers_identifier known ON known.scheme = 'arxiv' AND known.value = recorded.arxiv_id
    JOIN papers_paper paper ON paper.id = known.paper_id
    WHERE recorded.day = %(day)s AND paper.categories && %(categories)s::text[]
        AND NOT EXISTS (SELECT FROM papers_announcement said WHERE said.arxiv_id = recorded.arxiv_id)
"""


def _entries(day: date, categories: Collection[str]) -> list[ListingEntry]:
    """Papers of the day that no announcement named and that arXiv's sources list nowhere, in the order of their ids.
    They are locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT paper.id, recorded.arxiv_id {_OF_DAY} AND NOT EXISTS (
                SELECT FROM papers_listing listed WHERE listed.paper_id = paper.id AND listed.kind <> %(sample)s
                    AND (listed.day = recorded.day OR listed.kind = ANY(%(kinds)s)))
            ORDER BY paper.id FOR NO KEY UPDATE OF paper
            """,  # noqa: S608
            {"day": day, "categories": sorted(categories), "kinds": [RECORDS_KIND, "new"], "sample": SAMPLE_KIND},
        )
        found = sorted(cursor.fetchall(), key=lambda row: row[1])
    return [
        ListingEntry(paper_id, day, RECORDS_KIND, position) for position, (paper_id, _) in enumerate(found, start=1)
    ]


def _recorded_count(day: date, categories: Collection[str]) -> int:
    """How many stored papers arXiv's records put on a day, of those that no announcement named."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*)" + _OF_DAY, {"day": day, "categories": sorted(categories)})
        return int(cursor.fetchone()[0])
