"""What a reader has seen: a paper opened, voted for, saved or disliked, and all of a day or list marked as done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone

from papers.models import SeenPaper, User

# A paper that is opened after its day was done with stays seen when that is undone.
_NOTE = """
    INSERT INTO papers_seenpaper AS known (user_id, paper_id, seen_at, done_on)
    SELECT %(user)s, paper.id, %(now)s, NULL FROM papers_paper paper WHERE paper.id = ANY(%(papers)s::bigint[])
    ORDER BY paper.id FOR KEY SHARE OF paper
    ON CONFLICT (user_id, paper_id) DO UPDATE SET done_on = NULL WHERE known.done_on IS NOT NULL
"""
_NOTE_DAYS = """
    INSERT INTO papers_seenpaper (user_id, paper_id, seen_at, done_on)
    SELECT %(user)s, listing.paper_id, %(now)s, min(listing.day)
    FROM papers_listing listing JOIN papers_paper paper ON paper.id = listing.paper_id
    WHERE listing.day BETWEEN %(first)s AND %(last)s AND listing.hidden_at IS NULL AND paper.hidden_at IS NULL
    GROUP BY listing.paper_id ORDER BY listing.paper_id
    ON CONFLICT DO NOTHING
"""


# In `done_on`, for a list that is not a day: only "Done" marked these as seen, but no day is done with.
DONE_WITH_LIST = date.min
_NOTE_LIST = """
    INSERT INTO papers_seenpaper (user_id, paper_id, seen_at, done_on)
    SELECT %(user)s, paper.id, %(now)s, %(done_on)s FROM papers_paper paper WHERE paper.id = ANY(%(papers)s::bigint[])
    ORDER BY paper.id FOR KEY SHARE OF paper
    ON CONFLICT DO NOTHING
"""


def mark_seen(*, user: User, paper_ids: Collection[int]) -> None:
    """Note that `user` has seen these papers, those that are still there. Idempotent; one statement."""
    with connection.cursor() as cursor:
        papers = sorted(set(paper_ids))
        cursor.execute(_NOTE, {"user": user.pk, "papers": papers, "now": timezone.now()})


def is_seen(*, user: User, paper_id: int) -> bool:
    """Whether `user` has seen the paper. One query."""
    return SeenPaper.objects.filter(user=user, paper=paper_id).exists()


def set_seen(*, user: User, paper_id: int, on: bool) -> None:
    """Mark a paper as seen, or as not seen after all, whatever had marked it. Idempotent; it says nothing of liking."""
    if on:
        mark_seen(user=user, paper_ids=[paper_id])
    else:
        SeenPaper.objects.filter(user=user, paper=paper_id).delete()


def set_day_done(*, user: User, day: date, on: bool) -> int:
    """Mark all papers of a day as seen, or undo that; returns how many papers changed. Idempotent.

    Undoing leaves papers seen that were opened, voted for or saved, too.
    """
    return set_days_done(user=user, first=day, last=day, on=on)


def set_days_done(*, user: User, first: date, last: date, on: bool) -> int:
    """The same for all days from `first` to `last`."""
    if not on:
        return SeenPaper.objects.filter(user=user, done_on__range=(first, last)).delete()[0]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NOTE_DAYS, {"user": user.pk, "first": first, "last": last, "now": timezone.now()})
        return int(cursor.rowcount)


def set_list_done(*, user: User, paper_ids: Collection[int], on: bool, now: datetime) -> int:
    """Mark these papers of a list as seen, or undo that; returns how many papers changed. Idempotent.

    Undoing leaves those seen that were opened, voted for or saved, and those of days that are done with.
    """
    papers = sorted(set(paper_ids))
    if not on:
        return SeenPaper.objects.filter(user=user, paper__in=papers, done_on=DONE_WITH_LIST).delete()[0]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_LIST, {"user": user.pk, "papers": papers, "now": now, "done_on": DONE_WITH_LIST})
        return int(cursor.rowcount)


def unmark_list_done(*, user: User, at: datetime) -> None:
    """Undo what `set_list_done` did at that time, whichever papers the list has now. Idempotent."""
    SeenPaper.objects.filter(user=user, done_on=DONE_WITH_LIST, seen_at=at).delete()
