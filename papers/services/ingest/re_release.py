"""What is news to a reader's mail, and papers that become news a second time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from papers.services.ingest.releases import next_release

RELEASE_WINDOW = timedelta(days=30)
"""How far back a topic looks: a paper listed before that is no news to any."""

_LISTINGS_AGAIN = """
    UPDATE papers_listing SET release = %(release)s WHERE paper_id = ANY(%(papers)s) AND hidden_at IS NULL
"""
_MATCHES_AGAIN = """
    UPDATE {} found SET release = %(release)s, matched_at = %(now)s FROM papers_paper paper
    WHERE found.paper_id = ANY(%(papers)s) AND found.release > 0
      AND paper.id = found.paper_id AND paper.listed_at >= %(news)s
"""
_AGAIN = (
    _LISTINGS_AGAIN,
    _MATCHES_AGAIN.format("papers_topicmatch"),
    _MATCHES_AGAIN.format("papers_followedpaper"),
)


def re_release(paper_ids: Collection[int], *, now: datetime) -> None:
    """Make news of papers that no mail could bring for a while: they were hidden, off their day, or the sample's.

    A mail that went out meanwhile has passed their releases, and would never look back. Whoever got them before does
    not get them again. Inside a transaction that holds the papers' locks; three statements, none for no paper.
    """
    if not paper_ids:
        return
    asked: dict[str, Any] = {
        "papers": list(paper_ids),
        "release": next_release(),
        "now": now,
        "news": now - RELEASE_WINDOW,
    }
    with connection.cursor() as cursor:
        for statement in _AGAIN:
            cursor.execute(statement, asked)
