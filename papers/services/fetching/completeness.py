"""Is a day complete: what arXiv's feeds announced, compared id by id with what is stored.

The two sides never meet before: announced ids come from the feeds alone, stored ones from the identifiers of papers.
A day is only known to be complete when every category that the group reads was covered by a feed that came whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from papers.catalogue.categories import category, expand_patterns
from papers.models import AnnouncedList, Announcement, Edition, Source, SourceDay
from papers.services.editions.listing import (
    RECORDS_KIND,
    ListingEntry,
    add_listings,
    dedupe_entries,
    listing_rule_of,
)
from papers.services.ingest.counters import count_listings

ANNOUNCEMENTS_KEPT = timedelta(days=120)
"""After that announced ids are deleted; the counts of their days stay."""
MAX_MISSING_SHOWN = 100
"""How many of the missing ids a day's page names; the count says how many more there are."""


@dataclass(frozen=True, slots=True)
class DayCheck:
    """How a day stands. `announced` is None where it is unknown how many papers there should be."""

    day: date
    announced: int | None
    stored: int
    missing: tuple[str, ...]
    """Announced and not stored, also where the whole count is unknown."""
    note: str
    """Why the count is unknown, in a reader's words."""
    listed: int = 0
    """Papers this check put on the edition: announced, and stored later by another way."""

    @property
    def is_complete(self) -> bool | None:
        return None if self.announced is None else not self.missing


def check_day(day: date, now: datetime) -> DayCheck:
    """Compare a day's announced ids with the stored ones, put announced papers that came late on its edition, and
    write the outcome beside it. A day whose ids are not kept any more stays as it was found then."""
    with transaction.atomic():
        announced, missing = _compare(day)
        note = _doubt(day)
        if not note:
            _settle_recorded(day)
        if announced == 0 and not AnnouncedList.objects.filter(day=day).exists():
            return _as_it_was(day, note)
        listed = _list_late_papers(day, now)
        check = DayCheck(
            day=day,
            announced=None if note else announced,
            stored=announced - len(missing),
            missing=missing,
            note=note,
            listed=listed,
        )
        Edition.objects.update_or_create(
            day=day,
            defaults={
                "announced_count": check.announced,
                "stored_count": check.stored,
                "missing": list(missing[:MAX_MISSING_SHOWN]),
                "checked_at": now,
                "check_note": note,
            },
        )
    return check


def record_list_counts(source: Source, counts_by_day: Mapping[date, Counter[str]], *, now: datetime) -> None:
    """Write down how much of a source's own lists of these days is stored. Idempotent.

    Args:
        counts_by_day: `record_count` and `stored` of each list.
    """
    rows = [
        SourceDay(source=source, day=day, record_count=counts["record_count"], stored=counts["stored"], read_at=now)
        for day, counts in counts_by_day.items()
    ]
    SourceDay.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["source", "day"],
        update_fields=["record_count", "stored", "read_at"],
    )


def missing_arxiv_ids(since: date) -> list[str]:
    """Ids announced from `since` on that are not stored, each once, the newest day first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT arxiv_id FROM papers_announcement said
            WHERE day >= %s AND NOT EXISTS (
                SELECT FROM papers_identifier known WHERE known.scheme = 'arxiv' AND known.value = said.arxiv_id)
            GROUP BY arxiv_id ORDER BY max(day) DESC, arxiv_id
            """,
            [since],
        )
        return [row[0] for row in cursor.fetchall()]


def days_with_gaps(now: datetime) -> list[Edition]:
    """Days of the time for which ids are kept that miss papers, newest first. One query."""
    return list(Edition.objects.filter(day__gt=(now - ANNOUNCEMENTS_KEPT).date()).exclude(missing=[]).order_by("-day"))


def delete_expired_announcements(now: datetime) -> int:
    """Delete the announced ids of old days whose counts are kept, and return how many were deleted. Idempotent."""
    checked = Edition.objects.filter(checked_at__isnull=False, day__lt=(now - ANNOUNCEMENTS_KEPT).date()).values("day")
    with transaction.atomic():
        AnnouncedList.objects.filter(day__in=checked).delete()
        deleted, _ = Announcement.objects.filter(day__in=checked).delete()
    return deleted


def _compare(day: date) -> tuple[int, tuple[str, ...]]:
    """How many ids were announced on a day, and which of them are not stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT said.arxiv_id, known.id IS NULL FROM papers_announcement said
            LEFT JOIN papers_identifier known ON known.scheme = 'arxiv' AND known.value = said.arxiv_id
            WHERE said.day = %s ORDER BY said.arxiv_id
            """,
            [day],
        )
        rows = cursor.fetchall()
    return len(rows), tuple(arxiv_id for arxiv_id, is_missing in rows if is_missing)


