"""The daily papers in the time of a mail: what it chose from, and what "and 23 more" counts and shows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol

from django.db import connection

from papers.services.editions.listing import SAMPLE_KIND
from papers.services.ingest.releases import RELEASE_WINDOW

MAILABLE = "paper.hidden_at IS NULL AND paper.withdrawn_at IS NULL AND NOT paper.is_sample"
"""Of a row of `papers_paper` called `paper`: whether it may be in a mail."""

# A day that is filled in after its papers were announced is still news; what is imported from the past is not.
_OLDEST_DAY = f"(windows.floor AT TIME ZONE 'UTC')::date - {RELEASE_WINDOW.days}"

DAILY_PAPERS = f"""
    SELECT *, row_number() OVER (PARTITION BY since, upto, floor
            ORDER BY votes DESC, source_votes DESC, paper_id DESC) AS position,
        count(*) OVER (PARTITION BY since, upto, floor) AS edition_count
    FROM (
        SELECT windows.since, windows.upto, windows.floor, listing.paper_id, max(listing.vote_count) AS votes,
            max(listing.source_votes) AS source_votes
        FROM windows
        JOIN papers_listing listing ON listing.release > windows.since AND listing.release <= windows.upto
            AND listing.created_at >= windows.floor AND listing.day >= {_OLDEST_DAY} AND listing.hidden_at IS NULL
        JOIN papers_paper paper ON paper.id = listing.paper_id AND {MAILABLE}
        WHERE NOT EXISTS (
            SELECT FROM papers_listing before WHERE before.paper_id = listing.paper_id
            AND before.release <= windows.since AND before.hidden_at IS NULL AND before.kind <> %(sample)s)
        GROUP BY windows.since, windows.upto, windows.floor, listing.paper_id
    ) listed
"""  # noqa: S608  joined from constants
"""For each row of `windows` (since, upto, floor) the papers that the daily pages had in it, with their places from 1
and how many there are. Parameter `sample`: SAMPLE_KIND.

A paper that was listed before was offered with that day; not where it was taken off it, or by the sample. What is put
on a day more than `RELEASE_WINDOW` before the window is the past, and in no mail.
"""

_IN_WINDOWS = f"""
    WITH windows AS MATERIALIZED (
        SELECT DISTINCT since, upto, floor
        FROM unnest(%(since)s::bigint[], %(upto)s::bigint[], %(floor)s::timestamptz[]) AS wanted (since, upto, floor)
    )
    SELECT since, upto, floor, paper_id FROM ({DAILY_PAPERS}) daily ORDER BY since, upto, floor, position
"""  # noqa: S608  joined from constants of this module


class ReleaseWindow(NamedTuple):
    """The releases that a mail covers: behind `since`, up to `upto`, and nothing older than `floor` (UTC)."""

    since: int
    upto: int
    floor: datetime


class _Mail(Protocol):
    @property
    def from_release(self) -> int: ...

    @property
    def to_release(self) -> int: ...

    @property
    def floor(self) -> datetime: ...


def window_of(mail: _Mail) -> ReleaseWindow:
    """The releases that a mail covers."""
    return ReleaseWindow(mail.from_release, mail.to_release, mail.floor)


def daily_papers_in(windows: Collection[ReleaseWindow]) -> dict[ReleaseWindow, list[int]]:
    """By window: the papers that the daily pages had in it, in their order. One query; none for none."""
    found: dict[ReleaseWindow, list[int]] = {window: [] for window in windows}
    if found:
        since, upto, floor = map(list, zip(*found, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(_IN_WINDOWS, {"since": since, "upto": upto, "floor": floor, "sample": SAMPLE_KIND})
            for *window, paper_id in cursor.fetchall():
                found[ReleaseWindow(*window)].append(paper_id)
    return found
