"""The daily papers in the time of a mail: what it chose from, and what "and 23 more" counts and shows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol

from django.db import connection

from papers.services.editions.listing import SAMPLE_KIND

# As the selection reads them: a paper that was listed before was offered with that day.
_LISTED = """
    SELECT asked.place - 1, listed.paper_id
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS asked (since, upto, floor, place)
    CROSS JOIN LATERAL (
        SELECT listing.paper_id, max(listing.vote_count) AS votes, max(listing.source_votes) AS source_votes
        FROM papers_listing listing JOIN papers_paper paper ON paper.id = listing.paper_id
            AND paper.hidden_at IS NULL AND paper.withdrawn_at IS NULL AND NOT paper.is_sample
        WHERE listing.release > asked.since AND listing.release <= asked.upto AND listing.hidden_at IS NULL
          AND (asked.floor IS NULL OR listing.created_at >= asked.floor)
          AND NOT EXISTS (
            SELECT FROM papers_listing before
            WHERE before.paper_id = listing.paper_id AND before.release <= asked.since AND before.hidden_at IS NULL
            AND before.kind <> %s)
        GROUP BY listing.paper_id
    ) AS listed
    ORDER BY asked.place, listed.votes DESC, listed.source_votes DESC, listed.paper_id DESC
"""


class ReleaseWindow(NamedTuple):
    """The releases that a mail covers, and nothing older than `floor`; None in mails of an older version."""

    since: int
    upto: int
    floor: datetime | None


class _Mail(Protocol):
    @property
    def from_release(self) -> int: ...

    @property
    def to_release(self) -> int: ...

    @property
    def floor(self) -> datetime | None: ...


def window_of(mail: _Mail) -> ReleaseWindow:
    return ReleaseWindow(mail.from_release, mail.to_release, mail.floor)


def daily_papers_in(windows: Collection[ReleaseWindow]) -> dict[ReleaseWindow, list[int]]:
    """By window: the papers that the daily pages had in it, in their order. One query; none for none."""
    asked = list(dict.fromkeys(windows))
    found: dict[ReleaseWindow, list[int]] = {window: [] for window in asked}
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(_LISTED, [*map(list, zip(*asked, strict=True)), SAMPLE_KIND])
            for place, paper_id in cursor.fetchall():
                found[asked[place]].append(paper_id)
    return found