def unread_categories(day: date) -> set[str]:
    """The categories whose list of the day was asked for and did not come whole; all, where none was read. A category
    that was chosen later is none of them. Two queries."""
    lists = list(AnnouncedList.objects.filter(day=day))
    asked, whole = _parts(lists), _parts(announced for announced in lists if announced.is_whole)
    followed = _categories_of_feeds()
    return {code for code in followed if not lists or (_is_covered(code, asked) and not _is_covered(code, whole))}


def _parts(lists: Iterable[AnnouncedList]) -> set[str]:
    return {part.lower() for announced in lists for part in announced.query.split("+")}


def _doubt(day: date) -> str:
    """Why the announced ids may not be all there were, and what arXiv's records gave instead; empty where they are."""
    lists = list(AnnouncedList.objects.filter(day=day))
    recorded = Edition.objects.filter(day=day).values_list("recorded_count", flat=True).first() or 0
    stored = f"stored {recorded:,} by arXiv's records; the announcement itself was not read" if recorded else ""
    if not lists:
        return stored or "No list of what arXiv announced was read for this day."
    doubt = _doubt_of_lists(lists)
    return f"{doubt} Of it: {stored}." if doubt and stored else doubt


def _doubt_of_lists(lists: Collection[AnnouncedList]) -> str:
    for announced in lists:
        if not announced.is_whole:
            return announced.note or f"arXiv's list of {announced.query} did not come whole."
    read = _parts(lists)
    unread = sorted(code for code in _categories_of_feeds() if not _is_covered(code, read))
    return f"arXiv's list of {', '.join(unread)} was not read for this day." if unread else ""


def _settle_recorded(day: date) -> None:
    """The day's announcement was read after all: what records put there and it did not name is taken off."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM papers_listing listed WHERE listed.day = %(day)s AND listed.kind = %(kind)s AND NOT EXISTS (
                SELECT FROM papers_identifier known JOIN papers_announcement said ON said.arxiv_id = known.value
                WHERE known.scheme = 'arxiv' AND known.paper_id = listed.paper_id AND said.day = listed.day)
            """,
            {"day": day, "kind": RECORDS_KIND},
        )
        is_changed = cursor.rowcount > 0
        cursor.execute(
            """
            UPDATE papers_listing listed SET kind = said.kind
            FROM papers_identifier known JOIN papers_announcement said ON said.arxiv_id = known.value
            WHERE known.scheme = 'arxiv' AND known.paper_id = listed.paper_id AND said.day = listed.day
                AND listed.day = %(day)s AND listed.kind = %(kind)s
            """,
            {"day": day, "kind": RECORDS_KIND},
        )
    Edition.objects.filter(day=day, recorded_count__isnull=False).update(recorded_count=None)
    if is_changed:
        count_listings([day])


def _categories_of_feeds() -> set[str]:
    """The categories for which arXiv's feeds are read."""
    found = Source.objects.announcing().values_list("categories", flat=True)
    codes = {code for patterns in found for code in expand_patterns(patterns)}
    return {code for code in codes if (known := category(code)) and known.is_active}


def _is_covered(code: str, read: Iterable[str]) -> bool:
    """Whether a list of the category itself, or of its whole archive, was read."""
    return code.lower() in read or code.partition(".")[0].lower() in read


def _as_it_was(day: date, note: str) -> DayCheck:
    edition = Edition.objects.filter(day=day).first()
    if edition is None or edition.checked_at is None:
        Edition.objects.filter(day=day).update(check_note=note)
        return DayCheck(day=day, announced=None, stored=0, missing=(), note=note)
    return DayCheck(
        day=day,
        announced=edition.announced_count,
        stored=edition.stored_count or 0,
        missing=tuple(edition.missing),
        note=edition.check_note,
    )


def _list_late_papers(day: date, now: datetime) -> int:
    """Put announced papers on their day's edition that were not stored by the feed that announced them."""
    entries = _late_entries(day)
    rules = [listing_rule_of(source) for source in Source.objects.announcing()]
    return sum(add_listings(entries, rule, now=now) for rule in rules if rule is not None) if entries else 0


def _late_entries(day: date) -> list[ListingEntry]:
    """Announced on the day, stored, and not listed; their places are behind all others. The papers are locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT paper.id, said.kind, (SELECT coalesce(max(position), 0) FROM papers_listing WHERE day = %(day)s)
            FROM papers_announcement said
            JOIN papers_identifier known ON known.scheme = 'arxiv' AND known.value = said.arxiv_id
            JOIN papers_paper paper ON paper.id = known.paper_id
            WHERE said.day = %(day)s AND NOT EXISTS (
                SELECT FROM papers_listing listed WHERE listed.day = said.day AND listed.paper_id = paper.id)
            ORDER BY paper.id FOR NO KEY UPDATE OF paper
            """,
            {"day": day},
        )
        rows = cursor.fetchall()
    return dedupe_entries(
        ListingEntry(paper_id, day, kind, last + place) for place, (paper_id, kind, last) in enumerate(rows, start=1)
    )
